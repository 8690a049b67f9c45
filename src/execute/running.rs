//! A run whose answer is written in parts, while the rest of it goes on.

use std::sync::Arc;

use crate::execute::flow::{Flow, Scope};
use crate::execute::pages::Paging;
use crate::execute::{Context, Outcome, Run, SiteState};
use crate::load::Memo;
use crate::operation::{OperationKind, Parts, SetId};
use crate::plan::{Plan, Stages, StepId};
use tokio::time::Instant;

/// The steps of the first part go first; those of the others begin as early as they can. Of a mutation, they begin when all
/// its root fields are done.
pub struct Running<'a> {
    run: Run<'a>,
    flow: Flow,
    stages: Stages,
    /// The root fields of a mutation that are still to be run, the next one last.
    in_turn: Vec<usize>,
}

impl<'a> Running<'a> {
    pub fn new(plan: &'a Plan, context: Context<'a>, parts: &Parts) -> Self {
        let mut run = Run::new(plan, context);
        let stages = Stages::new(run.graph, plan, &run.marks, context.principal, parts);
        run.paging = Paging::of(&stages);
        let mut in_turn = match plan.operation.kind {
            OperationKind::Query => Vec::new(),
            OperationKind::Mutation => run.root_fields(),
        };
        in_turn.reverse();
        Self { run, flow: Flow::new(plan.steps.len()), stages, in_turn }
    }

    /// Goes on until something more is done, and whatever can be done with it at once. False: there is nothing more to do.
    pub async fn advance(&mut self) -> bool {
        let Self { run, flow, stages, in_turn } = self;
        let first = Scope { root_field: None, part: Some((stages, SetId::FIRST)) };
        while let Some(field) = in_turn.last().copied() {
            let scopes = [Scope { root_field: Some(field), ..first }];
            if run.advance(flow, &scopes).await {
                return true;
            }
            in_turn.pop();
            // what is read after a mutation is read anew
            run.memo = Memo::default();
            run.now = Instant::now();
        }
        let scopes = [first, Scope::default()];
        if !run.advance(flow, &scopes).await {
            return false;
        }
        run.go_on(flow, &scopes);
        true
    }

    /// Whether a part can be written.
    pub fn is_done(&self, set: SetId) -> bool {
        let mut steps = (0..).map(StepId).take(self.run.plan.steps.len());
        let mut spares = self.stages.spares(set);
        self.in_turn.is_empty()
            && steps.all(|step| self.is_there(set, step))
            && spares.all(|(spare, before)| {
                self.flow.is_done(spare.step) || !self.run.is_needed(spare, before)
            })
    }

    /// Whether what a part needs of a step is there.
    fn is_there(&self, set: SetId, step: StepId) -> bool {
        self.flow.is_done(step)
            || (!self.stages.is_needed(set, step)
                && (!self.stages.is_begun(set, step) || self.run.have_begun(step)))
    }

    pub fn sites(&self) -> &[SiteState] {
        &self.run.sites
    }

    /// The same for the first so many sets.
    pub fn done(&self, sets: usize) -> Vec<bool> {
        (0..).map(SetId).take(sets).map(|set| self.is_done(set)).collect()
    }

    /// Shows what is in hand.
    pub fn look<T>(&mut self, at: impl FnOnce(&Outcome) -> T) -> T {
        let run = &mut self.run;
        let steps = (0..).map(StepId).take(run.plan.steps.len());
        let open = steps.map(|step| run.marks.is_active(step) && !self.flow.is_done(step));
        let open = open.collect();
        let outcome = Outcome {
            marks: Arc::clone(&run.marks),
            refused: std::mem::take(&mut run.refused),
            sites: std::mem::take(&mut run.sites),
            arena: std::mem::take(&mut run.arena),
            now: run.now,
            present: run.context.times.present,
            objects: run.objects,
            times: None,
            looked: None,
            waits: std::mem::take(&mut run.waits),
            open,
        };
        let seen = at(&outcome);
        let Outcome { refused, sites, arena, waits, .. } = outcome;
        (run.refused, run.sites, run.arena, run.waits) = (refused, sites, arena, waits);
        seen
    }
}
