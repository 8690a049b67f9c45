//! How far each step of a run is, and what begins next.

use std::sync::Arc;

use futures_util::future::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::execute::landed::Landed;
use crate::execute::{Begun, Failure, Run, Waiting};
use crate::graph::Effect;
use crate::load::Early;
use crate::operation::SetId;
use crate::plan::{Stages, Step, StepId, Work};

/// The steps of a run by their progress, and the loads that they wait for.
#[derive(Default)]
pub(super) struct Flow {
    state: Vec<Progress>,
    waiting: Loads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waits,
    Flies,
    Done,
}

/// Which steps may begin.
#[derive(Clone, Copy, Default)]
pub(super) struct Scope<'s> {
    /// Those of one root field.
    pub(super) root_field: Option<usize>,
    /// Those that a part of the answer needs.
    pub(super) part: Option<(&'s Stages, SetId)>,
}

impl Scope<'_> {
    fn has(self, id: StepId, step: &Step) -> bool {
        self.root_field.is_none_or(|field| step.root_field == field)
            && self.part.is_none_or(|(stages, set)| stages.has(set, id))
    }
}

impl Flow {
    pub(super) fn new(steps: usize) -> Self {
        Self { state: vec![Progress::Waits; steps], waiting: Loads::None }
    }

    pub(super) fn is_done(&self, step: StepId) -> bool {
        self.state.get(step.index()) == Some(&Progress::Done)
    }

    fn is_waiting(&self, step: StepId) -> bool {
        self.state.get(step.index()) == Some(&Progress::Waits)
    }

    fn set(&mut self, step: StepId, progress: Progress) {
        if let Some(slot) = self.state.get_mut(step.index()) {
            *slot = progress;
        }
    }
}

/// The loads that are waited for: mostly one.
#[derive(Default)]
enum Loads {
    #[default]
    None,
    One(Waiting),
    Many(FuturesUnordered<Waiting>),
}

impl Loads {
    fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::One(_) => false,
            Self::Many(loads) => loads.is_empty(),
        }
    }

    fn push(&mut self, load: Waiting) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(load),
            Self::One(first) => Self::Many([first, load].into_iter().collect()),
            Self::Many(loads) => {
                loads.push(load);
                Self::Many(loads)
            }
        };
    }

    /// The next that lands; `None`: there is none.
    async fn next(&mut self) -> Option<Landed> {
        match self {
            Self::None => None,
            Self::One(load) => {
                let landed = load.await;
                *self = Self::None;
                Some(landed)
            }
            Self::Many(loads) => loads.next().await,
        }
    }
}

/// The next load that lands; `None`: a page came first.
async fn next(waiting: &mut Loads, early: Option<&Early>) -> Option<Option<Landed>> {
    let Some(early) = early else { return Some(waiting.next().await) };
    tokio::select! {
        biased;
        landed = waiting.next() => Some(landed),
        () = early.news() => None,
    }
}

