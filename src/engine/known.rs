//! Known operations: documents that a request names instead of sending them.
//!
//! Trusted documents come with the deployment. Automatic persisted queries are sent once by a client, with their hash, and
//! kept as long as there is room. A deployment may run known operations alone.

use std::sync::Arc;

use moka::sync::Cache;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::Request;
use crate::config::settings::{KnownMode, KnownOperations};
use crate::error::{ErrorCode, RequestError};
use crate::operation;

/// No scheme of ids makes longer ones.
const ID_BYTES_MAX: usize = 256;

#[derive(Debug)]
pub(super) struct Known {
    trusted: FxHashMap<Arc<str>, Arc<str>>,
    /// The same documents by their text; filled only where the mode compares texts.
    texts: FxHashSet<Arc<str>>,
    /// Documents by the hash of their text, in hexadecimal digits. `None`: clients may not register any.
    automatic: Option<Cache<Box<str>, Arc<str>>>,
    mode: KnownMode,
}

/// The document that a request means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// A known one, by its id.
    Known { id: Box<str>, document: Arc<str> },
    /// The request's own text, to be kept under this id once it has proved valid.
    New { id: Box<str> },
    /// The request's own text.
    Text,
}

/// An id as a request gives it.
struct Named<'a> {
    id: &'a str,
    /// By `extensions.persistedQuery`, Apollo's protocol: a hash, and errors that its clients understand.
    is_hash: bool,
}

impl Known {
    pub(super) fn new(settings: &KnownOperations) -> Self {
        let trusted: FxHashMap<Arc<str>, Arc<str>> = settings
            .documents
            .iter()
            .flat_map(|document| {
                document.ids.iter().map(|id| (Arc::clone(id), Arc::clone(&document.text)))
            })
            .collect();
        let texts = match settings.mode {
            KnownMode::Safelist => trusted.values().cloned().collect(),
            KnownMode::Open | KnownMode::Ids => FxHashSet::default(),
        };
        let automatic = settings.automatic_bytes.filter(|_| settings.mode == KnownMode::Open);
        let automatic =
            automatic.map(|bytes| Cache::builder().max_capacity(bytes).weigher(weight).build());
        Self { trusted, texts, automatic, mode: settings.mode }
    }

    /// What this request asks to run, or why it may not.
    pub(super) fn find(&self, request: &Request) -> Result<Meant, RequestError> {
        let text = request.query.as_str();
        let Some(named) = named(request)? else { return self.admit(text).map(|()| Meant::Text) };
        if let Some((id, document)) = self.trusted.get_key_value(named.id) {
            if !text.is_empty() && *text != **document {
                return Err(mismatch());
            }
            return Ok(Meant::Known { id: Box::from(&**id), document: Arc::clone(document) });
        }
        if text.is_empty() {
            return self.kept(&named);
        }
        self.admit(text)?;
        match &self.automatic {
            Some(_) if named.is_hash && matches_hash(text, named.id) => {
                Ok(Meant::New { id: Box::from(named.id.to_ascii_lowercase()) })
            }
            _ if named.is_hash && !matches_hash(text, named.id) => Err(mismatch()),
            None if named.is_hash && self.trusted.is_empty() => Err(not_supported()),
            // an id of a client's own list beside the whole text says nothing to us
            _ => Ok(Meant::Text),
        }
    }

    /// Keeps a document that a client sent with its hash.
    pub(super) fn keep(&self, id: Box<str>, document: &str) {
        if let Some(automatic) = &self.automatic {
            automatic.insert(id, Arc::from(document));
        }
    }

    /// Keeps what clients registered with another, as far as there is room.
    pub(super) fn keep_all_of(&self, other: &Self) {
        for (id, document) in other.automatic.iter().flat_map(Cache::iter) {
            self.keep((*id).clone(), &document);
        }
    }

    /// Whether free text may run here.
    fn admit(&self, text: &str) -> Result<(), RequestError> {
        match self.mode {
            KnownMode::Open => Ok(()),
            KnownMode::Safelist if self.texts.contains(text) => Ok(()),
            KnownMode::Safelist => Err(RequestError::new(
                ErrorCode::QueryNotInSafelist,
                "this operation is not one of those that are served here; they are compared byte by byte",
            )),
            KnownMode::Ids => Err(RequestError::new(
                ErrorCode::PersistedQueryIdRequired,
                "only known operations are served here: send the operation's id and no text",
            )),
        }
    }

