//! A field costs what it costs, however many there are beside it.
//!
//! The figures are those of the benchmarks (`cargo xtask bench engine`).

use std::time::Duration;

use crate::fields::{PerField, fields, parents};

/// Times mean something in release builds alone.
const IS_TIMED: bool = !cfg!(debug_assertions);

#[track_caller]
fn assert_flat(sizes: &[usize], costs: &[PerField], times: f64) {
    println!("{sizes:?}: {costs:?}");
    let Some((least, more)) = costs.split_first() else { return };
    let is_flat = |one: Duration, other: Duration| one <= other.mul_f64(times);
    for cost in more.iter().filter(|_| IS_TIMED) {
        assert!(is_flat(cost.warm, least.warm), "warm: {cost:?}, and {least:?}");
        assert!(is_flat(cost.cold, least.cold), "cold: {cost:?}, and {least:?}");
    }
}

#[test]
fn a_field_costs_as_much_for_ten_thousand_parents_as_for_ten_or_a_hundred() {
    let sizes = if IS_TIMED { [10, 100, 1_000, 10_000] } else { [10, 20, 50, 100] };
    let costs = parents(sizes);
    // Measured: within a fifth from a hundred on. Busy machines, and processors whose caches are small, are allowed for.
    assert_flat(&sizes, &costs, 2.0);
    // what an operation costs by itself is a good part of what ten parents cost, and hardly any of what a hundred do
    assert_flat(&sizes[1..], &costs[1..], 2.0);
}

#[test]
fn a_field_costs_as_much_beside_a_thousand_others_as_beside_ten() {
    let counts = if IS_TIMED { [10, 100, 1_000] } else { [1, 3, 10] };
    assert_flat(&counts, &fields(counts), 1.5);
}
