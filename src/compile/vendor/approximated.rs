//! Coordinates that a vendor can fill only nearly, as its file says.

use super::Vendor;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};

impl Vendor<'_, '_> {
    /// Each must be a coordinate of the role that this file fills.
    pub(super) fn check_approximated(&mut self) {
        for entry in self.node.get("approximated").map(Node::entries).unwrap_or_default() {
            if let Some(problem) = self.not_approximated(entry) {
                self.problem(problem);
            }
        }
    }

    fn not_approximated(&self, entry: &Entry) -> Option<Diagnostic> {
        let role = self.cx.role(self.role);
        let name =
            |one: super::super::contract::Coordinate| &*self.cx.field(one.ty, one.field).coordinate;
        let Some(one) = role.coordinates().find(|one| name(*one) == &*entry.key) else {
            let (ty, field) = entry.key.split_once('.').unwrap_or((&entry.key, ""));
            if self.cx.sdl.is_doubtful(ty) || self.cx.sdl.is_doubtful_field(ty, field) {
                return None;
            }
            let known = role.coordinates().map(name);
            return Some(
                Diagnostic::error(
                    Code::NotInContract,
                    format!("`{}` does not belong to the role `{}`", entry.key, role.name),
                )
                .at(entry.key_span, "not in the role's contract")
                .suggest(&entry.key, known),
            );
        };
        (!self.out.mapped.contains(&(one.ty, one.field))).then(|| {
            Diagnostic::error(
                Code::NotCovered,
                format!("`{}` is approximated and not mapped", entry.key),
            )
            .at(entry.key_span, "nothing in this file fills it")
        })
    }
}
