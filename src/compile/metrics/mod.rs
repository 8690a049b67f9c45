//! Metrics: fields that are reckoned from lists of the same object, checked against the schema.
//!
//! Takes: the files that cross roles, the valid schema, the types.
//! Gives: for each coordinate with metrics what is read and how it is reckoned; a problem for all that cannot be.
//! Never: knows a vendor: whether a list is covered shows when it is read.

pub(super) mod filters;
mod formulas;
mod lists;
mod result;

use std::sync::Arc;

use apollo_compiler::executable::FieldSet;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};
use rustc_hash::{FxHashMap, FxHashSet};

use self::formulas::{Made, Reads};
use self::lists::ListOf;
use super::context::{Class, Context};
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{Derived, DerivedId, FieldId, Metric, MetricList, Source, Type, TypeId};

/// Compiles all metrics and gives their fields their sources.
pub(super) fn link(
    cx: &Context<'_>,
    schema: &Valid<Schema>,
    types: &mut [Type],
    (roots, page_size_max): (&[Node], u32),
    problems: &mut Vec<Diagnostic>,
) -> Vec<Derived> {
    let mut all = Vec::new();
    for entry in
        roots.iter().flat_map(|root| root.get("metrics").map(Node::entries).unwrap_or_default())
    {
        let mut reader = Reader {
            cx,
            schema,
            problems,
            parent: TypeId(0),
            lists: Vec::new(),
            page_size_max,
            named: Vec::new(),
        };
        let Some((parent, field)) = reader.coordinate(entry) else { continue };
        reader.parent = parent;
        let ty = cx.field(parent, field).ty.named;
        let metrics = reader.metrics(ty, &entry.value);
        let lists = reader.lists.into_iter().map(ListOf::into_list).collect();
        let id = DerivedId(u16::try_from(all.len()).unwrap_or(u16::MAX));
        result::give_sources(cx, types, (parent, field), ty, &metrics, id);
        all.push(Derived { ty, lists, metrics });
    }
    all
}

/// Where metrics stand.
pub(super) fn coordinates(roots: &[Node]) -> FxHashSet<&str> {
    let entries =
        roots.iter().flat_map(|root| root.get("metrics").map(Node::entries).unwrap_or_default());
    entries.map(|entry| &*entry.key).collect()
}

struct Reader<'a, 'c> {
    cx: &'a Context<'c>,
    schema: &'a Valid<Schema>,
    problems: &'a mut Vec<Diagnostic>,
    /// The type whose lists are read.
    parent: TypeId,
    lists: Vec<ListOf>,
    page_size_max: u32,
    /// The metrics, whether with a problem or not.
    named: Vec<Arc<str>>,
}

impl Reader<'_, '_> {
    fn problem(&mut self, message: String, at: Span, label: &str) -> Option<()> {
        let problem = Diagnostic::error(Code::InvalidMetric, message).at(at, label);
        self.problems.push(problem);
        None
    }

    /// `Customer.summary`: a field of a type with parts, of an object type, that no role answers.
    fn coordinate(&mut self, entry: &Entry) -> Option<(TypeId, FieldId)> {
        let (cx, span) = (self.cx, entry.key_span);
        let (ty, field) = cx.coordinate(entry, self.problems)?;
        let defined = cx.field(ty, field);
        let reason = if cx.class(ty) != Class::Entity {
            "metrics stand on types that a role has a part of"
        } else if cx.class(defined.ty.named) != Class::Value || defined.ty.wrappers.len() > 1 {
            "its type is to be an object type of metrics, no list"
        } else if cx.contract.roles.iter().any(|role| role.owns(ty, field)) {
            "a role answers for this field already"
        } else {
            return Some((ty, field));
        };
        self.problem(format!("`{}` cannot have metrics", entry.key), span, reason);
        None
    }

