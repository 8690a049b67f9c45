//! Input types of which exactly one field is given: `@oneOf`, which apollo-compiler does not know.
//!
//! Takes: the schema, before and after it is validated.
//! Gives: `isOneOf` on `__Type`, and a diagnostic for every field that could not be left out.
//! Never: checks values: that is `operation`'s.

use apollo_compiler::ast::FieldDefinition;
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::{Schema, name, ty};

use super::schema::Sdl;
use crate::diagnostic::{Code, Diagnostic};

/// Tools ask each type whether it is such an input.
pub(super) fn define(schema: &mut Schema) {
    let Some(ExtendedType::Object(meta)) = schema.types.get_mut("__Type") else { return };
    let is_one_of = FieldDefinition {
        description: None,
        name: name!("isOneOf"),
        arguments: Vec::new(),
        ty: ty!(Boolean),
        directives: apollo_compiler::ast::DirectiveList::default(),
    };
    meta.make_mut().fields.entry(name!("isOneOf")).or_insert_with(|| Component::new(is_one_of));
}

/// Fields of a `@oneOf` input are nullable and have no default (specification, section 3.10, type validation).
pub(super) fn check(sdl: &Sdl, problems: &mut Vec<Diagnostic>) {
    for ty in sdl.schema().types.values() {
        let ExtendedType::InputObject(ty) = ty else { continue };
        if !ty.directives.has("oneOf") {
            continue;
        }
        for field in ty.fields.values() {
            let fault = if field.ty.is_non_null() {
                "is non-null"
            } else if field.default_value.is_some() {
                "has a default"
            } else {
                continue;
            };
            problems.push(
                Diagnostic::error(
                    Code::InvalidOneOf,
                    format!(
                        "`{}.{}` {fault}, in an input of which one field alone is given",
                        ty.name, field.name
                    ),
                )
                .also(sdl.span(field.location()), format!("{fault} here"))
                .also(sdl.span(ty.name.location()), "an input with `@oneOf`")
                .help(
                    "make the field nullable and without a default, or take `@oneOf` off its type",
                ),
            );
        }
    }
}
