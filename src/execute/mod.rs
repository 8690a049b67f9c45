//! Runs a plan: steps as soon as their keys are there, each once for all objects of its site.
//!
//! Takes: a plan, coerced variables, the caller, a deadline.
//! Gives: the objects at every site with their part records and links, or their failures, for `respond` to write.
//! Never: sends what a step's keys do not need; repeats or shares a write; starts a task or a timer for a read.

mod begin;
mod entities;
mod finish;
mod flow;
mod key;
mod landed;
mod looked_up;
mod made;
mod merge;
mod merged;
mod named;
mod nested;
mod pages;
mod part;
mod records;
mod reference;
mod running;
mod seek;
mod several;
mod sift;
mod slice;
mod state;
mod survivor;
mod times;
mod write;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::error::ErrorCode;
use crate::graph::{Graph, PartId};
use crate::load::{CursorKey, Loader, Looked, Memo};
use crate::operation::{OperationKind, SelectedField, Variables};
use crate::plan::{self, Marks, OutEntry, Plan, SiteId, StepId, Work};
use crate::principal::Principal;

pub(crate) use finish::anchor_state;
pub use pages::Pages;
pub use running::Running;
pub(crate) use state::Row;
pub use state::{
    Arena, Failure, FailureId, Link, MergedPage, NullBy, Object, PartState, SiteState, Way, Window,
    WindowId,
};
pub(crate) use survivor::{agreed, chosen};
pub use times::{StepTimes, Waits};

/// When a run ends at the latest, and the time of day for what depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub deadline: Instant,
    pub present: Timestamp,
}

/// What a run needs besides its plan.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub loader: &'a Arc<Loader>,
    pub cursors: &'a CursorKey,
    pub principal: &'a Arc<Principal>,
    pub variables: &'a Variables,
    pub times: Times,
    /// Whether to note when each step ran.
    pub is_traced: bool,
    /// Whether to note what was looked up, for as long as the cache has it all.
    pub notes_looks: bool,
}

/// Everything that a run gave.
#[derive(Debug)]
pub struct Outcome {
    pub marks: Arc<Marks>,
    /// By place in `Plan::refusable`: what is wrong with the arguments.
    pub refused: Vec<Option<String>>,
    pub sites: Vec<SiteState>,
    pub arena: Arena,
    /// When the run began: ages are counted to here.
    pub now: Instant,
    /// The time of day for the whole answer.
    pub present: Timestamp,
    /// How many objects all sites hold, of `limits.objects`.
    pub objects: usize,
    /// When each step ran, if that was to be noted.
    pub times: Option<StepTimes>,
    pub waits: Waits,
    /// By step: whether it is still to come. Empty once nothing is.
    pub open: Vec<bool>,
    /// All that was looked up, if it was to be noted, is little, and the cache had it.
    pub looked: Option<Vec<Looked>>,
}

impl Outcome {
    pub fn is_open(&self, step: StepId) -> bool {
        self.open.get(step.index()).copied().unwrap_or(false)
    }
}

/// Runs a plan to its end, or to the deadline.
pub async fn execute(plan: &Plan, context: Context<'_>) -> Outcome {
    let mut run = Run::new(plan, context);
    match plan.operation.kind {
        OperationKind::Query => run.steps(None).await,
        OperationKind::Mutation => run.root_fields_in_turn().await,
    }
    let Run { context, marks, refused, sites, arena, now, objects, times, waits, looked, .. } = run;
    let (times, present) = (times.map(StepTimes::finished), context.times.present);
    let open = Vec::new();
    Outcome { marks, refused, sites, arena, now, present, objects, times, waits, open, looked }
}

/// A run under way.
struct Run<'a> {
    plan: &'a Plan,
    context: Context<'a>,
    graph: &'a Graph,
    marks: Arc<Marks>,
    refused: Vec<Option<String>>,
    memo: Memo,
    sites: Vec<SiteState>,
    arena: Arena,
    now: Instant,
    objects: usize,
    times: Option<StepTimes>,
    waits: Waits,
    /// Of an answer in parts: the lists that come page by page.
    paging: Option<pages::Paging>,
    looked: Option<Vec<Looked>>,
}

/// A step that waits for loads.
type Waiting = BoxFuture<'static, landed::Landed>;

/// What became of a step when it was begun.
enum Begun {
    Done,
    Waiting(Waiting),
}

impl<'a> Run<'a> {
    fn new(planned: &'a Plan, context: Context<'a>) -> Self {
        let graph = &*context.loader.graph;
        let marks = plan::mark(graph, planned, context.variables, context.principal);
        let refused = |field: &Arc<SelectedField>| {
            field.arguments(context.variables).err().map(|error| error.message)
        };
        let refused = planned.refusable.iter().map(refused).collect();
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
            refused,
            memo: Memo::of(planned.calls_bound),
            sites,
            arena: Arena::default(),
            now: Instant::now(),
            objects: 0,
            times: context.is_traced.then(|| StepTimes::new(planned.steps.len())),
            waits: Waits::default(),
            paging: None,
            looked: context.notes_looks.then(Vec::new),
        };
        if let (Some(root), Some(site)) = (run.sites.first_mut(), planned.sites.first()) {
            root.add(Object { ty: Some(site.ty), parent: 0 });
        }
        run
    }

    /// Mutations: one root field after the other, in the order of writing (specification, section 6.2.2).
    async fn root_fields_in_turn(&mut self) {
        for field in self.root_fields() {
            self.steps(Some(field)).await;
            // What is read after a mutation is read anew.
            self.memo = Memo::default();
            self.now = Instant::now();
        }
    }

    /// The root fields that are written, in their order.
    fn root_fields(&self) -> Vec<usize> {
        let order = self.plan.root.branches.first().map_or(&[][..], |branch| &branch.order);
        let truths = self.marks.truths;
        let is_written = |entry: &&OutEntry| {
            entry.when.holds(truths) && !entry.unless.iter().any(|earlier| earlier.holds(truths))
        };
        order.iter().filter(is_written).map(|entry| entry.field).collect()
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
            Work::Reference(_) | Work::Entities(_) | Work::Nested { .. } | Work::Merge(_) => None,
        }
    }

    /// May so many more objects be made?
    fn has_room(&self, count: usize) -> bool {
        self.objects.saturating_add(count) <= self.graph.limits.objects
    }

    fn too_many(&mut self) -> FailureId {
        let message = too_many_objects(self.graph);
        self.arena.failure(Failure::Input { code: ErrorCode::ObjectsLimit, message })
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

/// What a client is told of an answer that is larger than `limits.objects`.
pub(crate) fn too_many_objects(graph: &Graph) -> String {
    format!(
        "the answer would hold more than {} objects: ask for fewer at a time",
        graph.limits.objects
    )
}
