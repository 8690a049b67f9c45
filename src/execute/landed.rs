//! Loads of a step under way, and what has come of them.

use std::sync::Arc;

use futures_util::future::{FutureExt, join_all};

use crate::error::LoadError;
use crate::execute::Begun;
use crate::execute::begin::Reach;
use crate::execute::looked_up::NamedRows;
use crate::execute::several::Union;
use crate::execute::slice::Slice;
use crate::load::{Chunk, Flight};
use crate::plan::StepId;
use crate::value::{Answer, Key};

/// A step whose loads have landed.
pub(super) struct Landed {
    pub(super) step: StepId,
    pub(super) reaches: Vec<Reach>,
    pub(super) unions: Vec<Union>,
    pub(super) groups: Vec<Group>,
    pub(super) slice: Slice,
    pub(super) written: Option<Result<Arc<Answer>, LoadError>>,
    /// Of a step whose lists were there already: what their rows name, which was looked up.
    pub(super) named: Option<NamedRows>,
}

impl Landed {
    pub(super) fn new(step: StepId, reaches: Vec<Reach>, groups: Vec<Group>) -> Self {
        let (unions, slice) = (Vec::new(), Slice::default());
        Self { step, reaches, unions, groups, slice, written: None, named: None }
    }

    /// Whether there is anything to wait for.
    pub(super) fn is_open(&self) -> bool {
        self.groups.iter().any(|group| !group.pending.is_empty())
    }
}

/// Keys, each with the objects that wait for it.
#[derive(Default)]
pub(super) struct Pending {
    /// With the place after the last of its objects.
    keys: Vec<(Key, usize)>,
    objects: Vec<u32>,
}

impl Pending {
    pub(super) fn add(&mut self, key: Key, objects: impl Iterator<Item = u32>) {
        self.objects.extend(objects);
        self.keys.push((key, self.objects.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &[u32])> {
        let mut start = 0;
        self.keys.iter().map(move |(key, end)| {
            let objects = self.objects.get(start..*end).unwrap_or_default();
            start = *end;
            (key, objects)
        })
    }
}

/// One load's keys under way, with the objects that wait for each.
pub(super) struct Group {
    pub(super) pending: Pending,
    pub(super) flights: Vec<Flight>,
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl Group {
    /// Waits for all chunks: mostly one.
    pub(super) async fn land(&mut self) {
        let mut flights = std::mem::take(&mut self.flights);
        self.chunks = match flights.pop() {
            Some(only) if flights.is_empty() => vec![only.await],
            last => join_all(flights.into_iter().chain(last)).await,
        };
    }
}

/// Waits for all loads of a step.
pub(super) fn wait(mut landed: Landed) -> Begun {
    Begun::Waiting(
        async move {
            match &mut landed.groups[..] {
                [group] => group.land().await,
                groups => drop(join_all(groups.iter_mut().map(Group::land)).await),
            }
            landed
        }
        .boxed(),
    )
}
