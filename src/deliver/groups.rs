//! What is announced, brought and complete, as one thing after the other is written.
//!
//! Whatever is announced is begun, and written in that order as soon as its steps are done. A group is complete when all its tasks
//! are written, and brings those that no other brought (the specification's draft, "Incremental Delivery").

use std::collections::VecDeque;

use super::work::{Found, Group, Stage, State, Task, Work};
use super::{Brought, Completed, News, Pending};
use crate::operation::Parts;
use crate::respond::{Later, PartWritten};

pub(super) struct Groups<'a> {
    work: Work<'a>,
    /// What is announced and not written, in the order in which it was begun.
    begun: VecDeque<Begun>,
    /// How many groups and streams are announced and not complete.
    open: usize,
    next_id: u32,
    /// How many tasks were written.
    written: usize,
    objects: usize,
}

/// What was announced and is not begun.
#[derive(Default)]
struct Announced {
    groups: Vec<usize>,
    streams: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Task(usize),
    Stream(usize),
}

impl<'a> Groups<'a> {
    pub(super) fn new(parts: &'a Parts) -> Self {
        let (work, begun) = (Work::new(parts), VecDeque::new());
        Self { work, begun, open: 0, next_id: 0, written: 0, objects: 0 }
    }

    /// What the first payload announces.
    pub(super) fn begin(&mut self, first: &PartWritten) -> Vec<Pending> {
        self.objects = first.objects;
        let found = self.work.find(&first.later);
        let mut news = News::default();
        let announced = self.announce(found, &mut news);
        self.start(announced, &mut news);
        news.pending
    }

    pub(super) fn has_next(&self) -> bool {
        self.open > 0
    }

    /// Whether something that is announced can be written.
    pub(super) fn is_due(&self, is_there: impl Fn(&Later) -> bool) -> bool {
        self.begun.iter().any(|begun| self.later(*begun).is_none_or(&is_there))
    }

    fn later(&self, begun: Begun) -> Option<&Later> {
        match begun {
            Begun::Task(task) => self.work.task(task).map(|task| &task.later),
            Begun::Stream(stream) => self.work.stream(stream).map(|stream| &stream.later),
        }
    }

    /// Everything that is due, and whatever is due because of it.
    pub(super) fn publish(
        &mut self,
        is_there: impl Fn(&Later) -> bool,
        mut write: impl FnMut(&Later, usize) -> PartWritten,
    ) -> News {
        let mut news = News::default();
        let mut waiting = VecDeque::new();
        while let Some(begun) = self.begun.pop_front() {
            match begun {
                _ if !self.later(begun).is_none_or(&is_there) => waiting.push_back(begun),
                Begun::Task(task) => self.task(task, &mut news, &mut write),
                Begun::Stream(stream) => self.stream(stream, &mut news, &mut write),
            }
        }
        self.begun = waiting;
        news
    }

    // ---- tasks -----------------------------------------------------------------------------------------------------

    fn task(
        &mut self,
        id: usize,
        news: &mut News,
        write: &mut impl FnMut(&Later, usize) -> PartWritten,
    ) {
        let Some(task) = self.work.task(id) else { return };
        if !self.is_awaited(task) {
            return;
        }
        if let Stage::Failed(errors) = &task.stage {
            let errors = errors.clone();
            return self.fail(id, &errors, news);
        }
        let mut written = write(&task.later, self.objects);
        self.objects = written.objects;
        if written.is_failed {
            return self.fail(id, &written.errors, news);
        }
        let found = self.work.find(&std::mem::take(&mut written.later));
        self.begin_tasks(&found.tasks);
        let Some(task) = self.work.task_mut(id) else { return };
        task.stage = Stage::Written(self.written, written, found);
        self.written += 1;
        let mut announced = Announced::default();
        for index in task.groups.clone() {
            if let Some(group) = self.work.group_mut(index) {
                group.waits_for = group.waits_for.saturating_sub(1);
            }
            self.complete(index, news, &mut announced);
        }
        self.start(announced, news);
    }

    /// Whether any group still waits for it.
    fn is_awaited(&self, task: &Task) -> bool {
        let mut groups = task.groups.iter().filter_map(|group| self.work.group(*group));
        groups.any(|group| matches!(group.state, State::Hidden | State::Open(_)))
    }

    /// A group of which everything is written brings what no other brought, and announces what is in it.
    fn complete(&mut self, index: usize, news: &mut News, announced: &mut Announced) {
        let Some(group) = self.work.group_mut(index).filter(|group| group.waits_for == 0) else {
            return;
        };
        let Some(of) = group.pending() else { return };
        group.state = State::Complete;
        self.open -= 1;
        let mut inside = Found { groups: std::mem::take(&mut group.children), ..Found::default() };
        let mut tasks = std::mem::take(&mut group.tasks);
        tasks.sort_by_key(|task| self.work.task(*task).and_then(Task::turn));
        for task in tasks {
            let best = self.best(task, &of);
            let Some(task) = self.work.task_mut(task) else { continue };
            if let Some((written, found)) = task.bring() {
                let (path, first_item) = (task.later.path.clone(), None);
                let PartWritten { data, errors, .. } = written;
                news.incremental.push(Brought { of: best, path, first_item, data, errors });
                inside.groups.extend(found.groups);
                inside.streams.extend(found.streams);
            }
        }
        news.completed.push(Completed { of, failure: None, items: None });
        let more = self.announce(inside, news);
        announced.groups.extend(more.groups);
        announced.streams.extend(more.streams);
    }

