//! The errors of a request: closed enums, one code each, safe text for clients apart from the cause for the log.
//!
//! Takes: what went wrong, where it was noticed.
//! Gives: the code and the text that a client may see; the chain of causes for the log.
//! Never: lets a backend's body, URL, header or secret into text that a client sees.

use std::sync::Arc;

/// `extensions.code` of every error that a client can meet. `docs/error-codes.md` has a row for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    // the request
    BadRequest,
    BodyTooLarge,
    UnsupportedMediaType,
    NotAcceptable,
    MethodNotAllowed,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    BadUserInput,
    OperationResolutionFailure,
    // the limits
    DocumentBytesLimit,
    TokensLimit,
    NestingLimit,
    DepthLimit,
    SelectionsLimit,
    AliasesLimit,
    RootFieldsLimit,
    OperationsLimit,
    FragmentVariablesLimit,
    DirectivesLimit,
    VariablesLimit,
    ConditionsLimit,
    ObjectsLimit,
    ErrorsTruncated,
    // access
    UnauthorizedFieldOrType,
    // backends
    BackendUnavailable,
    BackendTimeout,
    BackendRejected,
    BackendUnauthorized,
    BackendNotFound,
    BackendRateLimited,
    BackendInvalidAnswer,
    BackendAnswerTooLarge,
    BackendFault,
    RequestNotBuilt,
    DeadlineExceeded,
    OutcomeUnknown,
    // values
    Ambiguous,
    ValueInvalid,
    NullForNonNull,
    SourceUnavailable,
    NotCovered,
    Internal,
}

impl ErrorCode {
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::NotAcceptable,
        Self::MethodNotAllowed,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::OperationResolutionFailure,
        Self::DocumentBytesLimit,
        Self::TokensLimit,
        Self::NestingLimit,
        Self::DepthLimit,
        Self::SelectionsLimit,
        Self::AliasesLimit,
        Self::RootFieldsLimit,
        Self::OperationsLimit,
        Self::FragmentVariablesLimit,
        Self::DirectivesLimit,
        Self::VariablesLimit,
        Self::ConditionsLimit,
        Self::ObjectsLimit,
        Self::ErrorsTruncated,
        Self::UnauthorizedFieldOrType,
        Self::BackendUnavailable,
        Self::BackendTimeout,
        Self::BackendRejected,
        Self::BackendUnauthorized,
        Self::BackendNotFound,
        Self::BackendRateLimited,
        Self::BackendInvalidAnswer,
        Self::BackendAnswerTooLarge,
        Self::BackendFault,
        Self::RequestNotBuilt,
        Self::DeadlineExceeded,
        Self::OutcomeUnknown,
        Self::Ambiguous,
        Self::ValueInvalid,
        Self::NullForNonNull,
        Self::SourceUnavailable,
        Self::NotCovered,
        Self::Internal,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::DocumentBytesLimit => "DOCUMENT_BYTES_LIMIT",
            Self::TokensLimit => "TOKENS_LIMIT",
            Self::NestingLimit => "NESTING_LIMIT",
            Self::DepthLimit => "DEPTH_LIMIT",
            Self::SelectionsLimit => "SELECTIONS_LIMIT",
            Self::AliasesLimit => "ALIASES_LIMIT",
            Self::RootFieldsLimit => "ROOT_FIELDS_LIMIT",
            Self::OperationsLimit => "OPERATIONS_LIMIT",
            Self::FragmentVariablesLimit => "FRAGMENT_VARIABLES_LIMIT",
            Self::DirectivesLimit => "DIRECTIVES_LIMIT",
            Self::VariablesLimit => "VARIABLES_LIMIT",
            Self::ConditionsLimit => "CONDITIONS_LIMIT",
            Self::ObjectsLimit => "OBJECTS_LIMIT",
            Self::ErrorsTruncated => "ERRORS_TRUNCATED",
            Self::UnauthorizedFieldOrType => "UNAUTHORIZED_FIELD_OR_TYPE",
            Self::BackendUnavailable => "BACKEND_UNAVAILABLE",
            Self::BackendTimeout => "BACKEND_TIMEOUT",
            Self::BackendRejected => "BACKEND_REJECTED",
            Self::BackendUnauthorized => "BACKEND_UNAUTHORIZED",
            Self::BackendNotFound => "BACKEND_NOT_FOUND",
            Self::BackendRateLimited => "BACKEND_RATE_LIMITED",
            Self::BackendInvalidAnswer => "BACKEND_INVALID_ANSWER",
            Self::BackendAnswerTooLarge => "BACKEND_ANSWER_TOO_LARGE",
            Self::BackendFault => "BACKEND_FAULT",
            Self::RequestNotBuilt => "REQUEST_NOT_BUILT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::Ambiguous => "AMBIGUOUS",
            Self::ValueInvalid => "VALUE_INVALID",
            Self::NullForNonNull => "NULL_FOR_NON_NULL",
            Self::SourceUnavailable => "SOURCE_UNAVAILABLE",
            Self::NotCovered => "NOT_COVERED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A request that is refused before anything runs. Its text comes from the client's own words or ours, so it is safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    pub code: ErrorCode,
    pub message: String,
    pub locations: Vec<Location>,
}

