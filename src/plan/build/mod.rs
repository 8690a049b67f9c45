//! Builds the plan: one walk over the operation's merged fields.

mod derived;
mod early;
mod lists;
mod merged;
mod needs;
mod steps;
mod survivor;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::error::{ErrorCode, RequestError};
use crate::graph::{
    Access, FieldCall, FieldId, Graph, PartId, Reference, Source, TypeId, TypeRef, Yields,
};
use crate::operation::{Branch, Entry, Operation, OperationKind, SelectedField, Selection, Target};
use crate::plan::lasting::is_lasting;
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

/// Plans an operation. Refuses one of more steps than the limit, before it has made them.
pub fn plan(graph: &Graph, operation: Operation) -> Result<Plan, RequestError> {
    let mut builder = Builder {
        graph,
        sites: Vec::new(),
        steps: Vec::new(),
        usable: FxHashMap::default(),
        fallbacks: FxHashMap::default(),
        refusable: Vec::new(),
        root_field: 0,
        refused: None,
    };
    let root_type = match operation.kind {
        OperationKind::Query => graph.query,
        OperationKind::Mutation => graph.mutation.unwrap_or(graph.query),
    };
    let root_site = builder.site(root_type, None, None, String::new());
    let root = builder.root(&operation.root, root_site);
    if let Some(error) = builder.refused {
        return Err(error);
    }
    mark_rows(graph, &root, &builder.steps, &mut builder.sites);
    let mut plan = Plan {
        sites: builder.sites,
        steps: builder.steps,
        root,
        refusable: builder.refusable,
        operation,
        is_lasting: false,
        calls_bound: 0,
        marks: OnceLock::new(),
        bytes: AtomicUsize::new(0),
    };
    plan.is_lasting = is_lasting(graph, &plan);
    plan.calls_bound = worst::bound(graph, &plan);
    Ok(plan)
}

/// Of each part of a type the rules that can lead to it.
type Usable = Arc<[Arc<[usize]>]>;

struct Builder<'a> {
    graph: &'a Graph,
    sites: Vec<Site>,
    steps: Vec<Step>,
    /// By what objects come with.
    usable: FxHashMap<(TypeId, Option<PartId>), Usable>,
    /// Of each part's step the one for objects that lack a value.
    fallbacks: FxHashMap<StepId, StepId>,
    refusable: Vec<Arc<SelectedField>>,
    root_field: usize,
    /// The operation has too many steps: nothing more is planned.
    refused: Option<RequestError>,
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
                if self.refused.is_some() {
                    break;
                }
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
            let mut fields = Vec::with_capacity(branch.fields.len());
            for field in &branch.fields {
                if this.refused.is_some() {
                    break;
                }
                fields.push(this.field(branch, field, place));
            }
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
        self.bound_steps(field);
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

    fn bound_steps(&mut self, field: &SelectedField) {
        let (found, allowed) = (self.steps.len(), self.graph.limits.steps);
        if found > allowed && self.refused.is_none() {
            let error = RequestError::new(
                ErrorCode::StepsLimit,
                format!(
                    "The operation takes more than {allowed} steps; limits.steps allows no more."
                ),
            );
            self.refused = Some(error.at(field.location));
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
