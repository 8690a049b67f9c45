//! `GET /state`: the process in numbers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{Admin, answer_with};
use crate::http::Health;

pub(super) async fn handle(State(admin): State<Admin>) -> Response {
    let server = &admin.server;
    let engine = server.engine();
    let (generations, (reloads, last)) = (server.generations(), server.reloads());
    let backends: Vec<Value> = server.health().into_iter().map(backend).collect();
    let operations = server.operations();
    let (plans, cache) = (engine.plan_counts(), engine.cache_counts());
    let state = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": !server.is_leaving() && !server.is_overloaded(),
        "graph": {
            "generation": generations.current,
            "alive": generations.alive,
            "fingerprint": format!("{:016x}", engine.graph().fingerprint),
        },
        "reload": {
            "applied": reloads.applied,
            "unchanged": reloads.unchanged,
            "refused": reloads.refused,
            "last": last.map(|last| last.to_json()),
        },
        "operations": {
            "running": operations.running,
            "admitted": operations.admitted,
            "shed": operations.shed,
            "rateLimited": server.rate_limited(),
        },
        "backends": backends,
        "plans": { "hashed": plans.hashed, "made": plans.made },
        "cache": { "entries": cache.entries, "bytes": cache.bytes, "drops": cache.drops,
            "refreshed": cache.refreshed,
            "bridged": cache.bridged,
            "renewed": cache.renewed,
        },
    });
    answer_with(StatusCode::OK, &state)
}

fn backend((role, health): (Arc<str>, Option<Health>)) -> Value {
    let health = health.map(|health| {
        json!({
            "problem": health.problem.map(crate::error::ErrorCode::as_str),
            "sinceSeconds": health.since.elapsed().as_secs(),
            "checkedSecondsAgo": health.checked_at.elapsed().as_secs(),
            "checks": health.checks,
            "failures": health.failures,
        })
    });
    json!({ "role": &*role, "health": health })
}