    fn metrics(&mut self, ty: TypeId, node: &Node) -> Vec<Option<Metric>> {
        for entry in node.get("lists").map(Node::entries).unwrap_or_default() {
            if let Some(list) = self.list(entry)
                && self.is_valid(&list, entry.value.span)
            {
                self.lists.push(list);
            }
        }
        let is_whole =
            self.lists.len() == node.get("lists").map_or(0, |lists| lists.entries().len());
        let mut found: FxHashMap<Arc<str>, Made> = FxHashMap::default();
        let entries = node.get("fields").map(Node::entries).unwrap_or_default();
        self.named = entries.iter().map(|entry| Arc::clone(&entry.key)).collect();
        // those that read other metrics come after what they may read
        for stage in 0..3 {
            for entry in entries.iter().filter(|entry| formulas::stage(&entry.value) == stage) {
                let made = self.formula(&entry.value, &found, is_whole);
                if let Some(made) = made {
                    found.insert(Arc::clone(&entry.key), made);
                }
            }
        }
        let mut metrics: Vec<Option<Metric>> = self.cx.ty(ty).fields.iter().map(|_| None).collect();
        for entry in entries {
            let (name, span) = (&entry.key, entry.key_span);
            let Some(field) = self.cx.field_named(ty, name, span, self.problems) else { continue };
            let Some(made) = found.get(&entry.key) else { continue };
            self.check_result(ty, field, entry, &made.formula);
            if let Some(place) = metrics.get_mut(field.index()) {
                *place = self.metric(made, entry.key_span);
            }
        }
        metrics
    }

    /// A metric with what it selects, as a client would write it.
    fn metric(&mut self, made: &Made, span: Span) -> Option<Metric> {
        let reads = self.selected(&made.reads, span)?;
        Some(Metric {
            reads: Arc::new(reads),
            lists: made.reads.lists.clone(),
            formula: Arc::clone(&made.formula),
        })
    }

    fn selected(&mut self, reads: &Reads, span: Span) -> Option<Valid<FieldSet>> {
        let lists = reads.lists.iter().filter_map(|list| self.lists.get(*list).zip(Some(*list)));
        let text: Vec<String> =
            lists.map(|(list, place)| list.selection(reads.columns_of(place))).collect();
        self.parsed(text.join(" "), span)
    }

    fn parsed(&mut self, text: String, span: Span) -> Option<Valid<FieldSet>> {
        let name = Name::new(&self.cx.ty(self.parent).name).ok()?;
        match FieldSet::parse_and_validate(self.schema, name, text, "metrics") {
            Ok(reads) => Some(reads),
            Err(errors) => {
                let first = errors.errors.iter().next().map(|error| error.error.to_string());
                let reason = first.unwrap_or_default();
                self.problem(format!("this cannot be selected: {reason}"), span, "read here");
                None
            }
        }
    }

    /// Whether the arguments of a list are right, and its page is one that a client may ask for.
    fn is_valid(&mut self, list: &ListOf, span: Span) -> bool {
        let Some(reads) = self.parsed(list.selection(std::iter::empty()), span) else {
            return false;
        };
        let Some(asked) = larger_page(&reads, self.page_size_max) else { return true };
        let label = format!("`pages.max` allows {}", self.page_size_max);
        self.problem(format!("{asked} items at once are too many"), span, &label);
        false
    }
}

/// A page that no client may ask for.
fn larger_page(reads: &FieldSet, most: u32) -> Option<i64> {
    let asked = reads.selection_set.fields().filter_map(|field| {
        let first = field.specified_argument_by_name("first")?;
        first.to_i32().map(i64::from)
    });
    asked.filter(|asked| *asked > i64::from(most)).max()
}

impl ListOf {
    fn into_list(self) -> MetricList {
        MetricList { name: self.name, columns: self.columns, is_enough: self.is_enough }
    }
}

/// A metric's own field, or one that nothing is known of.
fn source_of(metrics: &[Option<Metric>], field: FieldId, id: DerivedId) -> Source {
    match metrics.get(field.index()) {
        Some(Some(_)) => Source::Metric(id),
        _ => Source::NotCovered,
    }
}
