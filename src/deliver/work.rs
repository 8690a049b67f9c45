//! What of an answer is still to be written: deferred fragments, what they wait for, and streamed lists.
//!
//! A group is a deferred fragment at one path; a task is a set of fields at one path, which one or more groups wait for.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Pending;
use crate::operation::{Part, Parts, UsageId};
use crate::respond::{Later, PartWritten, PathSegment};

/// Everything that was found so far; groups, tasks and streams are numbered as they are found.
pub(super) struct Work<'a> {
    parts: &'a Parts,
    groups: Vec<Group>,
    known: FxHashMap<(UsageId, Vec<PathSegment>), usize>,
    tasks: Vec<Task>,
    streams: Vec<Stream>,
}

pub(super) struct Group {
    label: Option<Arc<str>>,
    path: Vec<PathSegment>,
    /// The groups in it, which are announced when it is complete.
    pub(super) children: Vec<usize>,
    pub(super) tasks: Vec<usize>,
    /// How many of its tasks are not written.
    pub(super) waits_for: usize,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Hidden,
    Open(u32),
    Complete,
    Failed,
}

pub(super) struct Task {
    pub(super) later: Later,
    pub(super) groups: Vec<usize>,
    pub(super) is_begun: bool,
    pub(super) stage: Stage,
}

pub(super) enum Stage {
    Waits,
    /// As which of all, and with what is announced when it is brought.
    Written(usize, PartWritten, Found),
    Failed(Vec<u8>),
    Brought,
}

pub(super) struct Stream {
    pub(super) later: Later,
    pub(super) id: u32,
    label: Option<Arc<str>>,
}

/// What was found in something that was written.
#[derive(Default)]
pub(super) struct Found {
    /// Those that stand in no other.
    pub(super) groups: Vec<usize>,
    pub(super) streams: Vec<usize>,
    /// Those that an announced group waits for too, from now on.
    pub(super) tasks: Vec<usize>,
}

impl<'a> Work<'a> {
    pub(super) fn new(parts: &'a Parts) -> Self {
        Self {
            parts,
            groups: Vec::new(),
            known: FxHashMap::default(),
            tasks: Vec::new(),
            streams: Vec::new(),
        }
    }

    pub(super) fn group(&self, group: usize) -> Option<&Group> {
        self.groups.get(group)
    }

    pub(super) fn group_mut(&mut self, group: usize) -> Option<&mut Group> {
        self.groups.get_mut(group)
    }

    pub(super) fn task(&self, task: usize) -> Option<&Task> {
        self.tasks.get(task)
    }

    pub(super) fn task_mut(&mut self, task: usize) -> Option<&mut Task> {
        self.tasks.get_mut(task)
    }

    pub(super) fn stream(&self, stream: usize) -> Option<&Stream> {
        self.streams.get(stream)
    }

    pub(super) fn stream_mut(&mut self, stream: usize) -> Option<&mut Stream> {
        self.streams.get_mut(stream)
    }

    /// So many items of a list have come.
    pub(super) fn go_on(&mut self, stream: usize, items: u32) {
        let items_so_far = self.streams.get_mut(stream).and_then(|one| one.later.items.as_mut());
        if let Some((_, first)) = items_so_far {
            *first = items;
        }
    }

    /// A group that has failed, with everything in it.
    pub(super) fn drop_group(&mut self, group: usize) {
        let Some(dropped) = self.groups.get_mut(group) else { return };
        dropped.state = State::Failed;
        dropped.tasks.clear();
        for child in std::mem::take(&mut dropped.children) {
            self.drop_group(child);
        }
    }

    /// What others have brought does not belong to a group that is not announced yet.
    pub(super) fn forget_what_is_brought(&mut self, group: usize) {
        let Some(group) = self.groups.get_mut(group) else { return };
        let tasks = &self.tasks;
        group.tasks.retain(|task| tasks.get(*task).is_some_and(|task| !task.is_brought()));
    }

    /// Notes what was left out of something that was written.
    pub(super) fn find(&mut self, later: &[Later]) -> Found {
        let mut found = Found::default();
        for later in later {
            match later.items {
                Some((usage, _)) => {
                    let label = self.parts.part(usage).and_then(|part| part.label.clone());
                    found.streams.push(self.streams.len());
                    self.streams.push(Stream { later: later.clone(), id: 0, label });
                }
                None => self.find_task(later, &mut found),
            }
        }
        found
    }

