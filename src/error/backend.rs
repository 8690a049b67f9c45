//! Why a backend's answer is not there.

use std::sync::Arc;

use super::ErrorCode;

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
    /// Whoever answered is not who the certificate should show.
    #[error("the backend's certificate is not trusted")]
    Untrusted {
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
    /// A SOAP fault, with the HTTP status that it came with.
    #[error("SOAP fault {code}")]
    Fault { status: u16, code: Box<str>, message: Option<Box<str>> },
    /// A code that the vendor file declares to mean "no more for now", whatever the status.
    #[error("the backend takes no more for now (status {status})")]
    Throttled { status: u16, code: Option<Box<str>>, message: Option<Box<str>> },
    /// A code that the vendor file declares to mean that the backend itself has failed.
    #[error("the backend says that it failed (status {status})")]
    Unavailable { status: u16, code: Option<Box<str>>, message: Option<Box<str>> },
    /// Nothing was sent: the calls before this one have failed.
    #[error("the breaker of `{group}` is open")]
    BreakerOpen { group: Arc<str> },
    /// Nothing was sent: too many wait already.
    #[error("{waiting} attempts wait already")]
    QueueFull { waiting: usize },
    /// Nothing was sent: the backend's quota has nothing left before the operation's deadline.
    #[error("the backend's quota has nothing left for {wait:?}")]
    QuotaSpent { wait: std::time::Duration },
    /// The answer's own success test failed.
    #[error("the answer says that it failed")]
    Unsuccessful { code: Option<Box<str>>, message: Option<Box<str>> },
    #[error("the answer could not be read: {reason}")]
    Decode { reason: String },
    /// The answer is not what the call's JSON Schema says. `place` holds names of the schema alone.
    #[error("the answer breaks its schema at `{place}`: {keyword}")]
    Violated { place: String, keyword: String, count: usize },
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// Nothing was sent: there is no access token to send with it.
    #[error("no access token was got")]
    Token {
        #[source]
        source: Arc<Self>,
    },
    /// A write whose answer never came: it may or may not have been done.
    #[error("a write was sent and its outcome is unknown")]
    OutcomeUnknown,
}

impl BackendError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Build { .. } => ErrorCode::RequestNotBuilt,
            Self::Untrusted { .. } => ErrorCode::BackendUntrusted,
            Self::Token { source } => match &**source {
                Self::Status { status: 400..=428 | 430..=499, .. } => {
                    ErrorCode::BackendUnauthorized
                }
                source => source.code(),
            },
            Self::Timeout { .. } => ErrorCode::BackendTimeout,
            Self::DeadlineExceeded => ErrorCode::DeadlineExceeded,
            Self::Status { status: 401 | 403, .. } => ErrorCode::BackendUnauthorized,
            Self::Status { status: 404 | 410, .. } => ErrorCode::BackendNotFound,
            Self::Status { status: 429, .. } | Self::Throttled { .. } | Self::QuotaSpent { .. } => {
                ErrorCode::BackendRateLimited
            }
            Self::Status { status: 400..=499, .. } | Self::Unsuccessful { .. } => {
                ErrorCode::BackendRejected
            }
            Self::Connect { .. }
            | Self::Exchange { .. }
            | Self::Status { .. }
            | Self::Unavailable { .. }
            | Self::BreakerOpen { .. }
            | Self::QueueFull { .. } => ErrorCode::BackendUnavailable,
            Self::Fault { .. } => ErrorCode::BackendFault,
            Self::Decode { .. } => ErrorCode::BackendInvalidAnswer,
            Self::Violated { .. } => ErrorCode::ContractViolated,
            Self::TooLarge { .. } => ErrorCode::BackendAnswerTooLarge,
            Self::OutcomeUnknown => ErrorCode::OutcomeUnknown,
        }
    }

    /// The backend's own code for this error, for `extensions.backendCode`: only if it looks like a code, never prose.
    pub fn backend_code(&self) -> Option<&str> {
        let code = match self {
            Self::Status { code, .. }
            | Self::Unsuccessful { code, .. }
            | Self::Throttled { code, .. }
            | Self::Unavailable { code, .. } => code.as_deref(),
            Self::Fault { code, .. } => Some(&**code),
            Self::Token { source } => source.backend_code(),
            _ => None,
        };
        code.filter(|code| is_code(code))
    }

    /// The backend's own message, for the log alone.
    pub fn backend_message(&self) -> Option<&str> {
        match self {
            Self::Status { message, .. }
            | Self::Unsuccessful { message, .. }
            | Self::Throttled { message, .. }
            | Self::Unavailable { message, .. }
            | Self::Fault { message, .. } => message.as_deref(),
            _ => None,
        }
    }

    /// How often the answer breaks its schema, if that is what is wrong.
    pub fn violations(&self) -> Option<usize> {
        match self {
            Self::Violated { count, .. } => Some(*count),
            _ => None,
        }
    }

    /// The HTTP status, if one came.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. }
            | Self::Throttled { status, .. }
            | Self::Unavailable { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Of a write: whether it may have been done. An answer that nobody can read, or that a broken system gave, says nothing of what was
    /// done before it.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Build { .. }
            | Self::Connect { .. }
            | Self::Untrusted { .. }
            | Self::DeadlineExceeded
            | Self::Status { status: 400..=499, .. }
            | Self::Throttled { .. }
            | Self::BreakerOpen { .. }
            | Self::QueueFull { .. }
            | Self::QuotaSpent { .. }
            | Self::Token { .. }
            | Self::Fault { .. }
            | Self::Unsuccessful { .. } => false,
            Self::Exchange { .. }
            | Self::Timeout { .. }
            | Self::Status { .. }
            | Self::Unavailable { .. }
            | Self::Decode { .. }
            | Self::Violated { .. }
            | Self::TooLarge { .. }
            | Self::OutcomeUnknown => true,
        }
    }

    /// Nothing was sent: the policy around the call refused it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::BreakerOpen { .. } | Self::QueueFull { .. } | Self::QuotaSpent { .. })
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
