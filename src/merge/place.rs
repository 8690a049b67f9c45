//! Where a cursor stands: behind which event, and from which of its own pages each list goes on.

use super::Key;
use crate::value::{Answer, PageState};

/// What a cursor over merged lists holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The last event before it; `None`: there was none yet.
    pub after: Option<Key>,
    /// Lists that do not begin at their beginning.
    pub lists: Vec<ListPlace>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPlace {
    pub list: u8,
    pub place: Place,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing of it is left.
    Over,
    /// With this page of the backend.
    Page {
        state: Option<PageState>,
        size: u32,
        /// The page begins behind the last event, if that was one of this list.
        is_behind: bool,
    },
}

/// How far a list is taken.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The row of the last event before the cursor, if it is one of this list.
    pub last: Option<u32>,
    /// The row of the next event that is in hand.
    pub next: Option<u32>,
    pub size: u32,
    /// The backend counts pages or rows, so that a new record moves them.
    pub is_counted: bool,
}

impl Position {
    pub fn of(&self, list: u8) -> Option<&Place> {
        self.lists.iter().find(|of| of.list == list).map(|of| &of.place)
    }

    /// Appended to `bytes`.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        match &self.after {
            None => bytes.push(0),
            Some(Key { rank, list, id }) => {
                bytes.extend_from_slice(&[1, *list]);
                bytes.extend_from_slice(&rank.to_le_bytes());
                put(bytes, id);
            }
        }
        for ListPlace { list, place } in &self.lists {
            bytes.push(*list);
            let Place::Page { state, size, is_behind } = place else {
                bytes.push(2);
                continue;
            };
            bytes.push(u8::from(*is_behind));
            bytes.extend_from_slice(&size.to_le_bytes());
            let pairs = state.as_ref().map(|PageState(pairs)| &**pairs).unwrap_or_default();
            bytes.push(u8::try_from(pairs.len()).unwrap_or(u8::MAX));
            for (name, value) in pairs {
                put(bytes, name);
                put(bytes, value);
            }
        }
    }

    /// What [`Position::encode`] wrote.
    pub(crate) fn decode(rest: &mut &[u8]) -> Option<Self> {
        let after = if byte(rest)? == 0 {
            None
        } else {
            let list = byte(rest)?;
            let (rank, tail) = rest.split_first_chunk::<16>()?;
            *rest = tail;
            Some(Key { rank: i128::from_le_bytes(*rank), list, id: text(rest)? })
        };
        let mut lists = Vec::new();
        while !rest.is_empty() {
            let list = byte(rest)?;
            let place = match byte(rest)? {
                2 => Place::Over,
                is_behind => {
                    let size = number(rest)?;
                    let count = byte(rest)?;
                    let mut pairs = Vec::new();
                    for _ in 0..count {
                        pairs.push((text(rest)?, text(rest)?));
                    }
                    let state = (count > 0).then(|| PageState(pairs.into_boxed_slice()));
                    Place::Page { state, size, is_behind: is_behind == 1 }
                }
            };
            lists.push(ListPlace { list, place });
        }
        Some(Self { after, lists })
    }
}

impl Place {
    /// The page of a list's own that its next event stands on, or will.
    pub fn behind(answer: &Answer, at: At) -> Option<Self> {
        let page = |row: u32| answer.pages.iter().rposition(|page| page.row <= row);
        let state = |page: usize| answer.pages.get(page).map(|page| page.state.clone());
        let size = at.size;
        if let Some(last) = at.last {
            let own = page(last)?;
            let end = answer.pages.get(own + 1).map_or_else(
                || u32::try_from(answer.rows.len()).unwrap_or(u32::MAX),
                |next| next.row,
            );
            let following = match answer.pages.get(own + 1) {
                Some(next) => next.state.clone(),
                None => answer.next.clone(),
            };
            if last + 1 >= end && following.is_some() && !at.is_counted {
                return Some(Self::Page { state: following, size, is_behind: true });
            }
            return Some(Self::Page { state: state(own)?, size, is_behind: false });
        }
        let state = match (at.next, &answer.next) {
            (Some(next), _) => state(page(next)?)?,
            (None, Some(next)) => Some(next.clone()),
            (None, None) => state(answer.pages.len().checked_sub(1)?)?,
        };
        Some(Self::Page { state, size, is_behind: false })
    }
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

pub(crate) fn number(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_le_bytes(*head))
}

pub(crate) fn text(rest: &mut &[u8]) -> Option<Box<str>> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (text, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(Box::from(std::str::from_utf8(text).ok()?))
}
