//! The errors of a request: closed enums, one code each, safe text for clients apart from the cause for the log.
//!
//! Takes: what went wrong, where it was noticed.
//! Gives: the code and the text that a client may see; the chain of causes for the log.
//! Never: lets a backend's body, URL, header or secret into text that a client sees.

mod backend;

pub use backend::{BackendError, BackendFailure, LoadError};

/// `extensions.code` of every error that a client can meet. `docs/error-codes.md` has a row for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    BadRequest,
    BodyTooLarge,
    UnsupportedMediaType,
    NotAcceptable,
    MethodNotAllowed,
    HostNotAllowed,
    CsrfError,
    BatchingNotEnabled,
    BatchLimitExceeded,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    BadUserInput,
    OperationResolutionFailure,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    PersistedQueryHashMismatch,
    PersistedQueryIdRequired,
    QueryNotInSafelist,
    SocketOperationsLimit,
    StreamNotFound,
    StreamConflict,
    StreamsLimit,
    StreamOperationsLimit,
    Overloaded,
    RateLimited,
    // the limits
    DocumentBytesLimit,
    TokensLimit,
    NestingLimit,
    DepthLimit,
    SelectionsLimit,
    SpreadTokensLimit,
    SpreadBytesLimit,
    StepsLimit,
    AliasesLimit,
    RootFieldsLimit,
    OperationsLimit,
    FragmentVariablesLimit,
    DirectivesLimit,
    DuplicatesLimit,
    ListItemsLimit,
    IntrospectionDepthLimit,
    VariablesLimit,
    ConditionsLimit,
    PageSizeLimit,
    PagesLimit,
    ObjectsLimit,
    KeyBytesLimit,
    CostEstimatedTooExpensive,
    CostCallsLimit,
    ErrorsTruncated,
    UnauthorizedFieldOrType,
    // backends
    BackendUnavailable,
    BackendTimeout,
    BackendRejected,
    BackendUnauthorized,
    BackendUntrusted,
    BackendNotFound,
    BackendRateLimited,
    BackendInvalidAnswer,
    ContractViolated,
    BackendAnswerTooLarge,
    BackendFault,
    RequestNotBuilt,
    DeadlineExceeded,
    OutcomeUnknown,
    Ambiguous,
    BlockedValue,
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
        Self::HostNotAllowed,
        Self::CsrfError,
        Self::BatchingNotEnabled,
        Self::BatchLimitExceeded,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::OperationResolutionFailure,
        Self::PersistedQueryNotFound,
        Self::PersistedQueryNotSupported,
        Self::PersistedQueryHashMismatch,
        Self::PersistedQueryIdRequired,
        Self::QueryNotInSafelist,
        Self::SocketOperationsLimit,
        Self::StreamNotFound,
        Self::StreamConflict,
        Self::StreamsLimit,
        Self::StreamOperationsLimit,
        Self::Overloaded,
        Self::RateLimited,
        Self::DocumentBytesLimit,
        Self::TokensLimit,
        Self::NestingLimit,
        Self::DepthLimit,
        Self::SelectionsLimit,
        Self::SpreadTokensLimit,
        Self::SpreadBytesLimit,
        Self::StepsLimit,
        Self::AliasesLimit,
        Self::RootFieldsLimit,
        Self::OperationsLimit,
        Self::FragmentVariablesLimit,
        Self::DirectivesLimit,
        Self::DuplicatesLimit,
        Self::ListItemsLimit,
        Self::IntrospectionDepthLimit,
        Self::VariablesLimit,
        Self::ConditionsLimit,
        Self::PageSizeLimit,
        Self::PagesLimit,
        Self::ObjectsLimit,
        Self::KeyBytesLimit,
        Self::CostEstimatedTooExpensive,
        Self::CostCallsLimit,
        Self::ErrorsTruncated,
        Self::UnauthorizedFieldOrType,
        Self::BackendUnavailable,
        Self::BackendTimeout,
        Self::BackendRejected,
        Self::BackendUnauthorized,
        Self::BackendUntrusted,
        Self::BackendNotFound,
        Self::BackendRateLimited,
        Self::BackendInvalidAnswer,
        Self::ContractViolated,
        Self::BackendAnswerTooLarge,
        Self::BackendFault,
        Self::RequestNotBuilt,
        Self::DeadlineExceeded,
        Self::OutcomeUnknown,
        Self::Ambiguous,
        Self::BlockedValue,
        Self::ValueInvalid,
        Self::NullForNonNull,
        Self::SourceUnavailable,
        Self::NotCovered,
        Self::Internal,
    ];

    #[expect(clippy::too_many_lines, reason = "a line for each code")]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::NotAcceptable => "NOT_ACCEPTABLE",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::HostNotAllowed => "HOST_NOT_ALLOWED",
            Self::CsrfError => "CSRF_ERROR",
            Self::BatchingNotEnabled => "BATCHING_NOT_ENABLED",
            Self::BatchLimitExceeded => "BATCH_LIMIT_EXCEEDED",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::OperationResolutionFailure => "OPERATION_RESOLUTION_FAILURE",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::PersistedQueryHashMismatch => "PERSISTED_QUERY_HASH_MISMATCH",
            Self::PersistedQueryIdRequired => "PERSISTED_QUERY_ID_REQUIRED",
            Self::QueryNotInSafelist => "QUERY_NOT_IN_SAFELIST",
            Self::SocketOperationsLimit => "SOCKET_OPERATIONS_LIMIT",
            Self::StreamNotFound => "STREAM_NOT_FOUND",
            Self::StreamConflict => "STREAM_CONFLICT",
            Self::StreamsLimit => "STREAMS_LIMIT",
            Self::StreamOperationsLimit => "STREAM_OPERATIONS_LIMIT",
            Self::Overloaded => "OVERLOADED",
            Self::RateLimited => "RATE_LIMITED",
            Self::DocumentBytesLimit => "DOCUMENT_BYTES_LIMIT",
            Self::TokensLimit => "TOKENS_LIMIT",
            Self::NestingLimit => "NESTING_LIMIT",
            Self::DepthLimit => "DEPTH_LIMIT",
            Self::SelectionsLimit => "SELECTIONS_LIMIT",
            Self::SpreadTokensLimit => "SPREAD_TOKENS_LIMIT",
            Self::SpreadBytesLimit => "SPREAD_BYTES_LIMIT",
            Self::StepsLimit => "STEPS_LIMIT",
            Self::AliasesLimit => "ALIASES_LIMIT",
            Self::RootFieldsLimit => "ROOT_FIELDS_LIMIT",
            Self::OperationsLimit => "OPERATIONS_LIMIT",
            Self::FragmentVariablesLimit => "FRAGMENT_VARIABLES_LIMIT",
            Self::DirectivesLimit => "DIRECTIVES_LIMIT",
            Self::DuplicatesLimit => "DUPLICATES_LIMIT",
            Self::ListItemsLimit => "LIST_ITEMS_LIMIT",
            Self::IntrospectionDepthLimit => "INTROSPECTION_DEPTH_LIMIT",
            Self::VariablesLimit => "VARIABLES_LIMIT",
            Self::ConditionsLimit => "CONDITIONS_LIMIT",
            Self::PageSizeLimit => "PAGE_SIZE_LIMIT",
            Self::PagesLimit => "PAGES_LIMIT",
            Self::ObjectsLimit => "OBJECTS_LIMIT",
            Self::KeyBytesLimit => "KEY_BYTES_LIMIT",
            Self::CostEstimatedTooExpensive => "COST_ESTIMATED_TOO_EXPENSIVE",
            Self::CostCallsLimit => "COST_CALLS_LIMIT",
            Self::ErrorsTruncated => "ERRORS_TRUNCATED",
            Self::UnauthorizedFieldOrType => "UNAUTHORIZED_FIELD_OR_TYPE",
            Self::BackendUnavailable => "BACKEND_UNAVAILABLE",
            Self::BackendTimeout => "BACKEND_TIMEOUT",
            Self::BackendRejected => "BACKEND_REJECTED",
            Self::BackendUnauthorized => "BACKEND_UNAUTHORIZED",
            Self::BackendUntrusted => "BACKEND_UNTRUSTED",
            Self::BackendNotFound => "BACKEND_NOT_FOUND",
            Self::BackendRateLimited => "BACKEND_RATE_LIMITED",
            Self::BackendInvalidAnswer => "BACKEND_INVALID_ANSWER",
            Self::ContractViolated => "CONTRACT_VIOLATED",
            Self::BackendAnswerTooLarge => "BACKEND_ANSWER_TOO_LARGE",
            Self::BackendFault => "BACKEND_FAULT",
            Self::RequestNotBuilt => "REQUEST_NOT_BUILT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::Ambiguous => "AMBIGUOUS",
            Self::BlockedValue => "BLOCKED_VALUE",
            Self::ValueInvalid => "VALUE_INVALID",
            Self::NullForNonNull => "NULL_FOR_NON_NULL",
            Self::SourceUnavailable => "SOURCE_UNAVAILABLE",
            Self::NotCovered => "NOT_COVERED",
            Self::Internal => "INTERNAL",
        }
    }
}

impl ErrorCode {
    /// Whether the same may be had a little later, when a backend or the network is in a better state.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::BackendUnavailable
                | Self::BackendTimeout
                | Self::BackendRateLimited
                | Self::DeadlineExceeded
                | Self::SourceUnavailable
        )
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
