//! From an outcome to an HTTP answer: status, media type, error bodies.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use super::StatusProfile;
use super::accept::Media;
use super::batch;
use super::rate;
use super::request::Refusal;
use crate::engine::{self, Outcome};
use crate::error::{ErrorCode, RequestError};

/// Room for these and for what every answer is given on its way out.
const HEADERS: usize = 12;

/// Status of an answer with data and errors, in the edition of 2026.
const PARTIAL_SUCCESS: u16 = 294;

/// The answer that the engine gave.
pub(super) fn answered(
    response: engine::Response,
    media: Media,
    profile: StatusProfile,
) -> Response {
    let status = match response.outcome {
        Outcome::Data { has_errors } => data_status(has_errors, media, profile),
        Outcome::Refused(code) => refused_status(code, media, profile),
    };
    build(status, labeled(status, media, profile).content_type(), response.body)
}

/// Request errors where 200 would say that all is well: the status of the newer media type, whatever the client reads.
pub(super) fn refused(errors: &[RequestError], media: Media, profile: StatusProfile) -> Response {
    let code = errors.first().map_or(ErrorCode::Internal, |error| error.code);
    let status = refused_status(code, Media::Response, profile);
    build(status, labeled(status, media, profile).content_type(), engine::refused(errors).body)
}

/// The answers of a batch. Its status says no more than that it was read: each answer says how it went.
pub(super) fn batch(answer: batch::Answer, media: Media, profile: StatusProfile) -> Response {
    let status = data_status(answer.has_errors, media, profile);
    build(status, media.content_type(), answer.body)
}

/// A request that never reached the engine. Its body is a GraphQL error all the same.
pub(super) fn refusal(status: StatusCode, error: &RequestError) -> Response {
    build(status, Media::Json.content_type(), error_body(error))
}

/// As [`refusal`], in the media type that was agreed on.
pub(super) fn refusal_in(media: Media, profile: StatusProfile, refusal: &Refusal) -> Response {
    let media = labeled(refusal.status, media, profile);
    let mut response = build(refusal.status, media.content_type(), error_body(&refusal.error));
    if let Some(after) = refusal.retry_after {
        rate::write_retry_after(&mut response, after);
    }
    response
}

/// In the edition of 2026 only successes are labeled as older clients want them.
fn labeled(status: StatusCode, media: Media, profile: StatusProfile) -> Media {
    match profile {
        StatusProfile::Draft2026 if !status.is_success() => Media::Response,
        _ => media,
    }
}

fn build(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    *headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn error_body(error: &RequestError) -> Bytes {
    let body = serde_json::json!({
        "errors": [{ "message": error.message, "extensions": { "code": error.code.as_str() } }]
    });
    Bytes::from(body.to_string())
}

fn data_status(has_errors: bool, media: Media, profile: StatusProfile) -> StatusCode {
    if has_errors && media == Media::Response && profile == StatusProfile::Draft2026 {
        return StatusCode::from_u16(PARTIAL_SUCCESS).unwrap_or(StatusCode::OK);
    }
    StatusCode::OK
}

/// The status of a request error that the engine found.
fn refused_status(code: ErrorCode, media: Media, profile: StatusProfile) -> StatusCode {
    let status = status(code);
    let is_document_error =
        matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY);
    match (profile, media) {
        (StatusProfile::Audit2025, Media::Json) if is_document_error => StatusCode::OK,
        (StatusProfile::Audit2025, Media::Response) if is_document_error => StatusCode::BAD_REQUEST,
        _ => status,
    }
}

