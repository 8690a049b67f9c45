//! Merged lists: a call for each list, one step that brings their records into order, and what each record is written as.

use std::sync::Arc;

use super::lists::{Listed, has_cursors};
use super::steps::{Given, call_step};
use super::{Builder, Place, order, sorted};
use crate::graph::{EventField, MergedId, MergedList, Source, TypeId, TypeRef, Yields};
use crate::operation::{Branch, SelectedField, Selection, Target};
use crate::plan::{
    CallStep, EventOut, MergeList, MergeStep, MergedCall, Node, NodeBranch, Out, OutField, Prefix,
    SiteId, StepId, Work,
};

/// A merged list that is being planned.
#[derive(Clone, Copy)]
struct Of<'a> {
    id: MergedId,
    /// The type that it stands on, and the site.
    ty: TypeId,
    site: SiteId,
    field: &'a Arc<SelectedField>,
}

impl Builder<'_> {
    pub(super) fn merged(
        &mut self,
        ty: TypeId,
        id: MergedId,
        field: &Arc<SelectedField>,
        site: SiteId,
    ) -> Out {
        let merged = self.graph.merged(id);
        let of = Of { id, ty, site, field };
        let reads = field
            .reads
            .as_ref()
            .and_then(|reads| reads.branches.iter().find(|branch| branch.ty == ty));
        let selected = |list: &MergedList| {
            let fields = reads.map(|branch| branch.fields.as_slice()).unwrap_or_default();
            fields.iter().find(|field| field.response_key == list.name)
        };
        let mut lists: Vec<MergeList> = Vec::new();
        for (number, list) in (0..).zip(&merged.lists) {
            let planned =
                selected(list).and_then(|field| self.merged_call(of, number, list, field));
            lists.push(planned.unwrap_or_else(|| MergeList {
                step: None,
                site: SiteId::ROOT,
                access: Vec::new(),
                is_named: false,
            }));
        }
        let mut after = self.identified(of);
        after.extend(lists.iter().filter_map(|list| list.step));
        after.extend(
            lists
                .iter()
                .filter(|list| list.is_named)
                .flat_map(|list| self.part_steps_of(list.site)),
        );
        let has_cursors =
            field.selection.as_ref().is_some_and(|selection| has_cursors(self.graph, selection));
        let work = Work::Merge(MergeStep {
            child: SiteId::ROOT,
            merged: id,
            lists,
            field: Arc::clone(field),
            coordinate: Arc::clone(&merged.coordinate),
            has_cursors,
        });
        let step = self.step(site, ty, sorted(after), work);
        self.merged_sites(of, step);
        let (child, nodes) = self.merged_nodes(of, step);
        let node = self.connection(field.selection.as_ref(), &Listed::Merged(nodes));
        Out::Connection { step, site: child, node }
    }

    /// The call that reads one of the lists. `None`: nobody covers it.
    fn merged_call(
        &mut self,
        of: Of<'_>,
        number: u8,
        list: &MergedList,
        field: &Arc<SelectedField>,
    ) -> Option<MergeList> {
        let graph = self.graph;
        let defined = graph.field(of.ty, list.field);
        let Source::Call(call) = &defined.source else { return None };
        let is_timed = |stamp: &crate::graph::Stamp| {
            matches!(graph.field(stamp.ty, stamp.time).source, Source::Slot { .. })
        };
        let is_list = matches!(call.yields, Yields::Many | Yields::Connection { .. });
        if !is_list || !list.stamps.iter().any(is_timed) {
            return None;
        }
        let mut after = self.key_providers(of.site, of.ty, &call.key);
        if of.field.arguments.iter().any(|argument| &*argument.name == "after") {
            after.extend(self.identified(of));
        }
        let merged =
            MergedCall { merged: of.id, list: number, ty: of.ty, field: Arc::clone(of.field) };
        let work = Work::Call(CallStep {
            merged: Some(merged),
            ..call_step(call, &defined.coordinate, field)
        });
        let step = self.step(of.site, of.ty, sorted(after), work);
        let mut access = self.access(of.ty, list.field);
        access.extend(graph.ty(list.element).access.clone());
        let mut planned =
            MergeList { step: Some(step), site: SiteId::ROOT, access, is_named: false };
        if let Some(named) = call.names {
            let key = format!("{}.{}", of.field.response_key, list.name);
            let given = Given::Key(named.part, named.key_kind);
            planned.site = self.child(step, of.site, list.element, &key, given);
            planned.is_named = true;
        }
        Some(planned)
    }

    /// What must be done before it is known whose list it is, which cursors are bound to.
    fn identified(&self, of: Of<'_>) -> Vec<StepId> {
        match self.graph.ty(of.ty).anchor() {
            Some(anchor) => self.providers(of.site, of.ty, anchor),
            None => Vec::new(),
        }
    }

    /// The steps that load the objects of a site.
    fn part_steps_of(&self, site: SiteId) -> Vec<StepId> {
        let types = self.sites.get(site.index()).map(|site| site.types.as_slice());
        types.unwrap_or_default().iter().flat_map(|ty| ty.parts.iter().flatten().copied()).collect()
    }

    /// The sites of those lists whose events are made by the merge.
    fn merged_sites(&mut self, of: Of<'_>, step: StepId) {
        let merged = self.graph.merged(of.id);
        for (place, list) in merged.lists.iter().enumerate() {
            let Some(call) = self.merge_list(step, place).filter(|list| !list.is_named) else {
                continue;
            };
            let Some(call) = call.step else { continue };
            let backend = match self.steps.get(call.index()).map(|step| &step.work) {
                Some(Work::Call(call)) => self.graph.call(call.call).backend,
                _ => continue,
            };
            let key = format!("{}.{}", of.field.response_key, list.name);
            let child = self.child(step, of.site, list.element, &key, Given::Record(Some(backend)));
            if let Some(Work::Call(call)) =
                self.steps.get_mut(call.index()).map(|step| &mut step.work)
            {
                call.child = child;
            }
            if let Some(Work::Merge(merge)) =
                self.steps.get_mut(step.index()).map(|step| &mut step.work)
                && let Some(list) = merge.lists.get_mut(place)
            {
                list.site = child;
            }
        }
    }

    fn merge_list(&self, step: StepId, place: usize) -> Option<&MergeList> {
        match &self.steps.get(step.index())?.work {
            Work::Merge(merge) => merge.lists.get(place),
            _ => None,
        }
    }

    /// The site of the merged list itself, which has links alone, and the sites of its lists.
    fn merged_nodes(
        &mut self,
        of: Of<'_>,
        step: StepId,
    ) -> (SiteId, Vec<(MergedId, usize, SiteId)>) {
        let merged = self.graph.merged(of.id);
        let key = of.field.response_key.to_string();
        let path = match self.sites.get(of.site.index()) {
            Some(parent) if !parent.path.is_empty() => format!("{}.{key}", parent.path),
            _ => key,
        };
        let child = self.site(merged.element, Some(step), Some(of.site), path);
        if let Some(Work::Merge(merge)) =
            self.steps.get_mut(step.index()).map(|step| &mut step.work)
        {
            merge.child = child;
        }
        let lists = (0..merged.lists.len()).map(|place| {
            let site = self.merge_list(step, place).filter(|list| list.step.is_some());
            (of.id, place, site.map_or(SiteId::ROOT, |list| list.site))
        });
        (child, lists.collect())
    }

    // ---- events ----------------------------------------------------------------------------------------------------

    /// What the records of each list are written as.
    pub(super) fn events(
        &mut self,
        lists: &[(MergedId, usize, SiteId)],
        selection: Option<&Selection>,
    ) -> Arc<[(SiteId, Node)]> {
        let mut nodes = Vec::new();
        for (id, place, site) in lists {
            let list = self.graph.merged(*id).lists.get(*place);
            let node = match (list, selection) {
                (Some(list), Some(selection)) if *site != SiteId::ROOT => {
                    self.event_node(list, selection, *site)
                }
                _ => Node::new(Vec::new()),
            };
            nodes.push((*site, node));
        }
        nodes.into()
    }

    fn event_node(&mut self, list: &MergedList, selection: &Selection, site: SiteId) -> Node {
        let Some(event) = &list.event else {
            return self.node(selection, Place::Site(site));
        };
        let Some(branch) = selection.branches.iter().find(|branch| branch.ty == event.ty) else {
            return Node::new(Vec::new());
        };
        let mut fields = Vec::new();
        for field in &branch.fields {
            let from = match field.target {
                Target::Field(id) => event.fields.get(id.index()),
                Target::Typename | Target::Introspection => None,
            };
            fields.push(self.event_field((list, branch), field, from, site));
        }
        let order = order(branch, &fields);
        Node::new(vec![Arc::new(NodeBranch { ty: list.element, fields, order })])
    }

    fn event_field(
        &mut self,
        (list, branch): (&MergedList, &Branch),
        field: &Arc<SelectedField>,
        from: Option<&EventField>,
        site: SiteId,
    ) -> OutField {
        let graph = self.graph;
        let name = Arc::clone(&graph.ty(branch.ty).name);
        let (source, of_record) = match from {
            None => (Out::Event(EventOut::Value(Arc::from(format!("\"{name}\"")))), None),
            Some(EventField::Null) => (Out::NotCovered, None),
            Some(EventField::Value(value)) => {
                (Out::Event(EventOut::Value(Arc::clone(value))), None)
            }
            Some(EventField::Id) => {
                (Out::Event(EventOut::Id { ty: name, role: Arc::clone(&list.role) }), None)
            }
            Some(EventField::Record) => {
                let node = match &field.selection {
                    Some(selection) => self.node(selection, Place::Site(site)),
                    None => Node::new(Vec::new()),
                };
                (Out::Event(EventOut::Record(node)), None)
            }
            Some(EventField::Field(id)) => {
                (self.source(list.element, *id, field, Place::Site(site)), Some(*id))
            }
        };
        let Target::Field(id) = field.target else {
            let ty = TypeRef { named: graph.query, wrappers: Vec::new() };
            return self.event_out(field, source, ty, Arc::clone(&field.response_key));
        };
        let defined = graph.field(branch.ty, id);
        let mut out =
            self.event_out(field, source, defined.ty.clone(), Arc::clone(&defined.coordinate));
        out.access = self.access(branch.ty, id);
        if let Some(id) = of_record {
            out.field = Some(id);
            out.access.extend(self.access(list.element, id));
        }
        out
    }

    fn event_out(
        &mut self,
        field: &Arc<SelectedField>,
        source: Out,
        ty: TypeRef,
        coordinate: Arc<str>,
    ) -> OutField {
        OutField {
            response_key: Arc::clone(&field.response_key),
            prefix: Prefix::new(&field.response_key),
            field: None,
            ty,
            refusable: self.refusable(field, &source),
            source,
            when: field.when.clone(),
            access: Vec::new(),
            location: field.location,
            occurrences: field.occurrences,
            stream: field.stream,
            coordinate,
        }
    }
}
