//! How many backend calls a plan makes: what is planned, and what it can come to whatever backends do.
//!
//! Takes: a plan, and the variables and the caller of a request if they are known.
//! Gives: for each step the objects and the calls, planned and at the most; for a request the sums over the steps that it needs.
//! Never: reckons less than can be made. A load that is shared with another operation counts for the one that began it.

use crate::error::Location;
use crate::graph::{Call, Graph, KeyMode, KeySource, Part, Yields};
use crate::operation::{ArgumentValue, SelectedField, Variables};
use crate::plan::blocked::is_blocked;
use crate::plan::calls::{Case, chunks, pages, pages_of_records};
use crate::plan::given::Given;
use crate::plan::lists::may_be_over_pages;
use crate::plan::looked_up::whole_length;
use crate::plan::{CallStep, PartStep, Plan, ReferenceStep, SiteId, Step, StepId, Work};
use crate::principal::Principal;
use serde_json::Value;

/// The backend calls of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Every object there, every chunk and every page full, nothing refused. Lists that nothing bounds count as `limits.objects`.
    pub planned: u64,
    /// Whatever backends do.
    pub at_most: u64,
    /// The root field of which the most are planned.
    pub dearest: Option<Location>,
}

/// The calls that a request can make, by its variables and its caller.
pub fn calls(graph: &Graph, plan: &Plan, variables: &Variables, principal: &Principal) -> Calls {
    let marks = super::mark(graph, plan, variables, principal);
    let worst = Worst::new(graph, plan, Some(variables));
    let mut fields: Vec<(usize, u64)> = Vec::new();
    let mut at_most = 0_u64;
    for (id, step) in (0..).map(StepId).zip(&plan.steps).filter(|(id, _)| marks.is_active(*id)) {
        at_most = at_most.saturating_add(worst.calls_at_most(id));
        let calls = worst.bounded_calls(id);
        match fields.last_mut().filter(|(field, _)| *field == step.root_field) {
            Some((_, sum)) => *sum = sum.saturating_add(calls),
            None => fields.push((step.root_field, calls)),
        }
    }
    let dearest = fields.iter().max_by_key(|(field, calls)| (*calls, std::cmp::Reverse(*field)));
    let branch = plan.operation.root.branches.first();
    let dearest = dearest.and_then(|(field, _)| branch?.fields.get(*field));
    Calls {
        planned: fields.iter().fold(0, |sum, (_, calls)| sum.saturating_add(*calls)),
        at_most,
        dearest: dearest.map(|field| field.location),
    }
}

/// The most calls that are planned for any request of a plan.
pub(super) fn bound(graph: &Graph, plan: &Plan) -> u64 {
    let worst = Worst::new(graph, plan, None);
    let calls = (0..).map(StepId).take(plan.steps.len()).map(|id| worst.bounded_calls(id));
    calls.fold(0, u64::saturating_add)
}

pub(super) struct Worst<'a> {
    pub(super) graph: &'a Graph,
    pub(super) plan: &'a Plan,
    pub(super) variables: Option<&'a Variables>,
    /// By site. `None`: nothing but `limits.objects` bounds them.
    planned: Vec<Option<u64>>,
    /// By site.
    at_most: Vec<u64>,
}

impl<'a> Worst<'a> {
    pub(super) fn new(graph: &'a Graph, plan: &'a Plan, variables: Option<&'a Variables>) -> Self {
        let (planned, at_most) = (Vec::new(), Vec::new());
        let mut worst = Self { graph, plan, variables, planned, at_most };
        let most = worst.most();
        // a site stands behind the site of its parents
        for site in (0..).map(SiteId).take(plan.sites.len()) {
            let planned = worst.objects_of(site, Case::Planned).filter(|objects| *objects <= most);
            worst.planned.push(planned);
            let at_most = worst.objects_of(site, Case::Worst);
            worst.at_most.push(at_most.map_or(most, |objects| objects.min(most)));
        }
        worst
    }

    /// One answer holds no more, whatever it asks for.
    pub(super) fn most(&self) -> u64 {
        self.graph.limits.objects as u64
    }

