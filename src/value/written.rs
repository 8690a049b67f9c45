//! What was written of an answer's rows, kept beside them.
//!
//! An answer in the cache never changes, and what one place of a plan writes of its rows follows from the rows alone, if
//! nothing there depends on the caller, on variables or on the time: then it need not be written twice.

use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place of a plan that writes the same rows the same way every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutId(u64);

impl OutId {
    /// One that is like no other of this process.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What was written last. Where another thread is at it, nobody waits: rows can be written anew.
#[derive(Debug, Default)]
pub struct Written(RwLock<Option<Text>>);

#[derive(Debug)]
struct Text {
    id: OutId,
    rows: (u32, u32),
    /// Objects inside the rows, which count toward `limits.objects`.
    objects: usize,
    json: Box<[u8]>,
}

/// A copy of an answer is another answer.
impl Clone for Written {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Written {
    /// Appends what this place writes of these rows, if that is known and its objects are no more than `room`. Gives how
    /// many they are.
    pub fn copy(
        &self,
        id: OutId,
        rows: (u32, u32),
        room: usize,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let text = self.0.try_read().ok()?;
        let text = text.as_ref().filter(|text| text.id == id && text.rows == rows)?;
        if text.objects > room {
            return None;
        }
        out.extend_from_slice(&text.json);
        Some(text.objects)
    }

    /// Keeps what a place has written, in place of what another one has.
    pub(super) fn keep(&self, id: OutId, rows: (u32, u32), objects: usize, json: &[u8]) {
        if let Ok(mut text) = self.0.try_write() {
            *text = Some(Text { id, rows, objects, json: Box::from(json) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OutId;
    use crate::value::{Answer, Cell};

    fn answer(rows: usize) -> Answer {
        Answer {
            text: Box::from("\"a\"\"b\""),
            rows: vec![Cell::Null; rows].into(),
            ..Answer::default()
        }
    }

    fn copied(
        answer: &Answer,
        id: OutId,
        rows: (u32, u32),
        room: usize,
    ) -> Option<(usize, String)> {
        let mut out = b"[".to_vec();
        let objects = answer.written.copy(id, rows, room, &mut out)?;
        Some((objects, String::from_utf8(out).ok()?))
    }

    #[test]
    fn what_was_written_is_for_the_same_place_and_the_same_rows() {
        let (answer, one, other) = (answer(3), OutId::fresh(), OutId::fresh());
        assert_eq!(copied(&answer, one, (0, 3), 9), None);
        answer.keep_written(one, (0, 3), 2, b"{}");
        assert_eq!(copied(&answer, one, (0, 3), 9), Some((2, "[{}".to_owned())));
        assert_eq!(copied(&answer, other, (0, 3), 9), None);
        assert_eq!(copied(&answer, one, (0, 2), 9), None);
        assert_eq!(copied(&answer, one, (0, 3), 1), None, "more objects than there is room for");
        assert_eq!(copied(&answer.clone(), one, (0, 3), 9), None, "a copy is another answer");
        answer.keep_written(other, (0, 3), 0, b"[]");
        assert_eq!(copied(&answer, one, (0, 3), 9), None, "the last one counts");
    }

    #[test]
    fn no_more_is_kept_than_was_counted_toward_the_caches_bound() {
        let id = OutId::fresh();
        let kept = |rows: usize, bytes: usize| {
            let answer = answer(rows);
            answer.keep_written(id, (0, 2), 0, &vec![b' '; bytes]);
            copied(&answer, id, (0, 2), 0).is_some()
        };
        let room = 6 * 3 / 2 + 2 * 32;
        assert!(kept(2, room) && !kept(2, room + 1));
        assert!(!kept(1, 2), "one row is soon written");
        let bare = |rows| answer(rows).weight() as usize - rows * size_of::<Cell>();
        assert_eq!(bare(2) - bare(1), room);
    }
}
