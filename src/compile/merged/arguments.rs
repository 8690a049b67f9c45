//! The arguments of a merged list, and what it says of itself.

use super::{Names, Place, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Scalar, TypeKind};

/// The values of `order`.
const ORDERS: [&str; 2] = ["NEWEST_FIRST", "OLDEST_FIRST"];

impl Reader<'_, '_> {
    /// Each argument has the type that its name asks for, and what the connection says of itself, too.
    pub(super) fn arguments(&mut self, place: Place, names: &Names<'_>) {
        let cx = self.cx;
        let (parent, field) = (cx.ty(place.parent), cx.field(place.parent, place.field));
        let Ok(defined) = self.schema.type_field(&parent.name, &field.name) else { return };
        let kinds = names.kind.and_then(|kind| {
            let kind = cx.ty(place.element).field_names.get(kind).copied()?;
            Some(&*cx.ty(cx.field(place.element, kind).ty.named).name)
        });
        for argument in &defined.arguments {
            let (of, is_list) = (argument.ty.inner_named_type(), argument.ty.is_list());
            let fits = match argument.name.as_str() {
                "first" => of == "Int" && !is_list,
                "after" => of == "String" && !is_list,
                "since" | "until" => self.is_scalar(of, Scalar::DateTime) && !is_list,
                "kinds" => Some(of.as_str()) == kinds && is_list,
                "order" => self.is_order(of) && !is_list,
                _ => false,
            };
            if !fits {
                let message =
                    format!("`{}` cannot have the argument `{}`", field.coordinate, argument.name);
                self.wrong(place, message, "`first: Int`, `after: String`, `kinds`: a list of the items' kinds, `since` and `until`: `DateTime`, and `order`: an enum of `NEWEST_FIRST` and `OLDEST_FIRST` may stand there");
            }
        }
        self.said(place);
    }

    fn said(&mut self, place: Place) {
        let connection = &self.cx.ty(place.connection).name;
        for (name, wanted) in
            [("complete", "Boolean"), ("missingSources", "String"), ("undated", "Int")]
        {
            let Ok(field) = self.schema.type_field(connection, name) else { continue };
            let fits = field.ty.inner_named_type() == wanted
                && field.ty.is_list() == (name == "missingSources");
            if !fits {
                let message = format!("`{connection}.{name}` is of type `{}`", field.ty);
                self.wrong(place, message, "`complete: Boolean!`, `missingSources: [String!]!` and `undated: Int!` tell how whole a page is");
            }
        }
    }

    fn wrong(&mut self, place: Place, message: String, help: &str) {
        let span = self.cx.field_span(place.parent, place.field);
        let problem = Diagnostic::error(Code::InvalidMerged, message).also(span, "the merged list");
        self.problems.push(problem.help(help));
    }

    fn is_scalar(&self, name: &str, scalar: Scalar) -> bool {
        let found = self.cx.names.get(name);
        found.is_some_and(|ty| self.cx.ty(*ty).kind == TypeKind::Scalar(scalar))
    }

    fn is_order(&self, name: &str) -> bool {
        let found = self.cx.names.get(name).map(|ty| &self.cx.ty(*ty).kind);
        matches!(found, Some(TypeKind::Enum { values }) if values.iter().all(|value| ORDERS.contains(&&**value)))
    }
}
