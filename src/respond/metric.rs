//! Metrics: reckoned when they are written, from the lists that were read for them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::child::Presence;
use super::{Done, NOT_OF_KIND, Nulled, Owner, Place, Segment, Writer};
use crate::derive::{self, Reading, Table};
use crate::execute::{Link, WindowId};
use crate::graph::{MetricList, TypeId, Wrapper};
use crate::plan::{MetricId, Node, NodeBranch, Out, OutField, SiteId, StepId, Work, items};
use crate::value::{Cell, plain_text};

/// What the metrics of an answer have in common.
#[derive(Default)]
pub(super) struct Metrics<'a> {
    /// The lists that were read last.
    lists: Option<Lists<'a>>,
}

/// The lists of one object, for all of its metrics.
struct Lists<'a> {
    of: (SiteId, u32, MetricPlace),
    tables: Vec<Option<Table<'a>>>,
}

/// Which node of the plan reads the lists: one object may have metrics under several response keys.
type MetricPlace = *const Node;

impl<'a> Writer<'a> {
    pub(super) fn metric(
        &mut self,
        id: MetricId,
        reads: &'a Arc<Node>,
        node: Option<&'a Node>,
        (field, place): (&'a OutField, Place),
        owner: Owner<'a>,
    ) -> Done {
        let derived = self.source.graph.derived(id.derived);
        let metric = derived.metrics.get(id.field.index()).and_then(Option::as_ref);
        let (Place::Object { site, object }, Some(metric)) = (place, metric) else {
            return self.null(&field.ty.wrappers, owner);
        };
        let of = (site, object, Arc::as_ptr(reads));
        let lists = match self.metrics.lists.take() {
            Some(lists) if lists.of == of => lists,
            _ => Lists { of, tables: self.tables(&derived.lists, reads, place) },
        };
        let now = self.source.outcome.present;
        let value = derive::reckon(&metric.formula, &metric.lists, &lists.tables, now);
        self.metrics.lists = Some(lists);
        self.reckoned(&value, &field.ty.wrappers, node, owner)
    }

    fn tables(
        &self,
        lists: &'a [MetricList],
        reads: &'a Node,
        place: Place,
    ) -> Vec<Option<Table<'a>>> {
        let ty = self.type_of(place);
        let branch = reads.branches.iter().find(|branch| Some(branch.ty) == ty);
        let fields = branch.map(|branch| branch.fields.as_slice()).unwrap_or_default();
        let table = |list: &'a MetricList| {
            let field = fields.iter().find(|field| field.response_key == list.name)?;
            Some(self.table(list, field, place))
        };
        lists.iter().map(table).collect()
    }

    /// One list of an object.
    fn table(&self, list: &'a MetricList, field: &'a OutField, place: Place) -> Table<'a> {
        let mut table = Table {
            width: list.columns.len(),
            cells: Vec::new(),
            reading: Reading::Missing,
            sources: self.sources(field, place),
            age: Duration::ZERO,
        };
        let (site, node) = match &field.source {
            Out::Child { site, node, .. } => (*site, node),
            Out::Connection { site, .. } => match items(field) {
                Some(node) => (*site, node),
                None => return table,
            },
            _ => return table,
        };
        let all = |site: SiteId, (start, end): (u32, u32)| {
            (start..end).map(move |object| Place::Object { site, object }).collect()
        };
        let mut places: Vec<Place> = Vec::new();
        match self.link(site, place) {
            Link::Unset | Link::Failed(_) => return table,
            Link::Null { .. } => {}
            Link::One(object) => places = all(site, (object, object + 1)),
            Link::Many { start, end, answer } => {
                places = all(site, (start, end));
                self.answered_for(&mut table, answer);
            }
            Link::Rows { answer, start, end } => {
                places = self.row_places(answer, (start, end));
                self.answered_for(&mut table, Some(answer));
            }
            Link::Window(id) => places = self.window_places(&mut table, list, site, id),
        }
        if table.reading == Reading::Missing {
            table.reading = Reading::Whole;
        }
        for place in places {
            self.item(&mut table, list, node, place);
        }
        table
    }

    fn window_places(
        &self,
        table: &mut Table<'a>,
        list: &MetricList,
        site: SiteId,
        id: WindowId,
    ) -> Vec<Place> {
        let Some(window) = self.source.outcome.arena.windows.get(id.0 as usize) else {
            return Vec::new();
        };
        self.answered_for(table, Some(window.answer));
        if window.has_next && !list.is_enough {
            table.reading = Reading::Partial;
        }
        if window.are_rows {
            return self.row_places(window.answer, (window.start, window.end));
        }
        (window.start..window.end).map(|object| Place::Object { site, object }).collect()
    }

    fn row_places(&self, answer: u32, (start, end): (u32, u32)) -> Vec<Place> {
        let rows = self.answer(answer).map(|table| &*table.rows).unwrap_or_default();
        let rows = rows.get(start as usize..end as usize).unwrap_or_default();
        rows.iter().map(|record| Place::Record { answer, record: *record }).collect()
    }

    /// How whole an answer is, and how old.
    fn answered_for(&self, table: &mut Table<'a>, answer: Option<u32>) {
        let outcome = self.source.outcome;
        let Some(loaded) = answer.and_then(|answer| outcome.arena.loaded(answer)) else { return };
        table.reading = if loaded.answer.partial { Reading::Partial } else { Reading::Whole };
        let age = loaded.cached_at.map(|at| outcome.now.saturating_duration_since(at));
        table.age = table.age.max(age.unwrap_or_default());
    }

    /// The roles that a list comes from.
    fn sources(&self, field: &OutField, place: Place) -> Vec<Arc<str>> {
        let graph = self.source.graph;
        let step = match &field.source {
            Out::Child { step, .. } | Out::Connection { step, .. } => Some(*step),
            _ => None,
        };
        let work = step.and_then(|StepId(step)| self.source.plan.steps.get(step as usize));
        let backend = match work.map(|step| &step.work) {
            Some(Work::Call(call)) => Some(graph.call(call.call).backend),
            _ => self
                .type_of(place)
                .zip(field.field)
                .and_then(|(ty, id)| graph.field(ty, id).backend),
        };
        match backend {
            Some(backend) => vec![Arc::clone(&graph.backend(backend).role)],
            // nobody plays the role that would answer
            None => {
                self.type_of(place).map_or_else(Vec::new, |ty| graph.ty(ty).uncovered_roles.clone())
            }
        }
    }

    /// One row of a table.
    fn item(&self, table: &mut Table<'a>, list: &'a MetricList, node: &'a Node, place: Place) {
        let ty = match place {
            Place::Object { site, object } => match self.presence(site, object) {
                Presence::There(ty) => Some(ty),
                Presence::Missing => return,
                Presence::List(..) | Presence::Null(_) => None,
            },
            Place::Record { .. } => self.type_of(place),
        };
        let Some(ty) = ty else {
            table.reading = Reading::Partial;
            return;
        };
        for path in &list.columns {
            match self.column(node, ty, place, path) {
                Column::Text(text) => table.cells.push(text),
                Column::Unknown => {
                    table.reading = Reading::Partial;
                    table.cells.push(None);
                }
                Column::NotCovered => {
                    table.reading = Reading::Missing;
                    table.cells.push(None);
                }
            }
        }
    }

    fn column(&self, node: &'a Node, ty: TypeId, place: Place, path: &[Arc<str>]) -> Column<'a> {
        let Some((name, rest)) = path.split_first() else { return Column::Unknown };
        let branch = node.branches.iter().find(|branch| branch.ty == ty);
        let fields = branch.map(|branch| branch.fields.as_slice()).unwrap_or_default();
        // no metric of this operation reads it
        let Some(field) = fields.iter().find(|field| field.response_key == *name) else {
            return Column::Text(None);
        };
        let (column, node) = match &field.source {
            Out::Slot { column, node } => (column, node),
            Out::Computed(computed) => {
                return self.compute(computed, place).map_or(Column::Unknown, |value| {
                    Column::Text((!value.is_null()).then(|| Cow::Owned(value.to_string())))
                });
            }
            _ => return Column::NotCovered,
        };
        let Some((answer, cell)) = self.cell_of(place, *column, field.field) else {
            return Column::Unknown;
        };
        match cell {
            Cell::Text { .. } => {
                let json = self.answer(answer).and_then(|table| table.json(cell));
                Column::Text(json.and_then(plain_text))
            }
            Cell::Record { .. } => {
                let place = Place::Record { answer, record: cell };
                match (node, self.type_of(place)) {
                    (Some(node), Some(ty)) => self.column(node, ty, place, rest),
                    _ => Column::Unknown,
                }
            }
            Cell::Null | Cell::Absent => Column::Text(None),
            Cell::List { .. } | Cell::Problem(_) => Column::Unknown,
        }
    }

    // ---- writing ---------------------------------------------------------------------------------------------------

    /// A reckoned value of the declared type, as it is selected.
    fn reckoned(
        &mut self,
        value: &Value,
        wrappers: &'a [Wrapper],
        node: Option<&'a Node>,
        owner: Owner<'a>,
    ) -> Done {
        let Some((wrapper, inner)) = wrappers.split_first() else { return Err(Nulled) };
        match (value, node.and_then(|node| node.branches.first())) {
            (Value::Null, _) => self.null(wrappers, owner),
            (Value::Array(items), _) if wrapper.list => {
                self.out.push(b'[');
                for (index, item) in (0..).zip(items) {
                    if index > 0 {
                        self.out.push(b',');
                    }
                    self.path.push(Segment::Index(index));
                    let done = self.reckoned(item, inner, node, owner);
                    self.path.pop();
                    done?;
                }
                self.out.push(b']');
                Ok(())
            }
            (Value::Object(members), Some(branch)) => self.members(members, branch),
            (Value::String(text), _) => {
                self.string(text);
                Ok(())
            }
            (Value::Bool(_) | Value::Number(_), _) => {
                self.out.extend_from_slice(value.to_string().as_bytes());
                Ok(())
            }
            (Value::Array(_) | Value::Object(_), _) => self.misfit(NOT_OF_KIND, owner),
        }
    }

    fn members(&mut self, members: &Map<String, Value>, branch: &'a NodeBranch) -> Done {
        let open = self.out.len();
        for entry in &branch.order {
            let Some(field) = branch.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            field.prefix.write(&mut self.out);
            let graph = self.source.graph;
            let name = field.field.map(|id| &*graph.field(branch.ty, id).name);
            let owner = Owner { coordinate: &field.coordinate, location: field.location };
            self.path.push(Segment::Key(&field.response_key));
            let done = match (&field.source, name) {
                (Out::Slot { node, .. }, Some(name)) => {
                    let value = members.get(name).unwrap_or(&Value::Null);
                    self.reckoned(value, &field.ty.wrappers, node.as_ref(), owner)
                }
                (Out::Typename, _) => {
                    self.string(&graph.ty(branch.ty).name);
                    Ok(())
                }
                _ => self.null(&field.ty.wrappers, owner),
            };
            self.path.pop();
            done?;
        }
        self.end_object(open);
        Ok(())
    }
}

/// A value of an item.
enum Column<'a> {
    Text(Option<Cow<'a, str>>),
    /// It could not be read.
    Unknown,
    /// The vendor does not say it.
    NotCovered,
}