    /// How many objects a site has if every page is full; `None`: only their lists tell.
    pub(super) fn objects(&self, site: SiteId) -> Option<u64> {
        self.planned.get(site.index()).copied().flatten()
    }

    pub(super) fn objects_at_most(&self, site: SiteId) -> u64 {
        self.at_most.get(site.index()).copied().unwrap_or_else(|| self.most())
    }

    /// Of a step's objects: of representations only those of its type.
    pub(super) fn objects_of_step(&self, step: &Step) -> Option<u64> {
        let objects = self.objects(step.site);
        self.represented(step).map_or(objects, |few| Some(objects.map_or(few, |all| all.min(few))))
    }

    pub(super) fn objects_of_step_at_most(&self, step: &Step) -> u64 {
        let objects = self.objects_at_most(step.site);
        self.represented(step).map_or(objects, |few| objects.min(few))
    }

    /// Representations that can be of a step's type, if they are known.
    fn represented(&self, step: &Step) -> Option<u64> {
        let Work::Entities(work) = &self.origin(step)?.work else { return None };
        let arguments = work.field.arguments(self.variables?).ok()?;
        let name = &*self.graph.ty(step.ty).name;
        let interfaces = self.graph.federation.as_ref().map(|federation| &federation.interfaces);
        let can_be = |found: &&Value| {
            let found = found.get("__typename").and_then(Value::as_str).unwrap_or_default();
            let ty = self.graph.type_named(found);
            found == name
                || ty.is_some_and(|ty| interfaces.is_some_and(|all| all.contains_key(&ty)))
        };
        let all = arguments.get("representations")?.as_array()?;
        Some(all.iter().filter(can_be).count() as u64)
    }

