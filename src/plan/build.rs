//! Builds the plan: one walk over the operation's merged fields.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::identity::{part_of_backend, usable_rules};
use crate::graph::{
    Access, BackendId, ConnectionField, FieldCall, FieldId, Graph, KeySource, Part, PartId,
    Reference, SlotId, Source, TypeId, TypeKind, TypeRef, Yields,
};
use crate::operation::{Branch, Operation, OperationKind, SelectedField, Selection, Target};
use crate::plan::{
    CallStep, ConnectionNode, ConnectionOut, ConnectionWhat, Node, NodeBranch, Out, OutEntry,
    OutField, PartStep, Plan, ReferenceStep, Site, SiteId, SiteType, StatusNode, Step, StepId,
    Work,
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

    // ---- sites and steps -------------------------------------------------------------------------------------------

    fn step(&mut self, site: SiteId, ty: TypeId, after: Vec<StepId>, work: Work) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        self.steps.push(Step { site, ty, work, after, root_field: self.root_field });
        id
    }

    fn child(
        &mut self,
        step: StepId,
        parent: SiteId,
        ty: TypeId,
        key: &str,
        given: Given,
    ) -> SiteId {
        let path = match self.sites.get(parent.index()) {
            Some(parent) if !parent.path.is_empty() => format!("{}.{key}", parent.path),
            _ => key.to_owned(),
        };
        let child = self.site(ty, Some(step), Some(parent), path);
        if let Some(made) = self.steps.get_mut(step.index()) {
            match &mut made.work {
                Work::Call(CallStep { child: slot, .. })
                | Work::Reference(ReferenceStep { child: slot, .. })
                | Work::Nested { child: slot, .. } => *slot = child,
                Work::Part(_) => {}
            }
        }
        self.part_steps(child, given);
        child
    }

    fn site(
        &mut self,
        ty: TypeId,
        origin: Option<StepId>,
        parent: Option<SiteId>,
        path: String,
    ) -> SiteId {
        let types: Vec<SiteType> = match &self.graph.ty(ty).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => possible.clone(),
            _ => vec![ty],
        }
        .into_iter()
        .map(|ty| SiteType { ty, parts: vec![None; self.graph.ty(ty).parts.len()] })
        .collect();
        let columns = types.iter().map(|ty| ty.parts.len()).max().unwrap_or(0).max(1);
        let id = SiteId(u32::try_from(self.sites.len()).unwrap_or(u32::MAX));
        self.sites.push(Site { ty, types, origin, parent, path, columns });
        id
    }

    /// Makes the steps of all parts that a site's objects do not come with. Which of them run is decided by what is
    /// selected, when it runs.
    fn part_steps(&mut self, site: SiteId, given: Given) {
        let types: Vec<TypeId> = self
            .sites
            .get(site.index())
            .map_or(Vec::new(), |site| site.types.iter().map(|ty| ty.ty).collect());
        for ty in types {
            let graph = self.graph;
            let parts = &graph.ty(ty).parts;
            let given_part = match given {
                Given::Record(backend) => part_of_backend(parts, backend),
                Given::Key(..) => None,
            };
            let known = match given {
                Given::Record(_) => given_part,
                Given::Key(part, _) => Some(part),
            };
            let usable = usable_rules(parts, known);
            // First number the steps, then find what each waits for: rules may point to parts that come later.
            let mut made = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let id = PartId(u8::try_from(index).unwrap_or(u8::MAX));
                let own_key = matches!(given, Given::Key(key_part, _) if key_part == id);
                if Some(id) == given_part || (part.rules.is_empty() && !own_key) {
                    continue;
                }
                let work = Work::Part(PartStep {
                    part: id,
                    own_key,
                    rules: usable.get(index).cloned().unwrap_or_default(),
                    early_rule: None,
                    reason: String::new(),
                });
                let step = self.step(site, ty, Vec::new(), work);
                self.set_part(site, ty, id, step);
                made.push((id, step));
            }
            for (id, step) in made {
                self.wire_part(site, ty, id, step, given);
            }
        }
    }

    fn set_part(&mut self, site: SiteId, ty: TypeId, part: PartId, step: StepId) {
        let Some(site) = self.sites.get_mut(site.index()) else { return };
        let Some(site_type) = site.types.iter_mut().find(|site_type| site_type.ty == ty) else {
            return;
        };
        if let Some(slot) = site_type.parts.get_mut(usize::from(part.0)) {
            *slot = Some(step);
        }
    }

    /// Identity before speed: a key that the objects were made with is used at once only if no rule of higher priority
    /// needs a part that is not loaded yet, or the deployment declares the keys equivalent.
    fn wire_part(&mut self, site: SiteId, ty: TypeId, id: PartId, step: StepId, given: Given) {
        let graph = self.graph;
        let Some(part) = graph.ty(ty).parts.get(usize::from(id.0)) else { return };
        let origin: Vec<StepId> =
            self.sites.get(site.index()).and_then(|site| site.origin).into_iter().collect();
        let own_key = matches!(given, Given::Key(key_part, _) if key_part == id);
        let usable = match self.steps.get(step.index()).map(|step| &step.work) {
            Some(Work::Part(work)) => work.rules.clone(),
            _ => Vec::new(),
        };
        let early_rule = if own_key { None } else { early_rule(graph, ty, part, &usable, given) };
        let (after, reason) = if own_key {
            (origin, "its key is known from the field".to_owned())
        } else if let Some(rule) = early_rule {
            (
                origin,
                format!(
                    "rule {} has its key from the field; no rule of higher priority needs another part",
                    rule + 1
                ),
            )
        } else {
            let mut after = origin;
            let mut waits = Vec::new();
            for rule in usable.iter().filter_map(|index| part.rules.get(*index)) {
                if let Some(provider) = self.part_step(site, ty, rule.from) {
                    after.push(provider);
                }
                if let (Some(from), Some(key)) = (
                    graph.ty(ty).parts.get(usize::from(rule.from.0)),
                    part.keys.get(usize::from(rule.key_kind)),
                ) {
                    waits.push(format!("{} from {}", key.kind, from.role));
                }
            }
            (after, format!("identity: {}", waits.join(", else ")))
        };
        if let Some(made) = self.steps.get_mut(step.index()) {
            made.after = sorted(after);
            if let Work::Part(work) = &mut made.work {
                work.early_rule = early_rule;
                work.reason = reason;
            }
        }
    }

    /// The backend whose records the objects of a site come from: of their part, or of the call that made them.
    fn backend_of(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<BackendId> {
        if let Some(part) = self.graph.ty(ty).parts.get(usize::from(part.0)) {
            return Some(part.backend);
        }
        let mut origin = self.sites.get(site.index())?.origin;
        while let Some(step) = origin.and_then(|id| self.steps.get(id.index())) {
            match &step.work {
                Work::Call(call) => return Some(self.graph.call(call.call).backend),
                Work::Nested { column, .. } => {
                    if let Some(part) = self.graph.ty(step.ty).parts.get(*column) {
                        return Some(part.backend);
                    }
                    origin = self.sites.get(step.site.index())?.origin;
                }
                Work::Reference(_) | Work::Part(_) => return None,
            }
        }
        None
    }

    fn part_step(&self, site: SiteId, ty: TypeId, part: PartId) -> Option<StepId> {
        let site = self.sites.get(site.index())?;
        let site_type = site.types.iter().find(|site_type| site_type.ty == ty)?;
        site_type.parts.get(usize::from(part.0)).copied().flatten()
    }

    /// What must be done before `part`'s record is in hand.
    fn providers(&self, site: SiteId, ty: TypeId, part: PartId) -> Vec<StepId> {
        let origin = self.sites.get(site.index()).and_then(|site| site.origin);
        sorted(origin.into_iter().chain(self.part_step(site, ty, part)).collect())
    }

    /// What must be done before a key is in hand: nothing but the objects themselves, if they were made with that key.
    fn key_providers(&self, site: SiteId, ty: TypeId, key: &KeySource) -> Vec<StepId> {
        let origin = self.sites.get(site.index()).and_then(|site| site.origin);
        let KeySource::Slots { part, slots } = key else { return origin.into_iter().collect() };
        if let Some(Step { work: Work::Reference(reference), .. }) =
            origin.and_then(|id| self.steps.get(id.index()))
            && reference.part == *part
            && key_holds(self.graph, ty, *part, reference.key_kind, slots)
        {
            return origin.into_iter().collect();
        }
        self.providers(site, ty, *part)
    }

    // ---- connections and status ------------------------------------------------------------------------------------

    fn connection(&mut self, selection: Option<&Selection>, site: SiteId) -> ConnectionNode {
        let Some((selection, branch)) =
            selection.and_then(|selection| Some((selection, selection.branches.first()?)))
        else {
            return ConnectionNode { ty: self.graph.query, fields: Vec::new(), order: Vec::new() };
        };
        let fields = branch
            .fields
            .iter()
            .map(|field| self.connection_field(branch.ty, field, site))
            .collect();
        ConnectionNode { ty: selection.ty, fields, order: order(branch) }
    }

    fn connection_field(
        &mut self,
        ty: TypeId,
        field: &SelectedField,
        site: SiteId,
    ) -> ConnectionOut {
        let (defined, what) = match field.target {
            Target::Typename | Target::Introspection => (None, ConnectionWhat::Typename),
            Target::Field(id) => {
                let defined = self.graph.field(ty, id);
                let what = match &defined.source {
                    Source::Connection(ConnectionField::Nodes | ConnectionField::Node) => {
                        ConnectionWhat::Objects(self.child_node(field, site))
                    }
                    Source::Connection(
                        inside @ (ConnectionField::Edges | ConnectionField::PageInfo),
                    ) => ConnectionWhat::Inside(
                        *inside,
                        self.connection(field.selection.as_ref(), site),
                    ),
                    Source::Connection(leaf) => ConnectionWhat::Leaf(*leaf),
                    _ => ConnectionWhat::Leaf(ConnectionField::TotalCount),
                };
                (Some((id, defined)), what)
            }
        };
        ConnectionOut {
            prefix: prefix(&field.response_key),
            response_key: Arc::clone(&field.response_key),
            ty: defined.map(|(_, defined)| defined.ty.clone()),
            location: field.location,
            coordinate: defined.map_or_else(
                || Arc::clone(&field.response_key),
                |(_, defined)| Arc::clone(&defined.coordinate),
            ),
            access: defined.map_or_else(Vec::new, |(id, _)| self.access(ty, id)),
            what,
        }
    }

    fn status(&self, field: &SelectedField) -> StatusNode {
        let Some(branch) =
            field.selection.as_ref().and_then(|selection| selection.branches.first())
        else {
            return StatusNode { type_name: Arc::from(""), fields: Vec::new(), order: Vec::new() };
        };
        let fields = branch.fields.iter().map(|field| {
            let status = match field.target {
                Target::Field(id) => match self.graph.field(branch.ty, id).source {
                    Source::Status(status) => Some(status),
                    _ => None,
                },
                Target::Typename | Target::Introspection => None,
            };
            (prefix(&field.response_key), status)
        });
        StatusNode {
            type_name: Arc::clone(&self.graph.ty(branch.ty).name),
            fields: fields.collect(),
            order: order(branch),
        }
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
