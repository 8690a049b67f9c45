//! What running an operation asks of the allocator: few times when its records are in the cache, however many they are, and
//! otherwise in proportion to what is asked for.

use allocation_counter::AllocationInfo;
use cyclorama::engine::EngineSettings;

use crate::world::{Records, World, page};

const DEPLOYMENT: &str = "cache: { ttl: 1h, size: 1GiB }\npages: { max: 10000 }\n";

/// What the operation asks of the allocator, before and after its records are in the cache.
struct Asked {
    cold: AllocationInfo,
    warm: AllocationInfo,
}

fn run(customers: usize, each: usize) -> Asked {
    let records = Records { customers, invoices: each, tickets: each };
    let world = World::new(records, DEPLOYMENT, EngineSettings::default());
    let query = page(customers);
    let execute = || {
        let answer = world.ask(&query);
        let text = std::str::from_utf8(&answer).unwrap();
        assert!(text.starts_with("{\"data\":{") && !text.contains("\"errors\""), "{text:.300}");
        assert_eq!(text.matches("\"subject\":").count(), customers * each.min(3));
    };
    let cold = allocation_counter::measure(execute);
    // the plan and the store's own tables are made by now
    execute();
    Asked { cold, warm: allocation_counter::measure(execute) }
}

/// 100 customers with 5 invoices and 3 tickets each.
#[test]
fn an_operation_over_cached_records_allocates_a_few_dozen_times() {
    let count = run(100, 5).warm.count_total;
    println!("{count} allocations");
    assert!(count <= 90, "{count} allocations");
}

#[test]
fn what_an_operation_allocates_does_not_grow_faster_than_its_parents() {
    let [few, many, most] = [10, 1_000, 10_000].map(|customers| run(customers, 1));
    println!(
        "warm: {}, {}, {} allocations of {}, {}, {} bytes; cold: {}, {}, {}",
        few.warm.count_total,
        many.warm.count_total,
        most.warm.count_total,
        few.warm.bytes_total,
        many.warm.bytes_total,
        most.warm.bytes_total,
        few.cold.count_total,
        many.cold.count_total,
        most.cold.count_total,
    );
    assert!(
        most.warm.count_total <= few.warm.count_total * 3,
        "warm: for 10,000 hardly more than for 10"
    );
    // large answers are written to room that doubles
    assert!(most.warm.bytes_total <= many.warm.bytes_total * 20, "warm: as many bytes for each");
    assert!(most.cold.count_total <= many.cold.count_total * 11, "cold: as often for each");
    assert!(most.cold.bytes_total <= many.cold.bytes_total * 11, "cold: as many bytes for each");
}
