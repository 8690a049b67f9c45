//! Streamed lists that are drained page by page: what each page brought, before the step that it belongs to is done.
//!
//! Takes: which steps are such lists, and how many items of each come at once.
//! Gives: for each of their parents the pages so far, which its items are written from until the step is done.
//! Never: makes objects of a page, or begins a step for one: what is not in the records themselves comes when the list is whole.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::execute::Run;
use crate::execute::begin::Reach;
use crate::execute::flow::Flow;
use crate::execute::landed::Group;
use crate::execute::state::number;
use crate::load::{Early, EarlyPage, Loaded, Told};
use crate::plan::{CallStep, Stages, StepId, Work};
use crate::value::{Answer, Key};

/// The steps of a run that are told of their pages.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) early: Arc<Early>,
    lists: FxHashMap<StepId, List>,
}

#[derive(Debug)]
struct List {
    /// So many items come at once.
    count: u32,
    /// The objects that wait for each key; none before it is begun.
    waiting: FxHashMap<Key, Vec<u32>>,
}

/// The pages of one parent's list that came while others are still to come.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    pub answers: Vec<u32>,
    pub rows: u32,
}

impl Pages {
    fn add(&mut self, number_of: u32, answer: &Answer) {
        self.answers.push(number_of);
        self.rows = self.rows.saturating_add(number(answer.rows.len()));
    }
}

impl Paging {
    /// `None`: there is no such list.
    pub(super) fn of(stages: &Stages) -> Option<Self> {
        let list = |count| List { count, waiting: FxHashMap::default() };
        let lists: FxHashMap<_, _> =
            stages.paged().iter().map(|(step, count)| (*step, list(*count))).collect();
        (!lists.is_empty()).then(|| Self { early: Arc::default(), lists })
    }
}

impl Run<'_> {
    /// Whom the load of a step is to tell of its pages.
    pub(super) fn told_of_pages(&self, step: StepId) -> Option<Told> {
        let paging = self.paging.as_ref().filter(|paging| paging.lists.contains_key(&step))?;
        Some(Told { early: Arc::clone(&paging.early), load: step.0 })
    }

    /// A list was begun: whoever does not wait for its pages has what there is.
    pub(super) fn expect_pages(
        &mut self,
        step: StepId,
        call: &CallStep,
        reaches: &[Reach],
        groups: &[Group],
    ) {
        let Some(list) = self.paging.as_mut().and_then(|paging| paging.lists.get_mut(&step)) else {
            return;
        };
        list.waiting = groups
            .iter()
            .flat_map(|group| group.pending.iter())
            .map(|(key, objects)| (key.clone(), objects.to_vec()))
            .collect();
        for (object, reach) in (0..).zip(reaches) {
            match reach {
                Reach::Open | Reach::Failed(_) => {}
                Reach::None(link) => self.link(call.child, object, *link),
                Reach::Answer(answer) => self.add_page(call, object, *answer),
            }
        }
        for (object, reach) in (0..).zip(reaches) {
            if let Reach::Failed(failure) = reach {
                self.link(call.child, object, crate::execute::Link::Failed(*failure));
            }
        }
    }

    /// Takes the pages that came.
    pub(super) fn take_pages(&mut self, flow: &Flow) {
        let Some(paging) = &self.paging else { return };
        for page in paging.early.take() {
            let step = StepId(page.load);
            let plan = self.plan;
            if let Some(Work::Call(call)) = plan.steps.get(step.index()).map(|step| &step.work)
                && !flow.is_done(step)
            {
                self.take_page(step, call, page);
            }
        }
    }

    fn take_page(&mut self, step: StepId, call: &CallStep, page: EarlyPage) {
        let rows = page.answers.iter().map(|answer| answer.rows.len()).sum();
        if !self.has_room(rows) {
            return;
        }
        for (key, answer) in page.keys.iter().zip(page.answers) {
            let list = self.paging.as_ref().and_then(|paging| paging.lists.get(&step));
            let Some(objects) = list.and_then(|list| list.waiting.get(key)).cloned() else {
                continue;
            };
            let answer = self.arena.answer(Loaded::now(answer));
            for object in objects {
                self.add_page(call, object, answer);
            }
        }
    }

    fn add_page(&mut self, call: &CallStep, object: u32, answer: u32) {
        let Some(loaded) = self.arena.loaded(answer).map(|loaded| Arc::clone(&loaded.answer))
        else {
            return;
        };
        if let Some(site) = self.site_mut(call.child) {
            site.pages.entry(object).or_default().add(answer, &loaded);
        }
    }

    /// Whether each list of a step has begun, with so many items as come at once.
    pub(super) fn have_begun(&self, step: StepId) -> bool {
        let Some(list) = self.paging.as_ref().and_then(|paging| paging.lists.get(&step)) else {
            return false;
        };
        let Some(Work::Call(call)) = self.plan.steps.get(step.index()).map(|step| &step.work)
        else {
            return false;
        };
        let Some(site) = self.site(call.child) else { return false };
        let has_begun =
            |object| site.pages.get(object).is_some_and(|pages| pages.rows >= list.count);
        !list.waiting.is_empty() && list.waiting.values().flatten().all(has_begun)
    }
}
