//! Builds the plan: one walk over the operation's merged fields.

mod lists;
mod steps;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::graph::{
    Access, BackendId, ConnectionField, FieldCall, FieldId, Graph, Part, PartId, Reference, SlotId,
    Source, TypeId, TypeRef, Yields,
};
use crate::operation::{Branch, Operation, OperationKind, SelectedField, Selection, Target};
use crate::plan::{
    CallStep, Node, NodeBranch, Out, OutEntry, OutField, Plan, ReferenceStep, Site, SiteId, Step,
    StepId, Work,
};

/// Plans an operation.
pub fn plan(graph: &Graph, operation: Operation) -> Plan {
    let mut builder = Builder { graph, sites: Vec::new(), steps: Vec::new(), root_field: 0 };
    let root_type = match operation.kind {
        OperationKind::Query => graph.query,
        OperationKind::Mutation => graph.mutation.unwrap_or(graph.query),
    };
    let root_site = builder.site(root_type, None, None, String::new());
    let root = builder.root(&operation.root, root_site);
    Plan { sites: builder.sites, steps: builder.steps, root, operation, bytes: AtomicUsize::new(0) }
}

struct Builder<'a> {
    graph: &'a Graph,
    sites: Vec<Site>,
    steps: Vec<Step>,
    root_field: usize,
}

/// What a selection's objects are: objects of a site, or records inside another record.
#[derive(Clone, Copy)]
enum Place {
    Site(SiteId),
    Record,
}

/// What objects of a new site come with.
#[derive(Clone, Copy)]
enum Given {
    /// A record of a call to this backend, or a record inside one: the part of the same backend, if there is one.
    Record(Option<BackendId>),
    /// The key of a part.
    Key(PartId, u8),
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
            branches.push(NodeBranch { ty: branch.ty, fields, order: order(branch) });
        }
        Node { branches }
    }

    fn node(&mut self, selection: &Selection, place: Place) -> Node {
        let branch = |this: &mut Self, branch: &Branch| NodeBranch {
            ty: branch.ty,
            fields: branch.fields.iter().map(|field| this.field(branch, field, place)).collect(),
            order: order(branch),
        };
        let mut branches = Vec::with_capacity(selection.branches.len());
        for selected in &selection.branches {
            branches.push(branch(self, selected));
        }
        Node { branches }
    }

    fn field(&mut self, branch: &Branch, field: &Arc<SelectedField>, place: Place) -> OutField {
        let id = match field.target {
            Target::Field(id) => id,
            Target::Typename | Target::Introspection => return self.meta_field(field),
        };
        let defined = self.graph.field(branch.ty, id);
        OutField {
            response_key: Arc::clone(&field.response_key),
            prefix: prefix(&field.response_key),
            field: Some(id),
            ty: defined.ty.clone(),
            source: self.source(branch.ty, id, field, place),
            when: field.when.clone(),
            access: self.access(branch.ty, id),
            location: field.location,
            coordinate: Arc::clone(&defined.coordinate),
        }
    }

    fn meta_field(&self, field: &SelectedField) -> OutField {
        let source =
            if field.target == Target::Typename { Out::Typename } else { Out::Introspection };
        OutField {
            response_key: Arc::clone(&field.response_key),
            prefix: prefix(&field.response_key),
            field: None,
            ty: TypeRef { named: self.graph.query, wrappers: Vec::new() },
            source,
            when: field.when.clone(),
            access: Vec::new(),
            location: field.location,
            coordinate: Arc::clone(&field.response_key),
        }
    }

    /// The requirements of the field and of the type that it returns.
    fn access(&self, ty: TypeId, id: FieldId) -> Vec<Access> {
        let field = self.graph.field(ty, id);
        let returned = &self.graph.ty(field.ty.named).access;
        field.access.iter().chain(returned).cloned().collect()
    }

    fn source(&mut self, ty: TypeId, id: FieldId, field: &Arc<SelectedField>, place: Place) -> Out {
        let graph = self.graph;
        match (&graph.field(ty, id).source, place) {
            (Source::Slot { part }, place) => self.slot(ty, id, *part, field, place),
            (Source::Call(call), Place::Site(site)) => self.call(ty, id, call, field, site),
            (Source::Reference(reference), Place::Site(site)) => {
                self.reference(ty, id, reference, field, site)
            }
            (Source::SourceStatus, _) => Out::SourceStatus { node: self.status(field) },
            // Records that need loads beneath them always stand at a site (see `needs_site`).
            (
                Source::NotCovered
                | Source::Connection(_)
                | Source::Status(_)
                | Source::Call(_)
                | Source::Reference(_),
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
        let work = Work::Call(CallStep {
            child: SiteId::ROOT,
            call: call.call,
            shape: call.shape,
            key: call.key.clone(),
            yields: call.yields,
            field: Arc::clone(field),
            coordinate: Arc::clone(&defined.coordinate),
            has_cursors: field
                .selection
                .as_ref()
                .is_some_and(|selection| has_cursors(self.graph, selection)),
        });
        let step = self.step(site, ty, after, work);
        let given = Given::Record(Some(self.graph.call(call.call).backend));
        let child = self.child(step, site, element, &field.response_key, given);
        match call.yields {
            Yields::Value => {
                let node =
                    field.selection.as_ref().map(|selection| self.node(selection, Place::Record));
                Out::Value { step, site: child, node }
            }
            Yields::Connection { .. } => {
                let node = self.connection(field.selection.as_ref(), child);
                Out::Connection { step, site: child, node }
            }
            Yields::One | Yields::Many => {
                let node = self.child_node(field, child);
                Out::Child { step, site: child, node }
            }
        }
    }

    fn child_node(&mut self, field: &SelectedField, child: SiteId) -> Node {
        match &field.selection {
            Some(selection) => self.node(selection, Place::Site(child)),
            None => Node { branches: Vec::new() },
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

fn order(branch: &Branch) -> Vec<OutEntry> {
    branch
        .order
        .iter()
        .map(|entry| OutEntry {
            field: entry.field,
            when: entry.when.clone(),
            unless: entry.unless.clone(),
        })
        .collect()
}

fn prefix(response_key: &str) -> Box<str> {
    format!(",\"{response_key}\":").into_boxed_str()
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
            rule.from == key_part && key_holds(graph, ty, key_part, kind, &rule.slots)
        })
    })?;
    let rule = part.rules.get(known)?;
    (usable.first() == Some(&known) || rule.equivalent).then_some(known)
}

