//! GraphQL over WebSocket (`graphql-transport-ws`) at `/graphql`.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::{Gateway, answer};
use crate::error::{ErrorCode, RequestError};

pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

pub(super) fn upgrade(_gateway: &Arc<Gateway>, _parts: &mut Parts) -> Response {
    answer::refusal(
        StatusCode::NOT_IMPLEMENTED,
        &RequestError::new(ErrorCode::BadRequest, "no WebSocket here"),
    )
}
