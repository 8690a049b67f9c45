//! When the steps of a run began and ended, for those who ask for a trace, and how long each waited for its backend.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::plan::StepId;

/// How long the steps of a run waited for their backends. One that found everything in the cache did not.
#[derive(Debug, Default)]
pub struct Waits(Vec<Wait>);

#[derive(Debug)]
struct Wait {
    step: StepId,
    since: Instant,
    took: Option<Duration>,
}

impl Waits {
    pub(super) fn began(&mut self, step: StepId) {
        self.0.push(Wait { step, since: Instant::now(), took: None });
    }

    pub(super) fn ended(&mut self, step: StepId) {
        if let Some(wait) = self.0.iter_mut().find(|wait| wait.step == step) {
            wait.took = Some(wait.since.elapsed());
        }
    }

    /// How long a step waited, if it is done.
    pub fn of(&self, step: StepId) -> Option<Duration> {
        self.0.iter().find(|wait| wait.step == step)?.took
    }
}

/// When each step ran, counted from the operation's begin.
#[derive(Debug)]
pub struct StepTimes {
    pub began_at: SystemTime,
    pub steps: Vec<(Duration, Duration)>,
    pub whole: Duration,
    since: Instant,
}

impl StepTimes {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            began_at: SystemTime::now(),
            steps: vec![(Duration::ZERO, Duration::ZERO); steps],
            whole: Duration::ZERO,
            since: Instant::now(),
        }
    }

    pub(super) fn began(&mut self, step: StepId) {
        let now = self.since.elapsed();
        if let Some(times) = self.steps.get_mut(step.index()) {
            *times = (now, now);
        }
    }

    pub(super) fn ended(&mut self, step: StepId) {
        let now = self.since.elapsed();
        if let Some((_, end)) = self.steps.get_mut(step.index()) {
            *end = now;
        }
    }

    pub(super) fn finished(mut self) -> Self {
        self.whole = self.since.elapsed();
        self
    }
}