/// Do objects of this selection need loads of their own, so that they must stand at a site?
fn needs_site(graph: &Graph, selection: &Selection) -> bool {
    selection.branches.iter().any(|branch| {
        let parts = graph.ty(branch.ty).parts.len();
        branch.fields.iter().any(|field| {
            let Target::Field(id) = field.target else { return false };
            let nested =
                || field.selection.as_ref().is_some_and(|selection| needs_site(graph, selection));
            match graph.field(branch.ty, id).source {
                Source::Call(_) | Source::Reference(_) | Source::SourceStatus => true,
                Source::Slot { .. } => parts > 1 || nested(),
                Source::Connection(_) | Source::Status(_) | Source::NotCovered => nested(),
            }
        })
    })
}

/// Does a connection's selection, or that of its edges or page info, ask for a cursor?
fn has_cursors(graph: &Graph, selection: &Selection) -> bool {
    use ConnectionField::{Cursor, Edges, EndCursor, PageInfo, StartCursor};
    selection
        .branches
        .iter()
        .flat_map(|branch| branch.fields.iter().map(move |field| (branch.ty, field)))
        .any(|(ty, field)| {
            let Target::Field(id) = field.target else { return false };
            match graph.field(ty, id).source {
                Source::Connection(Cursor | StartCursor | EndCursor) => true,
                Source::Connection(Edges | PageInfo) => {
                    field.selection.as_ref().is_some_and(|selection| has_cursors(graph, selection))
                }
                _ => false,
            }
        })
}
