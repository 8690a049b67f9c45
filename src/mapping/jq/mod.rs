//! The slow road: fenced jq over one record.
//!
//! Takes: the text of a filter, at compile time; a record's node.
//! Gives: one value, as a payload of its own.
//! Never: sees anything but the record; runs without end, or into more memory than its budget; tells a value in a message.

mod fence;
mod natives;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jaq_core::compile::{Lut, Undefined};
use jaq_core::data::{DataT, HasLut};
use jaq_core::load::{Arena, File, Lexer, Loader, parse, span};
use jaq_core::{Compiler, Ctx, Filter, Native, ValT as _, Vars};
use jaq_json::{Map, Num, Val};

use super::payload::{At, Kind, Payload};
use super::{DecodeError, escape};
use crate::graph::AnswerLimits;

/// A filter's text.
const TEXT_BYTES_MAX: usize = 4_096;
/// Brackets inside each other in a filter.
const NESTING_MAX: usize = 40;
/// A record, and a result, as a filter may have it.
const NODES_MAX: u32 = 20_000;
const VALUE_BYTES_MAX: usize = 128 * 1024;
const DEPTH_MAX: usize = 100;
/// Work for one record: values passed on, elements and bytes put together.
const STEPS_MAX: u64 = 1_000_000;

/// A compiled, fenced jq filter.
pub struct JqProgram {
    text: Box<str>,
    filter: Filter<Fenced>,
}

/// The data that filters run over: values of JSON, and the steps that are left.
struct Fenced;

struct Budget<'a> {
    lut: &'a Lut<Native<Fenced>>,
    steps: Cell<u64>,
}

impl DataT for Fenced {
    type V<'a> = Val;
    type Data<'a> = &'a Budget<'a>;
}

impl<'a> HasLut<'a, Fenced> for &'a Budget<'a> {
    fn lut(&self) -> &'a Lut<Native<Fenced>> {
        self.lut
    }
}

impl Budget<'_> {
    /// Takes steps away; `false` when they are spent.
    fn spend(&self, steps: u64) -> bool {
        let left = self.steps.get().saturating_sub(steps);
        self.steps.set(left);
        left > 0
    }
}

impl JqProgram {
    /// Compiles a filter. Refused: `def`, recursion (`..`, `recurse`, `repeat`, `until`, `while`), `range`, assignments,
    /// `env`, `now`, `input`, `halt`, `debug`, and every function that is not on the list of `fence`.
    pub fn compile(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!(
                "the jq filter is longer than {TEXT_BYTES_MAX} bytes; use native forms"
            ));
        }
        check_nesting(text)?;
        let tokens = Lexer::new(text).lex().map_err(|errors| {
            let (expected, at) =
                errors.first().map_or(("a token", text), |(expected, at)| (expected.as_str(), *at));
            format!(
                "the jq filter cannot be read: expected {expected} at byte {}",
                span(text, at).start
            )
        })?;
        let term = parse::Parser::new(&tokens).parse(parse::Parser::term).map_err(|errors| {
            let (expected, at) =
                errors.first().map_or(("a term", text.len()), |(expected, token)| {
                    (
                        expected.as_str(),
                        token.map_or(text.len(), |token| span(text, token.as_str()).start),
                    )
                });
            format!("the jq filter cannot be read: expected {expected} at byte {at}")
        })?;
        let body = fence::fence(term)?;
        let main = parse::Def { name: fence::MAIN, args: Vec::new(), body };
        let arena = Arena::default();
        let modules = Loader::new(fence::definitions().chain([main]))
            .load(&arena, File { code: fence::MAIN, path: () })
            .map_err(|_| "the jq filter cannot be loaded".to_owned())?;
        let filter = Compiler::default().with_funs(natives::natives()).compile(modules).map_err(
            |errors| {
                let undefined = errors.iter().flat_map(|(_, errors)| errors).next();
                undefined.map_or_else(
                    || "the jq filter cannot be compiled".to_owned(),
                    |(name, kind)| undefined_text(name, kind),
                )
            },
        )?;
        Ok(Self { text: Box::from(text), filter })
    }

    /// Runs the filter over a record. No output is null; several are an error, since lists are written `[…]`.
    pub(super) fn run(&self, payload: &Payload, record: At) -> Result<Payload, String> {
        if payload.node(record).next.saturating_sub(record) > NODES_MAX {
            return Err("jq: the record is too large for a jq filter; use native forms".to_owned());
        }
        let mut bytes = VALUE_BYTES_MAX;
        let input = value_of(payload, record, 0, &mut bytes)
            .ok_or("jq: the record is too large for a jq filter; use native forms")?;
        let budget = Budget { lut: &self.filter.lut, steps: Cell::new(STEPS_MAX) };
        // the filter's own data ends with this call, so a panic cannot leave anything half done
        let outcome = catch_unwind(AssertUnwindSafe(|| self.outcome(&budget, input)));
        let outcome = outcome.unwrap_or(Err("jq: the filter failed"));
        if budget.steps.get() == 0 {
            return Err("jq: the filter takes too many steps".to_owned());
        }
        let text = outcome.map_err(str::to_owned)?;
        let limits = AnswerLimits { body_bytes: VALUE_BYTES_MAX, depth: DEPTH_MAX + 1 };
        Payload::json(bytes::Bytes::from(text), limits).map_err(|error| match error {
            DecodeError::TooLarge { .. } => "jq: the filter's result is too large".to_owned(),
            _ => "jq: the filter's result is not JSON".to_owned(),
        })
    }

    fn outcome(&self, budget: &Budget<'_>, input: Val) -> Result<String, &'static str> {
        let context = Ctx::<Fenced>::new(budget, Vars::new([]));
        let mut outputs = self.filter.id.run((context, input));
        let Some(first) = outputs.next() else { return Ok("null".to_owned()) };
        let value = first.map_err(|_| "jq: the filter ended with an error")?;
        if outputs.next().is_some() {
            return Err(
                "jq: expected one result, found several; write the filter as `[…]` or `first(…)`",
            );
        }
        let mut text = String::new();
        write_value(&value, 0, &mut text)?;
        Ok(text)
    }
}

