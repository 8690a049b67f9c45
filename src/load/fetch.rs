//! The pages of one chunk of keys, fetched and mapped.
//!
//! Takes: a load and its keys.
//! Gives: one answer for each key, and what the pages said besides; more pages only for as long as more is wanted.
//! Never: keeps an answer, or shares it.

use std::sync::Arc;

use crate::backend::Page;
use crate::cache::Known;
use crate::error::BackendError;
use crate::graph::{Call, Effect, KeyMode, Method, RequestTemplate, SlotId};
use crate::load::{Load, Loader};
use crate::mapping::{self, Mapping, Payload};
use crate::merge::Found;
use crate::template::Inputs;
use crate::value::{Answer, Cell, Freshness, Key, PageStart, PageState, Validators};

/// The pages of one chunk.
#[derive(Default)]
pub(super) struct Fetched {
    pub(super) payloads: Vec<Payload>,
    /// What fetched each page.
    states: Vec<Option<PageState>>,
    next: Option<PageState>,
    /// By what the backend knows the answer that is there already.
    known: Option<Validators>,
    /// Records that came, whatever becomes of them.
    records: usize,
    pub(super) total: Option<u64>,
    pub(super) freshness: Freshness,
    /// The answer that is known already, which the backend says is still so.
    pub(super) unchanged: Option<Arc<Answer>>,
    pub(super) is_cut: bool,
}

/// Fetches and maps. Of a window, more is fetched until it is full: not every record becomes a row.
pub(super) async fn answers(
    loader: &Loader,
    load: &Load,
    keys: &[Key],
) -> Result<(Vec<Answer>, Fetched), BackendError> {
    let call = loader.graph.call(load.call);
    let known = known(loader, load, call, keys);
    let validators = known.as_ref().map(|known| known.validators.clone());
    let mut fetched = Fetched { known: validators, ..Fetched::default() };
    let Some(window) = &load.window else {
        fetch(loader, load, keys, usize::MAX, &mut fetched).await?;
        if let Some(known) = known.filter(|_| fetched.freshness.is_unchanged) {
            let validators = fetched.freshness.validators.take();
            fetched.freshness.validators = validators.or(Some(known.validators));
            fetched.unchanged = Some(known.answer);
            return Ok((Vec::new(), fetched));
        }
        let answers = mapping::map_answers(
            &loader.graph,
            call,
            load.shape,
            load.wanted,
            &fetched.payloads,
            keys,
        );
        return Ok((fitting(loader, load, answers, &fetched)?, fetched));
    };
    let is_stepwise = window.sought.as_ref().is_some_and(|sought| sought.ends_early());
    let mut records = if is_stepwise { 1 } else { window.rows as usize };
    loop {
        fetch(loader, load, keys, records, &mut fetched).await?;
        let (mut answer, starts) = mapping::map_pages(
            &loader.graph,
            call,
            load.shape,
            load.wanted,
            &fetched.payloads,
            keys,
        );
        let wanted = window.rows as usize;
        let missing = match &window.sought {
            None => wanted.saturating_sub(answer.rows.len()),
            Some(sought) => missing(&sought.in_order(&loader.graph, &answer), wanted),
        };
        // pages of records that are no rows are pages too
        let may_go_on = !fetched.is_cut && fetched.payloads.len() < max_pages(call);
        if missing > 0 && fetched.next.is_some() && may_go_on {
            let more = if is_stepwise { 1 } else { missing };
            records = fetched.records.saturating_add(more);
            continue;
        }
        answer.pages = starts
            .into_iter()
            .zip(&fetched.states)
            .map(|(row, state)| PageStart { row, state: state.clone() })
            .collect();
        answer.next.clone_from(&fetched.next);
        return Ok((fitting(loader, load, vec![answer], &fetched)?, fetched));
    }
}

/// The answer that is there already and that the backend may be asked about: of one key, in one page, by GET.
fn known(loader: &Loader, load: &Load, call: &Call, keys: &[Key]) -> Option<Known> {
    let is_get = matches!(&call.request, RequestTemplate::Rest(rest) if rest.method == Method::Get);
    let is_one =
        is_get && call.pages.is_none() && load.window.is_none() && call.effect == Effect::Read;
    let [key] = keys else { return None };
    if !is_one {
        return None;
    }
    let mut buffer = Vec::new();
    loader.shelf(load).known(load.cache_key(key.as_str(), &mut buffer), load.wanted)
}

