//! Scalars: from what a backend wrote to what the field's type asks for.
//!
//! Takes: a node, the scalar's type.
//! Gives: JSON text, appended.
//! Never: lets the value itself into a message.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use super::payload::{At, Kind, Payload};
use super::time::{self, TimeForm};
use super::{decimal, escape};
use crate::graph::Scalar;
use crate::value;

/// A value that did not fit: what was expected, what was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Misfit {
    pub(super) expected: &'static str,
    pub(super) found: &'static str,
}

/// Was something written?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Value,
    Null,
}

/// Appends the node as this scalar. In XML all is text, so text counts as the number or boolean that it spells.
pub(super) fn write_scalar(
    payload: &Payload,
    at: At,
    scalar: Scalar,
    out: &mut String,
) -> Result<Written, Misfit> {
    let node = payload.node(at);
    if scalar == Scalar::String
        && let Some(text) = payload.quoted(node)
    {
        out.push_str(text);
        return Ok(Written::Value);
    }
    if scalar == Scalar::Any {
        write_any(payload, at, out);
        return Ok(if node.kind == Kind::Null { Written::Null } else { Written::Value });
    }
    match node.kind {
        Kind::Null => return Ok(Written::Null),
        Kind::Object => {
            return match payload.leaf(at) {
                Some(leaf) => write_scalar(payload, leaf, scalar, out),
                None => Err(Misfit { expected: expected(scalar), found: node.kind.noun() }),
            };
        }
        Kind::List => return Err(Misfit { expected: expected(scalar), found: node.kind.noun() }),
        _ => {}
    }
    if node.kind.is_text() && scalar == Scalar::String {
        write_text(payload, at, out);
        return Ok(Written::Value);
    }
    if node.kind.is_text() && (payload.is_xml() || takes_text(scalar)) {
        let text = payload.scalar_text(at).unwrap_or_default();
        let text = value::trimmed(&text);
        return if text.is_empty() {
            Ok(Written::Null)
        } else {
            let found = Misfit { expected: expected(scalar), found: "other text" };
            write_word(text, scalar, out).map(|()| Written::Value).ok_or(found)
        };
    }
    let is_written = match (node.kind, scalar) {
        (Kind::Number, Scalar::Int | Scalar::Float | Scalar::Decimal) => {
            write_word(payload.raw(node), scalar, out)
        }
        (Kind::Number, Scalar::Id) => write_integer_id(payload.raw(node), out),
        (Kind::True, Scalar::Boolean) => {
            out.push_str("true");
            Some(())
        }
        (Kind::False, Scalar::Boolean) => {
            out.push_str("false");
            Some(())
        }
        _ => None,
    };
    let found = match (node.kind, scalar) {
        (Kind::Number, Scalar::Int | Scalar::Float | Scalar::Decimal | Scalar::Id) => {
            "another number"
        }
        _ => node.kind.noun(),
    };
    is_written.map(|()| Written::Value).ok_or(Misfit { expected: expected(scalar), found })
}

/// Appends a number that stands in a number or in text, divided by ten to the power of `shift`, as `{ number: … }` has it.
pub(super) fn write_number(text: &str, shift: u32, scalar: Scalar, out: &mut String) -> Option<()> {
    if shift > 0 {
        let mut moved = String::with_capacity(text.len() + 2);
        decimal::write(text, shift, &mut moved)?;
        return write_number(&moved, 0, scalar, out);
    }
    match scalar {
        Scalar::Int | Scalar::Float | Scalar::Decimal => write_word(text, scalar, out),
        Scalar::Id => write_integer_id(text, out),
        Scalar::String => {
            out.push('"');
            decimal::write(text, 0, out)?;
            out.push('"');
            Some(())
        }
        Scalar::Any => {
            if decimal::is_json_number(text) {
                out.push_str(text);
                Some(())
            } else {
                decimal::write(text, 0, out)
            }
        }
        _ => None,
    }
}

/// Appends the node's text as a JSON string.
pub(super) fn write_text(payload: &Payload, at: At, out: &mut String) {
    let node = payload.node(at);
    if let Some(text) = payload.quoted(node) {
        out.push_str(text);
        return;
    }
    match node.kind {
        Kind::Number => {
            out.push('"');
            out.push_str(payload.raw(node));
            out.push('"');
        }
        _ => escape::write_string(&payload.scalar_text(at).unwrap_or(Cow::Borrowed("")), out),
    }
}

