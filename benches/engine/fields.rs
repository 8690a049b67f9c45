//! What a field of an answer costs, with few and with many of them: figures for the benchmarks, and for the bounds that
//! `tests/bounds` holds them to.
//!
//! Gives: the thread time of a field, from backends and from the cache; medians of several rounds, in which all sizes take turns.
//!
//! A round is as many fields for each size, in few large operations or in many small ones, so that as many records are read and
//! kept: what differs is the operation alone. What only some of the operations pay, a table that grows for instance, is in it.

use std::fmt::Write as _;
use std::time::Duration;

use cyclorama::engine::EngineSettings;

use crate::processor::thread_time;
use crate::world::{MUCH, Records, World, page, tenant};

/// `id`, `name`, `email`; of an invoice and its total five, of a ticket three.
const FIELDS: usize = 3 + 5 + 3;
const ROUNDS: usize = 7;

/// What one field of an answer costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerField {
    pub(crate) warm: Duration,
    pub(crate) cold: Duration,
}

/// An operation of one size.
struct Sized {
    records: Records,
    query: String,
    fields: usize,
}

/// Customers with one invoice and one ticket each, so many in one operation.
pub(crate) fn parents<const SIZES: usize>(customers: [usize; SIZES]) -> [PerField; SIZES] {
    per_field(&customers.map(|customers| Sized {
        records: Records { customers, invoices: 1, tickets: 1 },
        query: page(customers),
        fields: customers * FIELDS,
    }))
}

/// A hundred customers, with so many fields each.
pub(crate) fn fields<const SIZES: usize>(counts: [usize; SIZES]) -> [PerField; SIZES] {
    per_field(&counts.map(|count| {
        let mut query = "{ customers(first: 100) { nodes {".to_owned();
        for number in 0..count {
            let name = ["id", "name", "email"].get(number % 3).unwrap_or(&"id");
            write!(query, " f{number}: {name}").expect("a string grows");
        }
        query.push_str(" } } }");
        let records = Records { customers: 100, invoices: 0, tickets: 0 };
        Sized { records, query, fields: 100 * count }
    }))
}

fn per_field<const SIZES: usize>(sizes: &[Sized; SIZES]) -> [PerField; SIZES] {
    let fields = sizes.iter().map(|size| size.fields).max().unwrap_or(1);
    let rounds: Vec<[PerField; SIZES]> =
        (0..ROUNDS).map(|_| sizes.each_ref().map(|size| round(size, fields))).collect();
    std::array::from_fn(|size| {
        let median = |of: fn(&PerField) -> Duration| {
            let mut times: Vec<_> =
                rounds.iter().filter_map(|round| round.get(size)).map(of).collect();
            times.sort_unstable();
            times.get(ROUNDS / 2).copied().unwrap_or_default()
        };
        PerField { warm: median(|one| one.warm), cold: median(|one| one.cold) }
    })
}

/// So many fields, first from backends and then from the cache.
fn round(size: &Sized, fields: usize) -> PerField {
    let operations = fields.div_ceil(size.fields);
    let deployment = format!("cache: {{ ttl: 1h, size: 1GiB }}\n{MUCH}");
    let world = World::new(size.records, &deployment, EngineSettings::default());
    // the plan, and what backends answer, are made once
    let shown = world.ask(&size.query);
    assert!(!shown.windows(9).any(|part| part == br#""errors":"#), "an answer without errors");
    let tenants: Vec<_> = (1..=operations).map(tenant).collect();
    let ask_all = || {
        let begin = thread_time();
        for tenant in &tenants {
            std::hint::black_box(world.ask_as(tenant, &size.query));
        }
        let each = u32::try_from(operations * size.fields).unwrap_or(u32::MAX);
        thread_time().saturating_sub(begin) / each
    };
    let cold = ask_all();
    // what is kept of an answer when it is first found
    ask_all();
    PerField { warm: ask_all(), cold }
}
