//! `POST /invalidate`: what is to be read anew, as a list of `{kind: …}`.
//!
//! All of it, or none: one entry that cannot be understood, and nothing is dropped.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{Admin, answer_with, problem};
use crate::engine::Invalidation;

/// One entry of the list.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Entry {
    /// Everything of a type.
    Type {
        #[serde(rename = "type")]
        ty: String,
    },
    /// One object, by its id in the graph.
    Entity {
        id: String,
    },
    /// One object, by its type and the key that it has in its backend.
    Key {
        #[serde(rename = "type")]
        ty: String,
        key: String,
    },
    /// Everything of a role.
    Role {
        role: String,
    },
    /// Everything of the calls that have this word among their `tags`.
    Tag {
        tag: String,
    },
    All {},
}

pub(super) async fn handle(State(admin): State<Admin>, body: Bytes) -> Response {
    let entries: Vec<Entry> = match serde_json::from_slice(&body) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!(
                "the body must be a list such as [{{\"kind\": \"type\", \"type\": \"Customer\"}}]: {error}"
            );
            return problem(StatusCode::BAD_REQUEST, message);
        }
    };
    let list: Vec<Invalidation> = entries.into_iter().map(Invalidation::from).collect();
    match admin.server.engine().invalidate(&list) {
        Ok(()) => {
            tracing::info!(entries = list.len(), "cache entries were dropped by the admin call");
            answer_with(StatusCode::OK, &json!({ "dropped": list.len() }))
        }
        Err(message) => problem(StatusCode::UNPROCESSABLE_ENTITY, message),
    }
}

impl From<Entry> for Invalidation {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Type { ty } => Self::Type(ty),
            Entry::Entity { id } => Self::Entity(id),
            Entry::Key { ty, key } => Self::Key { ty, key },
            Entry::Role { role } => Self::Role(role),
            Entry::Tag { tag } => Self::Tag(tag),
            Entry::All {} => Self::All,
        }
    }
}