    fn find_task(&mut self, later: &Later, found: &mut Found) {
        let task = self.tasks.len();
        let usages = self.parts.usages(later.set).to_vec();
        let groups: Vec<usize> = usages
            .into_iter()
            .filter_map(|usage| self.group_of(usage, &later.path, found))
            .collect();
        let mut is_due = false;
        for group in &groups {
            let Some(group) = self.groups.get_mut(*group) else { continue };
            group.tasks.push(task);
            group.waits_for += 1;
            is_due |= matches!(group.state, State::Open(_));
        }
        if is_due {
            found.tasks.push(task);
        }
        let (later, stage) = (later.clone(), Stage::Waits);
        self.tasks.push(Task { later, groups, is_begun: false, stage });
    }

    /// The group of a deferred fragment for what stands at `path`; `None`: it has failed.
    fn group_of(
        &mut self,
        usage: UsageId,
        path: &[PathSegment],
        found: &mut Found,
    ) -> Option<usize> {
        let part = self.parts.part(usage)?;
        let own_path = cut(path, part.depth);
        if let Some(known) = self.known.get(&(usage, own_path.to_vec())) {
            return (self.groups.get(*known)?.state != State::Failed).then_some(*known);
        }
        let parent = match self.around(part, own_path) {
            Some(parent) => Some(self.group_of(parent, own_path, found)?),
            None => None,
        };
        let group = self.groups.len();
        self.known.insert((usage, own_path.to_vec()), group);
        self.groups.push(Group {
            label: part.label.clone(),
            path: own_path.to_vec(),
            children: Vec::new(),
            tasks: Vec::new(),
            waits_for: 0,
            state: State::Hidden,
        });
        match parent.and_then(|parent| self.groups.get_mut(parent)) {
            Some(parent) if parent.state != State::Complete => parent.children.push(group),
            _ => found.groups.push(group),
        }
        Some(group)
    }

    /// The deferred fragment that one stands in. Those items of a streamed list that come at once belong to what the list belongs to, and
    /// nothing is around the others.
    fn around(&self, part: &Part, path: &[PathSegment]) -> Option<UsageId> {
        let mut around = part.around;
        loop {
            let outer = self.parts.part(around?)?;
            match outer.items {
                None => return around,
                Some(count) if item_of(path, outer.depth).is_some_and(|index| index < count) => {
                    around = outer.around;
                }
                Some(_) => return None,
            }
        }
    }
}

impl Group {
    /// As it was announced, if it is announced and not complete.
    pub(super) fn pending(&self) -> Option<Pending> {
        let State::Open(id) = self.state else { return None };
        Some(Pending { id, path: self.path.clone(), label: self.label.clone() })
    }
}

impl Task {
    /// As which of all it was written.
    pub(super) fn turn(&self) -> Option<usize> {
        match &self.stage {
            Stage::Written(turn, ..) => Some(*turn),
            _ => None,
        }
    }

    fn is_brought(&self) -> bool {
        matches!(self.stage, Stage::Brought)
    }

    /// What was written, once.
    pub(super) fn bring(&mut self) -> Option<(PartWritten, Found)> {
        if !matches!(self.stage, Stage::Written(..)) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Brought) {
            Stage::Written(_, written, found) => Some((written, found)),
            _ => None,
        }
    }
}

impl Stream {
    pub(super) fn pending(&self) -> Pending {
        Pending { id: self.id, path: self.later.path.clone(), label: self.label.clone() }
    }
}

/// The path of the object that stands so many response keys below the root.
fn cut(path: &[PathSegment], depth: usize) -> &[PathSegment] {
    let keys =
        path.iter().enumerate().filter(|(_, segment)| matches!(segment, PathSegment::Key(_)));
    let end = keys.map(|(index, _)| index).nth(depth).unwrap_or(path.len());
    path.get(..end).unwrap_or(path)
}

/// The index of the item, of the list so many response keys below the root, that a path leads into.
fn item_of(path: &[PathSegment], depth: usize) -> Option<u32> {
    let keys =
        path.iter().enumerate().filter(|(_, segment)| matches!(segment, PathSegment::Key(_)));
    let (list, _) = keys.take(depth).last()?;
    match path.get(list + 1) {
        Some(PathSegment::Index(index)) => Some(*index),
        _ => None,
    }
}
