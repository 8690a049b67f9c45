//! `$representation.…` in `from:`: values of other subgraphs as parts of a key.

use std::sync::Arc;

use super::Vendor;
use super::expression::argument_path;
use super::keys::From;
use crate::compile::federation::fields;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    ArgumentPath, FieldId, KeyPart, KeySource, Normalizer, PartId, RequiredValue, Scalar, TypeId,
    TypeKind,
};

const PREFIX: &str = "$representation.";

/// Is this item of a `from:` a value of another subgraph?
pub(super) fn is_required(item: &Node) -> bool {
    let text = item.get("id").unwrap_or(item);
    text.filled().is_some_and(|text| text.starts_with(PREFIX))
}

impl Vendor<'_, '_> {
    /// A key of slots and of what the field's `@requires` names.
    pub(super) fn represented(
        &mut self,
        ty: TypeId,
        field: FieldId,
        items: &[Node],
        normalizer: Normalizer,
    ) -> Option<From> {
        let mut part = None;
        let mut of = Vec::with_capacity(items.len());
        for item in items {
            if is_required(item) {
                of.push(KeyPart::Required(self.required(ty, field, item, normalizer)?));
                continue;
            }
            if item.map().is_some() || item.filled().is_some_and(|text| text.starts_with('$')) {
                self.error(
                    Code::KeyMismatch,
                    item.span,
                    "a key comes from slots and representations, or from arguments",
                    "both are mixed here",
                );
                return None;
            }
            let (found, slot) = self.slot(ty, item)?;
            part = Some(found);
            of.push(KeyPart::Slot(slot));
        }
        let parts = of.len();
        let source = KeySource::Represented { part: part.unwrap_or(PartId(0)), of };
        Some(From { source, parts, is_list: false })
    }

    fn required(
        &mut self,
        ty: TypeId,
        field: FieldId,
        node: &Node,
        normalizer: Normalizer,
    ) -> Option<RequiredValue> {
        let text = node.get("id").unwrap_or(node);
        let path = text.filled().and_then(|text| text.strip_prefix(PREFIX));
        let Some(path) = path.and_then(argument_path) else {
            self.problem(
                Diagnostic::error(
                    Code::InvalidExpression,
                    format!("`{}` is not a value of another subgraph", text.shown()),
                )
                .at(text.span, "no field")
                .help("write `$representation.field`, or `$representation.field.inner`"),
            );
            return None;
        };
        let id_of = match node.get("of") {
            Some(of) => Some(self.type_named(of.filled()?, of.span)?),
            None => None,
        };
        if !self.is_required_by(ty, field, &path, text.span) {
            return None;
        }
        let scalar = self.required_scalar(ty, &path, text.span)?;
        Some(RequiredValue { path: ArgumentPath { path, id_of, normalizer }, scalar })
    }

    /// Routers send what the field's `@requires` names, and nothing else.
    fn is_required_by(
        &mut self,
        ty: TypeId,
        field: FieldId,
        path: &[Arc<str>],
        span: Span,
    ) -> bool {
        let (owner, defined) = (&self.cx.ty(ty).name, self.cx.field(ty, field));
        let directives = self.cx.sdl.schema().type_field(owner, &defined.name);
        let directive = directives.ok().and_then(|field| field.directives.get("requires"));
        let set = directive
            .and_then(|directive| directive.specified_argument_by_name("fields")?.as_str())
            .and_then(fields::parse);
        if set.is_some_and(|set| set.has(path)) && self.cx.sdl.federation.is_some() {
            return true;
        }
        let name = path.join(".");
        self.problem(
            Diagnostic::error(
                Code::InvalidFederation,
                format!("`{}` does not require `{name}`", defined.coordinate),
            )
            .at(span, "a value of another subgraph")
            .also(self.cx.field_span(ty, field), "the field")
            .help(format!(
                "name it in the schema, in `@requires(fields: \"…\")` of `{}`",
                defined.coordinate
            )),
        );
        false
    }

    /// Only one value can be part of a key.
    fn required_scalar(&mut self, ty: TypeId, path: &[Arc<str>], span: Span) -> Option<Scalar> {
        let mut of = ty;
        let mut is_list = false;
        for name in path {
            let field = self.cx.ty(of).field_names.get(name)?;
            let found = &self.cx.field(of, *field).ty;
            is_list |= found.wrappers.iter().any(|wrapper| wrapper.list);
            of = found.named;
        }
        match &self.cx.ty(of).kind {
            TypeKind::Scalar(scalar) if !is_list => Some(*scalar),
            TypeKind::Enum { .. } if !is_list => Some(Scalar::String),
            _ => {
                self.error(
                    Code::InvalidFederation,
                    span,
                    format!("`{}` is not one value", path.join(".")),
                    "a part of a key is a scalar or an enum, and no list",
                );
                None
            }
        }
    }
}
