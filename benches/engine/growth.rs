//! How work grows with what is kept: figures for the benchmarks, and for the bounds that `tests/growth` holds them to.
//!
//! Gives: the least thread time of several runs, for one unit of work; what is kept, as the caller's allocator counts it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use cyclorama::compile::{Files, compile};
use cyclorama::config::settings::{KnownDocument, KnownOperations};
use cyclorama::engine::{EngineSettings, Request};
use cyclorama::principal::Principal;

use crate::processor::thread_time;
use crate::world::{MUCH, Records, World, page, tenant};

/// The bytes that some work has allocated and not freed, by whatever counts them.
pub(crate) type Allocated = fn(&mut dyn FnMut()) -> i64;

/// A cache that so many records went through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) entries: u64,
    /// As the cache weighs them.
    pub(crate) bytes: u64,
    /// A page of a hundred customers with their lists, from the cache.
    pub(crate) hit: Duration,
}

/// Fills a cache of this size with the lists of so many customers, two entries each, a thousand a tenant.
pub(crate) fn filled(customers: usize, mebibytes: usize, allocated: Allocated) -> (Filled, i64) {
    const EACH: usize = 1_000;
    let deployment = format!("cache: {{ ttl: 1h, size: {mebibytes}MiB }}\n{MUCH}");
    let records = Records { customers: EACH, invoices: 1, tickets: 1 };
    let world = World::new(records, &deployment, EngineSettings::default());
    let query = page(EACH);
    // what is not the cache's own: the plan, the answers that backends give
    drop(world.ask_as(&tenant(0), &query));
    let tenants = customers / EACH;
    let kept = allocated(&mut || {
        for number in 1..=tenants {
            drop(world.ask_as(&tenant(number), &query));
        }
    });
    let last = tenant(tenants);
    let page = "{ customers(first: 100) { nodes { id invoices { nodes { id } } tickets { nodes { id } } } } }";
    drop(world.ask_as(&last, page));
    let hit = fastest(50, || world.ask_as(&last, page));
    let counts = world.engine.cache_counts();
    (Filled { entries: counts.entries, bytes: counts.bytes, hit }, kept)
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
    /// How many were made when all were asked for once more.
    pub(crate) made_anew: u64,
}

pub(crate) fn known(count: usize, allocated: Allocated) -> (Plans, i64) {
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
    let bytes = allocated(&mut || (0..count).for_each(|number| drop(ask(number))));
    let made = world.engine.plan_counts().made;
    (0..count).for_each(|number| drop(ask(number)));
    let made_anew = world.engine.plan_counts().made - made;
    let mut number = 0;
    let hit = fastest(200, || {
        number = (number + 7_919) % count;
        ask(number)
    });
    (Plans { hit, made_anew }, bytes)
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
