//! From a call's template and its run-time inputs to the text of a request.
//!
//! Takes: compiled templates, keys, arguments, wanted field names, page values, the caller.
//! Gives: URLs, query pairs, header values, bodies, envelopes, with every value escaped for the place that it stands in.
//! Never: lets a value change the host, add a path segment or a header, or leave a quoted string.

use std::sync::Arc;

use serde_json::Value;

use crate::error::BackendError;
use crate::graph::{ArgumentPath, Input, NextPage, Normalizer, Pages, RequestTemplate, TypeId};
use crate::principal::Principal;
use crate::value::{Key, PageState, Validators};

mod body;
mod expression;
mod header;
mod percent;
mod pieces;
mod quoted;
mod url;
mod whole;
mod xml;

pub use body::{Body, BodyTemplate};
pub use expression::Expression;
pub use header::{HeaderTemplate, forbidden_header};
pub(crate) use percent::encode;
pub use percent::push_pair;
pub use quoted::{Dialect, QuotedTemplate};
pub use url::{Target, UrlTemplate};
pub use xml::XmlTemplate;

pub(crate) use expression::text;
pub(crate) use percent::encode as percent_encode;

/// What a request may read at run time.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The keys of this chunk, sorted; one for `per_key`, none for a call without keys.
    pub keys: &'a [Key],
    /// The field's coerced arguments; opaque ids already replaced by remote keys.
    pub arguments: &'a serde_json::Map<String, Value>,
    /// Names of the properties to ask for (`$fields`), sorted, without duplicates.
    pub fields: &'a [Arc<str>],
    pub page: Option<&'a PageState>,
    pub page_size: Option<u32>,
    pub principal: &'a Principal,
    /// By what the backend knows the answer that is there already: it is asked only for another one.
    pub known: Option<&'a Validators>,
}

/// A template that could not be read: what is wrong, and where (a byte offset into its text).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub offset: usize,
    pub message: String,
}

impl TemplateError {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}

/// One thing that a request reads at run time, for `compile`: to check the names, and to know what a cache key must hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// The one key of the call (`$key`, `{key}`): such a call cannot be a batch.
    Key,
    /// The keys of the chunk, however many (`$keys`, `{ each_key: … }`, `{each}`).
    Keys,
    Fields,
    /// An argument; the empty path is all of them. `id_of`: it must be an opaque id of this type.
    Argument {
        path: Vec<Arc<str>>,
        id_of: Option<TypeId>,
    },
    Header(Arc<str>),
    Claim(Arc<str>),
    /// A `with` name, a page variable, or the page size's.
    Variable(Arc<str>),
}

/// Sorted, each once.
pub(crate) fn unique(mut reads: Vec<Read>) -> Vec<Read> {
    reads.sort();
    reads.dedup();
    reads
}

impl RequestTemplate {
    /// Everything that the request reads, `with` values included. The backend's own headers are not part of it.
    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        let (headers, variables) = match self {
            Self::Rest(rest) => {
                reads.extend(rest.url.reads());
                reads.extend(rest.query.iter().flat_map(|(_, value)| value.reads()));
                reads.extend(rest.body.iter().flat_map(BodyTemplate::reads));
                (&rest.headers, &rest.variables)
            }
            Self::Soap(soap) => {
                reads.extend(soap.url.reads());
                reads.extend(soap.envelope.reads());
                (&soap.headers, &soap.variables)
            }
        };
        reads.extend(headers.iter().flat_map(|(_, value)| value.reads()));
        reads.extend(variables.iter().flat_map(|(_, value)| value.reads()));
        unique(reads)
    }

    /// The part of [`Self::reads`] that belongs into a cache key beside the key itself.
    pub fn inputs(&self) -> Vec<Input> {
        inputs_of(&self.reads())
    }
}

/// The reads that depend on who asks and with what: arguments, headers, claims; each once.
pub fn inputs_of(reads: &[Read]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    for read in reads {
        let input = match read {
            Read::Argument { path, id_of } => {
                let held = inputs.iter_mut().find_map(|input| match input {
                    Input::Argument(argument) if argument.path == *path => Some(argument),
                    _ => None,
                });
                if let Some(argument) = held {
                    argument.id_of = argument.id_of.or(*id_of);
                    continue;
                }
                Input::Argument(ArgumentPath {
                    path: path.clone(),
                    id_of: *id_of,
                    normalizer: Normalizer::Exact,
                })
            }
            Read::Header(name) => Input::Header(Arc::clone(name)),
            Read::Claim(name) => Input::Claim(Arc::clone(name)),
            Read::Key | Read::Keys | Read::Fields | Read::Variable(_) => continue,
        };
        inputs.push(input);
    }
    inputs
}

