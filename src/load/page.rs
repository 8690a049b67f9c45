//! Windows over a list that pages by itself, and the cursors that clients hold.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use std::sync::Arc;

use crate::merge::{self, Sought, number, text};
use crate::value::PageState;

/// Which part of a list is wanted from a call that pages for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageWindow {
    /// Where the first page begins; `None` at the start of the list.
    pub state: Option<PageState>,
    /// The page size to ask for.
    pub size: u32,
    /// Rows wanted, counted from the first page's first row.
    pub rows: u32,
    /// Only rows that are events of a merged list count.
    pub sought: Option<Arc<Sought>>,
}

impl PageWindow {
    /// All of it, spelled for a cache key.
    pub(crate) fn spelled(&self) -> String {
        let mut text = format!("{}/{}", self.size, self.rows);
        if let Some(PageState(pairs)) = &self.state {
            for (name, value) in pairs {
                _ = write!(text, "/{}:{name}{}:{value}", name.len(), value.len());
            }
        }
        if let Some(sought) = &self.sought {
            _ = write!(text, "/{}", sought.spelled());
        }
        text
    }
}

/// Where a client's cursor points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// After this row of a list that is held whole.
    Row(u32),
    /// After `skip` rows of the page that this state and size fetch.
    Page { state: Option<PageState>, size: u32, skip: u32 },
    /// Behind an event of a merged list.
    Merged(merge::Position),
}

/// Signs and reads cursors. A cursor is only good for the list (call and key) that it came from.
#[derive(Clone)]
pub struct CursorKey(Box<[u8]>);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CursorKey(…)")
    }
}

const MAC_BYTES: usize = 12;

impl CursorKey {
    pub fn new(secret: &[u8]) -> Self {
        Self(Box::from(secret))
    }

    /// A key of this process alone.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(Box::from(key)))
    }

    /// The opaque text of a position in the list that `list` names.
    pub fn seal(&self, list: &[u8], position: &Position) -> String {
        let mut bytes = encode(position);
        let mac = self.mac(list, &bytes);
        bytes.extend(mac.iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that a cursor names, if it was made by this key for this list.
    pub fn open(&self, list: &[u8], cursor: &str) -> Option<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (body, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        let mut hmac = self.hmac(list)?;
        hmac.update(body);
        hmac.verify_truncated_left(mac).ok()?;
        decode(body)
    }

    /// The position that a cursor claims. Only good once [`CursorKey::open`] has agreed for the list in question.
    pub fn claimed(cursor: &str) -> Option<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (body, _) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        decode(body)
    }

    fn hmac(&self, list: &[u8]) -> Option<Hmac<Sha256>> {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        hmac.update(&u64::try_from(list.len()).unwrap_or(u64::MAX).to_le_bytes());
        hmac.update(list);
        Some(hmac)
    }

    fn mac(&self, list: &[u8], body: &[u8]) -> Vec<u8> {
        self.hmac(list).map_or_else(Vec::new, |mut hmac| {
            hmac.update(body);
            hmac.finalize().into_bytes().to_vec()
        })
    }
}

fn encode(position: &Position) -> Vec<u8> {
    match position {
        Position::Row(row) => [&b"r"[..], &row.to_le_bytes()].concat(),
        Position::Page { state, size, skip } => {
            let mut bytes = [&b"p"[..], &size.to_le_bytes(), &skip.to_le_bytes()].concat();
            for (name, value) in state.iter().flat_map(|PageState(pairs)| pairs) {
                for text in [name, value] {
                    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    bytes.extend_from_slice(&length.to_le_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
            bytes
        }
        Position::Merged(position) => {
            let mut bytes = b"m".to_vec();
            position.encode(&mut bytes);
            bytes
        }
    }
}

fn decode(bytes: &[u8]) -> Option<Position> {
    let (kind, mut rest) = bytes.split_first()?;
    match kind {
        b'r' => Some(Position::Row(number(&mut rest)?)),
        b'p' => {
            let size = number(&mut rest)?;
            let skip = number(&mut rest)?;
            let mut pairs = Vec::new();
            while !rest.is_empty() {
                pairs.push((text(&mut rest)?, text(&mut rest)?));
            }
            let state =
                if pairs.is_empty() { None } else { Some(PageState(pairs.into_boxed_slice())) };
            Some(Position::Page { state, size, skip })
        }
        b'm' => merge::Position::decode(&mut rest).map(Position::Merged),
        _ => None,
    }
}
