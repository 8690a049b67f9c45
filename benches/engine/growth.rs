//! How work grows with what is asked for and with what is kept: figures for the benchmarks, and for the bounds that
//! `tests/bounds` holds them to.
//!
//! Gives: the least thread time of several runs, for one unit of work; what is kept, as the allocator counts it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cyclorama::compile::{Files, compile};
use cyclorama::config::settings::{KnownDocument, KnownOperations};
use cyclorama::engine::{EngineSettings, Request};
use cyclorama::principal::Principal;

use crate::processor::thread_time;
use crate::world::{Records, World, page, tenant};

/// Bounds of a deployment that asks for much.
const MUCH: &str = "pages: { max: 10000 }\nlimits: { steps: 1000000, objects: 1000000, aliases: 5000, selections: 10000, tokens: 20000 }\n";
/// `id`, `name`, `email`; of an invoice and its total five, of a ticket three.
const FIELDS: usize = 3 + 5 + 3;

/// What one field of an answer costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerField {
    pub(crate) warm: Duration,
    pub(crate) cold: Duration,
}

/// Customers with one invoice and one ticket each.
pub(crate) fn parents(customers: usize) -> PerField {
    let deployment = format!("cache: {{ ttl: 1h, size: 1GiB }}\n{MUCH}");
    let records = Records { customers, invoices: 1, tickets: 1 };
    let world = World::new(records, &deployment, EngineSettings::default());
    per_field(&world, &page(customers), customers * FIELDS)
}

/// A hundred customers, with this many fields each.
pub(crate) fn fields(count: usize) -> PerField {
    let deployment = format!("cache: {{ ttl: 1h, size: 1GiB }}\n{MUCH}");
    let records = Records { customers: 100, invoices: 0, tickets: 0 };
    let world = World::new(records, &deployment, EngineSettings::default());
    let mut query = "{ customers(first: 100) { nodes {".to_owned();
    for number in 0..count {
        let name = ["id", "name", "email"].get(number % 3).unwrap_or(&"id");
        write!(query, " f{number}: {name}").expect("a string grows");
    }
    query.push_str(" } } }");
    per_field(&world, &query, 100 * count)
}

