//! Several operations in one POST: a list of requests, answered by a list in the same order.
//!
//! Queries that stand next to each other run together. A mutation waits for what stands before it and is waited for by what stands
//! behind it, so that a batch does what it would do line by line. Each operation has its own deadline, limits and errors;
//! all of them together may be as long, and cost as much, as one operation.

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::Value;

use super::Gateway;
use super::request::{self, Refusal};
use crate::engine::{self, Outcome, Response};
use crate::error::ErrorCode;
use crate::operation::OperationKind;
use crate::principal::Principal;

/// What a batch came to.
pub(super) struct Answer {
    /// A JSON list.
    pub(super) body: Bytes,
    pub(super) has_errors: bool,
}

/// One place of the batch: what is to run, or why nothing is.
type Item = Result<engine::Request, Response>;

/// The requests of a batch, if it may run at all.
pub(super) fn read(
    gateway: &Gateway,
    members: Vec<Value>,
    principal: &Principal,
) -> Result<Vec<Item>, Refusal> {
    let profile = gateway.settings.http.status_profile;
    let batch = gateway.settings.http.batch;
    let refused = |code, message: String| Err(Refusal::malformed_as(code, message, profile));
    if !batch.enabled {
        let message = "batches are not served here; send one operation in each request".to_owned();
        return refused(ErrorCode::BatchingNotEnabled, message);
    }
    if members.is_empty() {
        return refused(ErrorCode::BadRequest, "the batch is empty".to_owned());
    }
    if members.len() > batch.operations {
        let message = format!(
            "the batch has {} operations; http.batch.operations allows {}",
            members.len(),
            batch.operations
        );
        return refused(ErrorCode::BatchLimitExceeded, message);
    }
    let items: Vec<Item> = members.into_iter().map(|member| item(member, gateway)).collect();
    let limits = &gateway.engine.graph().limits;
    for (what, found, limit, most) in [
        ("texts", sum(&items, |it| it.query.len()), "document_bytes", limits.document_bytes),
        ("variables", sum(&items, variables_bytes), "variables_bytes", limits.variables_bytes),
    ] {
        if found > most {
            let message = format!(
                "the {what} of the batch have {found} bytes together; limits.{limit} allows {most}"
            );
            return refused(ErrorCode::BatchLimitExceeded, message);
        }
    }
    // also registers documents that others of the batch name by their hash
    let together = gateway.engine.check_together(items.iter().flatten(), principal);
    together.map_err(|error| Refusal::malformed_as(error.code, error.message, profile))?;
    Ok(items)
}

fn item(member: Value, gateway: &Gateway) -> Item {
    let Value::Object(members) = member else {
        let message = "an operation of a batch must be a JSON object with `query`";
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, message);
        return Err(engine::refused(&[refusal.error]));
    };
    request::from_members(members, gateway.settings.http.status_profile)
        .map_err(|refusal| engine::refused(&[refusal.error]))
}

fn sum(items: &[Item], of: impl Fn(&engine::Request) -> usize) -> usize {
    items.iter().flatten().map(of).fold(0, usize::saturating_add)
}

fn variables_bytes(request: &engine::Request) -> usize {
    if request.variables.is_empty() {
        return 0;
    }
    serde_json::to_string(&request.variables).map_or(0, |text| text.len())
}

/// Runs a batch. If the client leaves, this future is dropped, and with it all of them.
pub(super) async fn execute(gateway: &Gateway, items: Vec<Item>, principal: &Principal) -> Answer {
    let mut answers = Vec::with_capacity(items.len());
    let mut together = Vec::new();
    for item in items {
        let is_mutation = item.as_ref().is_ok_and(|request| {
            gateway.engine.kind(request).is_ok_and(|kind| kind == OperationKind::Mutation)
        });
        let run = async move {
            match item {
                Ok(request) => gateway.engine.execute(request, principal).await,
                Err(refused) => refused,
            }
        };
        if is_mutation {
            answers.extend(join_all(std::mem::take(&mut together)).await);
            answers.push(run.await);
        } else {
            together.push(run);
        }
    }
    answers.extend(join_all(together).await);
    let has_errors =
        answers.iter().any(|answer| answer.outcome != Outcome::Data { has_errors: false });
    let bodies: Vec<&[u8]> = answers.iter().map(|answer| &*answer.body).collect();
    let body = [b"[", bodies.join(&b","[..]).as_slice(), b"]"].concat();
    Answer { body: Bytes::from(body), has_errors }
}
