//! Builds the plan: one walk over the operation's merged fields.

mod derived;
mod lists;
mod merged;
mod needs;
mod steps;
mod survivor;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rustc_hash::FxHashMap;

use crate::graph::{
    Access, FieldCall, FieldId, Graph, Part, PartId, Reference, SlotId, Source, TypeId, TypeRef,
    Yields,
};
use crate::operation::{Branch, Entry, Operation, OperationKind, SelectedField, Selection, Target};
use crate::plan::rows::mark_rows;
use crate::plan::worst;
use crate::plan::{
    By, CallStep, Node, NodeBranch, Out, OutEntry, OutField, Plain, Plan, Prefix, ReferenceStep,
    Site, SiteId, Step, StepId, Work,
};
use lists::{Listed, has_cursors};
use needs::needs_site;
use steps::{Given, call_step};

pub use derived::items;

/// Plans an operation.
pub fn plan(graph: &Graph, operation: Operation) -> Plan {
    let mut builder = Builder {
        graph,
        sites: Vec::new(),
        steps: Vec::new(),
        fallbacks: FxHashMap::default(),
        refusable: Vec::new(),
        root_field: 0,
    };
    let root_type = match operation.kind {
        OperationKind::Query => graph.query,
        OperationKind::Mutation => graph.mutation.unwrap_or(graph.query),
    };
    let root_site = builder.site(root_type, None, None, String::new());
    let root = builder.root(&operation.root, root_site);
    mark_rows(graph, &root, &builder.steps, &mut builder.sites);
    let mut plan = Plan {
        sites: builder.sites,
        steps: builder.steps,
        root,
        refusable: builder.refusable,
        operation,
        calls_bound: 0,
        bytes: AtomicUsize::new(0),
    };
    plan.calls_bound = worst::bound(graph, &plan);
    plan
}

struct Builder<'a> {
    graph: &'a Graph,
    sites: Vec<Site>,
    steps: Vec<Step>,
    /// Of each part's step the one for objects that lack a value.
    fallbacks: FxHashMap<StepId, StepId>,
    refusable: Vec<Arc<SelectedField>>,
    root_field: usize,
}

/// What a selection's objects are: objects of a site, or records inside another record.
#[derive(Clone, Copy)]
enum Place {
    Site(SiteId),
    Record,
}

