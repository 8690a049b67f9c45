//! The lists that are merged.

use std::sync::Arc;

use super::events::Becomes;
use super::{Names, Place, Reader};
use crate::compile::context::Class;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Event, EventField, FieldId, MergedList, Stamp, TypeId};

impl Reader<'_, '_> {
    /// A list, and how it is selected.
    pub(super) fn list(
        &mut self,
        place: Place,
        names: &Names<'_>,
        entry: &Entry,
    ) -> Option<(MergedList, String)> {
        let read = entry.value.get("read")?;
        let text = read.filled()?;
        if apollo_compiler::Name::new(&entry.key).is_err() {
            let message = format!("`{}` is no name", entry.key);
            self.problem(message, entry.key_span, "letters, digits and `_` are");
            return None;
        }
        let field_name = text.split('(').next().unwrap_or_default().trim();
        let field = self.field_named(place.parent, field_name, read.span)?;
        let (element, is_connection) = self.element(place, field, read)?;
        let role = self.cx.contract.roles.iter().find(|role| role.owns(place.parent, field));
        let Some(role) = role.map(|role| Arc::clone(&role.name)) else {
            let message = format!("no role answers for `{field_name}`");
            self.problem(message, read.span, "only lists of backends can be merged");
            return None;
        };
        let inside = if is_connection { "{ nodes { __typename } }" } else { "{ __typename }" };
        let selected = format!("{}: {text} {inside}", entry.key);
        let reads = self.parsed(place.parent, selected.clone(), read.span)?;
        let mut arguments = reads.selection_set.fields().flat_map(|field| &field.arguments);
        if arguments.any(|argument| matches!(argument.name.as_str(), "first" | "after")) {
            let label = "how much is read of it is decided for each page";
            self.problem(format!("`{field_name}` has a page here"), read.span, label);
        }
        let event = match self.event(place, element, &entry.value)? {
            Becomes::Itself => None,
            Becomes::Event(event) => Some(event),
        };
        let mut list = MergedList {
            name: Arc::clone(&entry.key),
            field,
            role,
            element,
            event,
            kinds: Vec::new(),
            stamps: Arc::from([]),
        };
        list.stamps = self.stamps(&list, names, read)?;
        list.kinds = self.kinds(&list, names, entry)?;
        Some((list, selected))
    }

    fn element(&mut self, place: Place, field: FieldId, read: &Node) -> Option<(TypeId, bool)> {
        let field = self.cx.field(place.parent, field);
        let (element, is_connection) = match self.cx.class(field.ty.named) {
            Class::Connection { element } => (element, true),
            _ => (field.ty.named, false),
        };
        let is_list = is_connection || field.ty.wrappers.len() == 2;
        let possible = self.possible(element);
        let have_ids = possible.iter().all(|ty| self.cx.ty(*ty).field_names.contains_key("id"));
        if is_list && self.cx.ty(element).is_composite() && have_ids {
            return Some((element, is_connection));
        }
        let label = "lists and connections of objects that each have an `id` can be merged";
        self.problem(format!("`{}` is no such list", field.coordinate), read.span, label);
        None
    }

    /// Where each type of records says when and of what kind.
    fn stamps(
        &mut self,
        list: &MergedList,
        names: &Names<'_>,
        read: &Node,
    ) -> Option<Arc<[Stamp]>> {
        let Some(event) = &list.event else {
            let mut stamps = Vec::new();
            for ty in self.possible(list.element) {
                let time = self.field_named(ty, names.time, read.span)?;
                let kind = match names.kind {
                    Some(kind) => Some(self.field_named(ty, kind, read.span)?),
                    None => None,
                };
                stamps.push(Stamp { ty, time, kind });
            }
            return Some(stamps.into());
        };
        let mapped = |name: &str| self.mapped(event, name);
        let kind = match names.kind.and_then(mapped) {
            Some(EventField::Field(kind)) => Some(kind),
            _ => None,
        };
        match mapped(names.time) {
            Some(EventField::Field(time)) if self.is_time(list.element, time) => {
                Some(Arc::from([Stamp { ty: list.element, time, kind }]))
            }
            _ => {
                let message = format!("nothing says when the events of `{}` happened", list.name);
                let label = format!("map `{}` to a `DateTime` of the record", names.time);
                self.problem(message, read.span, &label);
                None
            }
        }
    }

    fn mapped(&self, event: &Event, name: &str) -> Option<EventField> {
        let field = self.cx.ty(event.ty).field_names.get(name)?;
        event.fields.get(field.index()).cloned()
    }

    /// The kinds that a list's events can be, as far as they are known beforehand.
    fn kinds(
        &mut self,
        list: &MergedList,
        names: &Names<'_>,
        entry: &Entry,
    ) -> Option<Vec<Arc<str>>> {
        let written = entry.value.get("kinds");
        let (Some(name), values) = (names.kind, &names.kinds) else {
            if let Some(written) = written {
                let label = "there is no `kind` of the merged list";
                self.problem("these kinds are of nothing".to_owned(), written.span, label);
            }
            return Some(Vec::new());
        };
        let constant = list.event.as_ref().and_then(|event| self.mapped(event, name));
        if let Some(EventField::Value(kind)) = constant {
            return Some(vec![Arc::from(kind.trim_matches('"'))]);
        }
        let mut kinds = Vec::new();
        for item in written.map(Node::items).unwrap_or_default() {
            let word = item.filled()?;
            if !values.iter().any(|value| **value == *word) {
                let message = format!("the enum has no value `{word}`");
                let problem = Diagnostic::error(Code::InvalidMerged, message);
                let problem = problem.at(item.span, "no kind");
                self.problems.push(problem.suggest(word, values.iter().map(|value| &**value)));
            }
            kinds.push(Arc::from(word));
        }
        Some(kinds)
    }
}
