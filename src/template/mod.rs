//! From a call's template and its run-time inputs to the text of a request.
//!
//! Takes: compiled templates, keys, arguments, wanted field names, page values, the caller.
//! Gives: URLs, query pairs, header values, bodies, envelopes, with every value escaped for the place that it stands in.
//! Never: lets a value change the host, add a path segment or a header, or leave a quoted string.

use std::sync::Arc;

use crate::principal::Principal;
use crate::value::{Key, PageState};

/// What a request may read at run time.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The keys of this chunk, sorted; one for `per_key`, none for a call without keys.
    pub keys: &'a [Key],
    /// The field's coerced arguments; opaque ids already replaced by remote keys.
    pub arguments: &'a serde_json::Map<String, serde_json::Value>,
    /// Names of the properties to ask for (`$fields`), sorted, without duplicates.
    pub fields: &'a [Arc<str>],
    pub page: Option<&'a PageState>,
    pub page_size: Option<u32>,
    pub principal: &'a Principal,
}

/// A value of a request, as written in a vendor file.
#[derive(Clone, Debug)]
pub enum Expression {
    Constant(serde_json::Value),
    /// `$key`, or one part of a composite key by position (`$key[0]`).
    Key {
        part: Option<usize>,
    },
    /// `$keys`: the list.
    Keys,
    /// `$args.input.name`
    Argument(Vec<Arc<str>>),
    /// `$fields`: the list of property names.
    Fields,
    Header(Arc<str>),
    Claim(Arc<str>),
    /// `{ join: X, with: "," }`
    Join {
        list: Box<Expression>,
        with: Arc<str>,
    },
    /// `{ enum: X, values: {…}, else: … }`: our word to the vendor's.
    Enum {
        of: Box<Expression>,
        values: Vec<(Arc<str>, Arc<str>)>,
        otherwise: Option<Arc<str>>,
    },
    /// `{ quote: soql | ticketsql | zendesk, text: "… {keys} …", each: "… {key} …", with: " OR " }`
    Quoted(Arc<QuotedTemplate>),
    /// `{ each_key: X }`: a list with X evaluated once for each key (`$key` is that key).
    EachKey(Box<Expression>),
    /// `{ time: X, unix: s }`: an RFC 3339 argument as Unix seconds.
    UnixSeconds(Box<Expression>),
    List(Vec<Expression>),
    /// Members whose value is null are left out.
    Object(Vec<(Arc<str>, Expression)>),
}

/// A query language's text with quoted values.
#[derive(Clone, Debug)]
pub struct QuotedTemplate {}

/// RFC 6570, levels 1 to 4, for a path and query below the backend's URL.
#[derive(Clone, Debug)]
pub struct UrlTemplate {}

/// Text with `{name}` expressions; the result must be visible ASCII.
#[derive(Clone, Debug)]
pub struct HeaderTemplate {}

#[derive(Clone, Debug)]
pub enum BodyTemplate {
    Json(Expression),
    Form(Vec<(Arc<str>, Expression)>),
}

/// A minijinja template whose values are escaped for XML.
#[derive(Clone, Debug)]
pub struct XmlTemplate {}
