//! Records of a list mostly have the same names in the same order. A name that the record before has at the same place needs
//! neither be scanned nor compared with the others of its record.

use super::payload::{At, Kind, Node};

/// What the open object or list is like: a finished one, on the tape, that stands in the same place.
#[derive(Clone, Copy, Default)]
pub(super) struct Sibling {
    /// Where the sibling begins.
    start: At,
    /// In an object: the name that comes next, if it is like its sibling. In a list: what the next element is like.
    next: At,
    /// Where the sibling ends.
    end: At,
    /// What the value that is read now is like; zero: nothing.
    pub(super) value: At,
    /// All names so far were those of the sibling, in its order, and so occur once.
    pub(super) has_same_names: bool,
    /// And each was as far behind its object as the sibling's.
    has_same_places: bool,
}

impl Sibling {
    /// For an object or list that begins, and stands where `like` does.
    pub(super) fn of(nodes: &[Node], like: At, kind: Kind) -> Self {
        match nodes.get(like as usize) {
            Some(node) if like > 0 && node.kind == kind => {
                let has_names = kind == Kind::Object && node.start > 0 && !node.has_duplicates;
                Self {
                    start: like,
                    next: if node.next > like + 1 { like + 1 } else { 0 },
                    end: node.next,
                    value: 0,
                    has_same_names: has_names,
                    has_same_places: has_names,
                }
            }
            _ => Self::default(),
        }
    }

    /// An element begins at `at`: it is like the one before.
    pub(super) fn element(&mut self, at: At) {
        self.value = std::mem::replace(&mut self.next, at);
    }

    /// The layout of an object that begins at `object`, has `count` members and ends here.
    pub(super) fn layout(&self, nodes: &[Node], object: At, count: u32) -> At {
        match nodes.get(self.start as usize) {
            Some(like) if self.has_same_places && self.has_same_names && like.start == count => {
                like.end
            }
            _ => object,
        }
    }

    /// Where the colon after a member's name stands, if the name, which begins with its quote at `quote`, is the next one of the
    /// sibling and is written like it: `"name":`. `object`: where its own object begins.
    #[inline]
    pub(super) fn member(
        &mut self,
        nodes: &[Node],
        body: &[u8],
        quote: usize,
        object: At,
    ) -> Option<usize> {
        if !self.has_same_names || self.next >= self.end {
            return None;
        }
        let (name, value) = (nodes.get(self.next as usize)?, nodes.get(self.next as usize + 1)?);
        let known = body.get((name.start as usize).checked_sub(1)?..name.end as usize + 2)?;
        let own = body.get(quote..quote + known.len())?;
        if known.last() != Some(&b':') || !is_same(own, known) {
            return None;
        }
        self.has_same_places &= nodes.len() - object as usize == (self.next - self.start) as usize;
        (self.value, self.next) = (self.next + 1, value.next);
        Some(quote + known.len() - 1)
    }

    /// Where the name that begins at `start` ends, if it is the next one of the sibling or the one after that. `object`: where
    /// its own object begins.
    pub(super) fn name(
        &mut self,
        nodes: &[Node],
        body: &[u8],
        start: usize,
        object: At,
    ) -> Option<usize> {
        self.value = 0;
        if !self.has_same_names {
            return None;
        }
        self.has_same_places &= nodes.len() - object as usize == (self.next - self.start) as usize;
        let mut at = self.next;
        for _ in 0..2 {
            if at >= self.end {
                break;
            }
            let (name, value) = (nodes.get(at as usize)?, nodes.get(at as usize + 1)?);
            let known = body.get(name.start as usize..name.end as usize).unwrap_or_default();
            let end = start + known.len();
            // a name that was kept as it stood holds no quote and no escape: what is the same up to a quote is a whole name
            if body.get(end) == Some(&b'"')
                && body.get(start..end).is_some_and(|own| is_same(own, known))
                && !known.is_empty()
            {
                (self.value, self.next) = (at + 1, value.next);
                return Some(end);
            }
            self.has_same_places = false;
            at = value.next;
        }
        self.has_same_names = false;
        None
    }
}

/// Equality, without a call where the text is short.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        Some((text.first_chunk()?, text.last_chunk()?))
    }
    match one.len() {
        length if length != other.len() => false,
        17..=32 => ends::<16>(one) == ends::<16>(other),
        8..=16 => ends::<8>(one) == ends::<8>(other),
        4..=7 => ends::<4>(one) == ends::<4>(other),
        2..=3 => ends::<2>(one) == ends::<2>(other),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn texts_of_any_length_are_compared_to_their_last_byte() {
        for length in 0..40 {
            let text: Vec<u8> = (0..length).collect();
            assert!(is_same(&text, &text.clone()));
            assert!(!is_same(&text, &(0..=length).collect::<Vec<u8>>()));
            for place in 0..usize::from(length) {
                let mut other = text.clone();
                other[place] = 255;
                assert!(!is_same(&text, &other), "{length}, {place}");
            }
        }
    }
}