impl Builder<'_> {
    fn root(&mut self, selection: &Selection, site: SiteId) -> Node {
        let mut branches = Vec::new();
        for branch in &selection.branches {
            let mut fields = Vec::new();
            for (index, field) in branch.fields.iter().enumerate() {
                self.root_field = index;
                fields.push(self.field(branch, field, Place::Site(site)));
            }
            let order = order(branch, &fields);
            branches.push(Arc::new(NodeBranch { ty: branch.ty, fields, order }));
        }
        Node::new(branches)
    }

    fn node(&mut self, selection: &Selection, place: Place) -> Node {
        let branch = |this: &mut Self, branch: &Branch| {
            let fields = branch.fields.iter().map(|field| this.field(branch, field, place));
            let mut fields: Vec<OutField> = fields.collect();
            lists::tell_beside(branch, &mut fields);
            NodeBranch { ty: branch.ty, order: order(branch, &fields), fields }
        };
        let mut branches = Vec::with_capacity(selection.branches.len());
        for selected in &selection.branches {
            branches.push(Arc::new(branch(self, selected)));
        }
        Node::new(branches)
    }

    fn field(&mut self, branch: &Branch, field: &Arc<SelectedField>, place: Place) -> OutField {
        let id = match field.target {
            Target::Field(id) => id,
            Target::Typename | Target::Introspection => return self.meta_field(field),
        };
        let defined = self.graph.field(branch.ty, id);
        let source = self.source(branch.ty, id, field, place);
        OutField {
            response_key: Arc::clone(&field.response_key),
            prefix: Prefix::new(&field.response_key),
            field: Some(id),
            ty: defined.ty.clone(),
            refusable: self.refusable(field, &source),
            source,
            when: field.when.clone(),
            access: self.access(branch.ty, id),
            location: field.location,
            occurrences: field.occurrences,
            stream: field.stream,
            coordinate: Arc::clone(&defined.coordinate),
        }
    }

    fn meta_field(&self, field: &SelectedField) -> OutField {
        let source =
            if field.target == Target::Typename { Out::Typename } else { Out::Introspection };
        OutField {
            response_key: Arc::clone(&field.response_key),
            prefix: Prefix::new(&field.response_key),
            field: None,
            ty: TypeRef { named: self.graph.query, wrappers: Vec::new() },
            source,
            when: field.when.clone(),
            access: Vec::new(),
            location: field.location,
            occurrences: field.occurrences,
            stream: field.stream,
            refusable: None,
            coordinate: Arc::clone(&field.response_key),
        }
    }

    /// The requirements of the field, of the type that it returns, and of what it is computed from.
    fn access(&self, ty: TypeId, id: FieldId) -> Vec<Access> {
        let field = self.graph.field(ty, id);
        let returned = &self.graph.ty(field.ty.named).access;
        let mut access: Vec<Access> = field.access.iter().chain(returned).cloned().collect();
        if let Source::Computed(computed) = &field.source {
            access.extend(computed.reads.iter().flat_map(|read| self.access(ty, *read)));
        }
        access
    }

    fn source(&mut self, ty: TypeId, id: FieldId, field: &Arc<SelectedField>, place: Place) -> Out {
        let graph = self.graph;
        let source = match (&graph.field(ty, id).source, place) {
            (source @ Source::OfBackend(_), Place::Site(site)) => {
                source.of(self.backend_of(site, ty, PartId(0)))
            }
            (source, _) => source,
        };
        match (source, place) {
            (Source::Slot { part }, place) => self.slot(ty, id, *part, field, place),
            (Source::Survivor(rule), Place::Site(site)) => self.survivor(ty, rule, field, site),
            (Source::Computed(computed), _) => Out::Computed(Arc::clone(computed)),
            (Source::Call(call), Place::Site(site)) => self.call(ty, id, call, field, site),
            (Source::Reference(reference), Place::Site(site)) => {
                self.reference(ty, id, reference, field, site)
            }
            (Source::Entities, Place::Site(site)) => {
                self.entities(ty, field, site, By::Representations)
            }
            (Source::Node { many }, Place::Site(site)) => {
                self.entities(ty, field, site, By::Ids { many: *many })
            }
            (Source::ByKey(keys), Place::Site(site)) => {
                self.entities(ty, field, site, By::Keys(Arc::clone(keys)))
            }
            (Source::Derived(derived), Place::Site(site)) => self.derived(*derived, field, site),
            (Source::Merged(id), Place::Site(site)) => self.merged(ty, *id, field, site),
            (Source::Metric(_), _) => Out::Slot { column: 0, node: self.inside(field) },
            (Source::Service, _) => {
                let node = field.selection.as_ref();
                let node = node.map(|selection| self.node(selection, Place::Record));
                Out::Service { node: node.unwrap_or(Node::new(Vec::new())) }
            }
            (Source::ServiceSdl, _) => Out::ServiceSdl,
            (Source::SourceStatus, _) => Out::SourceStatus { node: self.status(field) },
            (Source::Account(account), _) => Out::Account { node: self.account(*account, field) },
            // Records that need loads beneath them always stand at a site (see `needs_site`).
            (
                Source::NotCovered
                | Source::Connection(_)
                | Source::Status(_)
                | Source::Said(_)
                | Source::Survivor(_)
                | Source::Call(_)
                | Source::Reference(_)
                | Source::OfBackend(_)
                | Source::Derived(_)
                | Source::Merged(_)
                | Source::Event
                | Source::Entities
                | Source::Node { .. }
                | Source::ByKey(_),
                _,
            ) => Out::NotCovered,
        }
    }

    fn slot(
        &mut self,
        ty: TypeId,
        id: FieldId,
        part: PartId,
        field: &SelectedField,
        place: Place,
    ) -> Out {
        let column = if self.graph.ty(ty).parts.is_empty() { 0 } else { usize::from(part.0) };
        let Some(selection) = &field.selection else { return Out::Slot { column, node: None } };
        let Place::Site(site) = place else {
            return Out::Slot { column, node: Some(self.node(selection, Place::Record)) };
        };
        if !needs_site(self.graph, selection) {
            return Out::Slot { column, node: Some(self.node(selection, Place::Record)) };
        }
        self.nested(site, ty, (column, id), field, selection)
    }

    fn nested(
        &mut self,
        site: SiteId,
        ty: TypeId,
        (column, field_id): (usize, FieldId),
        field: &SelectedField,
        selection: &Selection,
    ) -> Out {
        let part = PartId(u8::try_from(column).unwrap_or(0));
        let after = self.providers(site, ty, part);
        let step = self.step(
            site,
            ty,
            after,
            Work::Nested { child: SiteId::ROOT, column, field: Some(field_id) },
        );
        let given = Given::Record(self.backend_of(site, ty, part));
        let child = self.child(step, site, selection.ty, &field.response_key, given);
        let node = self.node(selection, Place::Site(child));
        Out::Child { step, site: child, node }
    }

    fn call(
        &mut self,
        ty: TypeId,
        id: FieldId,
        call: &FieldCall,
        field: &Arc<SelectedField>,
        site: SiteId,
    ) -> Out {
        let defined = self.graph.field(ty, id);
        let after = self.key_providers(site, ty, &call.key);
        let element = match call.yields {
            Yields::Connection { element } => element,
            Yields::One | Yields::Many => defined.ty.named,
            Yields::Value => self.graph.shape(call.shape).ty,
        };
        let selection = field.selection.as_ref();
        let work = Work::Call(CallStep {
            has_cursors: selection.is_some_and(|selection| has_cursors(self.graph, selection)),
            ..call_step(call, &defined.coordinate, field)
        });
        let step = self.step(site, ty, after, work);
        let given = match call.names {
            Some(named) => Given::Key(named.part, named.key_kind),
            None => Given::Record(Some(self.graph.call(call.call).backend)),
        };
        let child = self.child(step, site, element, &field.response_key, given);
        match call.yields {
            Yields::Value => Out::Value { step, site: child, node: self.inside(field) },
            Yields::Connection { .. } => {
                let node = self.connection(field.selection.as_ref(), &Listed::Site(child));
                Out::Connection { step, site: child, node }
            }
            Yields::One | Yields::Many => {
                let node = self.child_node(field, child);
                Out::Child { step, site: child, node }
            }
        }
    }

    /// What is selected of a record inside of a record.
    fn inside(&mut self, field: &SelectedField) -> Option<Node> {
        field.selection.as_ref().map(|selection| self.node(selection, Place::Record))
    }

    fn child_node(&mut self, field: &SelectedField, child: SiteId) -> Node {
        match &field.selection {
            Some(selection) => self.node(selection, Place::Site(child)),
            None => Node::new(Vec::new()),
        }
    }

    fn reference(
        &mut self,
        ty: TypeId,
        id: FieldId,
        reference: &Reference,
        field: &Arc<SelectedField>,
        site: SiteId,
    ) -> Out {
        let defined = self.graph.field(ty, id);
        let after = self.key_providers(site, ty, &reference.key);
        let work = Work::Reference(ReferenceStep {
            child: SiteId::ROOT,
            part: reference.part,
            key_kind: reference.key_kind,
            key: reference.key.clone(),
            many: reference.many,
            field: Arc::clone(field),
            coordinate: Arc::clone(&defined.coordinate),
        });
        let step = self.step(site, ty, after, work);
        let given = Given::Key(reference.part, reference.key_kind);
        let child = self.child(step, site, defined.ty.named, &field.response_key, given);
        let node = self.child_node(field, child);
        Out::Child { step, site: child, node }
    }
}