impl Run<'_> {
    /// Runs all active steps (of one root field), each as soon as what it waits for is done.
    pub(super) async fn steps(&mut self, root_field: Option<usize>) {
        let mut flow = Flow::new(self.plan.steps.len());
        while self.advance(&mut flow, &[Scope { root_field, part: None }]).await {}
    }

    /// Begins what may begin, the steps of the first scope first, and waits until one more is done, or a page of one has come. False:
    /// nothing is under way any more.
    pub(super) async fn advance(&mut self, flow: &mut Flow, scopes: &[Scope<'_>]) -> bool {
        for scope in scopes {
            self.begin_ready(flow, *scope);
        }
        if flow.waiting.is_empty() {
            return false;
        }
        let waiting = &mut flow.waiting;
        let early = self.paging.as_ref().map(|paging| Arc::clone(&paging.early));
        let next = next(waiting, early.as_deref());
        let landed = match tokio::time::timeout_at(self.context.times.deadline, next).await {
            Ok(Some(landed)) => landed,
            Ok(None) => {
                self.take_pages(flow);
                return true;
            }
            // A write ends by itself at the deadline, and it alone knows whether it was sent by then.
            Err(_) if self.is_writing(&flow.state) => waiting.next().await,
            Err(_) => {
                for scope in scopes {
                    self.give_up(flow, *scope);
                }
                return false;
            }
        };
        if let Some(landed) = landed {
            self.land_step(flow, landed);
        }
        true
    }

    /// Goes on with whatever needs no waiting.
    pub(super) fn go_on(&mut self, flow: &mut Flow, scopes: &[Scope<'_>]) {
        loop {
            for scope in scopes {
                self.begin_ready(flow, *scope);
            }
            let Some(Some(landed)) = flow.waiting.next().now_or_never() else { return };
            self.land_step(flow, landed);
        }
    }

    fn land_step(&mut self, flow: &mut Flow, landed: Landed) {
        let step = landed.step;
        self.waits.ended(step);
        match self.finish(landed) {
            Begun::Done => flow.set(step, Progress::Done),
            Begun::Waiting(future) => flow.waiting.push(future),
        }
    }

    fn begin_ready(&mut self, flow: &mut Flow, scope: Scope<'_>) {
        let plan = self.plan;
        let mut is_moving = true;
        while is_moving {
            is_moving = false;
            for (id, step) in (0..).map(StepId).zip(&plan.steps) {
                let is_due = flow.is_waiting(id)
                    && scope.has(id, step)
                    && self.marks.is_active(id)
                    && step.after.iter().all(|before| self.is_past(flow, *before))
                    && self.others(id, step).iter().all(|before| self.is_past(flow, *before))
                    && self.preferred(id).iter().all(|before| self.is_past(flow, *before));
                if !is_due {
                    continue;
                }
                match self.begin(id) {
                    Begun::Done => {
                        flow.set(id, Progress::Done);
                        is_moving = true;
                    }
                    Begun::Waiting(future) => {
                        flow.set(id, Progress::Flies);
                        self.waits.began(id);
                        flow.waiting.push(future);
                    }
                }
            }
        }
    }

    /// Whether a step need not be waited for. A merged list waits only for those of its lists that are read.
    fn is_past(&self, flow: &Flow, step: StepId) -> bool {
        flow.is_done(step) || !self.marks.is_active(step)
    }

    /// What a step waits for besides, because the key that it could have used at once is blocked.
    fn others<'s>(&self, id: StepId, step: &'s Step) -> &'s [StepId] {
        match &step.work {
            Work::Part(work) if self.marks.tries_all(id) => &work.others_after,
            _ => &[],
        }
    }

    /// What a fallback waits for besides: the parts whose values are preferred.
    fn preferred(&self, id: StepId) -> &[StepId] {
        self.marks.fallback(id).map(|fallback| fallback.after.as_slice()).unwrap_or_default()
    }

    fn is_writing(&self, state: &[Progress]) -> bool {
        self.plan.steps.iter().zip(state).any(|(step, progress)| {
            *progress == Progress::Flies
                && matches!(&step.work, Work::Call(call) if self.graph.call(call.call).effect == Effect::Write)
        })
    }

    /// The deadline passed: whatever is not done has failed.
    fn give_up(&mut self, flow: &mut Flow, scope: Scope<'_>) {
        flow.waiting = Loads::None;
        for (id, step) in (0..).map(StepId).zip(&self.plan.steps) {
            if !flow.is_done(id) && self.marks.is_active(id) && scope.has(id, step) {
                flow.set(id, Progress::Done);
                if let Work::Merge(merge) = &step.work {
                    // of what is there
                    self.begin_merge(step, merge);
                    continue;
                }
                self.waits.ended(id);
                let role = self.role_of(&step.work, step.ty);
                let failure = self.arena.failure(Failure::Deadline { role });
                self.fail_step(id, failure);
            }
        }
    }
}
