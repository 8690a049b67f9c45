//! What a request asks of a merged list, and what of it each of the lists is asked for.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::sift::Sift;
use super::slice::{Slice, first_of};
use super::{Failure, PartState, Run};
use crate::error::{ErrorCode, RequestError};
use crate::graph::{Call, Graph, KeyMode, Merged, NextPage, TypeId};
use crate::load::{CursorKey, PageWindow, Position as Cursor};
use crate::merge::{Place, Position, Sought};
use crate::operation::{SelectedField, Variables};
use crate::plan::{self, CallStep, MergedCall, SiteId, Step};
use crate::value::KEY_SEPARATOR;

/// A merged list's arguments.
pub(super) struct MergedAsked {
    pub(super) first: u32,
    /// The cursor, and where it claims to stand.
    pub(super) after: Option<(String, Position)>,
    kinds: Option<Arc<[Arc<str>]>>,
    since: Option<i128>,
    until: Option<i128>,
    pub(super) is_newest_first: bool,
    /// Everything that decides which events there are, and in which order.
    spelled: String,
}

impl MergedAsked {
    pub(super) fn of(
        graph: &Graph,
        field: &SelectedField,
        variables: &Variables,
    ) -> Result<Self, Failure> {
        let arguments = field
            .arguments(variables)
            .map_err(|RequestError { code, message, .. }| Failure::Input { code, message })?;
        let after = match arguments.get("after").filter(|value| !value.is_null()) {
            None => None,
            Some(value) => {
                let cursor = value.as_str().unwrap_or_default();
                let Some(Cursor::Merged(position)) = CursorKey::claimed(cursor) else {
                    return Err(Slice::wrong_cursor());
                };
                Some((cursor.to_owned(), position))
            }
        };
        let mut spelled = String::new();
        for name in ["kinds", "since", "until", "order"] {
            let value = arguments.get(name).filter(|value| !value.is_null());
            let value = value.map(Value::to_string).unwrap_or_default();
            _ = write!(spelled, "{}:{value}", value.len());
        }
        Ok(Self {
            first: first_of(graph, &arguments)?,
            after,
            kinds: plan::kinds(field, variables).map(Arc::from),
            since: instant(&arguments, "since")?,
            until: instant(&arguments, "until")?,
            is_newest_first: arguments.get("order").and_then(Value::as_str) != Some("OLDEST_FIRST"),
            spelled,
        })
    }

    pub(super) fn place(&self, list: u8) -> Option<&Place> {
        self.after.as_ref()?.1.of(list)
    }

    pub(super) fn sought(&self, merged: &Merged, list: u8) -> Sought {
        let of = merged.lists.get(usize::from(list));
        Sought {
            stamps: of.map_or_else(|| Arc::from([]), |of| Arc::clone(&of.stamps)),
            list,
            is_newest_first: self.is_newest_first,
            since: self.since,
            until: self.until,
            kinds: self.kinds.clone(),
            after: self.after.as_ref().and_then(|(_, position)| position.after.clone()),
            is_behind: matches!(self.place(list), Some(Place::Page { is_behind: true, .. })),
        }
    }

    /// What cursors are bound to.
    pub(super) fn list_of(&self, merged: &Merged, tenant: &str, owner: &str) -> Vec<u8> {
        let names: Vec<&str> = merged.names().collect();
        let parts = [tenant, &merged.coordinate, &names.join(","), &self.spelled, owner];
        let spelled = parts.iter().map(|part| format!("{}:{part}", part.len()));
        format!("merged/{}", spelled.collect::<Vec<_>>().join("/")).into_bytes()
    }
}

fn instant(arguments: &Map<String, Value>, name: &str) -> Result<Option<i128>, Failure> {
    let Some(text) = arguments.get(name).and_then(Value::as_str) else { return Ok(None) };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Some(instant.as_nanosecond()));
    }
    let message = format!("`{name}` is to be a date and time with an offset");
    Err(Failure::Input { code: ErrorCode::BadUserInput, message })
}

