//! Where backends have what the schema calls `@sensitive`: the paths of the mappings that fill such fields.

use std::sync::Arc;

use super::words::kind_of_sensitive;
use crate::graph::{Graph, ShapeId, SlotId, Source, TypeId};
use crate::mapping::{Mapping, Path, PathStep};

/// Shapes inside each other.
const DEPTH_MAX: usize = 12;

/// A place in the answers of one backend, by the names of the members that lead there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    role: Arc<str>,
    steps: Vec<Step>,
    /// The field of the schema that it fills.
    pub(super) field: Arc<str>,
    /// What is here links records: it stays, whatever else reads it.
    is_link: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(Arc<str>),
    Any,
}

impl Mark {
    /// What is known of the place of a value: the mark that it is at or inside of, unless it links records.
    pub(super) fn at<'m>(
        marks: &'m [Self],
        role: Option<&str>,
        names: &[String],
    ) -> Option<&'m Self> {
        let mut found = marks.iter().filter(|mark| mark.fits(role, names));
        let is_link = |mark: &&Self| mark.is_link && mark.steps.len() == names.len();
        if found.clone().any(|mark| is_link(&mark)) {
            return None;
        }
        found.find(|mark| !mark.is_link)
    }

    fn fits(&self, role: Option<&str>, names: &[String]) -> bool {
        let leads = |(step, name): (&Step, &String)| match step {
            Step::Name(step) => **step == **name,
            Step::Any => true,
        };
        // the text of an element, and not its attributes
        let text = Step::Name(Arc::from("#text"));
        let (steps, is_text) = match self.steps.split_last() {
            Some((last, steps)) if *last == text => (steps, true),
            _ => (self.steps.as_slice(), false),
        };
        role == Some(&*self.role)
            && names.len() >= steps.len()
            && (!is_text || names.len() == steps.len())
            && steps.iter().zip(names).all(leads)
    }
}

pub(super) fn marks(graph: &Graph) -> Vec<Mark> {
    let mut found = Vec::new();
    for (call, shape, field) in records(graph) {
        let Some(call) = graph.calls.get(call) else { continue };
        let role = &graph.backend(call.backend).role;
        let mut walk = Walk { graph, role, found: &mut found };
        let mut at = Vec::new();
        extend(&mut at, call.records.as_ref());
        for path in call.also.iter().flat_map(|also| &also.paths) {
            let mut steps = at.clone();
            extend(&mut steps, Some(path));
            walk.push(steps, &call.name, true);
        }
        extend(&mut at, call.inside.as_ref());
        walk.shape(shape, &at, field.as_ref(), 0);
    }
    found
}

