//! The two formats of payloads.

use bytes::Bytes;

use super::{Brought, Completed, News, Payload, Pending};
use crate::respond::{PartWritten, PathSegment};

/// How parts are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The specification's draft as it is now: `pending`, `incremental` by id, `completed`.
    #[default]
    Ids,
    /// As it was on 2022-08-24, which Apollo's clients read: `incremental` by path and label.
    Paths,
}

impl Format {
    /// What a request's `extensions` ask for, where no `Accept` says it: `incrementalSpec` or `deferSpec`, as there.
    pub fn of_extensions(extensions: &serde_json::Map<String, serde_json::Value>) -> Self {
        let is = |name: &str, value: &str| {
            extensions.get(name).and_then(serde_json::Value::as_str) == Some(value)
        };
        if is("deferSpec", "20220824") || is("incrementalSpec", "v0.1") {
            Self::Paths
        } else {
            Self::Ids
        }
    }

    /// The first payload; the only one if nothing is announced.
    pub(super) fn first(self, written: &PartWritten, pending: &[Pending]) -> Payload {
        let mut out = Vec::with_capacity(written.data.len() + written.errors.len() + 128);
        out.extend_from_slice(b"{\"data\":");
        out.extend_from_slice(&written.data);
        out.extend_from_slice(&written.errors);
        if !pending.is_empty() {
            if self == Self::Ids {
                list(&mut out, "pending", pending, announced);
            }
            out.extend_from_slice(b",\"hasNext\":true");
        }
        out.push(b'}');
        Payload {
            body: Bytes::from(out),
            is_last: pending.is_empty(),
            is_whole: pending.is_empty(),
            has_errors: !written.errors.is_empty(),
        }
    }

    pub(super) fn next(self, news: &News, has_next: bool) -> Payload {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(format!("{{\"hasNext\":{has_next}").as_bytes());
        match self {
            Self::Ids => {
                list(&mut out, "pending", &news.pending, announced);
                list(&mut out, "incremental", &news.incremental, brought_by_id);
                list(&mut out, "completed", &news.completed, completed);
            }
            Self::Paths => by_path(&mut out, news),
        }
        out.push(b'}');
        let has_errors = news.incremental.iter().any(|brought| !brought.errors.is_empty())
            || news.completed.iter().any(|completed| completed.failure.is_some());
        Payload { body: Bytes::from(out), is_last: !has_next, is_whole: false, has_errors }
    }
}

/// `,"name":[…]`, unless it would be empty.
fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], write: fn(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    out.extend_from_slice(format!(",\"{name}\":[").as_bytes());
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

fn announced(out: &mut Vec<u8>, pending: &Pending) {
    out.extend_from_slice(format!("{{\"id\":\"{}\",\"path\":", pending.id).as_bytes());
    path(out, &pending.path);
    labeled(out, pending);
    out.push(b'}');
}

fn labeled(out: &mut Vec<u8>, pending: &Pending) {
    if let Some(label) = &pending.label {
        out.extend_from_slice(b",\"label\":");
        string(out, label);
    }
}

fn brought_by_id(out: &mut Vec<u8>, brought: &Brought) {
    out.extend_from_slice(format!("{{\"id\":\"{}\"", brought.of.id).as_bytes());
    let below = brought.path.get(brought.of.path.len()..).unwrap_or_default();
    if !below.is_empty() {
        out.extend_from_slice(b",\"subPath\":");
        path(out, below);
    }
    data(out, brought);
}

fn data(out: &mut Vec<u8>, brought: &Brought) {
    if brought.first_item.is_some() {
        out.extend_from_slice(b",\"items\":[");
        out.extend_from_slice(&brought.data);
        out.push(b']');
    } else {
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(&brought.data);
    }
    out.extend_from_slice(&brought.errors);
    out.push(b'}');
}

fn completed(out: &mut Vec<u8>, completed: &Completed) {
    out.extend_from_slice(format!("{{\"id\":\"{}\"", completed.of.id).as_bytes());
    if let Some(errors) = &completed.failure {
        out.extend_from_slice(errors);
    }
    out.push(b'}');
}

// ---- by path and label ---------------------------------------------------------------------------------------------

fn by_path(out: &mut Vec<u8>, news: &News) {
    let failed = news.completed.iter().filter(|completed| completed.failure.is_some());
    // whoever waits for a fragment learns that it is complete from an entry with its path and label
    let is_told = |completed: &&Completed| {
        let of = &completed.of;
        news.incremental.iter().any(|brought| brought.of.id == of.id && brought.path == of.path)
    };
    let silent = news.completed.iter().filter(|completed| {
        completed.failure.is_none() && completed.items.is_none() && !is_told(completed)
    });
    let entries: Vec<Entry<'_>> = news
        .incremental
        .iter()
        .map(Entry::Brought)
        .chain(failed.map(Entry::Failed))
        .chain(silent.map(Entry::Silent))
        .collect();
    list(out, "incremental", &entries, |out, entry| match entry {
        Entry::Brought(brought) => {
            located(out, &brought.path, brought.first_item, &brought.of);
            data(out, brought);
        }
        Entry::Failed(completed) => {
            located(out, &completed.of.path, completed.items, &completed.of);
            let what = if completed.items.is_some() { "items" } else { "data" };
            out.extend_from_slice(format!(",\"{what}\":null").as_bytes());
            out.extend_from_slice(completed.failure.as_deref().unwrap_or_default());
            out.push(b'}');
        }
        Entry::Silent(completed) => {
            located(out, &completed.of.path, None, &completed.of);
            out.extend_from_slice(b",\"data\":{}}");
        }
    });
}

enum Entry<'a> {
    Brought(&'a Brought),
    Failed(&'a Completed),
    Silent(&'a Completed),
}

/// `{"path":[…],"label":"…"`; a list's items have the index of the first of them in their path.
fn located(out: &mut Vec<u8>, at: &[PathSegment], item: Option<u32>, of: &Pending) {
    out.extend_from_slice(b"{\"path\":");
    let mut at = at.to_vec();
    at.extend(item.map(PathSegment::Index));
    path(out, &at);
    labeled(out, of);
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

fn path(out: &mut Vec<u8>, path: &[PathSegment]) {
    out.push(b'[');
    for (index, segment) in path.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match segment {
            PathSegment::Key(key) => string(out, key),
            PathSegment::Index(index) => out.extend_from_slice(index.to_string().as_bytes()),
        }
    }
    out.push(b']');
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}
