//! Field errors: what clients are told of a value that is missing.

use std::sync::Arc;

use crate::error::{BackendError, BackendFailure, ErrorCode, Location};
use crate::execute::{Failure, FailureId};
use crate::graph::TypeId;
use crate::operation::OperationKind;
use crate::plan::OutField;
use crate::respond::{Done, Nulled, Owner, Segment, Writer};

/// One entry of `errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub code: ErrorCode,
    pub message: String,
    /// JSON: `["customer","invoices"]`.
    pub path: String,
    pub location: Location,
    /// The role whose backend is to blame, and that backend's own code.
    pub backend: Option<(Arc<str>, Option<String>)>,
    /// The field may be asked for again, now or later: nothing is done twice by that.
    pub is_retryable: bool,
}

impl FieldError {
    /// As clients read it.
    pub(super) fn json(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        push_json(out, &self.message);
        let Location { line, column } = self.location;
        out.extend_from_slice(
            format!(
                ",\"locations\":[{{\"line\":{line},\"column\":{column}}}],\"path\":{}",
                self.path
            )
            .as_bytes(),
        );
        out.extend_from_slice(
            format!(",\"extensions\":{{\"code\":\"{}\"", self.code.as_str()).as_bytes(),
        );
        if let Some((role, code)) = &self.backend {
            out.extend_from_slice(b",\"backend\":");
            push_json(out, role);
            if let Some(code) = code {
                out.extend_from_slice(b",\"backendCode\":");
                push_json(out, code);
            }
        }
        if self.is_retryable {
            out.extend_from_slice(b",\"retryable\":true");
        }
        out.extend_from_slice(b"}}");
    }
}

impl<'a> Writer<'a> {
    /// What is wrong with the arguments of a field that no call looks at.
    pub(super) fn misgiven(&self, field: &OutField) -> Option<String> {
        self.source.outcome.refused.get(field.refusable?).cloned().flatten()
    }

    pub(super) fn error(
        &mut self,
        owner: Owner<'a>,
        code: ErrorCode,
        message: String,
        backend: Option<(Arc<str>, Option<String>)>,
    ) {
        self.push(owner, (code, message, backend), false);
    }

    /// Tells of a failure at the present path.
    pub(super) fn tell(&mut self, owner: Owner<'a>, failure: &Failure) {
        let told = told(failure);
        let is_retryable = told.0.is_passing() && self.may_be_repeated(failure);
        self.push(owner, told, is_retryable);
    }

    /// What stands below a change was not what failed to be changed: asking for it again would make the change again.
    fn may_be_repeated(&self, failure: &Failure) -> bool {
        if self.source.plan.operation.kind != OperationKind::Mutation {
            return true;
        }
        let is_done = matches!(failure, Failure::Load(failure) if failure.error.may_be_done());
        self.path.len() == 1 && !is_done
    }

    fn push(&mut self, owner: Owner<'a>, (code, message, backend): Told, is_retryable: bool) {
        if self.errors.len() >= self.source.graph.limits.errors {
            self.more_errors += 1;
            return;
        }
        let path = spelled(&self.path);
        let location = owner.location;
        self.errors.push(FieldError { code, message, path, location, backend, is_retryable });
    }

    pub(super) fn refused(&mut self, owner: Owner<'a>) -> Done {
        let message = format!("not authorized to read `{}`", owner.coordinate);
        self.error(owner, ErrorCode::UnauthorizedFieldOrType, message, None);
        Err(Nulled)
    }

    pub(super) fn failed(&mut self, failure: FailureId, owner: Owner<'a>) -> Done {
        let Some(failure) = self.source.outcome.arena.failures.get(failure.0 as usize) else {
            return Err(Nulled);
        };
        if let Failure::Misfit { reason } = failure {
            return self.misfit(reason, owner);
        }
        self.tell(owner, failure);
        Err(Nulled)
    }

    pub(super) fn ambiguous_part(&mut self, ty: TypeId, column: usize, owner: Owner<'a>) -> Done {
        let role = self
            .source
            .graph
            .ty(ty)
            .parts
            .get(column)
            .map(|part| Arc::clone(&part.role))
            .unwrap_or_default();
        self.tell(owner, &Failure::Ambiguous { role });
        Err(Nulled)
    }