    fn kept(&self, named: &Named<'_>) -> Result<Meant, RequestError> {
        let Some(automatic) = &self.automatic else {
            let is_supported = !self.trusted.is_empty() || self.mode != KnownMode::Open;
            return Err(if is_supported { not_found() } else { not_supported() });
        };
        let id = named.id.to_ascii_lowercase();
        match automatic.get(id.as_str()) {
            Some(document) => Ok(Meant::Known { id: id.into(), document }),
            None => Err(not_found()),
        }
    }
}

#[expect(clippy::borrowed_box, reason = "the signature is moka's")]
fn weight(id: &Box<str>, document: &Arc<str>) -> u32 {
    u32::try_from(id.len() + document.len()).unwrap_or(u32::MAX)
}

/// The id in a request. Two that differ are a mistake that is not ours to settle.
fn named(request: &Request) -> Result<Option<Named<'_>>, RequestError> {
    let by_hash = request.extensions.get("persistedQuery").filter(|value| !value.is_null());
    let hash = by_hash.map(hash_of).transpose()?;
    let plain = request.id.as_deref().map(|id| id.strip_prefix("sha256:").unwrap_or(id));
    let named = match (hash, plain) {
        (Some(hash), Some(id)) if !hash.eq_ignore_ascii_case(id) => {
            return Err(bad("the request names two operations by different ids"));
        }
        (Some(id), _) => Named { id, is_hash: true },
        (None, Some(id)) => Named { id, is_hash: false },
        (None, None) => return Ok(None),
    };
    if named.id.is_empty() || named.id.len() > ID_BYTES_MAX {
        return Err(bad("an operation's id is between 1 and 256 bytes long"));
    }
    Ok(Some(named))
}

fn hash_of(extension: &Value) -> Result<&str, RequestError> {
    let Value::Object(members) = extension else {
        return Err(bad("`extensions.persistedQuery` must be an object"));
    };
    if members.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(bad("Unsupported persisted query version: `version` must be 1"));
    }
    members
        .get("sha256Hash")
        .and_then(Value::as_str)
        .ok_or_else(|| bad("`extensions.persistedQuery.sha256Hash` must be a string"))
}

fn matches_hash(text: &str, hash: &str) -> bool {
    operation::hash(text).eq_ignore_ascii_case(hash)
}

fn bad(message: &str) -> RequestError {
    RequestError::new(ErrorCode::BadRequest, message)
}

// Apollo's clients compare these three messages, or their codes.

fn not_found() -> RequestError {
    RequestError::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound")
}

fn not_supported() -> RequestError {
    RequestError::new(ErrorCode::PersistedQueryNotSupported, "PersistedQueryNotSupported")
}