    /// Of the announced groups that wait for a task the one that is nearest to it.
    fn best(&self, task: usize, of: &Pending) -> Pending {
        let groups = self.work.task(task).map_or(&[][..], |task| &task.groups);
        let open = groups.iter().filter_map(|group| self.work.group(*group)?.pending());
        open.fold(
            of.clone(),
            |best, group| {
                if group.path.len() > best.path.len() { group } else { best }
            },
        )
    }

    /// The announced groups that wait for a task that failed have failed, with everything in them; one that is not announced yet fails
    /// when it is.
    fn fail(&mut self, id: usize, errors: &[u8], news: &mut News) {
        let Some(task) = self.work.task_mut(id) else { return };
        task.stage = Stage::Failed(errors.to_vec());
        for index in task.groups.clone() {
            if let Some(of) = self.work.group(index).and_then(Group::pending) {
                let failure = Some(errors.to_vec());
                news.completed.push(Completed { of, failure, items: None });
                self.open -= 1;
                self.work.drop_group(index);
            }
        }
    }

    // ---- streams ---------------------------------------------------------------------------------------------------

    fn stream(
        &mut self,
        id: usize,
        news: &mut News,
        write: &mut impl FnMut(&Later, usize) -> PartWritten,
    ) {
        let Some(stream) = self.work.stream(id) else { return };
        let first = stream.later.items.map_or(0, |(_, first)| first);
        let of = stream.pending();
        let mut written = write(&stream.later, self.objects);
        self.objects = written.objects;
        let items = first + written.items;
        let is_open = written.is_open && !written.is_failed && written.items > 0;
        let failure = written.is_failed.then(|| std::mem::take(&mut written.errors));
        if written.items > 0 {
            let (path, first_item) = (of.path.clone(), Some(first));
            let PartWritten { data, errors, .. } = written;
            news.incremental.push(Brought { of: of.clone(), path, first_item, data, errors });
        }
        if is_open {
            self.work.go_on(id, items);
            self.begun.push_back(Begun::Stream(id));
        } else {
            self.open -= 1;
            news.completed.push(Completed { of, failure, items: Some(items) });
        }
        let found = self.work.find(&written.later);
        let announced = self.announce(found, news);
        self.start(announced, news);
    }

    // ---- what is announced -----------------------------------------------------------------------------------------

    /// Announces groups and streams. A group that brings nothing itself gives way to those in it.
    fn announce(&mut self, found: Found, news: &mut News) -> Announced {
        let mut announced = Announced { groups: Vec::new(), streams: found.streams };
        for group in found.groups {
            self.announce_group(group, news, &mut announced.groups);
        }
        for stream in &announced.streams {
            let Some(stream) = self.work.stream_mut(*stream) else { continue };
            stream.id = self.next_id;
            self.next_id += 1;
            self.open += 1;
            news.pending.push(stream.pending());
        }
        announced
    }

    fn announce_group(&mut self, index: usize, news: &mut News, announced: &mut Vec<usize>) {
        self.work.forget_what_is_brought(index);
        let Some(group) = self.work.group_mut(index) else { return };
        if group.tasks.is_empty() {
            group.state = State::Complete;
            for child in std::mem::take(&mut group.children) {
                self.announce_group(child, news, announced);
            }
            return;
        }
        group.state = State::Open(self.next_id);
        self.next_id += 1;
        self.open += 1;
        news.pending.extend(group.pending());
        announced.push(index);
    }

    /// Begins what was announced. What others have written for a group may be all of it.
    fn start(&mut self, mut announced: Announced, news: &mut News) {
        let mut next = 0;
        while let Some(index) = announced.groups.get(next).copied() {
            next += 1;
            if let Some(group) = self.work.group(index) {
                self.begin_tasks(&group.tasks.clone());
            }
            self.complete(index, news, &mut announced);
        }
        self.begun.extend(announced.streams.into_iter().map(Begun::Stream));
    }

    fn begin_tasks(&mut self, tasks: &[usize]) {
        for id in tasks {
            let Some(task) = self.work.task_mut(*id) else { continue };
            let has_failed = matches!(task.stage, Stage::Failed(_));
            if !std::mem::replace(&mut task.is_begun, true) || has_failed {
                self.begun.push_back(Begun::Task(*id));
            }
        }
    }
}