/// Whether the backend counts pages or rows, so that a new record moves them.
pub(super) fn is_counted(call: &Call) -> bool {
    let next = call.pages.as_ref().map(|pages| &pages.next);
    matches!(next, Some(NextPage::Page { .. } | NextPage::Offset { .. }))
}

impl Run<'_> {
    /// What one of the lists is asked for: a window of its own pages if they come in the wanted order, else all of it.
    pub(super) fn merged_slice(
        &self,
        step: &Step,
        call: &CallStep,
        of: &MergedCall,
        sift: Option<Arc<Sift>>,
    ) -> Result<Slice, Failure> {
        let graph = self.graph;
        let asked = MergedAsked::of(graph, &of.field, self.context.variables)?;
        let (merged, compiled) = (graph.merged(of.merged), graph.call(call.call));
        let place = asked.place(of.list);
        let count = self.site(step.site).map_or(0, |site| site.objects.len());
        let is_over = place == Some(&Place::Over);
        let fits = |object: u32| {
            !is_over && self.is_cursor_of(step, object, merged, &asked).unwrap_or(true)
        };
        let objects = u32::try_from(count).unwrap_or(u32::MAX);
        let shut =
            asked.after.is_some().then(|| (0..objects).map(|object| !fits(object)).collect());
        let list = merged.lists.get(usize::from(of.list));
        let is_own = sift.is_none()
            && compiled.pages.is_some()
            && !matches!(compiled.keys, KeyMode::Batch { .. })
            && list.is_some_and(|list| list.is_in_order(graph, step.ty, asked.is_newest_first));
        let window = is_own.then(|| {
            let largest = compiled.pages.as_ref().and_then(|pages| pages.size.as_ref());
            let own = asked.first.clamp(1, largest.map_or(1, |size| size.max.max(1)));
            let (state, size) = match place {
                Some(Place::Page { state, size, .. }) => (state.clone(), *size),
                _ => (None, own),
            };
            let sought = Some(Arc::new(asked.sought(merged, of.list)));
            PageWindow { state, size, rows: asked.first.max(1), sought }
        });
        Ok(Slice { sift, window, shut, ..Slice::default() })
    }

    /// Whether the cursor is one of this object's list. `None`: there is no cursor.
    pub(super) fn is_cursor_of(
        &self,
        step: &Step,
        object: u32,
        merged: &Merged,
        asked: &MergedAsked,
    ) -> Option<bool> {
        let (cursor, _) = asked.after.as_ref()?;
        let owner = self.owner(step.site, object, step.ty)?;
        let list = asked.list_of(merged, &self.context.principal.tenant, &owner);
        Some(self.context.cursors.open(&list, cursor).is_some())
    }

    /// Whose list it is: the anchor's first key, or else what the object was found by.
    pub(super) fn owner(&self, site: SiteId, object: u32, ty: TypeId) -> Option<String> {
        let anchor = self.graph.ty(ty).anchor()?;
        let part = self.graph.ty(ty).parts.get(usize::from(anchor.0))?;
        let slots = &part.keys.first()?.slots;
        let of_record = match self.part(site, object, anchor) {
            PartState::Row { answer, record } => {
                let answer = &self.arena.loaded(*answer)?.answer;
                let texts = slots.iter().map(|slot| answer.key_text(self.graph, *record, *slot));
                let texts = texts.collect::<Option<Vec<_>>>();
                texts.map(|texts| texts.join(&KEY_SEPARATOR.to_string()))
            }
            PartState::Key { kind: 0, key } => Some(key.as_str().to_owned()),
            _ => None,
        };
        of_record.or_else(|| {
            let (part, kind, key) = self.site(site)?.given.get(&object)?;
            Some(match (*part == anchor, *kind) {
                (true, 0) => key.as_str().to_owned(),
                (_, kind) => format!("{}/{kind}/{}", part.0, key.as_str()),
            })
        })
    }
}
