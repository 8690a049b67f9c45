//! `sourceStatus`: what each backend contributed to one object, from this operation's own steps. It makes no call.
//!
//! In a part of an answer, a backend whose steps under the object are not done is PENDING.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorCode;
use crate::execute::{Failure, FailureId, Link, NullBy, PartState, SiteState};
use crate::graph::{BackendId, PartId, StatusField, TypeId};
use crate::plan::{SiteId, StatusNode, Step, StepId, Work};
use crate::respond::failure::told;
use crate::respond::{Place, Writer};

/// From the least to the worst: what is said of several contributions is the worst of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Skipped,
    NotCovered,
    NotLinked,
    Ok,
    /// Past its time.
    Stale,
    Partial,
    Ambiguous,
    Unavailable,
    /// Nothing is settled yet.
    Pending,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Skipped => "SKIPPED",
            Self::NotCovered => "NOT_COVERED",
            Self::NotLinked => "NOT_LINKED",
            Self::Ok => "OK",
            Self::Stale => "STALE",
            Self::Partial => "PARTIAL",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Unavailable => "UNAVAILABLE",
            Self::Pending => "PENDING",
        }
    }
}

/// What one backend contributed.
#[derive(Clone, Copy, Debug)]
struct Contribution {
    state: State,
    code: Option<ErrorCode>,
    age: Option<Duration>,
    /// Every answer came from the cache.
    is_cached: Option<bool>,
    /// How long the slowest answer was waited for.
    waited: Option<Duration>,
}

impl Contribution {
    const NONE: Self =
        Self { state: State::Skipped, code: None, age: None, is_cached: None, waited: None };

    /// Of an answer, or a failure, that a step may have waited for.
    fn waited(self, wait: Option<Duration>) -> Self {
        let is_told = self.is_cached == Some(false) || self.state == State::Unavailable;
        Self { waited: wait.filter(|_| is_told), ..self }
    }

    fn of(state: State) -> Self {
        Self { state, ..Self::NONE }
    }

    /// Says of a part that is not linked whether a blocked value is why.
    fn or_blocked(self, state: &SiteState, object: u32, column: usize) -> Self {
        let way = u8::try_from(column).ok().and_then(|id| state.ways.get(&(object, PartId(id))));
        match way {
            Some(way) if self.state == State::NotLinked && !way.blocked.is_empty() => {
                Self { code: Some(ErrorCode::BlockedValue), ..self }
            }
            _ => self,
        }
    }

    fn merge(self, other: Self) -> Self {
        let worse = if other.state > self.state { other } else { self };
        Self {
            state: worse.state,
            code: worse.code,
            age: self.age.max(other.age),
            waited: self.waited.max(other.waited),
            is_cached: match (self.is_cached, other.is_cached) {
                (Some(one), Some(other)) => Some(one && other),
                (one, other) => one.or(other),
            },
        }
    }
}

