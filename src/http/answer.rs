//! From an outcome to an HTTP answer: status, media type, error bodies.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;

use super::StatusProfile;
use super::accept::Media;
use crate::engine::{self, Outcome};
use crate::error::{ErrorCode, RequestError};

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
    let media = if status.is_success() || profile == StatusProfile::Audit2025 {
        media
    } else {
        Media::Response
    };
    build(status, media.content_type(), response.body)
}

/// A request that never reached the engine. Its body is a GraphQL error all the same.
pub(super) fn refusal(status: StatusCode, error: &RequestError) -> Response {
    build(status, Media::Json.content_type(), error_body(error))
}

/// As [`refusal`], in the media type that was agreed on.
pub(super) fn refusal_in(media: Media, status: StatusCode, error: &RequestError) -> Response {
    build(status, media.content_type(), error_body(error))
}

fn build(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
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
        | Code::DocumentBytesLimit
        | Code::TokensLimit
        | Code::NestingLimit
        | Code::DepthLimit
        | Code::SelectionsLimit
        | Code::AliasesLimit
        | Code::RootFieldsLimit
        | Code::OperationsLimit
        | Code::FragmentVariablesLimit
        | Code::DirectivesLimit
        | Code::VariablesLimit
        | Code::ConditionsLimit
        | Code::ObjectsLimit => StatusCode::UNPROCESSABLE_ENTITY,
        Code::UnauthorizedFieldOrType => StatusCode::FORBIDDEN,
        Code::DeadlineExceeded | Code::BackendTimeout => StatusCode::GATEWAY_TIMEOUT,
        Code::BackendUnavailable
        | Code::BackendRejected
        | Code::BackendUnauthorized
        | Code::BackendNotFound
        | Code::BackendRateLimited
        | Code::BackendInvalidAnswer
        | Code::BackendAnswerTooLarge
        | Code::BackendFault
        | Code::OutcomeUnknown
        | Code::SourceUnavailable => StatusCode::BAD_GATEWAY,
        Code::RequestNotBuilt
        | Code::Ambiguous
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