/// `fields`: those of the branch as they are written, if they may be scalars of records.
fn order(branch: &Branch, fields: &[OutField]) -> Vec<OutEntry> {
    let entry = |entry: &Entry| {
        let (when, unless) = (entry.when.clone(), entry.unless.clone());
        let mut made = OutEntry { field: entry.field, when, unless, plain: None };
        made.plain = fields.get(made.field).and_then(|field| Plain::of(&made, field));
        made
    };
    branch.order.iter().map(entry).collect()
}

fn sorted(mut steps: Vec<StepId>) -> Vec<StepId> {
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// Does the key `kind` of a part hold these slots' values?
pub(crate) fn key_holds(
    graph: &Graph,
    ty: TypeId,
    part: PartId,
    kind: u8,
    slots: &[SlotId],
) -> bool {
    let key = graph
        .ty(ty)
        .parts
        .get(usize::from(part.0))
        .and_then(|part| part.keys.get(usize::from(kind)));
    key.is_some_and(|key| slots.iter().all(|slot| key.slots.contains(slot)))
}

/// Whether there are other rules to try should the key of an early one be blocked.
fn may_be_blocked(part: &Part, early: usize, usable: &[usize]) -> bool {
    let rule = part.rules.get(early);
    let key = rule.and_then(|rule| part.keys.get(usize::from(rule.key_kind)));
    usable.len() > 1 && key.is_some_and(|key| key.blocked.is_some())
}

fn early_rule(
    graph: &Graph,
    ty: TypeId,
    part: &Part,
    usable: &[usize],
    given: Given,
) -> Option<usize> {
    let Given::Key(key_part, kind) = given else { return None };
    let known = usable.iter().copied().find(|index| {
        part.rules.get(*index).is_some_and(|rule| {
            // who is not in a table is found by the next rule, which may have to wait
            let is_direct = rule.table.is_none() && rule.from == key_part;
            is_direct && key_holds(graph, ty, key_part, kind, &rule.slots)
        })
    })?;
    let rule = part.rules.get(known)?;
    (usable.first() == Some(&known) || rule.equivalent).then_some(known)
}