/// Appends the node as JSON, whatever it is, without white space; of a name that occurs twice the last value.
pub(super) fn write_any(payload: &Payload, at: At, out: &mut String) {
    let mut open: Vec<(At, char)> = Vec::new();
    let mut here = at;
    let end = payload.node(at).next;
    let mut skipped: FxHashSet<At> = FxHashSet::default();
    while here < end {
        while open.last().is_some_and(|(next, _)| *next <= here) {
            out.extend(open.pop().map(|(_, bracket)| bracket));
        }
        if !skipped.is_empty() && skipped.contains(&here) {
            here = payload.node(here + 1).next;
            continue;
        }
        let node = payload.node(here);
        let is_value_of_name =
            out.ends_with(':') && here > at && payload.node(here - 1).kind == Kind::Name;
        if here > at && !is_value_of_name && !out.ends_with(['{', '[']) {
            out.push(',');
        }
        match node.kind {
            Kind::Null => out.push_str("null"),
            Kind::True => out.push_str("true"),
            Kind::False => out.push_str("false"),
            Kind::Number => out.push_str(payload.raw(node)),
            Kind::Plain | Kind::Escaped | Kind::Raw => write_text(payload, here, out),
            Kind::Name => {
                escape::write_string(payload.raw(node), out);
                out.push(':');
            }
            Kind::Object => {
                out.push('{');
                open.push((node.next, '}'));
                if node.has_duplicates {
                    let last = payload.last_members(here);
                    skipped.extend(
                        payload
                            .members(here)
                            .map(|(at, _)| at)
                            .filter(|at| last.binary_search(at).is_err()),
                    );
                }
            }
            Kind::List => {
                out.push('[');
                open.push((node.next, ']'));
            }
        }
        here += 1;
    }
    out.extend(open.into_iter().rev().map(|(_, bracket)| bracket));
}

/// Does text fit this scalar in JSON too?
fn takes_text(scalar: Scalar) -> bool {
    matches!(
        scalar,
        Scalar::Id | Scalar::Decimal | Scalar::DateTime | Scalar::Date | Scalar::CurrencyCode
    )
}

/// Appends text that is not blank as this scalar.
fn write_word(text: &str, scalar: Scalar, out: &mut String) -> Option<()> {
    match scalar {
        Scalar::Int if is_small_integer(text) => out.push_str(text),
        Scalar::Int => {
            let integer = i32::try_from(decimal::integer(text)?).ok()?;
            write_display(integer, out);
        }
        Scalar::Float => {
            let float: f64 = text.parse().ok().filter(|float: &f64| float.is_finite())?;
            if decimal::is_json_number(text) {
                out.push_str(text);
            } else {
                write_display(float, out);
            }
        }
        Scalar::Boolean => out.push_str(match text {
            "true" | "1" => "true",
            "false" | "0" => "false",
            _ => return None,
        }),
        Scalar::Decimal => return quoted(out, |out| decimal::write(text, 0, out)),
        Scalar::CurrencyCode => {
            return quoted(out, |out| {
                out.extend(currency_letters(text)?.map(char::from));
                Some(())
            });
        }
        Scalar::DateTime => {
            return quoted(out, |out| time::write_instant(text, &TimeForm::Auto, out).ok());
        }
        Scalar::Date => return quoted(out, |out| time::write_day(text, &TimeForm::Auto, out).ok()),
        Scalar::String | Scalar::Id | Scalar::Any => escape::write_string(text, out),
    }
    Some(())
}

/// The usual integer: few digits, no sign, no zero in front.
fn is_small_integer(text: &str) -> bool {
    (1..=9).contains(&text.len())
        && (!text.starts_with('0') || text.len() == 1)
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A currency's three letters, upper case.
pub(super) fn currency_letters(text: &str) -> Option<[u8; 3]> {
    let letters = <[u8; 3]>::try_from(value::trimmed(text).as_bytes()).ok()?;
    letters
        .iter()
        .all(u8::is_ascii_alphabetic)
        .then(|| letters.map(|letter| letter.to_ascii_uppercase()))
}

fn write_integer_id(text: &str, out: &mut String) -> Option<()> {
    let is_integer =
        text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    if is_integer {
        out.push('"');
        out.push_str(text);
        out.push('"');
        return Some(());
    }
    let integer = decimal::integer(text)?;
    out.push('"');
    write_display(integer, out);
    out.push('"');
    Some(())
}

fn write_display(value: impl std::fmt::Display, out: &mut String) {
    use std::fmt::Write as _;
    // writing to a string does not fail
    write!(out, "{value}").unwrap_or_default();
}

fn quoted(out: &mut String, write: impl FnOnce(&mut String) -> Option<()>) -> Option<()> {
    out.push('"');
    write(out)?;
    out.push('"');
    Some(())
}

/// For messages: what a scalar's value looks like.
pub(super) fn expected(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Int => "an integer of 32 bits",
        Scalar::Float => "a finite number",
        Scalar::String => "text",
        Scalar::Boolean => "a boolean",
        Scalar::Id => "text or an integer",
        Scalar::Decimal => "a decimal number",
        Scalar::DateTime => "a date and time with an offset",
        Scalar::Date => "a date",
        Scalar::CurrencyCode => "a currency of three letters",
        Scalar::Any => "a value",
    }
}
