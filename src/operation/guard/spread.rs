//! What definitions come to when their fragments are spread: each fragment is counted once, sums saturate.

use std::collections::HashMap;

use super::scan::{Definition, Spread};

/// What a definition comes to with every fragment spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) selections: u64,
    pub(super) root_fields: u64,
    pub(super) depth: u64,
    pub(super) tokens: u64,
    pub(super) bytes: u64,
}

/// A fragment that spreads itself, and the spread that does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cycle<'a> {
    pub(super) spread: &'a str,
    pub(super) at: usize,
}

#[derive(Clone, Copy)]
enum State {
    Unseen,
    Open,
    Done(Total),
}

/// The totals of `definitions`, in their order. Takes time in proportion to definitions and spreads; no recursion.
pub(super) fn totals<'a>(definitions: &[Definition<'a>]) -> Result<Vec<Total>, Cycle<'a>> {
    // the names are the document's: hashed with a key that it cannot know
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    for (index, definition) in definitions.iter().enumerate() {
        if let Some(name) = definition.fragment {
            by_name.entry(name).or_insert(index);
        }
    }
    let mut states = vec![State::Unseen; definitions.len()];
    for start in 0..definitions.len() {
        visit(start, definitions, &by_name, &mut states)?;
    }
    Ok(states
        .iter()
        .map(|state| match state {
            State::Done(total) => *total,
            State::Unseen | State::Open => Total::default(),
        })
        .collect())
}

fn visit<'a>(
    start: usize,
    definitions: &[Definition<'a>],
    by_name: &HashMap<&str, usize>,
    states: &mut [State],
) -> Result<(), Cycle<'a>> {
    // each entry: a definition, and how many of its spreads are settled
    let mut path = vec![(start, 0_usize)];
    while let Some((index, settled)) = path.last_mut() {
        let (Some(definition), Some(state)) = (definitions.get(*index), states.get_mut(*index))
        else {
            return Ok(());
        };
        if let State::Done(_) = state {
            path.pop();
            continue;
        }
        *state = State::Open;
        let Some(spread) = definition.spreads.get(*settled) else {
            let total = sum(definition, by_name, states);
            if let Some(state) = states.get_mut(*index) {
                *state = State::Done(total);
            }
            path.pop();
            continue;
        };
        *settled += 1;
        let Some(target) = by_name.get(spread.fragment).copied() else { continue };
        match states.get(target) {
            Some(State::Unseen) => path.push((target, 0)),
            Some(State::Open) => return Err(Cycle { spread: spread.fragment, at: spread.at }),
            Some(State::Done(_)) | None => {}
        }
    }
    Ok(())
}

fn sum(definition: &Definition<'_>, by_name: &HashMap<&str, usize>, states: &[State]) -> Total {
    let start = Total {
        selections: definition.selections,
        root_fields: definition.root_fields,
        depth: definition.depth,
        tokens: definition.tokens,
        bytes: definition.bytes,
    };
    definition.spreads.iter().fold(start, |sum, spread: &Spread<'_>| {
        let state = by_name.get(spread.fragment).and_then(|target| states.get(*target));
        let Some(State::Done(inner)) = state else { return sum };
        Total {
            selections: sum.selections.saturating_add(inner.selections),
            root_fields: if spread.depth == 0 {
                sum.root_fields.saturating_add(inner.root_fields)
            } else {
                sum.root_fields
            },
            depth: sum.depth.max(spread.depth.saturating_add(inner.depth)),
            tokens: sum.tokens.saturating_add(inner.tokens),
            bytes: sum.bytes.saturating_add(inner.bytes),
        }
    })
}
