//! `sourceStatus`: what each backend contributed to one object, from this operation's own steps. It makes no call.

use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorCode;
use crate::execute::{Failure, FailureId, Link, NullBy, PartState};
use crate::graph::{BackendId, StatusField, TypeId};
use crate::plan::{SiteId, StatusNode, Work};
use crate::respond::failure::told;
use crate::respond::{Place, Writer};

/// From the least to the worst: what is said of several contributions is the worst of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Skipped,
    NotCovered,
    NotLinked,
    Ok,
    Partial,
    Ambiguous,
    Unavailable,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Skipped => "SKIPPED",
            Self::NotCovered => "NOT_COVERED",
            Self::NotLinked => "NOT_LINKED",
            Self::Ok => "OK",
            Self::Partial => "PARTIAL",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Unavailable => "UNAVAILABLE",
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
}

impl Contribution {
    const NONE: Self = Self { state: State::Skipped, code: None, age: None, is_cached: None };

    fn of(state: State) -> Self {
        Self { state, ..Self::NONE }
    }

    fn merge(self, other: Self) -> Self {
        let worse = if other.state > self.state { other } else { self };
        Self {
            state: worse.state,
            code: worse.code,
            age: self.age.max(other.age),
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
        let (graph, plan) = (self.source.graph, self.source.plan);
        let Some(state) = self.source.outcome.sites.get(site.index()) else {
            return Contribution::NONE;
        };
        let Some(ty) = state.objects.get(object as usize).and_then(|object| object.ty) else {
            return Contribution::NONE;
        };
        let mut all = Contribution::NONE;
        for (column, part) in graph.ty(ty).parts.iter().enumerate() {
            if part.backend == backend {
                all = all.merge(self.part_contribution(state.part(object, column)));
            }
        }
        for step in plan.steps.iter().filter(|step| step.site == site && step.ty == ty) {
            let (child, is_own) = match &step.work {
                Work::Call(call) => (call.child, graph.call(call.call).backend == backend),
                Work::Reference(reference) => (reference.child, false),
                Work::Nested { child, .. } => (*child, false),
                Work::Part(_) => continue,
            };
            let link = self
                .source
                .outcome
                .sites
                .get(child.index())
                .map_or(Link::Unset, |site| site.link(object));
            if is_own {
                all = all.merge(self.link_contribution(link));
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
                    .map_or((0, 0), |window| (window.start, window.end)),
                Link::Unset | Link::Null { .. } | Link::Failed(_) => (0, 0),
            };
            all = (start..end)
                .fold(all, |all, object| all.merge(self.contribution(child, object, backend)));
        }
        all
    }

    fn part_contribution(&self, state: &PartState) -> Contribution {
        match state {
            PartState::Row { answer, .. } => self.answered(*answer),
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
            Link::Null { by: NullBy::Answer(answer) } | Link::Many { answer: Some(answer), .. } => {
                self.answered(answer)
            }
            Link::Window(id) => window(id),
            Link::Failed(failure) => self.failure_contribution(failure),
        }
    }

    fn answered(&self, answer: u32) -> Contribution {
        let outcome = self.source.outcome;
        let Some(loaded) = outcome.arena.loaded(answer) else { return Contribution::NONE };
        let state = if loaded.answer.partial { State::Partial } else { State::Ok };
        let age =
            loaded.cached_at.map_or(Duration::ZERO, |at| outcome.now.saturating_duration_since(at));
        Contribution {
            state,
            code: None,
            age: Some(age),
            is_cached: Some(loaded.cached_at.is_some()),
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
        self.out.push(b'{');
        let mut is_first = true;
        for entry in &node.order {
            let Some((prefix, field)) = node.fields.get(entry.field) else { continue };
            if !self.holds(entry) {
                continue;
            }
            self.key(prefix, &mut is_first);
            match field {
                None => self.string(&node.type_name),
                Some(StatusField::System) => self.string(role),
                Some(StatusField::State) => self.string(contribution.state.word()),
                Some(StatusField::Code) => match contribution.code {
                    Some(code) => self.string(code.as_str()),
                    None => self.out.extend_from_slice(b"null"),
                },
                Some(StatusField::AgeSeconds) => {
                    let age = contribution
                        .age
                        .map_or_else(|| "null".to_owned(), |age| age.as_secs().to_string());
                    self.out.extend_from_slice(age.as_bytes());
                }
                Some(StatusField::FromCache) => {
                    self.out.extend_from_slice(
                        contribution.is_cached.unwrap_or(false).to_string().as_bytes(),
                    );
                }
            }
        }
        self.out.push(b'}');
    }
}
