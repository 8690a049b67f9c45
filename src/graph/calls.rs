//! Calls: what is sent to a backend, and where an answer has what is wanted of it.

use std::sync::Arc;
use std::time::Duration;

use super::{ArgumentPath, BackendId, CallId, CallOrder, Normalizer, SlotId, Stale, TypeId};
use crate::mapping::AnswerSchema;
use crate::template::{BodyTemplate, Expression, HeaderTemplate, UrlTemplate, XmlTemplate};

#[derive(Debug)]
pub struct Call {
    pub name: Arc<str>,
    pub backend: BackendId,
    /// Identifies the compiled call, the mappings of its backend, and the backend binding, for cache keys.
    pub fingerprint: u64,
    pub request: RequestTemplate,
    /// Which run-time inputs the request reads: these, and only these, are in the cache key.
    pub inputs: Vec<Input>,
    pub keys: KeyMode,
    pub pages: Option<Pages>,
    /// The order in which its records come, where that is by time.
    pub order: Option<CallOrder>,
    /// Where the records are in the answer. `None`: the answer itself is the one record.
    pub records: Option<crate::mapping::Path>,
    /// The test that a record is one at all: others are passed over.
    pub only: Option<Predicate>,
    /// The key or keys that each record answers, one path for each part of the key; empty when the call has at most one key.
    pub answers: Vec<crate::mapping::Path>,
    pub answers_normalizer: Normalizer,
    /// More keys that a record answers: other names of one and the same record.
    pub also: Option<OtherKeys>,
    /// In a record: the records inside it, which answer what it answers. `None`: the record is one itself.
    pub inside: Option<crate::mapping::Path>,
    /// Where `projection: paths`: what stands before the names that records inside need, `Opportunity.`
    pub inside_name: Option<Arc<str>>,
    /// In a record with others inside: truthy where they are not all there.
    pub cut: Option<crate::mapping::Path>,
    /// The most records for one key, by the vendor's word: plans reckon with it where the pages do not say.
    pub longest: Option<u64>,
    pub success: Option<Predicate>,
    pub errors: ErrorPaths,
    /// Where an answer that is none as a whole tells of keys that it refuses.
    pub refused: Option<Refused>,
    /// HTTP statuses (and SOAP fault codes) that mean "there is no such record".
    pub missing: Vec<Arc<str>>,
    /// The request reads `$fields`: answers hold only the slots that were asked for.
    pub projects: bool,
    /// Names to ask for whatever is selected: those that `answers` reads.
    pub needs: Vec<Arc<str>>,
    pub ttl: Option<Duration>,
    /// How long past its time what it gave may be used, where the vendor file says.
    pub stale: Stale<Option<Duration>>,
    pub timeout: Duration,
    /// Reads are cached and shared; writes are sent once, awaited, and drop entries.
    pub effect: Effect,
    /// The place of its group among those of its backend's policy.
    pub group: usize,
    /// The header that names a write, so that one that comes twice is done once, lower case.
    pub idempotency_header: Option<Arc<str>>,
    /// A write of it that comes twice is done once by itself. Writes that neither this nor a name makes so are sent once.
    pub is_idempotent: bool,
    pub drops: Vec<Drop>,
    /// Words by which an operator drops what this call has given.
    pub tags: Vec<Arc<str>>,
    /// By-id calls whose cache entries this call's records fill (same shape, key kind by slot).
    pub fills: Vec<Fill>,
    pub answer_limits: AnswerLimits,
    /// What answers must be like; `None` also where breaking it is to have no effect.
    pub contract: Option<Contract>,
}

/// Keys that stand in texts, several in one: ids that were merged into a record, its further addresses.
#[derive(Debug)]
pub struct OtherKeys {
    pub paths: Vec<crate::mapping::Path>,
    /// What stands between two of them.
    pub on: Option<Arc<str>>,
    /// Only so many characters of each, from the beginning.
    pub length: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Read,
    Write,
}

#[derive(Debug)]
pub struct Fill {
    pub call: CallId,
    pub slots: Vec<SlotId>,
}

/// What a mutation makes stale.
#[derive(Debug)]
pub enum Drop {
    Type(TypeId),
    Entity { ty: TypeId, id: Expression },
}

/// A JSON Schema of a call's answers, and what becomes of an answer that breaks it.
#[derive(Clone, Debug)]
pub struct Contract {
    pub schema: Arc<AnswerSchema>,
    pub on_violation: OnViolation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnViolation {
    /// The answer counts as none.
    Refuse,
    /// The answer is used, and the log tells.
    #[default]
    Warn,
    /// Answers are not looked at.
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    pub body_bytes: usize,
    pub depth: usize,
}

/// How keys become calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMode {
    /// The call takes no key.
    None,
    /// One key a call, this many at once.
    PerKey { parallel: usize },
    /// Up to `keys` keys in one call (and `bytes` of key text), one call a chunk.
    Batch {
        keys: usize,
        bytes: usize,
        parallel: usize,
        /// Statuses at which a chunk is halved to find the key that the backend refuses.
        split_on: Vec<u16>,
    },
}