    /// A value that does not fit its declared type: what was wrong is logged, not told.
    pub(super) fn misfit(&mut self, reason: &str, owner: Owner<'a>) -> Done {
        tracing::warn!(coordinate = %owner.coordinate, reason, "a backend's value does not fit the schema");
        let message =
            format!("the backend's value for `{}` does not fit its type", owner.coordinate);
        self.error(owner, ErrorCode::ValueInvalid, message, None);
        Err(Nulled)
    }
}

type Told = (ErrorCode, String, Option<(Arc<str>, Option<String>)>);

/// What a client is told of a failure: never a backend's own prose.
pub(super) fn told(failure: &Failure) -> Told {
    match failure {
        Failure::Load(failure) => {
            let code = failure.error.code();
            let backend_code = failure.error.backend_code().map(str::to_owned);
            (code, backend_message(failure, code), Some((Arc::clone(&failure.role), backend_code)))
        }
        Failure::Ambiguous { role } => {
            let message = format!("more than one record of {role} matches, and none is chosen");
            (ErrorCode::Ambiguous, message, Some((Arc::clone(role), None)))
        }
        Failure::Misfit { .. } => {
            (ErrorCode::ValueInvalid, "a backend's record does not fit its type".to_owned(), None)
        }
        Failure::Input { code, message } => (*code, message.clone(), None),
        Failure::Deadline { role } => {
            let who = role.as_deref().unwrap_or("a backend");
            let message = format!("{who} did not answer before the operation's deadline");
            (
                ErrorCode::DeadlineExceeded,
                message,
                role.as_ref().map(|role| (Arc::clone(role), None)),
            )
        }
        Failure::Upstream { role, .. } => {
            let message = format!("{role} did not answer, and without it this cannot be found");
            (ErrorCode::SourceUnavailable, message, Some((Arc::clone(role), None)))
        }
    }
}

fn backend_message(failure: &BackendFailure, code: ErrorCode) -> String {
    let role = &failure.role;
    if let BackendError::Violated { place, .. } = &failure.error {
        let place = if place.is_empty() { "its root" } else { place };
        return format!("{role} gave an answer that breaks its contract at {place}");
    }
    match code {
        ErrorCode::BackendTimeout => format!("{role} did not answer in time"),
        ErrorCode::DeadlineExceeded => {
            format!("{role} did not answer before the operation's deadline")
        }
        ErrorCode::BackendUnauthorized => {
            format!("{role} refused this deployment's credentials or rights")
        }
        ErrorCode::BackendNotFound => format!("{role} does not know what was asked for"),
        ErrorCode::BackendRateLimited => format!("{role} takes no more requests for now"),
        ErrorCode::BackendRejected => format!("{role} refused the request"),
        ErrorCode::BackendInvalidAnswer => format!("{role} gave an answer that could not be read"),
        ErrorCode::BackendAnswerTooLarge => format!("{role} gave an answer that is too large"),
        ErrorCode::BackendFault => format!("{role} answered with a fault"),
        ErrorCode::RequestNotBuilt => format!("a value cannot be sent to {role}"),
        ErrorCode::OutcomeUnknown => {
            format!("{role} did not confirm the change: it may or may not have been made")
        }
        _ => format!("{role} is not available"),
    }
}

pub(super) fn spelled(path: &[Segment<'_>]) -> String {
    let mut text = String::from("[");
    for (index, segment) in path.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match segment {
            Segment::Key(key) => {
                text.push('"');
                text.push_str(key);
                text.push('"');
            }
            Segment::Index(index) => text.push_str(&index.to_string()),
        }
    }
    text.push(']');
    text
}

/// Appends `,"errors":[…]`.
pub(super) fn write_errors(out: &mut Vec<u8>, errors: &[FieldError], more: usize) {
    out.extend_from_slice(b",\"errors\":[");
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        error.write(out);
    }
    if more > 0 {
        let code = ErrorCode::ErrorsTruncated.as_str();
        out.extend_from_slice(
            format!(",{{\"message\":\"{more} more errors are not listed\",\"extensions\":{{\"code\":\"{code}\"}}}}").as_bytes(),
        );
    }
    out.push(b']');
}

/// Appends a JSON string.
pub(super) fn push_json(out: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}
