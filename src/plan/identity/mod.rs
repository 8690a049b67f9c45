//! Which identity rules can lead to which parts, from the part that the objects come with.
//!
//! Rules may point both ways (billing from the CRM, the CRM from billing), so that one can start anywhere. For one site only
//! those count that lead away from what is known.

use crate::graph::{BackendId, Part, PartId};

/// The part of a backend. A role has at most one part of a type.
pub(super) fn part_of_backend(parts: &[Part], backend: Option<BackendId>) -> Option<PartId> {
    let index = parts.iter().position(|part| Some(part.backend) == backend)?;
    u8::try_from(index).ok().map(PartId)
}

/// For each part the rules, in order of priority, whose source is known before that part, by way of what is given. No part
/// waits for itself, however many others stand between.
pub(super) fn usable_rules(parts: &[Part], given: Option<PartId>) -> Vec<Vec<usize>> {
    let mut usable: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let Some(given) = given else { return usable };
    for (index, part) in parts.iter().enumerate() {
        if index == usize::from(given.0) {
            continue;
        }
        let known = reachable(parts, given, index);
        for (number, rule) in part.rules.iter().enumerate() {
            let from = usize::from(rule.from.0);
            let is_known = known.get(from).copied().unwrap_or(false);
            let is_usable = is_known && !waits_for(parts, &usable, from, index);
            if let Some(rules) = usable.get_mut(index).filter(|_| is_usable) {
                rules.push(number);
            }
        }
    }
    usable
}

/// The parts that can be found from the given one without going through `avoided`.
fn reachable(parts: &[Part], given: PartId, avoided: usize) -> Vec<bool> {
    let mut known = vec![false; parts.len()];
    if let Some(start) = known.get_mut(usize::from(given.0)) {
        *start = true;
    }
    loop {
        let found = parts.iter().enumerate().find(|(index, part)| {
            let is_known = |index: usize| known.get(index).copied().unwrap_or(false);
            *index != avoided
                && !is_known(*index)
                && part.rules.iter().any(|rule| is_known(usize::from(rule.from.0)))
        });
        let Some(slot) = found.and_then(|(index, _)| known.get_mut(index)) else { return known };
        *slot = true;
    }
}

/// Does `part`, by the rules chosen so far, need `other` first?
fn waits_for(parts: &[Part], usable: &[Vec<usize>], part: usize, other: usize) -> bool {
    let mut seen = vec![false; parts.len()];
    let mut open = vec![part];
    while let Some(part) = open.pop() {
        if part == other {
            return true;
        }
        match seen.get_mut(part) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let rules = usable.get(part).into_iter().flatten();
        let rules = rules.filter_map(|rule| parts.get(part)?.rules.get(*rule));
        open.extend(rules.map(|rule| usize::from(rule.from.0)));
    }
    false
}

#[cfg(test)]
mod tests;
