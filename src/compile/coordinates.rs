//! Types and fields that the contract names, in the schema.

use super::contract::{Coordinate, Reader};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{Type, TypeId, TypeKind};
use crate::nearest::nearest;

impl<'a> Reader<'a> {
    /// `Type.field`.
    pub(super) fn coordinate(&mut self, text: &str, span: Span) -> Option<Coordinate> {
        let Some((ty, field)) = text.split_once('.') else {
            self.problems.push(
                Diagnostic::error(Code::UnknownField, format!("`{text}` is not a coordinate"))
                    .at(span, "no `.` in it")
                    .help("coordinates are written `Type.field`"),
            );
            return None;
        };
        let (id, ty) = self.object_type(ty, span)?;
        self.field(id, ty, field, span)
    }

    pub(super) fn field(
        &mut self,
        id: TypeId,
        ty: &Type,
        name: &str,
        span: Span,
    ) -> Option<Coordinate> {
        let found = ty.field_names.get(name);
        if found.is_none() && !self.sdl.is_doubtful_field(&ty.name, name) {
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownField,
                    format!("`{}` has no field `{name}`", ty.name),
                )
                .at(span, "not in the schema")
                .also(self.sdl.type_span(&ty.name), "the type")
                .suggest(name, ty.fields.iter().map(|field| &*field.name)),
            );
            let nearest = nearest(name, ty.fields.iter().map(|field| &*field.name));
            self.meant.extend(nearest.and_then(|name| Some((id, *ty.field_names.get(name)?))));
        }
        Some(Coordinate { ty: id, field: *found?, span })
    }

    /// A type that roles can answer for.
    pub(super) fn object_type(&mut self, name: &str, span: Span) -> Option<(TypeId, &'a Type)> {
        let objects = self.types.iter().filter(|ty| matches!(ty.kind, TypeKind::Object));
        let found = self.names.get(name).and_then(|id| Some((*id, self.types.get(id.index())?)));
        match found {
            Some((id, ty)) if matches!(ty.kind, TypeKind::Object) => Some((id, ty)),
            _ if self.sdl.is_doubtful(name) => None,
            Some((_, ty)) => {
                self.problems.push(
                    Diagnostic::error(Code::UnknownType, format!("`{name}` is not an object type"))
                        .at(span, "roles answer for object types")
                        .also(self.sdl.type_span(&ty.name), "defined here"),
                );
                None
            }
            None => {
                self.problems.push(
                    Diagnostic::error(
                        Code::UnknownType,
                        format!("the schema has no type `{name}`"),
                    )
                    .at(span, "not in the schema")
                    .suggest(name, objects.map(|ty| &*ty.name)),
                );
                None
            }
        }
    }
}