#[derive(Debug)]
pub struct Pages {
    pub next: NextPage,
    /// Variables that the next page's request needs besides, with their places in the answer: a search's id.
    pub carry: Vec<(Arc<str>, crate::mapping::Path)>,
    /// Where the answer says that there is more; without it, the next page's values decide.
    pub more: Option<crate::mapping::Path>,
    /// The variable that carries the page size, and the vendor's bounds.
    pub size: Option<PageSize>,
    /// Pages of one drain, or of one connection page, at the most.
    pub max_pages: u32,
    /// Where the answer says how many there are in all, if it does.
    pub total: Option<crate::mapping::Path>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    pub variable: Arc<str>,
    pub min: u32,
    pub max: u32,
}

impl PageSize {
    /// What the vendor is asked for when this many are wanted.
    pub fn asked(&self, wanted: Option<u32>) -> u32 {
        wanted.map_or(self.max, |wanted| wanted.max(self.min).min(self.max))
    }
}

#[derive(Debug)]
pub enum NextPage {
    /// Values for variables, from the answer; null or missing means there is no next page.
    Cursor(Vec<(Arc<str>, crate::mapping::Path)>),
    /// A page number that counts up.
    Page { variable: Arc<str>, start: u32 },
    /// A record number that counts up.
    Offset { variable: Arc<str>, start: u32 },
    /// An RFC 8288 `Link` header: the declared query parameters of the link with this relation are kept, nothing else.
    LinkHeader { relation: Arc<str>, parameters: Vec<Arc<str>> },
    /// The same for a link in the answer.
    BodyLink {
        path: crate::mapping::Path,
        parameters: Vec<Arc<str>>,
        /// The variable that takes the last segment of the link's path.
        segment: Option<Arc<str>>,
    },
}

/// A test on an answer: for APIs that say 200 with an error inside.
#[derive(Debug)]
pub struct Predicate {
    pub path: crate::mapping::Path,
    /// One of these texts (`true`, `ok`, `0`); empty: present and not null.
    pub is: Vec<Arc<str>>,
    /// The texts that mean failure; used when `is` is empty.
    pub is_not: Vec<Arc<str>>,
}

#[derive(Debug, Default)]
pub struct ErrorPaths {
    pub message: Option<crate::mapping::Path>,
    pub code: Option<crate::mapping::Path>,
    /// Codes that mean "no more for now", whatever the status; one that ends in `*` is a beginning.
    pub throttled: Vec<Arc<str>>,
    /// Codes that mean that the backend itself has failed.
    pub unavailable: Vec<Arc<str>>,
}

/// What an answer says of single keys: "not this one, and why".
#[derive(Debug)]
pub struct Refused {
    /// Each is about one record.
    pub records: crate::mapping::Path,
    /// In each: the test that it is no refusal.
    pub success: Option<Predicate>,
    /// In each: why.
    pub errors: ErrorPaths,
    /// In each: which keys it is about. Empty: all that no record answers.
    pub keys: Vec<crate::mapping::Path>,
}

/// A value that a request reads at run time besides its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    Argument(ArgumentPath),
    /// A client header that the deployment forwards, lower case.
    Header(Arc<str>),
    Claim(Arc<str>),
}

#[derive(Debug)]
pub enum RequestTemplate {
    Rest(RestTemplate),
    Soap(SoapTemplate),
}

#[derive(Debug)]
pub struct RestTemplate {
    pub method: Method,
    pub url: UrlTemplate,
    /// Appended to the query after the template's own; a null value leaves the parameter out, a list repeats it.
    pub query: Vec<(Arc<str>, Expression)>,
    pub headers: Vec<(Arc<str>, HeaderTemplate)>,
    /// Names that `url` may use, besides `key`, page variables.
    pub variables: Vec<(Arc<str>, Expression)>,
    pub body: Option<BodyTemplate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
        }
    }
}

#[derive(Debug)]
pub struct SoapTemplate {
    /// Below the backend's URL; empty when the backend's URL is the endpoint.
    pub url: UrlTemplate,
    pub version: SoapVersion,
    pub action: Arc<str>,
    /// The whole envelope, every value escaped.
    pub envelope: XmlTemplate,
    pub headers: Vec<(Arc<str>, HeaderTemplate)>,
    pub variables: Vec<(Arc<str>, Expression)>,
    /// Local names that are lists even when they occur once.
    pub lists: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoapVersion {
    V1_1,
    V1_2,
}