fn per_field(world: &World, query: &str, fields: usize) -> PerField {
    let fields = u32::try_from(fields).unwrap_or(u32::MAX);
    // small work is done more often: the clock is not that fine
    let runs = (200_000 / fields).clamp(12, 200);
    let mut number = 0;
    let cold = fastest(runs, || {
        number += 1;
        world.ask_as(&tenant(number), query)
    });
    let shown = world.ask(query);
    assert!(!shown.windows(9).any(|part| part == br#""errors":"#), "an answer without errors");
    let warm = fastest(runs.max(20), || world.ask(query));
    PerField { warm: warm / fields, cold: cold / fields }
}

/// A cache that so many records went through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) entries: u64,
    /// As the cache weighs them, and as the allocator does.
    pub(crate) bytes: u64,
    pub(crate) allocated: i64,
    /// A page of a hundred customers with their lists, from the cache.
    pub(crate) hit: Duration,
}

/// Fills a cache of this size with the lists of so many customers, two entries each, a thousand a tenant.
pub(crate) fn filled(customers: usize, mebibytes: usize) -> Filled {
    const EACH: usize = 1_000;
    let deployment = format!("cache: {{ ttl: 1h, size: {mebibytes}MiB }}\n{MUCH}");
    let records = Records { customers: EACH, invoices: 1, tickets: 1 };
    let world = World::new(records, &deployment, EngineSettings::default());
    let query = page(EACH);
    // what is not the cache's own: the plan, the answers that backends give
    drop(world.ask_as(&tenant(0), &query));
    let tenants = customers / EACH;
    let kept = allocation_counter::measure(|| {
        for number in 1..=tenants {
            drop(world.ask_as(&tenant(number), &query));
        }
    });
    let last = tenant(tenants);
    let page = "{ customers(first: 100) { nodes { id invoices { nodes { id } } tickets { nodes { id } } } } }";
    drop(world.ask_as(&last, page));
    let hit = fastest(50, || world.ask_as(&last, page));
    let counts = world.engine.cache_counts();
    Filled { entries: counts.entries, bytes: counts.bytes, allocated: kept.bytes_current, hit }
}

/// The thread time in which files with so many types compile, each with six fields, a call and a part.
pub(crate) fn schema(types: usize) -> Duration {
    let mut schema = "type Query {".to_owned();
    let mut parts = "roles:\n  crm:\n    parts:\n".to_owned();
    let mut roots = Vec::new();
    let mut calls = "role: crm\nprotocol: rest\nurl: http://crm.test\ncalls:\n".to_owned();
    let mut lookups = "lookups:\n".to_owned();
    let mut shapes = "types:\n".to_owned();
    let mut answered = "fields:\n".to_owned();
    let mut described = String::new();
    for number in 0..types {
        write!(schema, " thing{number}(id: String!): Thing{number}").expect("a string grows");
        writeln!(
            described,
            "type Thing{number} {{ id: ID! a: String b: Int c: Boolean d: [String!] e: Thing{} }}",
            (number + 1) % types
        )
        .expect("a string grows");
        writeln!(parts, "      Thing{number}: {{ anchor: true, keys: {{ id: id }}, slots: [next], fields: [id, a, b, c, d] }}")
            .expect("a string grows");
        roots.push(format!("Query.thing{number}, Thing{number}.e"));
        writeln!(calls, "  thing{number}_by_id: {{ get: \"/things/{number}{{?keys}}\", with: {{ keys: {{ join: $keys, with: \",\" }} }}, batch: {{ keys: 100 }}, records: \".items[]\", answers: .id }}")
            .expect("a string grows");
        writeln!(lookups, "  Thing{number}: {{ id: thing{number}_by_id }}")
            .expect("a string grows");
        writeln!(shapes, "  Thing{number}: {{ id: .id, a: .a, b: .b, c: .c, d: .d, next: .next }}")
            .expect("a string grows");
        writeln!(answered, "  Query.thing{number}: {{ reference: id, from: $args.id }}\n  Thing{number}.e: {{ reference: id, from: next }}")
            .expect("a string grows");
    }
    schema.push_str(" }\n");
    schema.push_str(&described);
    writeln!(parts, "    fields: [{}]", roots.join(", ")).expect("a string grows");
    let vendor = format!("{calls}{lookups}{shapes}{answered}");
    let files = [
        ("cyclorama.yaml", "listen: 127.0.0.1:0\nroles: { crm: { vendor: many } }\n"),
        ("schema/schema.graphql", schema.as_str()),
        ("resolvers/roles.yaml", parts.as_str()),
        ("resolvers/crm/many.yaml", vendor.as_str()),
    ];
    let files = Files::in_memory("cyclorama.yaml", files);
    fastest(3, || {
        let compiled = compile(&files);
        assert!(compiled.graph.is_some(), "{:?}", compiled.diagnostics.first());
        compiled
    })
}

/// So many known operations, all of which have been asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plans {
    /// From an id to the answer of a small operation over cached records.
    pub(crate) hit: Duration,
    /// Of all plans, as the allocator counts them.
    pub(crate) bytes: i64,
    /// How many were made when all were asked for once more.
    pub(crate) made_anew: u64,
}

pub(crate) fn known(count: usize) -> Plans {
    let document = |number: usize| {
        let text = format!(
            "query Known{number} {{ customers(first: 1) {{ nodes {{ id n{number}: name email }} }} }}"
        );
        KnownDocument { ids: vec![Arc::from(format!("known-{number}"))], text: Arc::from(text) }
    };
    let documents = (0..count).map(document).collect();
    let known = KnownOperations { documents, ..KnownOperations::default() };
    let settings = EngineSettings { known, ..EngineSettings::default() };
    let deployment = format!("cache: {{ ttl: 1h }}\nlimits: {{ plans: {count} }}\n");
    let records = Records { customers: 1, invoices: 0, tickets: 0 };
    let world = World::new(records, &deployment, settings);
    let ask = |number: usize| {
        let id = Some(format!("known-{number}"));
        world.run(&Principal::anonymous(), Request { id, ..Request::default() })
    };
    let plans = allocation_counter::measure(|| (0..count).for_each(|number| drop(ask(number))));
    let made = world.engine.plan_counts().made;
    (0..count).for_each(|number| drop(ask(number)));
    let made_anew = world.engine.plan_counts().made - made;
    let mut number = 0;
    let hit = fastest(200, || {
        number = (number + 7_919) % count;
        ask(number)
    });
    Plans { hit, bytes: plans.bytes_current, made_anew }
}

/// The least thread time of so many runs.
fn fastest<T>(runs: u32, mut work: impl FnMut() -> T) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..runs {
        let begin = thread_time();
        std::hint::black_box(work());
        least = least.min(thread_time().saturating_sub(begin));
    }
    least
}