impl std::fmt::Debug for JqProgram {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("JqProgram").field(&self.text).finish()
    }
}

fn undefined_text(name: &str, kind: &Undefined) -> String {
    match kind {
        Undefined::Var => {
            format!("jq variable `{name}` is not bound; bind it with `… as {name} | …`")
        }
        Undefined::Filter(arity) => fence::refusal(name, *arity),
        _ => format!("`{name}` is not defined in the jq filter"),
    }
}

/// The parser of filters goes down with each bracket and each prefix word.
fn check_nesting(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(format!("the jq filter nests deeper than {NESTING_MAX}; use native forms"));
        }
    }
    Ok(())
}

/// The record as jq has it. `None` when it is too deep, or has more text than `bytes`.
fn value_of(payload: &Payload, at: At, depth: usize, bytes: &mut usize) -> Option<Val> {
    if depth > DEPTH_MAX {
        return None;
    }
    let node = payload.node(at);
    let text = |at| {
        let text = payload.scalar_text(at).unwrap_or_default();
        Val::utf8_str(text.into_owned())
    };
    if !matches!(node.kind, Kind::Object | Kind::List) {
        *bytes = bytes.checked_sub(payload.raw(node).len())?;
    }
    Some(match node.kind {
        Kind::Null => Val::Null,
        Kind::False => Val::Bool(false),
        Kind::True => Val::Bool(true),
        Kind::Number => Val::from_num(payload.raw(node)).ok()?,
        Kind::Plain | Kind::Escaped | Kind::Raw | Kind::Name => text(at),
        Kind::List => {
            let items: Option<Vec<Val>> =
                payload.elements(at).map(|at| value_of(payload, at, depth + 1, bytes)).collect();
            items?.into_iter().collect()
        }
        Kind::Object => {
            let mut members = Map::default();
            for (name, _) in payload.members(at) {
                *bytes = bytes.checked_sub(payload.raw(payload.node(name)).len())?;
                members.insert(text(name), value_of(payload, name + 1, depth + 1, bytes)?);
            }
            Val::obj(members)
        }
    })
}

/// Writes a result as JSON; what JSON has no words for is an error.
fn write_value(value: &Val, depth: usize, out: &mut String) -> Result<(), &'static str> {
    if depth > DEPTH_MAX || out.len() > VALUE_BYTES_MAX {
        return Err("jq: the filter's result is too large");
    }
    match value {
        Val::Null => out.push_str("null"),
        Val::Bool(true) => out.push_str("true"),
        Val::Bool(false) => out.push_str("false"),
        Val::Num(Num::Float(float)) if !float.is_finite() => {
            return Err("jq: the filter's result is not a finite number");
        }
        Val::Num(number) => out.push_str(&number.to_string()),
        Val::TStr(text) => escape::write_string(&String::from_utf8_lossy(text), out),
        Val::BStr(_) => return Err("jq: the filter's result is not text"),
        Val::Arr(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_value(item, depth + 1, out)?;
            }
            out.push(']');
        }
        Val::Obj(members) => {
            out.push('{');
            for (number, (name, member)) in members.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                let Val::TStr(name) = name else { return Err("jq: a member's name is not text") };
                escape::write_string(&String::from_utf8_lossy(name), out);
                out.push(':');
                write_value(member, depth + 1, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) fn allowed() -> &'static [(&'static str, usize)] {
    fence::ALLOWED
}
