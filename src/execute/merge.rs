//! Brings the events of several lists into one order: what the lists' calls gave becomes the objects of one page.
//!
//! Takes: the links of the lists, whole or a window of their own pages; a list that failed or that nobody covers.
//! Gives: for each object one window over events at the sites of the lists, with its cursors and what is missing of it.
//! Never: calls; makes an object of a record that is on no page; hides a list that is not there.

use std::sync::Arc;

use super::merged::{MergedAsked, is_counted};
use super::slice::Slice;
use super::state::{FailureId, MergedPage};
use super::{Begun, Failure, Link, PartState, Run, Window};
use crate::graph::TypeId;
use crate::load::{Loaded, Position as Cursor};
use crate::merge::{
    self, At, EventRow, Found, Key, ListPlace, Merging, Place, Position, Sought, Stream,
};
use crate::plan::{MergeList, MergeStep, SiteId, Step, Work};
use crate::value::{Answer, Cell};

/// The lists of one object, as far as they were read.
#[derive(Default)]
struct Reading {
    streams: Vec<Stream>,
    /// By stream.
    from: Vec<From>,
    missing: Vec<Arc<str>>,
    failures: Vec<FailureId>,
    undated: u32,
    /// A list answered, or there is nobody to ask.
    is_answered: bool,
}

/// Where the events of a stream are.
struct From {
    /// The place of the list.
    place: usize,
    rows: Rows,
    /// Not all of it could be read.
    is_partial: bool,
}

enum Rows {
    /// Rows of an answer, of which objects are still to be made.
    Answer { number: u32, answer: Arc<Answer> },
    /// Objects that are there already.
    Objects,
}