/// What the templates of one request see: its inputs, and the variables by name.
///
/// A variable is, in this order: a page variable of the call, the page size's, a `with` value, `key`. A `with` value sees the
/// page variables but no other `with` value.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub(crate) inputs: Inputs<'a>,
    with: &'a [(Arc<str>, Expression)],
    pages: Option<&'a Pages>,
    /// The key that an `each` is at.
    each: Option<&'a Key>,
}

impl<'a> Scope<'a> {
    pub fn new(
        inputs: Inputs<'a>,
        with: &'a [(Arc<str>, Expression)],
        pages: Option<&'a Pages>,
    ) -> Self {
        Self { inputs, with, pages, each: None }
    }

    pub(crate) fn at(self, key: &'a Key) -> Self {
        Self { each: Some(key), ..self }
    }

    /// The one key of the request.
    pub(crate) fn key(&self) -> Result<&'a Key, BackendError> {
        match (self.each, self.inputs.keys) {
            (Some(key), _) | (None, [key]) => Ok(key),
            (None, keys) => Err(refused(format!("it needs one key and was given {}", keys.len()))),
        }
    }

    pub(crate) fn variable(&self, name: &str) -> Result<Value, BackendError> {
        if let Some(value) = self.page_variable(name) {
            return Ok(value);
        }
        if let Some((_, expression)) = self.with.iter().find(|(variable, _)| &**variable == name) {
            return expression.evaluate(&Self { with: &[], ..*self });
        }
        if name == "key" {
            return Expression::Key { part: None }.evaluate(self);
        }
        Ok(Value::Null)
    }

    /// The value of a variable that paging sets; null while it has none.
    /// Is it where the page after this one would begin, and this the first?
    fn is_first_page(&self, name: &str) -> bool {
        self.page_variable(name).is_some_and(|value| value.is_null())
    }

    fn page_variable(&self, name: &str) -> Option<Value> {
        let pages = self.pages?;
        if let Some(size) = pages.size.as_ref().filter(|size| &*size.variable == name) {
            return Some(size.asked(self.inputs.page_size).into());
        }
        let held = self
            .inputs
            .page
            .and_then(|page| page.0.iter().find(|(variable, _)| &**variable == name))
            .map(|(_, value)| &**value);
        if pages.carry.iter().any(|(variable, _)| &**variable == name) {
            return Some(held.map_or(Value::Null, Value::from));
        }
        match &pages.next {
            NextPage::Page { variable, start } | NextPage::Offset { variable, start } => {
                (&**variable == name).then(|| held.map_or(Value::from(*start), number_or_text))
            }
            NextPage::Cursor(values) => values
                .iter()
                .any(|(variable, _)| &**variable == name)
                .then(|| held.map_or(Value::Null, Value::from)),
            NextPage::LinkHeader { parameters, .. } | NextPage::BodyLink { parameters, .. } => {
                parameters
                    .iter()
                    .any(|variable| &**variable == name)
                    .then(|| held.map_or(Value::Null, Value::from))
            }
        }
    }
}

fn number_or_text(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

impl Pages {
    /// The variables that paging sets, the page size's last.
    pub fn variables(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = match &self.next {
            NextPage::Cursor(values) => values.iter().map(|(name, _)| Arc::clone(name)).collect(),
            NextPage::Page { variable, .. } | NextPage::Offset { variable, .. } => {
                vec![Arc::clone(variable)]
            }
            NextPage::LinkHeader { parameters, .. } | NextPage::BodyLink { parameters, .. } => {
                parameters.clone()
            }
        };
        names.extend(self.carry.iter().map(|(name, _)| Arc::clone(name)));
        names.extend(self.size.iter().map(|size| Arc::clone(&size.variable)));
        names
    }
}

/// A request that cannot be built. The reason never holds the value.
pub(crate) fn refused(reason: impl Into<String>) -> BackendError {
    BackendError::Build { reason: reason.into() }
}

#[cfg(test)]
mod tests;
