//! Which part of a list is wanted: `first` and `after`, and what of it the call itself is asked for.

use crate::error::ErrorCode;
use crate::execute::Failure;
use crate::execute::sift::Sift;
use crate::execute::state::number;
use crate::graph::{Call, Graph, KeyMode, Yields};
use crate::load::{CursorKey, PageWindow, Position};
use crate::plan::CallStep;
use crate::value::Answer;
use std::sync::Arc;

/// Which part of a connection is wanted.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub(super) is_connection: bool,
    pub(super) first: u32,
    pub(super) after: Option<(String, Position)>,
    pub(super) list: Arc<[u8]>,
    /// The page size, of a list that pages by itself.
    pub(super) size: Option<u32>,
    /// What is done here of the list's filters and order.
    pub(super) sift: Option<Arc<Sift>>,
    /// Of one of a merged list's lists: what it is asked for.
    pub(super) window: Option<PageWindow>,
    /// By object: the cursor is not one of its list. `None`: there is no such object.
    pub(super) shut: Option<Box<[bool]>>,
}

impl Default for Slice {
    fn default() -> Self {
        Self {
            is_connection: false,
            first: 0,
            after: None,
            list: Arc::from([]),
            size: None,
            sift: None,
            window: None,
            shut: None,
        }
    }
}

impl Slice {
    /// Reads `first` and `after`.
    pub(super) fn of(
        graph: &Graph,
        step: &CallStep,
        call: &Call,
        arguments: &serde_json::Map<String, serde_json::Value>,
        sift: Option<Arc<Sift>>,
    ) -> Result<Self, Failure> {
        if !matches!(step.yields, Yields::Connection { .. }) {
            return Ok(Self { sift, ..Self::default() });
        }
        let first = first_of(graph, arguments)?;
        let after = match arguments.get("after") {
            None | Some(serde_json::Value::Null) => None,
            Some(value) => {
                let cursor = value.as_str().unwrap_or_default();
                let position = CursorKey::claimed(cursor).ok_or_else(Self::wrong_cursor)?;
                Some((cursor.to_owned(), position))
            }
        };
        let is_whole = sift.as_ref().is_some_and(|sift| sift.is_over_pages());
        let own_pages =
            call.pages.is_some() && !matches!(call.keys, KeyMode::Batch { .. }) && !is_whole;
        let size = match &after {
            Some((_, Position::Page { size, .. })) if own_pages => Some(*size),
            _ if own_pages => {
                let largest = call
                    .pages
                    .as_ref()
                    .and_then(|pages| pages.size.as_ref())
                    .map_or(0, |size| size.max);
                Some(first.clamp(1, largest.max(1)))
            }
            Some((_, Position::Page { .. })) => return Err(Self::wrong_cursor()),
            _ => None,
        };
        Ok(Self { is_connection: true, first, after, size, sift, ..Self::default() })
    }

    /// Binds the slice to its list.
    pub(super) fn of_list(self, mut list: Vec<u8>) -> Self {
        list.extend(self.sift.iter().flat_map(|sift| sift.spelled()));
        Self { list: Arc::from(list), ..self }
    }

    pub(super) fn wrong_cursor() -> Failure {
        let message =
            "`after` is not a cursor of this list: pass an `endCursor` or a `cursor` that it gave"
                .to_owned();
        Failure::Input { code: ErrorCode::BadUserInput, message }
    }

    /// Was the cursor, if there is one, made for this key's list?
    pub(super) fn is_for(&self, cursors: &CursorKey, key: &str) -> bool {
        self.after.as_ref().is_none_or(|(cursor, _)| {
            cursors.open(&[&self.list[..], key.as_bytes()].concat(), cursor).is_some()
        })
    }

    /// The same for a list that is not made of several: a row of it is no place where a list that pages by itself goes on.
    pub(super) fn is_for_one(&self, cursors: &CursorKey, key: &str) -> bool {
        let is_row = matches!(&self.after, Some((_, Position::Row(_))));
        !(is_row && self.size.is_some()) && self.is_for(cursors, key)
    }

    /// Whether nothing is to be read for an object: it is not the one that the cursor is for.
    pub(super) fn is_shut(&self, object: u32) -> bool {
        let shut = self.shut.as_ref().and_then(|shut| shut.get(object as usize));
        shut.copied().unwrap_or(false)
    }

    /// What the call itself is asked for, if it pages by itself.
    pub(super) fn window(&self, call: &Call) -> Option<PageWindow> {
        if let Some(window) = &self.window {
            return Some(window.clone());
        }
        let size = self.size?;
        call.pages.as_ref()?;
        let (state, skip) = match &self.after {
            Some((_, Position::Page { state, skip, .. })) => (state.clone(), *skip),
            _ => (None, 0),
        };
        Some(PageWindow { state, size, rows: skip.saturating_add(self.first.max(1)), sought: None })
    }

    /// The first row that is wanted, and the one after the last.
    pub(super) fn rows(&self, answer: &Answer) -> (u32, u32) {
        let all = number(answer.rows.len());
        if !self.is_connection {
            return (0, all);
        }
        let first_row = match &self.after {
            Some((_, Position::Row(row) | Position::Page { skip: row, .. })) => (*row).min(all),
            Some((_, Position::Merged(_))) | None => 0,
        };
        (first_row, first_row.saturating_add(self.first).min(all))
    }
}

/// How many items are wanted.
pub(super) fn first_of(
    graph: &Graph,
    arguments: &serde_json::Map<String, serde_json::Value>,
) -> Result<u32, Failure> {
    let most = graph.page_size_max;
    match arguments.get("first") {
        None | Some(serde_json::Value::Null) => Ok(graph.page_size),
        Some(value) => value
            .as_u64()
            .and_then(|first| u32::try_from(first).ok())
            .filter(|first| *first <= most)
            .ok_or_else(|| {
                let message = format!("`first` must be between 0 and {most} (pages.max)");
                Failure::Input { code: ErrorCode::PageSizeLimit, message }
            }),
    }
}
