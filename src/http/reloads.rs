//! What became of the files that were read while serving: counted, and the last time in full.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

/// What one reading of the files came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// Another graph serves.
    Applied,
    /// The files say what they said before.
    Unchanged,
    /// The files have errors, or the graph could not be put to work: the old one goes on.
    Refused,
}

impl ReloadOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// One reading of the files.
#[derive(Clone, Debug)]
pub struct Reload {
    pub outcome: ReloadOutcome,
    /// The graph that serves now.
    pub generation: u64,
    pub at: SystemTime,
    /// Errors, warnings and the diagnostics, as `check --format json` has them.
    pub report: Value,
    /// Settings that differ from those with which the process began, and are read at its start alone.
    pub needs_restart: Vec<&'static str>,
}

impl Reload {
    pub fn to_json(&self) -> Value {
        let at = self.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut members = Map::new();
        members.insert("outcome".to_owned(), json!(self.outcome.as_str()));
        members.insert("generation".to_owned(), json!(self.generation));
        members.insert("atUnixSeconds".to_owned(), json!(at));
        members.insert("needsRestart".to_owned(), json!(self.needs_restart));
        members.extend(self.report.as_object().cloned().unwrap_or_default());
        Value::Object(members)
    }

    pub(super) fn errors(&self) -> u64 {
        self.report.get("errors").and_then(Value::as_u64).unwrap_or(0)
    }
}

/// How often files were read while serving, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReloadCounts {
    pub applied: u64,
    pub unchanged: u64,
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Reloads {
    kept: Mutex<(ReloadCounts, Option<Reload>)>,
}

impl Reloads {
    pub(super) fn add(&self, reload: Reload) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (counts, last) = &mut *kept;
        match reload.outcome {
            ReloadOutcome::Applied => counts.applied += 1,
            ReloadOutcome::Refused => counts.refused += 1,
            ReloadOutcome::Unchanged => counts.unchanged += 1,
        }
        *last = Some(reload);
    }

    pub(super) fn get(&self) -> (ReloadCounts, Option<Reload>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
