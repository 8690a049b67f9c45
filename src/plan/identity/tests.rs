use std::sync::Arc;

use super::usable_rules;
use crate::graph::{BackendId, IdentityRule, Part, PartId, ShapeId};

/// A part with one rule for each part that it can be found from.
fn part(number: u8, from: &[u8]) -> Part {
    let rule = |from: &u8| IdentityRule {
        name: Arc::from("rule"),
        at_most: 1,
        key_kind: 0,
        from: PartId(*from),
        slots: Vec::new(),
        equivalent: false,
        table: None,
    };
    Part {
        role: Arc::from(format!("role{number}")),
        backend: BackendId(number),
        shape: ShapeId(u16::from(number)),
        is_anchor: number == 0,
        keys: Vec::new(),
        rules: from.iter().map(rule).collect(),
        merged: None,
        always: Vec::new(),
    }
}

#[test]
fn rules_that_point_both_ways_lead_away_from_what_is_known() {
    // CRM from billing, else from support; billing and support from the CRM
    let parts = [part(0, &[1, 2]), part(1, &[0]), part(2, &[0])];
    assert_eq!(usable_rules(&parts, Some(PartId(0))), [vec![], vec![0], vec![0]]);
    assert_eq!(usable_rules(&parts, Some(PartId(1))), [vec![0], vec![], vec![0]]);
    assert_eq!(usable_rules(&parts, Some(PartId(2))), [vec![1], vec![0], vec![]]);
}

#[test]
fn a_rule_of_higher_priority_counts_even_if_its_source_takes_longer_to_find() {
    // the third from the second first, which itself comes from the first
    let parts = [part(0, &[]), part(1, &[0]), part(2, &[1, 0])];
    assert_eq!(usable_rules(&parts, Some(PartId(0))), [vec![], vec![0], vec![0, 1]]);
}

#[test]
fn of_two_parts_that_could_wait_for_each_other_the_first_does_not() {
    let parts = [part(0, &[]), part(1, &[2, 0]), part(2, &[1, 0])];
    assert_eq!(usable_rules(&parts, Some(PartId(0))), [vec![], vec![0, 1], vec![1]]);
}

#[test]
fn nothing_leads_anywhere_when_nothing_is_known() {
    assert_eq!(usable_rules(&[part(0, &[1]), part(1, &[0])], None), [vec![], Vec::<usize>::new()]);
}
