//! `from:`: where a field's key comes from.

use std::sync::Arc;

use super::Vendor;
use super::expression::argument_path;
use super::required::is_required;
use crate::compile::context::Class;
use crate::compile::schema::NoArgument;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    ArgumentPath, FieldId, KeySource, Normalizer, PartId, Scalar, SlotId, TypeId, TypeKind,
};

/// A key and what is known about it.
pub(super) struct From {
    pub(super) source: KeySource,
    /// Parts of the key.
    pub(super) parts: usize,
    /// One argument that is a list: several keys.
    pub(super) is_list: bool,
}

impl Vendor<'_, '_> {
    /// `None` when it has a problem, which is reported. `normalizer`: of the key that it becomes.
    pub(super) fn from(
        &mut self,
        ty: TypeId,
        field: FieldId,
        node: Option<&Node>,
        normalizer: Normalizer,
    ) -> Option<From> {
        let Some(node) = node else {
            return Some(From { source: KeySource::None, parts: 0, is_list: false });
        };
        let items = node.items();
        if items.iter().any(is_required) {
            return self.represented(ty, field, items, normalizer);
        }
        let is_argument = |item: &Node| {
            item.map().is_some() || item.filled().is_some_and(|text| text.starts_with('$'))
        };
        let arguments = items.iter().filter(|item| is_argument(item)).count();
        if arguments > 0 && arguments < items.len() {
            self.error(
                Code::KeyMismatch,
                node.span,
                "a key comes from slots or from arguments",
                "both are mixed here",
            );
            return None;
        }
        if arguments > 0 {
            let found: Vec<_> =
                items.iter().map(|item| self.argument(ty, field, item, normalizer)).collect();
            let found = found.into_iter().collect::<Option<Vec<_>>>()?;
            let is_list = found.iter().any(|(_, is_list)| *is_list);
            if is_list && found.len() > 1 {
                self.error(
                    Code::KeyMismatch,
                    node.span,
                    "a composite key cannot hold a list",
                    "one of these arguments is a list",
                );
                return None;
            }
            let paths: Vec<ArgumentPath> = found.into_iter().map(|(path, _)| path).collect();
            return Some(From { parts: paths.len(), source: KeySource::Arguments(paths), is_list });
        }
        let slots: Vec<_> = items.iter().map(|item| self.slot(ty, item)).collect();
        let slots = slots.into_iter().collect::<Option<Vec<_>>>()?;
        let part = slots.first().map_or(PartId(0), |(part, _)| *part);
        let slots: Vec<SlotId> = slots.into_iter().map(|(_, slot)| slot).collect();
        Some(From { parts: slots.len(), source: KeySource::Slots { part, slots }, is_list: false })
    }

    /// A slot of this role's part of the parent, or of the parent itself when it is a plain record.
    pub(super) fn slot(&mut self, ty: TypeId, node: &Node) -> Option<(PartId, SlotId)> {
        let name = node.filled()?;
        let definition = self.cx.ty(ty);
        let class = self.cx.class(ty);
        if matches!(class, Class::Query | Class::Mutation) {
            self.problem(
                Diagnostic::error(Code::UnknownSlot, format!("`{}` has no slots", definition.name))
                    .at(node.span, "not an argument")
                    .help(format!("write `$args.{name}`")),
            );
            return None;
        }
        let part =
            if class == Class::Entity { self.cx.part_id(self.role, ty) } else { Some(PartId(0)) };
        let shape = self.out.shape_of.get(&(self.role, ty)).copied();
        let (Some(part), Some(shape)) = (part, shape) else {
            let role = &self.cx.role(self.role).name;
            self.problem(
                Diagnostic::error(
                    Code::UnknownPart,
                    format!("the role `{role}` has no record of `{}`", definition.name),
                )
                .at(node.span, "a slot of which record?")
                .also(self.cx.type_span(ty), "the type"),
            );
            return None;
        };
        for hidden in
            self.hidden.iter_mut().filter(|slot| slot.shape == shape && &*slot.name == name)
        {
            hidden.is_read = true;
        }
        let slots = self.out.shapes.get(shape.index()).map(|shape| &shape.slots);
        let index = slots.and_then(|slots| slots.iter().position(|slot| &*slot.name == name));
        if let Some(slot) = index.and_then(|index| u16::try_from(index).ok()) {
            return Some((part, SlotId(slot)));
        }
        if self.cx.sdl.is_doubtful_field(&definition.name, name) {
            return None;
        }
        let known: Vec<&str> = slots.into_iter().flatten().map(|slot| &*slot.name).collect();
        let contract = self.cx.part(self.role, ty).map(|part| part.span);
        let problem = Diagnostic::error(
            Code::UnknownSlot,
            format!("this role's record of `{}` has no slot `{name}`", definition.name),
        )
        .at(node.span, "not known")
        .also(contract, "the contract of the part")
        .suggest(name, known);
        self.problem(problem);
        None
    }