/// Which calls give records of which shapes, and the field that is sensitive as a whole if they answer one.
fn records(graph: &Graph) -> Vec<(usize, ShapeId, Option<Arc<str>>)> {
    let mut found = Vec::new();
    for (ty, id) in graph.types.iter().zip((0_u32..).map(TypeId)) {
        for field in &ty.fields {
            if let Source::Call(call) = &field.source {
                let is_sensitive = graph.is_sensitive(id, &field.name);
                let name = is_sensitive.then(|| Arc::clone(&field.name));
                found.push((call.call.index(), call.shape, name));
            }
        }
        for part in &ty.parts {
            let calls = part.keys.iter().filter_map(|key| key.call);
            found.extend(calls.map(|call| (call.index(), part.shape, None)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

struct Walk<'a> {
    graph: &'a Graph,
    role: &'a Arc<str>,
    found: &'a mut Vec<Mark>,
}

impl Walk<'_> {
    /// `inside`: the sensitive field that the record is a part of.
    fn shape(&mut self, id: ShapeId, at: &[Step], inside: Option<&Arc<str>>, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        let shape = self.graph.shape(id);
        if let Some(pick) = &shape.pick {
            self.mapping(&pick.mapping, at, inside, depth);
        }
        // a type that says itself what of it is sensitive means that the rest is not
        let fields = &self.graph.ty(shape.ty).fields;
        let says = fields.iter().any(|field| self.graph.is_sensitive(shape.ty, &field.name));
        for (slot, index) in shape.slots.iter().zip((0..).map(SlotId)) {
            let field = self.field_of(shape.ty, id, index, &slot.name);
            let is_sensitive = self.graph.is_sensitive(shape.ty, &field);
            let sensitive = is_sensitive.then_some(field);
            let telling = sensitive.as_ref().filter(|name| kind_of_sensitive(name).is_some());
            let outer = inside.filter(|_| !says || sensitive.is_some());
            let inside = telling.or(outer).or(sensitive.as_ref());
            if let (Mapping::Jq { .. }, Some(field)) = (&slot.mapping, inside) {
                for name in &slot.needs {
                    self.mark([at, &[Step::Name(Arc::clone(name))]].concat(), field);
                }
            }
            self.mapping(&slot.mapping, at, inside, depth);
            self.link(&slot.mapping, at, shape.field_slots.contains(&Some(index)));
        }
    }

    /// Ids, and slots that clients never see: records are found by these. What `find` reads stands among values of others, which may be
    /// personal: it is none.
    fn link(&mut self, mapping: &Mapping, at: &[Step], is_field: bool) {
        let paths: Vec<&Path> = match mapping {
            Mapping::Id { parts, .. } => parts.iter().collect(),
            Mapping::Path { path, .. } | Mapping::Text { path } if !is_field => vec![path],
            Mapping::Other { path, than } if !is_field => vec![path, than],
            _ => Vec::new(),
        };
        for path in paths {
            let mut steps = at.to_vec();
            extend(&mut steps, Some(path));
            self.push(steps, &Arc::from("id"), true);
        }
    }

    fn field_of(&self, ty: TypeId, shape: ShapeId, slot: SlotId, name: &Arc<str>) -> Arc<str> {
        let slots = &self.graph.shape(shape).field_slots;
        let at = slots.iter().position(|one| *one == Some(slot));
        let field = at.and_then(|at| self.graph.ty(ty).fields.get(at));
        // a shape of a single value is named after what it answers
        field.map_or_else(|| Arc::clone(name), |field| Arc::clone(&field.name))
    }

    fn mark(&mut self, steps: Vec<Step>, field: &Arc<str>) {
        self.push(steps, field, false);
    }

    fn push(&mut self, steps: Vec<Step>, field: &Arc<str>, is_link: bool) {
        let (role, field) = (Arc::clone(self.role), Arc::clone(field));
        let mark = Mark { role, steps, field, is_link };
        if !mark.steps.is_empty() && !self.found.contains(&mark) {
            self.found.push(mark);
        }
    }

    /// Words of a vocabulary, amounts of a currency and points in time stay: whoever reads them would not understand a stand-in.
    fn mapping(&mut self, mapping: &Mapping, at: &[Step], inside: Option<&Arc<str>>, depth: usize) {
        let joined = |path: &Path| {
            let mut steps = at.to_vec();
            extend(&mut steps, Some(path));
            steps
        };
        match mapping {
            Mapping::Path { path, .. } | Mapping::Number { path, .. } | Mapping::Text { path } => {
                // a whole record holds more than its sensitive parts, which have marks of their own
                if let Some(field) = inside.filter(|_| !path.steps.is_empty()) {
                    self.mark(joined(path), field);
                }
            }
            // the same values at both are the same stand-ins
            Mapping::Other { path, than } => {
                if let Some(field) = inside {
                    self.mark(joined(path), field);
                    self.mark(joined(than), field);
                }
            }
            Mapping::Split { paths, .. } => {
                if let Some(field) = inside {
                    for path in paths {
                        self.mark(joined(path), field);
                    }
                }
            }
            Mapping::When { then, .. } => self.mapping(then, at, inside, depth),
            Mapping::Join { parts, .. }
            | Mapping::First { choices: parts }
            | Mapping::Items { items: parts } => {
                for part in parts {
                    self.mapping(part, at, inside, depth);
                }
            }
            Mapping::Case { arms, otherwise, .. } => {
                let arms = arms.iter().map(|(_, mapping)| mapping);
                for mapping in arms.chain(otherwise.as_deref()) {
                    self.mapping(mapping, at, inside, depth);
                }
            }
            Mapping::Record { at: path, shape } => {
                let mut steps = at.to_vec();
                extend(&mut steps, path.as_ref());
                self.shape(*shape, &steps, inside, depth + 1);
            }
            Mapping::List { path, item, .. } | Mapping::Find { path, item, .. } => {
                self.mapping(item, &joined(path), inside, depth + 1);
            }
            Mapping::Entries(entries) => {
                let ty = self.graph.shape(entries.shape).ty;
                let value = self.graph.is_sensitive(ty, "value").then(|| Arc::from("value"));
                let Some(field) = inside.or(value.as_ref()) else { return };
                let mut steps = joined(&entries.path);
                extend(&mut steps, entries.pair.as_ref().map(|(_, value)| value));
                if entries.pair.is_some() || entries.otherwise.is_some() {
                    return self.mark(steps, field);
                }
                // of one object only the names that are declared are read
                for (name, _) in &entries.kinds {
                    self.mark([&*steps, &[Step::Name(Arc::clone(name))]].concat(), field);
                }
            }
            Mapping::Constant { .. }
            | Mapping::Enum { .. }
            | Mapping::Money { .. }
            | Mapping::Time { .. }
            | Mapping::Bool { .. }
            | Mapping::Id { .. }
            | Mapping::Jq { .. } => {}
        }
    }
}

fn extend(steps: &mut Vec<Step>, path: Option<&Path>) {
    for step in path.map(|path| path.steps.as_slice()).unwrap_or_default() {
        match step {
            PathStep::Member(name) => steps.push(Step::Name(Arc::clone(name))),
            PathStep::Only => steps.push(Step::Any),
            PathStep::Index(_) | PathStep::Each => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::{Files, compile};

    const SDL: &str = "directive @sensitive on FIELD_DEFINITION\ntype Query { tickets: [Ticket!] }\n\
                       type Ticket { id: ID! subject: String @sensitive note: String @sensitive memo: String @sensitive }\n";
    const ROLES: &str = "roles:\n  support:\n    parts:\n      Ticket: { keys: { id: id }, slots: [survivorId], \
                         fields: [id, subject, note, memo] }\n    fields: [Query.tickets]\n";
    const VENDOR: &str = "role: support\nprotocol: rest\nurl: http://support.test\ncalls:\n  all: { get: /all }\n\
                          types:\n  Ticket:\n    id: .id\n    subject: { other: .title, than: .name }\n    \
                          note: { find: .fields, only: { path: .key, is: [n] }, item: .value }\n    memo: .into\n    \
                          survivorId: { other: .into, than: .id }\nfields:\n  Query.tickets: { call: all }\n";

    #[test]
    fn both_sides_of_a_comparison_are_marked_and_of_a_list_what_is_taken_from_its_elements() {
        let deployment =
            "schema: schema\nresolvers: resolvers\nroles:\n  support: { vendor: own }\n";
        let texts = [
            ("cyclorama.yaml", deployment),
            ("schema/schema.graphql", SDL),
            ("resolvers/roles.yaml", ROLES),
            ("resolvers/support/own.yaml", VENDOR),
        ];
        let compiled = compile(&Files::in_memory("cyclorama.yaml", texts));
        let graph = compiled.graph.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
        let marks = marks(&graph);
        let at = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Mark::at(&marks, Some("support"), &names).map(|mark| &*mark.field)
        };
        assert_eq!(at(&["title"]), Some("subject"));
        assert_eq!(at(&["name"]), Some("subject"));
        assert_eq!(at(&["fields", "value"]), Some("note"));
        assert_eq!(at(&["fields", "key"]), None);
        // it links records, whatever else reads it
        assert_eq!(at(&["into"]), None);
    }
}
