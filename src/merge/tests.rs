//! Cursors come back as they were.

use super::{Key, ListPlace, Place, Position};
use crate::value::PageState;

#[test]
fn a_position_is_read_as_it_was_written() {
    let state = PageState(Box::from([(Box::from("starting_after"), Box::from("in_1"))]));
    let page = |state, is_behind| Place::Page { state, size: 7, is_behind };
    let of = |list, place| ListPlace { list, place };
    let position = Position {
        after: Some(Key { rank: -1_772_000_000_000_000_000, list: 3, id: Box::from("in_9") }),
        lists: vec![of(0, Place::Over), of(1, page(Some(state), true)), of(3, page(None, false))],
    };
    for position in [position, Position::default()] {
        let mut bytes = Vec::new();
        position.encode(&mut bytes);
        assert_eq!(Position::decode(&mut bytes.as_slice()).as_ref(), Some(&position));
        for end in 0..bytes.len() {
            // whatever is cut off, nothing panics
            drop(Position::decode(&mut bytes.get(..end).unwrap_or_default()));
        }
    }
}