    /// `$args.path` or `{ id: $args.path, of: Type }`; whether it is a list.
    fn argument(
        &mut self,
        ty: TypeId,
        field: FieldId,
        node: &Node,
        normalizer: Normalizer,
    ) -> Option<(ArgumentPath, bool)> {
        let text = node.get("id").unwrap_or(node);
        let path =
            text.filled().and_then(|text| text.strip_prefix("$args.")).and_then(argument_path);
        let Some(path) = path else {
            self.problem(
                Diagnostic::error(
                    Code::InvalidExpression,
                    format!("`{}` is not a key", text.shown()),
                )
                .at(text.span, "neither a slot nor an argument")
                .help("write a slot's name, `$args.name` or `{ id: $args.name, of: Type }`"),
            );
            return None;
        };
        let explicit = match node.get("of") {
            Some(of) => Some(self.type_named(of.filled()?, of.span)?),
            None => None,
        };
        let (is_id, is_list) = self.argument_kind(ty, field, &path, text.span)?;
        let id_of = match explicit {
            Some(of) => Some(of),
            None if is_id => Some(self.implied_id(ty, field, text.span)?),
            None => None,
        };
        if let (Some(id_of), [name]) = (id_of, path.as_slice()) {
            self.out.id_arguments.push((ty, field, Arc::clone(name), id_of));
        }
        Some((ArgumentPath { path, id_of, normalizer }, is_list))
    }

    /// Whether an argument of a coordinate is an `ID`, and whether it is a list. One that is not there is a problem.
    pub(super) fn argument_kind(
        &mut self,
        ty: TypeId,
        field: FieldId,
        path: &[Arc<str>],
        span: Span,
    ) -> Option<(bool, bool)> {
        let definition = self.cx.field(ty, field);
        match self.cx.sdl.argument_type(&self.cx.ty(ty).name, &definition.name, path) {
            Ok(found) => {
                let named = self.cx.names.get(found.inner_named_type().as_str());
                let is_id = named
                    .is_some_and(|named| self.cx.ty(*named).kind == TypeKind::Scalar(Scalar::Id));
                Some((is_id, found.is_list()))
            }
            Err(missing) if missing.is_doubtful => None,
            Err(NoArgument { name, known, .. }) => {
                let problem = Diagnostic::error(
                    Code::UnknownArgument,
                    format!("`{}` has no argument `{}`", definition.coordinate, path.join(".")),
                )
                .at(span, format!("`{name}` is not there"))
                .also(self.cx.field_span(ty, field), "the field")
                .suggest(&name, known.iter().map(String::as_str));
                self.problem(problem);
                None
            }
        }
    }

    /// The type whose id an `ID` argument is when nothing says so: the type that the field returns.
    pub(super) fn implied_id(&mut self, ty: TypeId, field: FieldId, span: Span) -> Option<TypeId> {
        let returned = self.cx.field(ty, field).ty.named;
        if self.cx.class(returned) == Class::Entity {
            return Some(returned);
        }
        if self.cx.sdl.is_doubtful(&self.cx.ty(returned).name) {
            return None;
        }
        let problem = Diagnostic::error(Code::UntypedId, "whose id is this?")
            .at(span, "an argument of type `ID`")
            .also(self.cx.field_span(ty, field), "the field returns no type that has ids")
            .help("write `{ id: $args.…, of: Type }`; for an envelope, as a variable under `with`");
        self.problem(problem);
        None
    }
}