fn mismatch() -> RequestError {
    RequestError::new(ErrorCode::PersistedQueryHashMismatch, "provided sha does not match query")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::KnownDocument;

    fn trusted(mode: KnownMode) -> Known {
        let document = KnownDocument { ids: vec![Arc::from("one")], text: Arc::from("{ a }") };
        let documents = vec![document].into();
        Known::new(&KnownOperations { mode, documents, automatic_bytes: Some(1000) })
    }

    fn request(text: &str, id: Option<&str>, hash: Option<&str>) -> Request {
        let mut request =
            Request { query: text.to_owned(), id: id.map(str::to_owned), ..Request::default() };
        if let Some(hash) = hash {
            let value = serde_json::json!({ "version": 1, "sha256Hash": hash });
            request.extensions.insert("persistedQuery".to_owned(), value);
        }
        request
    }

    fn code(known: &Known, request: &Request) -> &'static str {
        known.find(request).map_or_else(|error| error.code.as_str(), |_| "-")
    }

    #[test]
    fn each_mode_admits_what_it_says() {
        use KnownMode::{Ids, Open, Safelist};
        let other = operation::hash("{ b }");
        for (text, id, hash, open, safelist, ids) in [
            ("{ b }", None, None, "-", "QUERY_NOT_IN_SAFELIST", "PERSISTED_QUERY_ID_REQUIRED"),
            ("{ a }", None, None, "-", "-", "PERSISTED_QUERY_ID_REQUIRED"),
            ("{  a }", None, None, "-", "QUERY_NOT_IN_SAFELIST", "PERSISTED_QUERY_ID_REQUIRED"),
            ("", Some("one"), None, "-", "-", "-"),
            ("{ a }", Some("one"), None, "-", "-", "-"),
            (
                "{ b }",
                Some("one"),
                None,
                "PERSISTED_QUERY_HASH_MISMATCH",
                "PERSISTED_QUERY_HASH_MISMATCH",
                "PERSISTED_QUERY_HASH_MISMATCH",
            ),
            ("", None, Some("one"), "-", "-", "-"),
            (
                "",
                Some("two"),
                None,
                "PERSISTED_QUERY_NOT_FOUND",
                "PERSISTED_QUERY_NOT_FOUND",
                "PERSISTED_QUERY_NOT_FOUND",
            ),
            (
                "{ b }",
                None,
                Some(other.as_str()),
                "-",
                "QUERY_NOT_IN_SAFELIST",
                "PERSISTED_QUERY_ID_REQUIRED",
            ),
            (
                "{ b }",
                Some("two"),
                None,
                "-",
                "QUERY_NOT_IN_SAFELIST",
                "PERSISTED_QUERY_ID_REQUIRED",
            ),
        ] {
            let request = request(text, id, hash);
            let found = [Open, Safelist, Ids].map(|mode| code(&trusted(mode), &request));
            assert_eq!(found, [open, safelist, ids], "{text:?} {id:?} {hash:?}");
        }
    }

    #[test]
    fn a_text_is_kept_by_its_own_hash_and_by_no_other() {
        let known = trusted(KnownMode::Open);
        let hash = operation::hash("{ b }");
        assert_eq!(code(&known, &request("", None, Some(&hash))), "PERSISTED_QUERY_NOT_FOUND");
        assert_eq!(
            code(&known, &request("{ c }", None, Some(&hash))),
            "PERSISTED_QUERY_HASH_MISMATCH"
        );
        let upper = hash.to_uppercase();
        let Ok(Meant::New { id }) = known.find(&request("{ b }", None, Some(&upper))) else {
            panic!("not new")
        };
        known.keep(id, "{ b }");
        for request in
            [request("", None, Some(&upper)), request("", Some(&format!("sha256:{hash}")), None)]
        {
            assert!(
                matches!(known.find(&request), Ok(Meant::Known { document, .. }) if *document == *"{ b }")
            );
        }
    }

    #[test]
    fn where_nothing_is_kept_clients_are_told_so() {
        let settings = KnownOperations { automatic_bytes: None, ..KnownOperations::default() };
        let known = Known::new(&settings);
        for text in ["", "{ a }"] {
            let request = request(text, None, Some(&operation::hash("{ a }")));
            assert_eq!(code(&known, &request), "PERSISTED_QUERY_NOT_SUPPORTED");
        }
    }

    #[test]
    fn documents_are_kept_within_their_bytes() {
        let known = trusted(KnownMode::Open);
        for number in 0..100 {
            let text = format!("{{ a{number} }}");
            known.keep(operation::hash(&text).into(), &text);
        }
        let automatic = known.automatic.as_ref().unwrap();
        automatic.run_pending_tasks();
        assert!((1..=14).contains(&automatic.entry_count()), "{}", automatic.entry_count());
    }

    #[test]
    fn ids_that_cannot_be_are_refused() {
        let known = trusted(KnownMode::Open);
        let long = "x".repeat(ID_BYTES_MAX + 1);
        for (id, hash) in [(Some(""), None), (Some(long.as_str()), None), (Some("a"), Some("b"))] {
            assert_eq!(code(&known, &request("", id, hash)), "BAD_REQUEST");
        }
        for extension in [
            serde_json::json!(3),
            serde_json::json!({ "version": 2, "sha256Hash": "a" }),
            serde_json::json!({ "sha256Hash": "a" }),
            serde_json::json!({ "version": 1 }),
            serde_json::json!({ "version": 1, "sha256Hash": 1 }),
        ] {
            let mut request = request("{ a }", None, None);
            request.extensions.insert("persistedQuery".to_owned(), extension);
            assert_eq!(code(&known, &request), "BAD_REQUEST");
        }
    }
}
