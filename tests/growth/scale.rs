//! How work grows with what is kept: it stays within its bound and is found as fast; large files compile in time.
//!
//! The figures are those of the benchmarks (`cargo xtask bench engine`), the bounds a few times as wide as what is measured:
//! a wrong order of growth breaks them, a busy machine does not.

use std::time::Duration;

use crate::figures::{filled, known, schema};

/// Times mean something in release builds alone.
const IS_TIMED: bool = !cfg!(debug_assertions);

fn allocated(work: &mut dyn FnMut()) -> i64 {
    allocation_counter::measure(work).bytes_current
}

#[track_caller]
fn assert_within(what: &str, spent: Duration, times: f64, base: Duration) {
    println!("{what}: {spent:?}, at most {times} times {base:?}");
    assert!(!IS_TIMED || spent <= base.mul_f64(times), "{what}: {spent:?}, and {base:?}");
}

#[test]
fn a_million_records_stay_within_the_bytes_of_the_cache_and_are_found_as_fast() {
    const MEBIBYTES: usize = 256;
    let (few, _) = filled(1_000, MEBIBYTES, allocated);
    let (many, kept) = filled(if IS_TIMED { 500_000 } else { 5_000 }, MEBIBYTES, allocated);
    println!("{few:?}, {many:?}");
    let most = MEBIBYTES as u64 * 1_024 * 1_024;
    assert!(many.entries > few.entries && many.bytes <= most, "{many:?}");
    // what the cache weighs is what it takes, about; entries that have just left may not be freed yet
    let allocated = u64::try_from(kept).unwrap();
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
    let (few, _) = known(100, allocated);
    let (many, bytes) = known(most, allocated);
    println!("{few:?}, {many:?}");
    assert_eq!(many.made_anew, 0, "every plan was kept");
    assert_within("a known operation", many.hit, 3.0, few.hit);
    let each = bytes / i64::try_from(most).unwrap();
    assert!(each <= 16 * 1_024, "{each} bytes for each plan");
}
