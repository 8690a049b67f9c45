//! Keys that objects come with, and whether a part can be loaded by one at once.

use super::steps::Given;
use crate::graph::{Graph, Part, PartId, SlotId, TypeId};

/// Does the key `kind` of a part hold these slots' values?
pub(super) fn key_holds(
    graph: &Graph,
    ty: TypeId,
    part: PartId,
    kind: u8,
    slots: &[SlotId],
) -> bool {
    let key = graph
        .ty(ty)
        .parts
        .get(usize::from(part.0))
        .and_then(|part| part.keys.get(usize::from(kind)));
    key.is_some_and(|key| slots.iter().all(|slot| key.slots.contains(slot)))
}

/// Whether there are other rules to try should the key of an early one be blocked.
pub(super) fn may_be_blocked(part: &Part, early: usize, usable: &[usize]) -> bool {
    let rule = part.rules.get(early);
    let key = rule.and_then(|rule| part.keys.get(usize::from(rule.key_kind)));
    usable.len() > 1 && key.is_some_and(|key| key.blocked.is_some())
}

pub(super) fn early_rule(
    graph: &Graph,
    ty: TypeId,
    part: &Part,
    usable: &[usize],
    given: Given,
) -> Option<usize> {
    let Given::Key(key_part, kind) = given else { return None };
    let known = usable.iter().copied().find(|index| {
        part.rules.get(*index).is_some_and(|rule| {
            // who is not in a table is found by the next rule, which may have to wait
            let is_direct = rule.table.is_none() && rule.from == key_part;
            is_direct && key_holds(graph, ty, key_part, kind, &rule.slots)
        })
    })?;
    let rule = part.rules.get(known)?;
    (usable.first() == Some(&known) || rule.equivalent).then_some(known)
}
