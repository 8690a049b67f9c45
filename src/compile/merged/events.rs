//! What records become: the fields of an event.

use std::sync::Arc;

use super::{Place, Reader};
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{Event, EventField, FieldId, Scalar, TypeId, TypeKind};

/// What a record becomes.
pub(super) enum Becomes {
    /// It is an event.
    Itself,
    Event(Event),
}

impl Reader<'_, '_> {
    /// `None`: it cannot be.
    pub(super) fn event(&mut self, place: Place, element: TypeId, node: &Node) -> Option<Becomes> {
        let items = self.possible(place.element);
        let Some(name) = node.get("as") else {
            let own = self.possible(element);
            if !own.iter().all(|ty| items.contains(ty)) {
                let (record, item) = (&self.cx.ty(element).name, &self.cx.ty(place.element).name);
                let message = format!("a `{record}` is no `{item}`");
                self.problem(message, node.span, "name the event that it becomes: `as:`");
                return None;
            }
            if let Some(fields) = node.entry("fields") {
                let label = "records that are events themselves have their own fields";
                self.problem("`fields` without `as`".to_owned(), fields.key_span, label);
            }
            return Some(Becomes::Itself);
        };
        let ty = self.cx.type_named(name.filled()?, name.span, self.problems)?;
        if !items.contains(&ty) || self.possible(element) != [element] {
            let item = &self.cx.ty(place.element).name;
            let message = format!("a record cannot become a `{}`", self.cx.ty(ty).name);
            let label = format!("objects of one type become objects of a type of `{item}`");
            self.problem(message, name.span, &label);
            return None;
        }
        let fields = self.event_fields(ty, element, node, name.span)?;
        Some(Becomes::Event(Event { ty, fields }))
    }

    fn event_fields(
        &mut self,
        ty: TypeId,
        element: TypeId,
        node: &Node,
        span: Span,
    ) -> Option<Vec<EventField>> {
        let defined = &self.cx.ty(ty).fields;
        let unmapped = |name: &str| if name == "id" { EventField::Id } else { EventField::Null };
        let mut fields: Vec<EventField> =
            defined.iter().map(|field| unmapped(&field.name)).collect();
        for entry in node.get("fields").map(Node::entries).unwrap_or_default() {
            let field = self.field_named(ty, &entry.key, entry.key_span)?;
            let found = self.event_field(ty, field, element, entry)?;
            if let Some(place) = fields.get_mut(field.index()) {
                *place = found;
            }
        }
        for (field, found) in defined.iter().zip(&fields) {
            let is_non_null = field.ty.wrappers.first().is_some_and(|outer| outer.non_null);
            if is_non_null && *found == EventField::Null {
                let message = format!("nothing says what `{}` is", field.coordinate);
                self.problem(message, span, "it may not be null");
            }
        }
        Some(fields)
    }

    fn event_field(
        &mut self,
        ty: TypeId,
        field: FieldId,
        element: TypeId,
        entry: &Entry,
    ) -> Option<EventField> {
        let target = &self.cx.field(ty, field);
        if let Some(value) = entry.value.get("value") {
            return self.constant(ty, field, value);
        }
        let text = entry.value.filled()?;
        if text == "." {
            if target.ty.named == element && target.ty.wrappers.len() == 1 {
                return Some(EventField::Record);
            }
            self.misfit(ty, field, &entry.value, "the record is of another type");
            return None;
        }
        let from = self.field_named(element, text, entry.value.span)?;
        let source = self.cx.field(element, from);
        let depths = (target.ty.wrappers.len(), source.ty.wrappers.len());
        let may_be_null =
            |outer: Option<&crate::graph::Wrapper>| !outer.is_some_and(|one| one.non_null);
        let is_text = self.cx.ty(target.ty.named).kind == TypeKind::Scalar(Scalar::String);
        let has_text = matches!(
            self.cx.ty(source.ty.named).kind,
            TypeKind::Enum { .. } | TypeKind::Scalar(Scalar::Id | Scalar::CurrencyCode)
        );
        if (target.ty.named != source.ty.named && !(is_text && has_text)) || depths.0 != depths.1 {
            let label = format!("`{}` is of another type", source.coordinate);
            self.misfit(ty, field, &entry.value, &label);
            return None;
        }
        if !may_be_null(target.ty.wrappers.first()) && may_be_null(source.ty.wrappers.first()) {
            self.misfit(ty, field, &entry.value, "it may be null");
            return None;
        }
        Some(EventField::Field(from))
    }

    fn constant(&mut self, ty: TypeId, field: FieldId, node: &Node) -> Option<EventField> {
        let target = &self.cx.field(ty, field).ty;
        let text = node.text().unwrap_or_default();
        let json = match &self.cx.ty(target.named).kind {
            _ if target.wrappers.len() != 1 => None,
            _ if node.is_null() => Some("null".to_owned()),
            TypeKind::Scalar(Scalar::String) => Some(serde_json::Value::from(text).to_string()),
            TypeKind::Scalar(Scalar::Int) => text.parse::<i32>().ok().map(|it| it.to_string()),
            TypeKind::Scalar(Scalar::Boolean) => text.parse::<bool>().ok().map(|it| it.to_string()),
            TypeKind::Enum { values } => {
                if !values.iter().any(|value| **value == *text) {
                    let message = format!("the enum has no value `{text}`");
                    let problem = Diagnostic::error(Code::InvalidMerged, message);
                    let known = values.iter().map(|value| &**value);
                    self.problems
                        .push(problem.at(node.span, "not in the enum").suggest(text, known));
                    return None;
                }
                Some(format!("\"{text}\""))
            }
            _ => None,
        };
        if json.is_none() {
            self.misfit(
                ty,
                field,
                node,
                "texts, whole numbers, booleans and words of an enum can be values",
            );
        }
        json.map(|json| EventField::Value(Arc::from(json)))
    }

    fn misfit(&mut self, ty: TypeId, field: FieldId, node: &Node, label: &str) {
        let message = format!("this is no value of `{}`", self.cx.field(ty, field).coordinate);
        self.problem(message, node.span, label);
    }
}
