//! Byte offsets of a document as lines and columns.

use crate::error::Location;

/// Where the lines of a text begin. Columns count characters.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// Of a text that is not all ASCII: the number of characters before each 64th byte.
    marks: Option<Vec<usize>>,
}

/// Bytes between two marks.
const STEP: usize = 64;

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            let is_end = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if is_end {
                starts.push(at + 1);
            }
        }
        let marks = (!text.is_ascii()).then(|| {
            bytes
                .chunks(STEP)
                .scan(0, |before, chunk| {
                    let mark = *before;
                    *before += characters(chunk);
                    Some(mark)
                })
                .collect()
        });
        Self { text, starts, marks }
    }

    pub(super) fn location(&self, offset: usize) -> Location {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column =
            self.characters_before(offset).saturating_sub(self.characters_before(start)) + 1;
        Location { line: count(line), column: count(column) }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let Some(marks) = &self.marks else { return offset };
        let mark = marks.get(offset / STEP).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(offset / STEP * STEP..offset).unwrap_or_default();
        mark + characters(rest)
    }
}

/// How many characters begin in these bytes.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
