//! How work grows: a field costs what it costs, however many there are beside it; what is kept stays within its bound and is found
//! as fast; large files compile in time.
//!
//! The figures are those of the benchmarks (`cargo xtask bench engine`), the bounds a few times as wide as what is measured:
//! a wrong order of growth breaks them, a busy machine does not.

use std::time::Duration;

use crate::figures::{fields, filled, known, parents, schema};

/// Times mean something in release builds alone.
const IS_TIMED: bool = !cfg!(debug_assertions);

#[track_caller]
fn assert_within(what: &str, spent: Duration, times: f64, base: Duration) {
    println!("{what}: {spent:?}, at most {times} times {base:?}");
    assert!(!IS_TIMED || spent <= base.mul_f64(times), "{what}: {spent:?}, and {base:?}");
}

#[test]
fn a_field_costs_as_much_for_ten_thousand_parents_as_for_a_hundred() {
    let most = if IS_TIMED { 10_000 } else { 500 };
    let (few, many) = (parents(100), parents(most));
    // what ten thousand parents read is in no processor's cache any more: about three times
    assert_within("warm", many.warm, 6.0, few.warm);
    assert_within("cold", many.cold, 3.0, few.cold);
    // for ten the fixed costs of a request are spread over less
    let least = parents(10);
    assert_within("warm, from ten on", many.warm, 3.0, least.warm);
    assert_within("cold, from ten on", many.cold, 2.0, least.cold);
}

#[test]
fn a_field_costs_as_much_beside_a_thousand_others_as_beside_ten() {
    let most = if IS_TIMED { 1_000 } else { 100 };
    let (few, many) = (fields(10), fields(most));
    assert_within("warm", many.warm, 1.5, few.warm);
    assert_within("cold", many.cold, 1.5, few.cold);
}

#[test]
fn a_million_records_stay_within_the_bytes_of_the_cache_and_are_found_as_fast() {
    const MEBIBYTES: usize = 256;
    let few = filled(1_000, MEBIBYTES);
    let many = filled(if IS_TIMED { 500_000 } else { 5_000 }, MEBIBYTES);
    println!("{few:?}, {many:?}");
    let most = MEBIBYTES as u64 * 1_024 * 1_024;
    assert!(many.entries > few.entries && many.bytes <= most, "{many:?}");
    // what the cache weighs is what it takes, about; entries that have just left may not be freed yet
    let allocated = u64::try_from(many.allocated).unwrap();
    assert!(allocated <= most + most / 4, "{allocated} bytes for {} that are weighed", many.bytes);
    assert_within("a page of hits", many.hit, 6.0, few.hit);
}

#[test]
fn a_schema_of_a_thousand_types_compiles_in_less_than_a_second() {
    let most = if IS_TIMED { 1_000 } else { 20 };
    let (few, many) = (schema(most / 4), schema(most));
    assert_within("four times the types", many, 8.0, few);
    assert_within("a thousand types", many, 1.0, Duration::from_secs(1));
}

#[test]
fn ten_thousand_known_operations_are_kept_and_found_as_fast_as_a_hundred() {
    let most = if IS_TIMED { 10_000 } else { 300 };
    let (few, many) = (known(100), known(most));
    println!("{few:?}, {many:?}");
    assert_eq!(many.made_anew, 0, "every plan was kept");
    assert_within("a known operation", many.hit, 3.0, few.hit);
    let each = many.bytes / i64::try_from(most).unwrap();
    assert!(each <= 16 * 1_024, "{each} bytes for each plan");
}
