//! Values of a request as vendor files write them: `$key`, `$args.a.b`, `{ join: … }`, lists, objects.

use std::sync::Arc;

use serde_json::Value;

use super::{QuotedTemplate, Read, Scope, refused, unique};
use crate::error::BackendError;
use crate::graph::TypeId;
use crate::value::KEY_SEPARATOR;

/// A value of a request, as written in a vendor file.
#[derive(Clone, Debug)]
pub enum Expression {
    Constant(Value),
    /// `$key`, or one part of a composite key by position (`$key[0]`).
    Key {
        part: Option<usize>,
    },
    /// `$keys`: the list.
    Keys,
    /// `$args.input.name`
    Argument(Vec<Arc<str>>),
    /// `{ id: X, of: Ticket }`: the remote key inside an opaque id of this type. Whoever makes [`Inputs`](super::Inputs) has
    /// put it in the id's place, and refused ids of other types, as [`Read::Argument`]'s `id_of` asks for.
    RemoteId {
        of: Box<Self>,
        ty: TypeId,
        name: Arc<str>,
    },
    /// `$fields`: the list of property names.
    Fields,
    Header(Arc<str>),
    Claim(Arc<str>),
    /// `$vars.x`: a page variable or a `with` value.
    Variable(Arc<str>),
    /// `{ join: X, with: "," }`
    Join {
        list: Box<Self>,
        with: Arc<str>,
    },
    /// `{ enum: X, values: {…}, else: … }`: our word to the vendor's.
    Enum {
        of: Box<Self>,
        values: Vec<(Arc<str>, Arc<str>)>,
        otherwise: Option<Arc<str>>,
    },
    /// `{ quote: soql | ticketsql | zendesk, text: "… {keys} …", each: "… {key} …", with: " OR " }`
    Quoted(Arc<QuotedTemplate>),
    /// `{ each_key: X }`: a list with X evaluated once for each key (`$key` is that key).
    EachKey(Box<Self>),
    /// `{ unix: X }`: an RFC 3339 argument as Unix seconds.
    UnixSeconds(Box<Self>),
    /// `{ given: X, then: Y, else: Z }`: Y where X is not null, otherwise Z or null. In a list, null is no item.
    Given {
        of: Box<Self>,
        then: Box<Self>,
        otherwise: Option<Box<Self>>,
    },
    List(Vec<Self>),
    /// Members whose value is null are left out.
    Object(Vec<(Arc<str>, Self)>),
}

impl Expression {
    /// The value for this request.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, BackendError> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Key { part } => key(scope, *part)?,
            Self::Keys => {
                Value::Array(scope.inputs.keys.iter().map(|key| parts(key.as_str())).collect())
            }
            Self::Argument(path) => argument(scope, path).cloned().unwrap_or(Value::Null),
            // The arguments of `Inputs` hold remote keys already: that this one is an id is what the cache key says.
            Self::RemoteId { of, .. } => of.evaluate(scope)?,
            Self::Fields => scope.inputs.fields.iter().map(|name| Value::from(&**name)).collect(),
            Self::Header(name) => {
                scope.inputs.principal.header(name).map_or(Value::Null, Value::from)
            }
            Self::Claim(name) => {
                scope.inputs.principal.claim(name).map_or(Value::Null, Value::from)
            }
            Self::Variable(name) => scope.variable(name)?,
            Self::Join { list, with } => join(&list.evaluate(scope)?, with)?,
            Self::Enum { of, values, otherwise } => {
                word(&of.evaluate(scope)?, values, otherwise.as_deref())?
            }
            Self::Quoted(template) => Value::from(template.render(scope)?),
            Self::EachKey(item) => {
                let items: Result<_, _> =
                    scope.inputs.keys.iter().map(|key| item.evaluate(&scope.at(key))).collect();
                Value::Array(items?)
            }
            Self::UnixSeconds(of) => unix_seconds(&of.evaluate(scope)?)?,
            Self::Given { of, then, otherwise } => {
                let is_given = !of.evaluate(scope)?.is_null();
                let chosen = if is_given { Some(then) } else { otherwise.as_ref() };
                chosen.map_or(Ok(Value::Null), |chosen| chosen.evaluate(scope))?
            }
            Self::List(items) => list(items, scope)?,
            Self::Object(members) => {
                let mut object = serde_json::Map::new();
                for (name, member) in members {
                    let value = member.evaluate(scope)?;
                    if !value.is_null() {
                        object.insert(name.as_ref().into(), value);
                    }
                }
                Value::Object(object)
            }
        })
    }

    /// What the expression reads at run time.
    pub fn reads(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        self.collect(&mut reads);
        unique(reads)
    }

    fn collect(&self, reads: &mut Vec<Read>) {
        match self {
            Self::Constant(_) => {}
            Self::Key { .. } => reads.push(Read::Key),
            Self::Keys => reads.push(Read::Keys),
            Self::Argument(path) => reads.push(Read::Argument { path: path.clone(), id_of: None }),
            Self::RemoteId { of, ty, .. } => {
                reads.extend(of.reads().into_iter().map(|read| match read {
                    Read::Argument { path, .. } => Read::Argument { path, id_of: Some(*ty) },
                    other => other,
                }));
            }
            Self::Fields => reads.push(Read::Fields),
            Self::Header(name) => reads.push(Read::Header(Arc::clone(name))),
            Self::Claim(name) => reads.push(Read::Claim(Arc::clone(name))),
            Self::Variable(name) => reads.push(Read::Variable(Arc::clone(name))),
            Self::Join { list: of, .. } | Self::Enum { of, .. } | Self::UnixSeconds(of) => {
                of.collect(reads);
            }
            Self::Quoted(template) => reads.extend(template.reads()),
            Self::Given { of, then, otherwise } => {
                of.collect(reads);
                then.collect(reads);
                if let Some(otherwise) = otherwise {
                    otherwise.collect(reads);
                }
            }
            Self::EachKey(item) => {
                reads.push(Read::Keys);
                reads.extend(item.reads().into_iter().filter(|read| *read != Read::Key));
            }
            Self::List(items) => items.iter().for_each(|item| item.collect(reads)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.collect(reads)),
        }
    }
}

