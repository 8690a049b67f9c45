//! The order in which a call's records come.

use super::Vendor;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Scalar, TypeId, TypeKind};

impl Vendor<'_, '_> {
    /// Is what a call's records come by a time of the objects that they become?
    pub(super) fn check_order(&mut self, call: &Node, element: TypeId) {
        let Some(call) = call.filled().and_then(|name| self.node.get("calls")?.get(name)) else {
            return;
        };
        let Some(by) = call.get("newest_first").or_else(|| call.get("oldest_first")) else {
            return;
        };
        let Some(name) = by.filled() else { return };
        let of = match &self.cx.ty(element).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.clone(),
            _ => vec![element],
        };
        for ty in of {
            let fields = &self.cx.ty(ty).fields;
            let times = fields.iter().filter(|field| {
                self.cx.ty(field.ty.named).kind == TypeKind::Scalar(Scalar::DateTime)
            });
            let names = times.map(|field| &*field.name);
            let is_time = names.clone().any(|time| time == name);
            let ty_name = &self.cx.ty(ty).name;
            if is_time || self.cx.sdl.is_doubtful_field(ty_name, name) {
                continue;
            }
            let problem = Diagnostic::error(
                Code::UnknownField,
                format!("`{ty_name}` has no time `{name}` to be ordered by"),
            );
            let problem = problem.at(by.span, "no `DateTime` of the records").suggest(name, names);
            self.problem(problem.also(self.cx.type_span(ty), "the type"));
        }
    }
}