impl RequestError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), locations: Vec::new() }
    }

    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.locations.push(location);
        self
    }
}

/// A place in an operation document, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    pub line: u32,
    pub column: u32,
}

/// One backend call that gave no usable answer. `Display` says what was attempted and is for the log; clients see
/// [`BackendError::code`] and the text made from it.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("the request could not be built: {reason}")]
    Build { reason: String },
    #[error("connecting")]
    Connect {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("sending the request or reading the answer")]
    Exchange {
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("no answer within {after:?}")]
    Timeout { after: std::time::Duration },
    #[error("the operation's deadline passed")]
    DeadlineExceeded,
    /// An HTTP status of 400 and above.
    #[error("status {status}")]
    Status { status: u16, code: Option<Box<str>>, message: Option<Box<str>> },
    /// A SOAP fault.
    #[error("SOAP fault {code}")]
    Fault { code: Box<str>, message: Option<Box<str>> },
    /// The answer's own success test failed.
    #[error("the answer says that it failed")]
    Unsuccessful { code: Option<Box<str>>, message: Option<Box<str>> },
    #[error("the answer could not be read: {reason}")]
    Decode { reason: String },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// A write whose answer never came: it may or may not have been done.
    #[error("a write was sent and its outcome is unknown")]
    OutcomeUnknown,
}

impl BackendError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Build { .. } => ErrorCode::RequestNotBuilt,
            Self::Timeout { .. } => ErrorCode::BackendTimeout,
            Self::DeadlineExceeded => ErrorCode::DeadlineExceeded,
            Self::Status { status: 401 | 403, .. } => ErrorCode::BackendUnauthorized,
            Self::Status { status: 404 | 410, .. } => ErrorCode::BackendNotFound,
            Self::Status { status: 429, .. } => ErrorCode::BackendRateLimited,
            Self::Status { status: 400..=499, .. } | Self::Unsuccessful { .. } => {
                ErrorCode::BackendRejected
            }
            Self::Connect { .. } | Self::Exchange { .. } | Self::Status { .. } => {
                ErrorCode::BackendUnavailable
            }
            Self::Fault { .. } => ErrorCode::BackendFault,
            Self::Decode { .. } => ErrorCode::BackendInvalidAnswer,
            Self::TooLarge { .. } => ErrorCode::BackendAnswerTooLarge,
            Self::OutcomeUnknown => ErrorCode::OutcomeUnknown,
        }
    }

    /// The backend's own code for this error, for `extensions.backendCode`: only if it looks like a code, never prose.
    pub fn backend_code(&self) -> Option<&str> {
        let code = match self {
            Self::Status { code, .. } | Self::Unsuccessful { code, .. } => code.as_deref(),
            Self::Fault { code, .. } => Some(&**code),
            _ => None,
        };
        code.filter(|code| is_code(code))
    }

    /// The backend's own message, for the log alone.
    pub fn backend_message(&self) -> Option<&str> {
        match self {
            Self::Status { message, .. }
            | Self::Unsuccessful { message, .. }
            | Self::Fault { message, .. } => message.as_deref(),
            _ => None,
        }
    }

    /// The HTTP status, if one came.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

/// Why a key has no answer: cheap to clone, one cause for many keys.
pub type LoadError = Arc<BackendFailure>;

/// A failed call with its place: which backend, which call.
#[derive(Debug, thiserror::Error)]
#[error("{role} ({vendor}): call {call}")]
pub struct BackendFailure {
    pub role: Arc<str>,
    pub vendor: Arc<str>,
    pub call: Arc<str>,
    #[source]
    pub error: BackendError,
}

/// "a: b: c" for the log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