/// A key as a value: its text, or the list of its parts.
fn parts(key: &str) -> Value {
    if key.contains(KEY_SEPARATOR) {
        key.split(KEY_SEPARATOR).map(Value::from).collect()
    } else {
        Value::from(key)
    }
}

fn list(items: &[Expression], scope: &Scope<'_>) -> Result<Value, BackendError> {
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        let value = item.evaluate(scope)?;
        if !(value.is_null() && matches!(item, Expression::Given { .. })) {
            list.push(value);
        }
    }
    Ok(Value::Array(list))
}

fn key(scope: &Scope<'_>, part: Option<usize>) -> Result<Value, BackendError> {
    let key = scope.key()?;
    match part {
        None => Ok(parts(key.as_str())),
        Some(index) => {
            let part = key.parts().nth(index);
            part.map(Value::from).ok_or_else(|| refused(format!("the key has no part {index}")))
        }
    }
}

pub(super) fn argument<'a>(scope: &Scope<'a>, path: &[Arc<str>]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(scope.inputs.arguments.get(&**first)?, |value, name| value.get(&**name))
}

/// Applies `of` to a text or to each text of a list; null stays null.
fn each(value: &Value, of: impl Fn(&str) -> Result<Value, ()>) -> Result<Value, ()> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::String(text) => of(text),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().ok_or(()).and_then(&of))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        _ => Err(()),
    }
}

fn join(list: &Value, with: &str) -> Result<Value, BackendError> {
    let items = match list {
        Value::Null => return Ok(Value::Null),
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut joined = String::new();
    let mut is_first = true;
    for item in items {
        let Some(text) = text(item)? else { continue };
        if !is_first {
            joined.push_str(with);
        }
        joined.push_str(&text);
        is_first = false;
    }
    Ok(Value::from(joined))
}

fn word(
    value: &Value,
    values: &[(Arc<str>, Arc<str>)],
    otherwise: Option<&str>,
) -> Result<Value, BackendError> {
    let scalar = match value {
        Value::Bool(_) | Value::Number(_) => &Value::from(value.to_string()),
        other => other,
    };
    each(scalar, |text| {
        let known = values.iter().find(|(ours, _)| &**ours == text).map(|(_, theirs)| &**theirs);
        known.or(otherwise).map(Value::from).ok_or(())
    })
    .map_err(|()| refused("a value has no word in `values` and there is no `else`"))
}

fn unix_seconds(value: &Value) -> Result<Value, BackendError> {
    let bad = || refused("`unix` takes an RFC 3339 time or a date");
    match value {
        Value::Null => Ok(Value::Null),
        Value::Number(number) => Ok(Value::Number(number.clone())),
        Value::String(text) => {
            if let Ok(time) = text.parse::<jiff::Timestamp>() {
                // up to the next whole second: of whole seconds, those from then on and those before then stay what they are
                let is_inside = time.subsec_nanosecond() > 0;
                return Ok(Value::from(time.as_second() + i64::from(is_inside)));
            }
            let date: jiff::civil::Date = text.parse().map_err(|_| bad())?;
            let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| bad())?;
            Ok(Value::from(midnight.timestamp().as_second()))
        }
        _ => Err(bad()),
    }
}

/// A scalar as text; `None` for null.
pub(crate) fn text(value: &Value) -> Result<Option<std::borrow::Cow<'_, str>>, BackendError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.as_str().into())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string().into())),
        Value::Array(_) | Value::Object(_) => {
            Err(refused("a list or an object stands where text is needed"))
        }
    }
}
