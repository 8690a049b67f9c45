//! Runs a plan: steps as soon as their keys are there, each once for all objects of its site.
//!
//! Takes: a plan, coerced variables, the caller, a deadline.
//! Gives: the objects at every site with their part records and links, or their failures, for `respond` to write.
//! Never: sends what a step's keys do not need; repeats or shares a write; starts a task or a timer for a read.

mod begin;
mod finish;
mod key;
mod part;
mod slice;
mod state;
mod write;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::graph::{Graph, PartId};
use crate::load::{CursorKey, Loader, Memo};
use crate::operation::{OperationKind, Variables};
use crate::plan::{self, Marks, Plan, SiteId, StepId, Work};
use crate::principal::Principal;

pub(crate) use finish::{anchor_state, field_cell};
pub use state::{
    Arena, Failure, FailureId, Link, NullBy, Object, PartState, SiteState, Window, WindowId,
};

/// What a run needs besides its plan.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub loader: &'a Arc<Loader>,
    pub cursors: &'a CursorKey,
    pub principal: &'a Arc<Principal>,
    pub variables: &'a Variables,
    pub deadline: Instant,
}

/// Everything that a run gave.
#[derive(Debug)]
pub struct Outcome {
    pub marks: Marks,
    pub sites: Vec<SiteState>,
    pub arena: Arena,
    /// When the run began: ages are counted to here.
    pub now: Instant,
}

/// Runs a plan to its end, or to the deadline.
pub async fn execute(plan: &Plan, context: Context<'_>) -> Outcome {
    let mut run = Run::new(plan, context);
    match plan.operation.kind {
        OperationKind::Query => run.steps(None).await,
        OperationKind::Mutation => run.root_fields_in_turn().await,
    }
    Outcome { marks: run.marks, sites: run.sites, arena: run.arena, now: run.now }
}

/// A run under way.
struct Run<'a> {
    plan: &'a Plan,
    context: Context<'a>,
    graph: &'a Graph,
    marks: Marks,
    memo: Memo,
    sites: Vec<SiteState>,
    arena: Arena,
    now: Instant,
    objects: usize,
}

/// A step that waits for loads.
type Waiting = BoxFuture<'static, finish::Landed>;

/// What became of a step when it was begun.
enum Begun {
    Done,
    Waiting(Waiting),
}

impl<'a> Run<'a> {
    fn new(planned: &'a Plan, context: Context<'a>) -> Self {
        let graph = &*context.loader.graph;
        let truths = planned.operation.truths(context.variables);
        let marks = plan::mark(graph, planned, truths, context.principal);
        let sites = planned
            .sites
            .iter()
            .map(|site| SiteState { columns: site.columns, ..SiteState::default() })
            .collect();
        let mut run = Self {
            plan: planned,
            context,
            graph,
            marks,
            memo: Memo::default(),
            sites,
            arena: Arena::default(),
            now: Instant::now(),
            objects: 0,
        };
        if let (Some(root), Some(site)) = (run.sites.first_mut(), planned.sites.first()) {
            root.add(Object { ty: Some(site.ty), parent: 0 });
        }
        run
    }

    /// Mutations: one root field after the other, in the order of writing (specification, section 6.2.2).
    async fn root_fields_in_turn(&mut self) {
        let Some(branch) = self.plan.root.branches.first() else { return };
        for entry in &branch.order {
            let truths = self.marks.truths;
            if entry.when.holds(truths) && !entry.unless.iter().any(|earlier| earlier.holds(truths))
            {
                self.steps(Some(entry.field)).await;
                // What is read after a mutation is read anew.
                self.memo = Memo::default();
                self.now = Instant::now();
            }
        }
    }

    /// Runs all active steps (of one root field), each as soon as what it waits for is done.
    async fn steps(&mut self, root_field: Option<usize>) {
        let mut state: Vec<Progress> =
            (0..self.plan.steps.len()).map(|_| Progress::Waits).collect();
        let mut waiting: FuturesUnordered<Waiting> = FuturesUnordered::new();
        loop {
            self.begin_ready(root_field, &mut state, &waiting);
            if waiting.is_empty() {
                return;
            }
            match tokio::time::timeout_at(self.context.deadline, waiting.next()).await {
                Ok(Some(landed)) => {
                    if let Some(progress) = state.get_mut(landed.step.index()) {
                        *progress = Progress::Done;
                    }
                    self.finish(landed);
                }
                Ok(None) => return,
                Err(_) => return self.give_up(&state, root_field),
            }
        }
    }

    fn begin_ready(
        &mut self,
        root_field: Option<usize>,
        state: &mut [Progress],
        waiting: &FuturesUnordered<Waiting>,
    ) {
        let plan = self.plan;
        let mut is_moving = true;
        while is_moving {
            is_moving = false;
            for (id, step) in (0..).map(StepId).zip(&plan.steps) {
                let is_due = state.get(id.index()) == Some(&Progress::Waits)
                    && root_field.is_none_or(|field| step.root_field == field)
                    && self.marks.is_active(id)
                    && step
                        .after
                        .iter()
                        .all(|before| state.get(before.index()) == Some(&Progress::Done));
                if !is_due {
                    continue;
                }
                let progress = match self.begin(id) {
                    Begun::Done => Progress::Done,
                    Begun::Waiting(future) => {
                        waiting.push(future);
                        Progress::Flies
                    }
                };
                is_moving |= progress == Progress::Done;
                if let Some(slot) = state.get_mut(id.index()) {
                    *slot = progress;
                }
            }
        }
    }

    /// The deadline passed: whatever is not done has failed.
    fn give_up(&mut self, state: &[Progress], root_field: Option<usize>) {
        for (id, step) in (0..).map(StepId).zip(&self.plan.steps) {
            let is_open = state.get(id.index()) != Some(&Progress::Done)
                && self.marks.is_active(id)
                && root_field.is_none_or(|field| step.root_field == field);
            if is_open {
                let role = self.role_of(&step.work, step.ty);
                let failure = self.arena.failure(Failure::Deadline { role });
                self.fail_step(id, failure);
            }
        }
    }

    fn role_of(&self, work: &Work, ty: crate::graph::TypeId) -> Option<Arc<str>> {
        match work {
            Work::Call(call) => {
                Some(Arc::clone(&self.graph.backend(self.graph.call(call.call).backend).role))
            }
            Work::Part(part) => self
                .graph
                .ty(ty)
                .parts
                .get(usize::from(part.part.0))
                .map(|part| Arc::clone(&part.role)),
            Work::Reference(_) | Work::Nested { .. } => None,
        }
    }

    fn site(&self, id: SiteId) -> Option<&SiteState> {
        self.sites.get(id.index())
    }

    fn site_mut(&mut self, id: SiteId) -> Option<&mut SiteState> {
        self.sites.get_mut(id.index())
    }

    fn part(&self, site: SiteId, object: u32, part: PartId) -> &PartState {
        const UNSET: &PartState = &PartState::Unset;
        self.site(site).map_or(UNSET, |site| site.part(object, usize::from(part.0)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waits,
    Flies,
    Done,
}