/// How many events of a merged list are still to be read, of those that there can be.
fn missing(found: &Found, wanted: usize) -> usize {
    if found.is_past { 0 } else { wanted.saturating_sub(found.events.len()) }
}

/// A call without `records` whose answer is no object and has nothing of what was asked for gave no record, but something else.
fn fitting(
    loader: &Loader,
    load: &Load,
    answers: Vec<Answer>,
    fetched: &Fetched,
) -> Result<Vec<Answer>, BackendError> {
    if loader.graph.call(load.call).records.is_some() {
        return Ok(answers);
    }
    let found = fetched.payloads.iter().find_map(Payload::other_than_object);
    let mut rows =
        answers.iter().flat_map(|answer| answer.rows.iter().map(move |row| (answer, *row)));
    match found {
        Some(found) if rows.any(|(answer, row)| fits_nowhere(loader, load, answer, row)) => {
            Err(BackendError::Decode {
                reason: format!("expected an object as the record, found {found}"),
            })
        }
        _ => Ok(answers),
    }
}

fn fits_nowhere(loader: &Loader, load: &Load, answer: &Answer, row: Cell) -> bool {
    let Cell::Record { shape, .. } = row else { return matches!(row, Cell::Problem(_)) };
    let slots = loader.graph.shape(shape).slots.iter().zip((0..).map(SlotId));
    let mut cells = slots
        .filter(|(slot, id)| {
            load.wanted.contains(*id) && !matches!(slot.mapping, Mapping::Constant { .. })
        })
        .map(|(_, id)| answer.slot(row, id))
        .peekable();
    cells.peek().is_some() && cells.all(|cell| matches!(cell, Cell::Problem(_)))
}

/// Calls until there is no next page, so many records are there, or the bound of pages is reached; goes on where it stopped.
async fn fetch(
    loader: &Loader,
    load: &Load,
    keys: &[Key],
    records: usize,
    fetched: &mut Fetched,
) -> Result<(), BackendError> {
    let call = loader.graph.call(load.call);
    let window = load.window.as_ref();
    let size = window
        .map(|window| window.size)
        .or_else(|| call.pages.as_ref()?.size.as_ref().map(|size| size.max));
    let max_pages = max_pages(call);
    loop {
        let state = if fetched.payloads.is_empty() {
            window.and_then(|window| window.state.clone())
        } else {
            fetched.next.take()
        };
        let inputs = Inputs {
            keys,
            arguments: &load.arguments,
            fields: &load.fields,
            page: state.as_ref(),
            page_size: size,
            principal: &load.principal,
            known: fetched.known.as_ref(),
        };
        let page = loader.backends.call(call, inputs, load.deadline.clone()).await?;
        fetched.add(call, state, page);
        if !fetched.freshness.is_unchanged {
            tell(loader, load, keys, &fetched.payloads);
        }
        if fetched.next.is_none() || fetched.records >= records {
            return Ok(());
        }
        if fetched.payloads.len() >= max_pages {
            fetched.is_cut = true;
            return Ok(());
        }
    }
}

fn max_pages(call: &Call) -> usize {
    call.pages.as_ref().map_or(1, |pages| pages.max_pages.max(1) as usize)
}

/// Tells of the last page, where no chunk is ever begun anew.
fn tell(loader: &Loader, load: &Load, keys: &[Key], payloads: &[Payload]) {
    let (Some(told), Some(page)) = (&load.told, payloads.last()) else { return };
    let call = loader.graph.call(load.call);
    let is_split = matches!(&call.keys, KeyMode::Batch { split_on, .. } if !split_on.is_empty());
    if is_split && keys.len() > 1 {
        return;
    }
    let pages = std::slice::from_ref(page);
    told.tell(
        keys,
        mapping::map_answers(&loader.graph, call, load.shape, load.wanted, pages, keys),
    );
}

impl Fetched {
    fn add(&mut self, call: &Call, state: Option<PageState>, page: Page) {
        self.states.push(state);
        self.records = self.records.saturating_add(page.payload.count_at(call.records.as_ref()));
        if let Some(total) = call.pages.as_ref().and_then(|pages| pages.total.as_ref()) {
            let told = page.payload.text_at(total);
            self.total = told.and_then(|text| text.trim().parse().ok()).or(self.total);
        }
        let before = std::mem::replace(&mut self.freshness, page.freshness);
        if !self.payloads.is_empty() {
            self.freshness = before.with(&self.freshness);
        }
        self.payloads.push(page.payload);
        self.next = page.next;
    }
}
