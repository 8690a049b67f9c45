//! The second load of lists whose records only name objects: where a filter or an order is done here, the objects' own records
//! are looked up, by the call that would load them anyway, for all lists of a step together.
//!
//! Takes: what the lists' own load gave.
//! Gives: for each list an answer whose rows are the records that its names lead to, in their order. From there on it is a list of
//! records like any other.
//! Never: takes a record that could not be loaded for one that is not there; looks anything up where nothing is done here.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::execute::begin::Reach;
use crate::execute::landed::{Group, Landed, wait};
use crate::execute::made::name_of;
use crate::execute::records::lone;
use crate::execute::state::{FailureId, number};
use crate::execute::{Begun, Run};
use crate::graph::Part;
use crate::load::Loaded;
use crate::plan::{CallStep, LookUp, Step};
use crate::value::Answer;

/// Lists whose names are looked up.
pub(super) struct NamedRows {
    look_up: LookUp,
    lists: Vec<Reach>,
    /// By answer: the numbers under which its rows' names are looked up.
    rows: FxHashMap<u32, Range<u32>>,
}

impl Run<'_> {
    /// A call's load has landed: what its lists name is looked up if that must be known, and they become objects.
    pub(super) fn land_call(&mut self, step: &Step, call: &CallStep, mut landed: Landed) -> Begun {
        if let Some(named) = landed.named.take() {
            landed.reaches = self.records_of(&named, &landed.reaches);
        } else {
            self.unite(&mut landed.reaches, &landed.unions);
            if self.begin_look_up(call, &mut landed) {
                // unless everything is in the cache
                let is_open = landed.is_open();
                return if is_open { wait(landed) } else { self.land_call(step, call, landed) };
            }
        }
        self.finish_call(step, call, (&mut landed.reaches, &landed.unions), &landed.slice);
        Begun::Done
    }

    /// Whether there is anything to look up.
    fn begin_look_up(&mut self, call: &CallStep, landed: &mut Landed) -> bool {
        let (Some(sift), Some(names), Some(look_up)) =
            (landed.slice.sift.clone(), call.names, call.look_up(self.graph))
        else {
            return false;
        };
        let (mut keys, mut rows) = (Vec::new(), FxHashMap::default());
        let mut count = 0;
        for (object, reach) in (0..).zip(&mut landed.reaches) {
            let Reach::Answer(answer) = *reach else { continue };
            let is_united = landed.unions.iter().any(|union| union.object == object);
            if !sift.is_done_here(is_united) || rows.contains_key(&answer) {
                continue;
            }
            let Some(loaded) = self.arena.loaded(answer).map(|loaded| Arc::clone(&loaded.answer))
            else {
                continue;
            };
            if !self.has_room(count + loaded.rows.len()) {
                *reach = Reach::Failed(self.too_many());
                continue;
            }
            for (place, row) in (number(count)..).zip(&loaded.rows) {
                let key = name_of(self.graph, names, &loaded, *row);
                keys.extend(key.map(|key| (Cow::Owned(key.as_str().to_owned()), place)));
            }
            rows.insert(answer, number(count)..number(count + loaded.rows.len()));
            count += loaded.rows.len();
        }
        if rows.is_empty() {
            return false;
        }
        let wanted = self.wanted_of(call.child, look_up.shape);
        let load = self.part_load(look_up.call, look_up.shape, wanted);
        let mut memo = std::mem::take(&mut self.memo);
        let sought = self.seek(load, &mut memo, keys);
        self.memo = memo;
        let mut reaches = vec![Reach::Open; count];
        let group: Group = self.take(sought, &mut reaches);
        let lists = std::mem::replace(&mut landed.reaches, reaches);
        landed.named = Some(NamedRows { look_up, lists, rows });
        landed.groups = vec![group];
        true
    }

    /// The lists, with the records that were looked up in the place of their names.
    fn records_of(&mut self, named: &NamedRows, found: &[Reach]) -> Vec<Reach> {
        let part = self.graph.ty(named.look_up.ty).parts.get(usize::from(named.look_up.part.0));
        let Some(part) = part else { return named.lists.clone() };
        let mut made: FxHashMap<u32, Reach> = FxHashMap::default();
        for (answer, rows) in &named.rows {
            let rows = found.get(rows.start as usize..rows.end as usize).unwrap_or_default();
            let reach = match self.list_of_records(part, *answer, rows) {
                Ok(Some(loaded)) => Reach::Answer(self.arena.answer(loaded)),
                Ok(None) => Reach::Answer(*answer),
                Err(failure) => Reach::Failed(failure),
            };
            made.insert(*answer, reach);
        }
        let reach = |reach: &Reach| match reach {
            Reach::Answer(answer) => made.get(answer).copied().unwrap_or(*reach),
            other => *other,
        };
        named.lists.iter().map(reach).collect()
    }

    /// One record that could not be loaded fails the list: what is left of it would look like the whole.
    fn list_of_records(
        &self,
        part: &Part,
        list: u32,
        found: &[Reach],
    ) -> Result<Option<Loaded>, FailureId> {
        let Some(list) = self.arena.loaded(list) else { return Ok(None) };
        let mut rows = Vec::with_capacity(found.len());
        let (mut cached_at, mut is_stale) = (list.cached_at, list.is_stale);
        for reach in found {
            let loaded = match reach {
                Reach::Failed(failure) => return Err(*failure),
                Reach::Answer(answer) => self.arena.loaded(*answer),
                Reach::None(_) | Reach::Open => None,
            };
            rows.push(loaded.and_then(|loaded| {
                Some((&*loaded.answer, lone(self.graph, part, &loaded.answer)?))
            }));
            if let Some(loaded) = loaded {
                cached_at = cached_at.into_iter().chain(loaded.cached_at).min();
                is_stale |= loaded.is_stale;
            }
        }
        let answer = Answer {
            partial: list.answer.partial,
            total: list.answer.total,
            ..Answer::of_rows(&rows)
        };
        Ok(Some(Loaded { answer: Arc::new(answer), cached_at, is_stale }))
    }
}