impl Writer<'_> {
    pub(super) fn source_status(&mut self, node: &StatusNode, place: Place) {
        self.out.push(b'[');
        if let (Place::Object { site, object }, Some(ty)) = (place, self.type_of(place)) {
            let mut sources: Vec<(Arc<str>, Contribution)> = Vec::new();
            for (role, backend) in self.backends_of(ty) {
                sources.push((role, self.contribution(site, object, backend)));
            }
            for role in &self.source.graph.ty(ty).uncovered_roles {
                sources.push((Arc::clone(role), Contribution::of(State::NotCovered)));
            }
            for (index, (role, contribution)) in sources.iter().enumerate() {
                if index > 0 {
                    self.out.push(b',');
                }
                self.status(node, role, *contribution);
            }
        }
        self.out.push(b']');
    }

    /// The backends that a type's parts and fields come from, in the order of its parts, then of its fields.
    fn backends_of(&self, ty: TypeId) -> Vec<(Arc<str>, BackendId)> {
        let graph = self.source.graph;
        let ty = graph.ty(ty);
        let mut backends: Vec<(Arc<str>, BackendId)> = Vec::new();
        let parts = ty.parts.iter().map(|part| part.backend);
        for backend in parts.chain(ty.fields.iter().filter_map(|field| field.backend)) {
            if backends.iter().all(|(_, known)| *known != backend) {
                backends.push((Arc::clone(&graph.backend(backend).role), backend));
            }
        }
        backends
    }

    /// Everything that one backend gave for one object and for what stands under it.
    fn contribution(&self, site: SiteId, object: u32, backend: BackendId) -> Contribution {
        let graph = self.source.graph;
        let Some(state) = self.source.outcome.sites.get(site.index()) else {
            return Contribution::NONE;
        };
        let mut all = Contribution::NONE;
        let Some(ty) = state.objects.get(object as usize).and_then(|object| object.ty) else {
            let (start, end) = state.lists.get(&object).copied().unwrap_or_default();
            return (start..end)
                .fold(all, |all, item| all.merge(self.contribution(site, item, backend)));
        };
        for (column, part) in graph.ty(ty).parts.iter().enumerate() {
            if part.backend == backend {
                let part = self.part_contribution(state.shown(object, column));
                let wait = self.part_wait(site, ty, column);
                all = all.merge(part.or_blocked(state, object, column).waited(wait));
            }
        }
        for (id, step) in self.steps_of(site, ty) {
            if self.source.outcome.is_open(id) {
                if self.is_awaited(step, backend) {
                    all = all.merge(Contribution::of(State::Pending));
                }
                continue;
            }
            let (child, is_own) = match &step.work {
                Work::Call(call) => (call.child, graph.call(call.call).backend == backend),
                Work::Reference(reference) => (reference.child, false),
                Work::Nested { child, .. } => (*child, false),
                Work::Part(_) | Work::Entities(_) | Work::Merge(_) => continue,
            };
            let link = self
                .source
                .outcome
                .sites
                .get(child.index())
                .map_or(Link::Unset, |site| site.link(object));
            if is_own {
                let wait = self.source.outcome.waits.of(id);
                all = all.merge(self.link_contribution(link).waited(wait));
            }
            let (start, end) = match link {
                Link::One(object) => (object, object + 1),
                Link::Many { start, end, .. } => (start, end),
                Link::Window(window) => self
                    .source
                    .outcome
                    .arena
                    .windows
                    .get(window.0 as usize)
                    .filter(|window| !window.are_rows)
                    .map_or((0, 0), |window| (window.start, window.end)),
                // rows are of the answer that the link itself tells about
                Link::Rows { .. } | Link::Unset | Link::Null { .. } | Link::Failed(_) => (0, 0),
            };
            all = (start..end)
                .fold(all, |all, object| all.merge(self.contribution(child, object, backend)));
        }
        all
    }

    /// The step that brings a part of a site's objects: its own, or the one that made them.
    pub(super) fn brings(&self, site: SiteId, ty: TypeId, column: usize) -> Option<StepId> {
        let site = self.source.plan.sites.get(site.index())?;
        let site_type = site.types.iter().find(|site_type| site_type.ty == ty)?;
        site_type.parts.get(column).copied().flatten().or(site.origin)
    }

    /// How long the steps that bring a part were waited for: its own, and that for objects that lack a value.
    fn part_wait(&self, site: SiteId, ty: TypeId, column: usize) -> Option<Duration> {
        let is_its = |step: &Step| match &step.work {
            Work::Part(part) => step.is_fallback() && usize::from(part.part.0) == column,
            _ => false,
        };
        let fallbacks = self.steps_of(site, ty).filter(|(_, step)| is_its(step));
        let own = self.brings(site, ty, column).into_iter();
        let waits = own.chain(fallbacks.map(|(id, _)| id));
        waits.filter_map(|id| self.source.outcome.waits.of(id)).max()
    }

    /// The steps for objects of a type at a site, in order. All are looked through once, not for each object.
    fn steps_of(&self, site: SiteId, ty: TypeId) -> impl Iterator<Item = (StepId, &Step)> {
        let plan = self.source.plan;
        let sites = self.steps.get_or_init(|| {
            let mut sites = vec![Vec::new(); plan.sites.len()];
            for (id, step) in (0..).map(StepId).zip(&plan.steps) {
                sites.get_mut(step.site.index()).into_iter().for_each(|steps| steps.push(id));
            }
            sites
        });
        let steps = sites.get(site.index()).into_iter().flatten();
        let steps = steps.filter_map(move |id| Some((*id, plan.steps.get(id.index())?)));
        steps.filter(move |(_, step)| step.ty == ty)
    }

    /// Whether a step that is not done brings something of this backend, or leads to a step that does.
    fn is_awaited(&self, step: &Step, backend: BackendId) -> bool {
        let plan = self.source.plan;
        if self.backend_of(step) == Some(backend) {
            return true;
        }
        let top = match &step.work {
            Work::Call(call) => call.child,
            Work::Reference(reference) => reference.child,
            Work::Nested { child, .. } => *child,
            Work::Part(_) | Work::Entities(_) | Work::Merge(_) => return false,
        };
        let is_below = |site: SiteId| {
            let mut at = Some(site);
            while at.is_some_and(|at| at != top) {
                at = at.and_then(|at| plan.sites.get(at.index())?.parent);
            }
            at.is_some()
        };
        (0..).map(StepId).zip(&plan.steps).any(|(id, step)| {
            self.source.outcome.is_open(id)
                && self.backend_of(step) == Some(backend)
                && is_below(step.site)
        })
    }

    fn backend_of(&self, step: &Step) -> Option<BackendId> {
        let graph = self.source.graph;
        match &step.work {
            Work::Call(call) => Some(graph.call(call.call).backend),
            Work::Part(part) => {
                let part = graph.ty(step.ty).parts.get(usize::from(part.part.0))?;
                Some(part.backend)
            }
            Work::Reference(_) | Work::Nested { .. } | Work::Entities(_) | Work::Merge(_) => None,
        }
    }

    fn part_contribution(&self, state: &PartState) -> Contribution {
        match state {
            PartState::Row { answer, .. } | PartState::Several { answer, .. } => {
                self.answered(*answer)
            }
            PartState::Missing { .. } | PartState::NotLinked => Contribution::of(State::NotLinked),
            PartState::Ambiguous { .. } => Contribution {
                code: Some(ErrorCode::Ambiguous),
                ..Contribution::of(State::Ambiguous)
            },
            PartState::Failed(failure) => self.failure_contribution(*failure),
            PartState::Unset | PartState::Key { .. } => Contribution::NONE,
        }
    }

    fn link_contribution(&self, link: Link) -> Contribution {
        let window = |window: crate::execute::WindowId| {
            self.source
                .outcome
                .arena
                .windows
                .get(window.0 as usize)
                .map_or(Contribution::NONE, |window| self.answered(window.answer))
        };
        match link {
            Link::Unset | Link::Many { answer: None, .. } | Link::Null { by: NullBy::NoKey } => {
                Contribution::NONE
            }
            Link::One(_) => Contribution::of(State::Ok),
            Link::Null { by: NullBy::NotLinked } => Contribution::of(State::NotLinked),
            Link::Null { by: NullBy::Answer(answer) }
            | Link::Many { answer: Some(answer), .. }
            | Link::Rows { answer, .. } => self.answered(answer),
            Link::Window(id) => window(id),
            Link::Failed(failure) => self.failure_contribution(failure),
        }
    }

    fn answered(&self, answer: u32) -> Contribution {
        let outcome = self.source.outcome;
        let Some(loaded) = outcome.arena.loaded(answer) else { return Contribution::NONE };
        let state = match (loaded.answer.partial, loaded.is_stale) {
            (true, _) => State::Partial,
            (false, true) => State::Stale,
            (false, false) => State::Ok,
        };
        let age =
            loaded.cached_at.map_or(Duration::ZERO, |at| outcome.now.saturating_duration_since(at));
        Contribution {
            state,
            code: None,
            age: Some(age),
            is_cached: Some(loaded.cached_at.is_some()),
            waited: None,
        }
    }

    fn failure_contribution(&self, failure: FailureId) -> Contribution {
        match self.source.outcome.arena.failures.get(failure.0 as usize) {
            None | Some(Failure::Input { .. }) => Contribution::NONE,
            // Never asked, because another backend did not say whom to ask for.
            Some(failure @ Failure::Upstream { .. }) => {
                Contribution { code: Some(told(failure).0), ..Contribution::of(State::Skipped) }
            }
            Some(Failure::Ambiguous { .. }) => Contribution {
                code: Some(ErrorCode::Ambiguous),
                ..Contribution::of(State::Ambiguous)
            },
            Some(failure) => {
                Contribution { code: Some(told(failure).0), ..Contribution::of(State::Unavailable) }
            }
        }
    }

    fn status(&mut self, node: &StatusNode, role: &str, contribution: Contribution) {
        let open = self.out.len();
        for entry in &node.order {
            let Some((prefix, field)) = node.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            prefix.write(&mut self.out);
            match field {
                None => self.string(&node.type_name),
                Some(StatusField::System) => self.string(role),
                Some(StatusField::State) => self.string(contribution.state.word()),
                Some(StatusField::Code) => match contribution.code {
                    Some(code) => self.string(code.as_str()),
                    None => self.out.extend_from_slice(b"null"),
                },
                Some(StatusField::FetchedAt) => {
                    let at = contribution.age.map(|age| self.ago(age));
                    self.text_or_null(at.as_deref());
                }
                Some(StatusField::AgeSeconds) => {
                    let age = contribution
                        .age
                        .map_or_else(|| "null".to_owned(), |age| age.as_secs().to_string());
                    self.out.extend_from_slice(age.as_bytes());
                }
                Some(StatusField::LatencyMs) => {
                    let waited = contribution.waited.map(|waited| waited.as_millis().to_string());
                    self.out.extend_from_slice(waited.as_deref().unwrap_or("null").as_bytes());
                }
                Some(StatusField::FromCache) => {
                    self.out.extend_from_slice(
                        contribution.is_cached.unwrap_or(false).to_string().as_bytes(),
                    );
                }
            }
        }
        self.end_object(open);
    }
}