    /// What made the objects that a step is for.
    pub(super) fn origin(&self, step: &Step) -> Option<&'a Step> {
        let origin = self.plan.sites.get(step.site.index())?.origin?;
        self.plan.steps.get(origin.index())
    }

    /// The calls that are planned; `None`: the lengths of lists decide.
    pub(super) fn calls(&self, id: StepId) -> Option<u64> {
        let step = self.plan.steps.get(id.index())?;
        let objects = self.objects_of_step(step);
        let calls = self.calls_of_step(step, objects, Case::Planned)?;
        let names = self.names(step, objects);
        Some(calls.saturating_add(self.look_up_calls(step, names, Case::Planned)?))
    }

    pub(super) fn calls_at_most(&self, id: StepId) -> u64 {
        let Some(step) = self.plan.steps.get(id.index()) else { return 0 };
        let objects = Some(self.objects_of_step_at_most(step));
        let calls = self.calls_of_step(step, objects, Case::Worst);
        // a backend may name more than it was asked for
        let look_ups = self.look_up_calls(step, Some(self.most()), Case::Worst);
        calls.zip(look_ups).map_or(u64::MAX, |(calls, look_ups)| calls.saturating_add(look_ups))
    }

    /// What is planned, never without a bound: what is not bounded otherwise, `limits.objects` bounds. Values are planned to be
    /// where they are preferred.
    fn bounded_calls(&self, id: StepId) -> u64 {
        let step = self.plan.steps.get(id.index()).filter(|step| !step.is_fallback());
        let Some(step) = step else { return 0 };
        let objects = Some(self.objects_of_step(step).unwrap_or_else(|| self.most()));
        let calls = self.calls_of_step(step, objects, Case::Planned);
        let names = Some(self.names(step, objects).unwrap_or_else(|| self.most()));
        let look_ups = self.look_up_calls(step, names, Case::Planned);
        calls.zip(look_ups).map_or(u64::MAX, |(calls, look_ups)| calls.saturating_add(look_ups))
    }

    fn objects_of(&self, site: SiteId, case: Case) -> Option<u64> {
        let site = self.plan.sites.get(site.index())?;
        let Some(origin) = site.origin.and_then(|origin| self.plan.steps.get(origin.index()))
        else {
            return Some(1);
        };
        let parents = match case {
            Case::Planned => self.objects_of_step(origin)?,
            Case::Worst => self.objects_of_step_at_most(origin),
        };
        let each = match &origin.work {
            Work::Part(_)
            | Work::Call(CallStep { yields: Yields::One | Yields::Value, .. })
            | Work::Reference(ReferenceStep { many: false, .. }) => 1,
            Work::Call(call) => self.list_length(call, case)?,
            Work::Merge(merge) => self.first(&merge.field),
            Work::Reference(work) => self.keys_named(&work.field, &work.key)?,
            Work::Entities(work) if !work.by.is_many() => 1,
            Work::Entities(work) => self.items(&work.field, &[work.by.argument()])?,
            Work::Nested { field, .. } => {
                let is_list = field.and_then(|field| {
                    self.graph.field(origin.ty, field).ty.wrappers.first().copied()
                });
                if is_list.is_some_and(|wrapper| wrapper.list) {
                    return None;
                }
                1
            }
        };
        Some(parents.saturating_mul(each))
    }

    fn list_length(&self, step: &CallStep, case: Case) -> Option<u64> {
        if matches!(step.yields, Yields::Connection { .. }) && step.merged.is_none() {
            return Some(self.first(&step.field));
        }
        // a backend may put more into a page than it was asked for
        if case == Case::Worst {
            return None;
        }
        whole_length(self.graph.call(step.call))
    }

    /// The items that one page of a connection has at the most.
    pub(super) fn first(&self, field: &SelectedField) -> u64 {
        match self.given(field, &["first"]) {
            Given::Nothing => u64::from(self.graph.page_size),
            Given::Value(first) => first.as_u64().unwrap_or_default(),
            Given::Unknown => u64::from(self.graph.page_size_max),
        }
    }

    fn keys_named(&self, field: &SelectedField, key: &KeySource) -> Option<u64> {
        let KeySource::Arguments(paths) = key else { return None };
        let path: Vec<&str> = paths.first()?.path.iter().map(|name| &**name).collect();
        self.items(field, &path)
    }

    /// Items of a list argument; one value stands for a list of it.
    fn items(&self, field: &SelectedField, path: &[&str]) -> Option<u64> {
        match self.given(field, path) {
            Given::Nothing => Some(0),
            Given::Value(Value::Array(items)) => Some(items.len() as u64),
            Given::Value(_) => Some(1),
            Given::Unknown => None,
        }
    }

    pub(super) fn given(&self, field: &SelectedField, path: &[&str]) -> Given {
        if let Some(variables) = self.variables {
            let arguments = field.arguments(variables).map(Value::Object).unwrap_or_default();
            let found = path.iter().try_fold(&arguments, |value, name| value.get(*name));
            return found.map_or(Given::Nothing, Given::of);
        }
        let mut names = path.iter();
        let Some(first) = names.next() else { return Given::Unknown };
        let argument = field.arguments.iter().find(|argument| &*argument.name == *first);
        match argument.map(|argument| &argument.value) {
            None => Given::Nothing,
            Some(ArgumentValue::Constant(value)) => {
                let found = names.try_fold(value, |value, name| value.get(*name));
                found.map_or(Given::Nothing, Given::of)
            }
            Some(ArgumentValue::List(items)) if path.len() == 1 => {
                Given::Value(Value::Array(vec![Value::Null; items.len()]))
            }
            Some(_) => Given::Unknown,
        }
    }

    /// Keys of a call: one of the arguments is one key for all objects.
    pub(super) fn keys_of(work: &CallStep, objects: Option<u64>) -> Option<u64> {
        match work.key {
            KeySource::Slots { .. } | KeySource::Represented { .. } => objects,
            KeySource::None | KeySource::Arguments(_) => Some(1),
        }
    }

    fn calls_of_step(&self, step: &Step, objects: Option<u64>, case: Case) -> Option<u64> {
        let longest = self.graph.limits.key_bytes;
        match &step.work {
            Work::Call(work) => {
                let call = self.graph.call(work.call);
                let keys = Self::keys_of(work, objects)?;
                let pages = match case {
                    Case::Planned => self.pages_of(work, call),
                    Case::Worst => u64::from(pages(call)),
                };
                let accounts = work.accounts(self.graph, step.ty);
                if accounts == 1 {
                    return Some(chunks(call, keys, case, longest).saturating_mul(pages));
                }
                // the lists of several accounts are read whole, in chunks apart from those of customers with one.
                let all = keys.saturating_mul(accounts);
                let apart = chunks(call, all, case, longest).saturating_add(1).min(all);
                Some(apart.saturating_mul(u64::from(self::pages(call))))
            }
            Work::Part(work) => {
                let part = self.graph.ty(step.ty).parts.get(usize::from(work.part.0))?;
                let mut kinds = self.kinds(step, work, part);
                kinds.sort_unstable();
                kinds.dedup();
                let keys = kinds.iter().filter_map(|kind| part.keys.get(usize::from(*kind)));
                // keys of different kinds are never in one chunk, even of the same call
                let calls: Vec<&Call> =
                    keys.filter_map(|key| key.call).map(|call| self.graph.call(call)).collect();
                if calls.is_empty() {
                    return Some(0);
                }
                let objects = objects?;
                let most = calls.iter().map(|call| chunks(call, objects, case, longest)).max()?;
                let pages = calls.iter().map(|call| match case {
                    Case::Planned => pages_of_records(call, objects),
                    Case::Worst => u64::from(pages(call)),
                });
                let pages = pages.max().unwrap_or(1);
                // Objects may be spread over the kinds so that each has one chunk that is not full.
                let extra = (calls.len() as u64).saturating_sub(1);
                let spread = most.saturating_add(extra).min(objects.max(most));
                Some(spread.saturating_mul(pages))
            }
            Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } | Work::Merge(_) => {
                Some(0)
            }
        }
    }

    /// Which keys may lead to a part: its own, or those of the rules that it may use.
    pub(super) fn kinds(&self, step: &Step, work: &PartStep, part: &Part) -> Vec<u8> {
        if work.own_key {
            return if self.is_looked_up(step, work) { Vec::new() } else { self.own_kinds(step) };
        }
        let tries_all = is_blocked(self.graph, self.plan, (step, work), self.variables);
        let rules = part.rules.iter().enumerate();
        let usable = rules.filter(|(index, _)| {
            let is_early = work.early_rule.is_none_or(|early| early == *index);
            work.rules.contains(index) && (tries_all || is_early)
        });
        usable.map(|(_, rule)| rule.key_kind).collect()
    }

    fn own_kinds(&self, step: &Step) -> Vec<u8> {
        match self.origin(step).map(|origin| &origin.work) {
            Some(Work::Entities(work)) => {
                work.by.keys(self.graph, step.ty).into_iter().map(|(_, kind)| kind).collect()
            }
            work => work.and_then(Work::named_by).into_iter().collect(),
        }
    }

    /// Pages that one key (or chunk) of a call can take: a window takes no more than it needs.
    pub(super) fn pages_of(&self, work: &CallStep, call: &Call) -> u64 {
        let most = u64::from(pages(call));
        let size = call.pages.as_ref().and_then(|pages| pages.size.as_ref());
        // a cursor remembers the size of the page that it was made for, however small that was
        let is_after = !matches!(self.given(&work.field, &["after"]), Given::Nothing);
        // what the backend does not do itself takes the whole list
        let is_whole = work
            .rules
            .as_ref()
            .is_some_and(|rules| may_be_over_pages(rules, &work.field, self.variables));
        let length = match &work.merged {
            Some(of) => self.shown(of),
            None => self.list_length(work, Case::Planned),
        };
        match (work.yields, &call.keys, size, length) {
            (
                Yields::Connection { .. },
                KeyMode::None | KeyMode::PerKey { .. },
                Some(size),
                Some(first),
            ) if !is_after && !is_whole => {
                most.min(first.div_ceil(u64::from(size.max.max(1))).max(1))
            }
            _ => most,
        }
    }
}