impl Run<'_> {
    pub(super) fn begin_merge(&mut self, step: &Step, work: &MergeStep) -> Begun {
        let asked = MergedAsked::of(self.graph, &work.field, self.context.variables);
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for parent in parents {
            let link = match &asked {
                Ok(asked) => self.merged_link(step, work, asked, parent),
                Err(failure) => Link::Failed(self.arena.failure(failure.clone())),
            };
            self.link(work.child, parent, link);
        }
        Begun::Done
    }

    fn merged_link(
        &mut self,
        step: &Step,
        work: &MergeStep,
        asked: &MergedAsked,
        parent: u32,
    ) -> Link {
        let merged = self.graph.merged(work.merged);
        if asked.after.is_some() && self.is_cursor_of(step, parent, merged, asked) != Some(true) {
            return Link::Failed(self.arena.failure(Slice::wrong_cursor()));
        }
        let reading = self.reading(work, asked, parent);
        let page = merge::merge(&reading.streams, asked.first as usize);
        if !self.has_room(page.taken.len()) {
            return Link::Failed(self.too_many());
        }
        let mut counts = vec![0_usize; reading.streams.len()];
        for taken in &page.taken {
            if let Some(count) = counts.get_mut(taken.stream) {
                *count += 1;
            }
        }
        let firsts = self.merged_objects(work, &reading, &counts, parent);
        let mut events = Vec::with_capacity(page.taken.len());
        for taken in &page.taken {
            let (Some(from), Some(stream), Some(first)) = (
                reading.from.get(taken.stream),
                reading.streams.get(taken.stream),
                firsts.get(taken.stream),
            ) else {
                continue;
            };
            let object = match from.rows {
                Rows::Answer { .. } => first + u32::try_from(taken.event).unwrap_or(0),
                Rows::Objects => stream.events.get(taken.event).map_or(0, |event| event.row),
            };
            events.push((u8::try_from(from.place).unwrap_or(u8::MAX), object));
        }
        let cursors = if work.has_cursors {
            self.merged_cursors(step, work, asked, (&reading, parent))
        } else {
            Vec::new()
        };
        let end = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let Reading { missing, failures, undated, is_answered, .. } = reading;
        let merged = MergedPage { events, cursors, missing, failures, undated, is_answered };
        Link::Window(self.arena.window(Window {
            start: 0,
            end,
            are_rows: false,
            answer: u32::MAX,
            first_row: 0,
            has_next: page.has_next,
            has_previous: asked.after.is_some(),
            list: None,
            page_size: None,
            merged: Some(Box::new(merged)),
        }))
    }

    // ---- reading -----------------------------------------------------------------------------------------------------

    fn reading(&mut self, work: &MergeStep, asked: &MergedAsked, parent: u32) -> Reading {
        let (graph, merged) = (self.graph, self.graph.merged(work.merged));
        let mut reading = Reading::default();
        for (place, (list, defined)) in work.lists.iter().zip(&merged.lists).enumerate() {
            let number = u8::try_from(place).unwrap_or(u8::MAX);
            if !work.is_asked(graph, place, Some(self.context.variables))
                || asked.place(number) == Some(&Place::Over)
            {
                reading.is_answered = true;
                continue;
            }
            let sought = asked.sought(merged, number);
            let is_read = list.step.is_some_and(|step| self.marks.is_active(step));
            let link = self.site(list.site).map_or(Link::Unset, |site| site.link(parent));
            match link {
                _ if !is_read => reading.miss(&defined.role),
                Link::Failed(failure) => self.missed(&mut reading, &defined.role, failure),
                Link::Rows { answer, .. } => {
                    let Some(loaded) = self.arena.loaded(answer).cloned() else { continue };
                    let (found, has_more) = self.events_of(&sought, &loaded);
                    let is_partial = loaded.answer.partial || found.is_disordered;
                    let rows = Rows::Answer { number: answer, answer: Arc::clone(&loaded.answer) };
                    let from = From { place, rows, is_partial };
                    reading.add(number, &defined.role, found, (from, has_more));
                }
                Link::Many { start, end, answer } => {
                    let found = self.named(&mut reading, list, &sought, (start, end));
                    let is_partial = answer
                        .and_then(|answer| self.arena.loaded(answer))
                        .is_some_and(|loaded| loaded.answer.partial);
                    let from = From { place, rows: Rows::Objects, is_partial };
                    reading.add(number, &defined.role, found, (from, false));
                }
                Link::Null { .. } => reading.is_answered = true,
                Link::Unset | Link::One(_) | Link::Window(_) => reading.miss(&defined.role),
            }
        }
        reading
    }

    fn events_of(&self, sought: &Sought, loaded: &Loaded) -> (Found, bool) {
        let answer = &loaded.answer;
        if answer.pages.is_empty() {
            return (sought.sorted(self.graph, answer), false);
        }
        let found = sought.in_order(self.graph, answer);
        let has_more = answer.next.is_some() && !found.is_past;
        (found, has_more)
    }

    /// The events of a list whose records name objects: when they happened is in the objects' own records.
    fn named(
        &mut self,
        reading: &mut Reading,
        list: &MergeList,
        sought: &Sought,
        (start, end): (u32, u32),
    ) -> Found {
        let mut found = Found::default();
        for object in start..end {
            let ty = self.site(list.site).and_then(|site| site.objects.get(object as usize)?.ty);
            let Some((ty, anchor)) = ty.and_then(|ty| Some((ty, self.graph.ty(ty).anchor()?)))
            else {
                continue;
            };
            match self.part(list.site, object, anchor) {
                PartState::Row { answer, record } => {
                    let Some(loaded) = self.arena.loaded(*answer) else { continue };
                    sought.add(self.graph, (&loaded.answer, *record), object, &mut found);
                }
                PartState::Failed(failure) => {
                    let role = self.role_of_part(ty, anchor);
                    let failure = *failure;
                    self.missed(reading, &role, failure);
                }
                _ => {}
            }
        }
        sought.sort(&mut found.events);
        found
    }

    fn role_of_part(&self, ty: TypeId, part: crate::graph::PartId) -> Arc<str> {
        let part = self.graph.ty(ty).parts.get(usize::from(part.0));
        part.map(|part| Arc::clone(&part.role)).unwrap_or_default()
    }

    /// One failure is told once, however many lists it took.
    fn missed(&self, reading: &mut Reading, role: &Arc<str>, failure: FailureId) {
        let failures = &self.arena.failures;
        let of = |id: FailureId| failures.get(id.0 as usize);
        let is_known = reading.failures.iter().any(|known| {
            matches!((of(*known), of(failure)), (Some(one), Some(other)) if one.is_like(other))
        });
        if !is_known {
            reading.failures.push(failure);
        }
        reading.miss(role);
    }

    // ---- objects -----------------------------------------------------------------------------------------------------

    /// Makes the objects of the events that are taken, and gives the first of each stream.
    fn merged_objects(
        &mut self,
        work: &MergeStep,
        reading: &Reading,
        counts: &[usize],
        parent: u32,
    ) -> Vec<u32> {
        let mut firsts = Vec::with_capacity(counts.len());
        for ((stream, from), count) in reading.streams.iter().zip(&reading.from).zip(counts) {
            let site = work.lists.get(from.place).map_or(SiteId::ROOT, |list| list.site);
            let start = self.site(site).map_or(0, |site| site.objects.len());
            let start = u32::try_from(start).unwrap_or(u32::MAX);
            firsts.push(start);
            let Rows::Answer { number, answer } = &from.rows else { continue };
            let mut end = start;
            for event in stream.events.iter().take(*count) {
                let record = answer.rows.get(event.row as usize).copied().unwrap_or(Cell::Absent);
                self.row(site, parent, *number, record);
                end += 1;
            }
            self.link(site, parent, Link::Many { start, end, answer: Some(*number) });
        }
        firsts
    }

    // ---- cursors -----------------------------------------------------------------------------------------------------

    /// The cursor behind each event; of a page without events one behind all that was read.
    fn merged_cursors(
        &self,
        step: &Step,
        work: &MergeStep,
        asked: &MergedAsked,
        (reading, parent): (&Reading, u32),
    ) -> Vec<Box<str>> {
        let merged = self.graph.merged(work.merged);
        let Some(owner) = self.owner(step.site, parent, step.ty) else { return Vec::new() };
        let list = asked.list_of(merged, &self.context.principal.tenant, &owner);
        let before = asked.after.as_ref().and_then(|(_, position)| position.after.clone());
        let seal = |after: Option<Key>, counts: &[usize]| {
            let lists = self.places(work, asked, reading, (after.as_ref(), counts));
            let cursor = Cursor::Merged(Position { after, lists });
            Box::from(self.context.cursors.seal(&list, &cursor))
        };
        let mut merging = Merging::new(&reading.streams);
        let mut cursors = Vec::new();
        while cursors.len() < asked.first as usize {
            let Some(taken) = merging.take_next() else { break };
            let key = reading.streams.get(taken.stream).and_then(|of| of.key(taken.event));
            cursors.push(seal(key, &merging.taken));
        }
        if cursors.is_empty() {
            cursors.push(seal(before, &merging.taken));
        }
        cursors
    }

    fn places(
        &self,
        work: &MergeStep,
        asked: &MergedAsked,
        reading: &Reading,
        (after, counts): (Option<&Key>, &[usize]),
    ) -> Vec<ListPlace> {
        let before = asked.after.iter().flat_map(|(_, position)| &position.lists);
        let is_read = |list: u8| reading.streams.iter().any(|stream| stream.list == list);
        let mut lists: Vec<ListPlace> = before.filter(|of| !is_read(of.list)).cloned().collect();
        for ((stream, from), count) in reading.streams.iter().zip(&reading.from).zip(counts) {
            let is_all = *count >= stream.events.len() && !stream.has_more;
            let place = if is_all && asked.is_newest_first && !from.is_partial {
                Some(Place::Over)
            } else {
                self.page_of(work, asked, (stream, from), (after, *count))
            };
            lists.extend(place.map(|place| ListPlace { list: stream.list, place }));
        }
        lists
    }

    /// The page of its own that a list goes on with.
    fn page_of(
        &self,
        work: &MergeStep,
        asked: &MergedAsked,
        (stream, from): (&Stream, &From),
        (after, count): (Option<&Key>, usize),
    ) -> Option<Place> {
        let Rows::Answer { answer, .. } = &from.rows else { return None };
        if answer.pages.is_empty() {
            return None;
        }
        let step = work.lists.get(from.place)?.step?;
        let Work::Call(call) = &self.plan.steps.get(step.index())?.work else { return None };
        let compiled = self.graph.call(call.call);
        let largest = compiled.pages.as_ref()?.size.as_ref().map_or(1, |size| size.max.max(1));
        let own = asked.first.clamp(1, largest);
        let size = match asked.place(stream.list) {
            Some(Place::Page { size, .. }) => *size,
            _ => own,
        };
        let is_mine = after.is_some_and(|key| key.list == stream.list);
        let row = |event: Option<&EventRow>| event.map(|event| event.row);
        let next = row(stream.events.get(count));
        let last = count.checked_sub(1).and_then(|last| row(stream.events.get(last)));
        if is_mine && last.is_none() {
            // the last event came with an earlier page
            return match (next, &answer.next) {
                (None, Some(state)) => {
                    Some(Place::Page { state: Some(state.clone()), size, is_behind: true })
                }
                _ => asked.place(stream.list).cloned(),
            };
        }
        let last = last.filter(|_| is_mine);
        Place::behind(answer, At { last, next, size, is_counted: is_counted(compiled) })
    }
}

impl Reading {
    fn miss(&mut self, role: &Arc<str>) {
        if !self.missing.contains(role) {
            self.missing.push(Arc::clone(role));
        }
    }

    fn add(&mut self, list: u8, role: &Arc<str>, found: Found, (from, has_more): (From, bool)) {
        self.is_answered = true;
        self.undated = self.undated.saturating_add(found.undated);
        if from.is_partial {
            self.miss(role);
        }
        let Found { events, last, .. } = found;
        self.streams.push(Stream { list, events, has_more, last });
        self.from.push(from);
    }
}

impl Failure {
    /// Whether a client would be told the same of both.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Load(one), Self::Load(other)) => {
                one.role == other.role && one.error.code() == other.error.code()
            }
            (Self::Ambiguous { role: one }, Self::Ambiguous { role: other })
            | (Self::Upstream { role: one, .. }, Self::Upstream { role: other, .. }) => {
                one == other
            }
            (Self::Deadline { role: one }, Self::Deadline { role: other }) => one == other,
            _ => false,
        }
    }
}
