//! Everything that is counted; `GET /metrics`, as Prometheus reads it.
//!
//! No label holds what a client or a backend sends: their values are words of the files and of the program.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::Admin;
use crate::engine::{CacheCounts, Engine};
use crate::http::Server;
use crate::telemetry::exposition::{Exposition, MEDIA};

pub(super) async fn handle(State(admin): State<Admin>) -> Response {
    let mut response = Response::new(Body::from(all(&admin.server).to_text()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    response
}

/// Everything that is counted, as it stands now.
pub fn all(server: &Server) -> Exposition {
    let engine = server.engine();
    let mut out = Exposition::default();
    process(server, &mut out);
    plans(server, &engine, &mut out);
    server.expose(&mut out);
    engine.expose(&mut out);
    super::backend_metrics::expose(&engine.backends(), &mut out);
    health(server, &mut out);
    out.since(Some(server.graph_began()));
    cache(&engine.cache_counts(), &mut out);
    out
}

fn process(server: &Server, out: &mut Exposition) {
    out.gauge("cyclorama_build_info", &["version"], "Always 1; the version that serves.")
        .sample(&[env!("CARGO_PKG_VERSION")], 1_u64);
    let is_ready = u64::from(server.is_ready());
    out.gauge("cyclorama_ready", &[], "1 while requests should be sent here, as /readyz says.")
        .sample(&[], is_ready);
    let generations = server.generations();
    out.gauge("cyclorama_graph_generation", &[], "The number of the graph that serves.")
        .sample(&[], generations.current);
    out.gauge(
        "cyclorama_graphs_alive",
        &[],
        "Graphs in memory: the one that serves, and those that requests still have.",
    )
    .sample(&[], generations.alive);
    let (reloads, _) = server.reloads();
    out.counter("cyclorama_reloads_total", &["outcome"], "Readings of the files while serving.")
        .sample(&["applied"], reloads.applied)
        .sample(&["unchanged"], reloads.unchanged)
        .sample(&["refused"], reloads.refused);
    let operations = server.operations();
    out.gauge("cyclorama_operations_running", &[], "Operations that run.")
        .sample(&[], operations.running);
    out.gauge(
        "cyclorama_operations_room",
        &[],
        "Operations that may run at once: fewer than the bound while what is ready waits for a processor.",
    )
    .sample(&[], operations.room);
    out.counter("cyclorama_operations_refused_total", &["cause"], "Operations that were refused before they ran: too many ran, or their client had used its budget.")
        .sample(&["overload"], operations.shed)
        .sample(&["rate_limit"], server.rate_limited());
}

fn plans(server: &Server, engine: &Engine, out: &mut Exposition) {
    let plans = engine.plan_counts();
    out.since(Some(server.graph_began()));
    out.counter(
        "cyclorama_plans_made_total",
        &[],
        "Documents that were validated and planned, or refused on the way, since the graph began.",
    )
    .sample(&[], plans.made);
    out.since(None);
}

fn cache(counts: &CacheCounts, out: &mut Exposition) {
    out.gauge("cyclorama_cache_entries", &[], "Entries in the cache.").sample(&[], counts.entries);
    out.gauge("cyclorama_cache_size_bytes", &[], "What the entries of the cache weigh.")
        .sample(&[], counts.bytes);
    out.counter(
        "cyclorama_cache_drops_total",
        &[],
        "Times that a mutation or an operator dropped entries, since the graph began.",
    )
    .sample(&[], counts.drops);
    out.counter(
        "cyclorama_cache_lookups_total",
        &["outcome"],
        "Keys that were looked up in the cache, since the graph began.",
    )
    .sample(&["hit"], counts.hits)
    .sample(&["miss"], counts.misses);
    out.counter("cyclorama_cache_evictions_total", &["cause"], "Entries that left the cache for want of room, or because they were old, since the graph began.")
        .sample(&["size"], counts.evicted)
        .sample(&["age"], counts.expired);
    out.counter("cyclorama_cache_stale_total", &["use"], "Answers past their time that were used: while they were read anew, because their backend failed, or because it said that nothing had changed; since the graph began.")
        .sample(&["revalidating"], counts.refreshed)
        .sample(&["backend_failed"], counts.bridged)
        .sample(&["unchanged"], counts.renewed);
}

/// What the health checks found, of the backends that are checked.
fn health(server: &Server, out: &mut Exposition) {
    let checked = server.health();
    let checked = || checked.iter().filter_map(|(role, health)| Some((role, health.as_ref()?)));
    let family = out.gauge(
        "cyclorama_backend_healthy",
        &["backend"],
        "1 if data flowed at the last health check, 0 if not; absent where none is made.",
    );
    for (role, health) in checked() {
        family.sample(&[role], u64::from(health.problem.is_none()));
    }
    let family = out.counter(
        "cyclorama_backend_health_checks_total",
        &["backend", "outcome"],
        "Health checks that were made.",
    );
    for (role, health) in checked() {
        family
            .sample(&[role, "well"], health.checks.saturating_sub(health.failures))
            .sample(&[role, "failed"], health.failures);
    }
}
