//! Lists of a customer with several accounts in one system: what is loaded for each of them becomes one list.
//!
//! Each account's key has a number beyond those of the site's objects while its load is under way, so that everything
//! between a key and its answer works as for an object.

use std::borrow::Cow;
use std::sync::Arc;

use crate::execute::begin::Reach;
use crate::execute::key::{ObjectKey, normalized, record_key};
use crate::execute::slice::Slice;
use crate::execute::state::number;
use crate::execute::{Failure, Link, NullBy, PartState, Run};
use crate::graph::{Graph, KeySource, Normalizer, PartId, SlotId, TypeId};
use crate::load::{Load, Loaded};
use crate::plan::{SiteId, Step};
use crate::value::{Answer, KEY_SEPARATOR};

/// One object and the numbers of its accounts' keys.
#[derive(Clone, Debug)]
pub(super) struct Union {
    pub(super) object: u32,
    members: std::ops::Range<u32>,
}

/// Objects with several keys, and their keys, in the order of the accounts.
#[derive(Default)]
pub(super) struct SeveralKeys {
    pub(super) unions: Vec<Union>,
    pub(super) keys: Vec<(Cow<'static, str>, u32)>,
}

impl SeveralKeys {
    /// `next`: the first number that is free.
    pub(super) fn add(&mut self, next: u32, object: u32, keys: Vec<String>) {
        let start = next.saturating_add(number(self.keys.len()));
        self.keys.extend((start..).zip(keys).map(|(member, key)| (Cow::Owned(key), member)));
        let end = next.saturating_add(number(self.keys.len()));
        self.unions.push(Union { object, members: start..end });
    }
}

/// What the list of all these keys is called in cursors.
pub(super) fn name_of(keys: &[String]) -> String {
    keys.join(&KEY_SEPARATOR.to_string())
}

impl Run<'_> {
    /// The different keys that the records of a part with several spell; `None` for any other part.
    pub(super) fn several_keys(
        &self,
        site: SiteId,
        object: u32,
        part: PartId,
        slots: &[SlotId],
    ) -> Option<Vec<String>> {
        let PartState::Several { answer, records } = self.part(site, object, part) else {
            return None;
        };
        let loaded = &self.arena.loaded(*answer)?.answer;
        let mut keys: Vec<String> = Vec::new();
        for record in &**records {
            let key = record_key(self.graph, loaded, *record, slots);
            if let Some(key) = key.filter(|key| !keys.iter().any(|known| **known == **key)) {
                keys.push(key.into_owned());
            }
        }
        Some(keys)
    }

    /// The keys of an object with several accounts for a call.
    pub(super) fn account_keys(
        &self,
        step: &Step,
        object: u32,
        source: &KeySource,
        normalizer: Normalizer,
    ) -> Option<Vec<String>> {
        let KeySource::Slots { part, slots } = source else { return None };
        let keys = self.several_keys(step.site, object, *part, slots)?;
        let mut normal: Vec<String> = Vec::new();
        for key in keys {
            match normalized(self.graph, Cow::Owned(key), normalizer) {
                ObjectKey::Known(key) if normal.iter().any(|known| **known == *key) => {}
                ObjectKey::Known(key) => normal.push(key.into_owned()),
                ObjectKey::None(_) => {}
                ObjectKey::Fails(_) => return None,
            }
        }
        (normal.len() > 1).then_some(normal)
    }

    pub(super) fn ambiguous_part(&self, ty: TypeId, part: PartId) -> Failure {
        let part = self.graph.ty(ty).parts.get(usize::from(part.0));
        Failure::Ambiguous { role: part.map(|part| Arc::clone(&part.role)).unwrap_or_default() }
    }

    /// Makes one answer of what the accounts of each object gave, and takes their numbers back. One that fails, fails the
    /// list: what is left of it would look like the whole.
    pub(super) fn unite(&mut self, reaches: &mut Vec<Reach>, unions: &[Union]) {
        let Some(first) = unions.iter().map(|union| union.members.start).min() else { return };
        for union in unions {
            let members: Vec<Reach> = union
                .members
                .clone()
                .filter_map(|member| reaches.get(member as usize).copied())
                .collect();
            let reach = self.united(&members);
            crate::execute::begin::set(reaches, union.object, reach);
        }
        reaches.truncate(first as usize);
    }

    fn united(&mut self, members: &[Reach]) -> Reach {
        let mut answers = Vec::with_capacity(members.len());
        for member in members {
            match member {
                Reach::Answer(answer) => answers.push(*answer),
                Reach::Failed(failure) => return Reach::Failed(*failure),
                Reach::Open => return Reach::Open,
                Reach::None(_) => {}
            }
        }
        let loaded: Vec<&Loaded> =
            answers.iter().filter_map(|answer| self.arena.loaded(*answer)).collect();
        if loaded.is_empty() {
            return Reach::None(Link::Null { by: NullBy::NoKey });
        }
        let parts: Vec<&Answer> = loaded.iter().map(|loaded| &*loaded.answer).collect();
        let cached_at = loaded.iter().filter_map(|loaded| loaded.cached_at).min();
        let is_stale = loaded.iter().any(|loaded| loaded.is_stale);
        let answer = Arc::new(Answer::united(self.graph, &parts));
        Reach::Answer(self.arena.answer(Loaded { answer, cached_at, is_stale }))
    }
}

/// The load of several accounts' lists: each is read whole, so that one page can be cut from all of them.
pub(super) fn whole(graph: &Graph, load: &Load) -> Load {
    let target = (load.call, load.shape);
    let waiting = (&load.principal, load.deadline.instant());
    Load::new(graph, target, load.wanted, load.arguments.clone(), None, waiting)
}

impl Slice {
    /// The same slice of a list that is held whole.
    pub(super) fn of_whole(&self) -> Self {
        Self { size: None, ..self.clone() }
    }
}