/// The status that each code means by itself.
#[expect(clippy::too_many_lines, reason = "a line for each code")]
fn status(code: ErrorCode) -> StatusCode {
    use ErrorCode as Code;
    match code {
        Code::BadRequest | Code::GraphqlParseFailed => StatusCode::BAD_REQUEST,
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::GraphqlValidationFailed
        | Code::BadUserInput
        | Code::OperationResolutionFailure
        | Code::PersistedQueryNotFound
        | Code::PersistedQueryNotSupported
        | Code::PersistedQueryHashMismatch
        | Code::PersistedQueryIdRequired
        | Code::QueryNotInSafelist
        | Code::BatchingNotEnabled
        | Code::BatchLimitExceeded
        | Code::DocumentBytesLimit
        | Code::TokensLimit
        | Code::NestingLimit
        | Code::DepthLimit
        | Code::SelectionsLimit
        | Code::SpreadTokensLimit
        | Code::SpreadBytesLimit
        | Code::StepsLimit
        | Code::AliasesLimit
        | Code::RootFieldsLimit
        | Code::OperationsLimit
        | Code::FragmentVariablesLimit
        | Code::DirectivesLimit
        | Code::DuplicatesLimit
        | Code::ListItemsLimit
        | Code::IntrospectionDepthLimit
        | Code::PageSizeLimit
        | Code::PagesLimit
        | Code::VariablesLimit
        | Code::ConditionsLimit
        | Code::ObjectsLimit
        | Code::KeyBytesLimit
        | Code::CostEstimatedTooExpensive
        | Code::CostCallsLimit => StatusCode::UNPROCESSABLE_ENTITY,
        Code::SocketOperationsLimit
        | Code::StreamsLimit
        | Code::StreamOperationsLimit
        | Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Code::StreamNotFound => StatusCode::NOT_FOUND,
        Code::StreamConflict => StatusCode::CONFLICT,
        Code::HostNotAllowed => StatusCode::MISDIRECTED_REQUEST,
        Code::UnauthorizedFieldOrType | Code::CsrfError => StatusCode::FORBIDDEN,
        Code::DeadlineExceeded | Code::BackendTimeout => StatusCode::GATEWAY_TIMEOUT,
        Code::BackendUnavailable
        | Code::BackendRejected
        | Code::BackendUnauthorized
        | Code::BackendUntrusted
        | Code::BackendNotFound
        | Code::BackendRateLimited
        | Code::BackendInvalidAnswer
        | Code::ContractViolated
        | Code::BackendAnswerTooLarge
        | Code::BackendFault
        | Code::OutcomeUnknown
        | Code::SourceUnavailable => StatusCode::BAD_GATEWAY,
        Code::RequestNotBuilt
        | Code::Ambiguous
        | Code::BlockedValue
        | Code::ValueInvalid
        | Code::NullForNonNull
        | Code::NotCovered
        | Code::ErrorsTruncated
        | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(code: ErrorCode) -> [u16; 4] {
        [
            (StatusProfile::Audit2025, Media::Response),
            (StatusProfile::Audit2025, Media::Json),
            (StatusProfile::Draft2026, Media::Response),
            (StatusProfile::Draft2026, Media::Json),
        ]
        .map(|(profile, media)| refused_status(code, media, profile).as_u16())
    }

    #[test]
    fn request_errors_have_the_status_of_their_profile_and_media_type() {
        assert_eq!(statuses(ErrorCode::GraphqlParseFailed), [400, 200, 400, 400]);
        assert_eq!(statuses(ErrorCode::GraphqlValidationFailed), [400, 200, 422, 422]);
        assert_eq!(statuses(ErrorCode::BadUserInput), [400, 200, 422, 422]);
        assert_eq!(statuses(ErrorCode::TokensLimit), [400, 200, 422, 422]);
        assert_eq!(statuses(ErrorCode::DeadlineExceeded), [504; 4]);
        assert_eq!(statuses(ErrorCode::Internal), [500; 4]);
    }

    #[test]
    fn no_request_error_is_a_success_in_the_newer_media_type() {
        for &code in ErrorCode::ALL {
            assert!(
                refused_status(code, Media::Response, StatusProfile::Audit2025).as_u16() >= 400,
                "{code:?}"
            );
            assert!(
                refused_status(code, Media::Response, StatusProfile::Draft2026).as_u16() >= 400,
                "{code:?}"
            );
        }
    }

    #[test]
    fn partial_answers_are_294_in_the_edition_of_2026_only() {
        assert_eq!(data_status(true, Media::Response, StatusProfile::Draft2026).as_u16(), 294);
        assert_eq!(data_status(true, Media::Json, StatusProfile::Draft2026).as_u16(), 200);
        assert_eq!(data_status(false, Media::Response, StatusProfile::Draft2026).as_u16(), 200);
        assert_eq!(data_status(true, Media::Response, StatusProfile::Audit2025).as_u16(), 200);
    }
}
