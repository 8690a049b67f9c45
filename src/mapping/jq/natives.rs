//! Functions of filters that are ours: the counting, the operators that may grow, and numbers from text.

use std::ops::{Add, Div, Mul, Rem, Sub};

use jaq_core::box_iter::box_once;
use jaq_core::native::{Filter, Fun, run, v};
use jaq_core::{Cv, Error, Exn, RunPtr, ValR, ValXs};
use jaq_json::{Num, Val};

use super::{Budget, DEPTH_MAX, Fenced};
use crate::mapping::decimal;

pub(super) fn natives() -> impl Iterator<Item = Fun<Fenced>> {
    // of jq's libraries what its allowed definitions stand on; names that filters may call are checked by `fence`
    let own: [Filter<RunPtr<Fenced>>; 9] = [
        ("!step", v(0), |cv| spend(cv, |_| Some(1))),
        ("!weigh", v(0), |cv| spend(cv, |value| weight(value, 0))),
        ("!add", v(2), |cv| operate(cv, |left, right| size(left) + size(right), Add::add)),
        ("!sub", v(2), |cv| operate(cv, |left, right| size(left) * size(right), Sub::sub)),
        ("!mul", v(2), |cv| operate(cv, product, Mul::mul)),
        ("!div", v(2), |cv| operate(cv, |left, right| size(left) + size(right), Div::div)),
        ("!rem", v(2), |cv| operate(cv, |left, right| size(left) + size(right), Rem::rem)),
        ("tonumber", v(0), |cv| box_once(number(cv.1).map_err(Exn::from))),
        ("toboolean", v(0), |cv| box_once(boolean(cv.1).map_err(Exn::from))),
    ];
    let natives = jaq_core::funs().chain(jaq_std::base_funs()).chain(jaq_json::funs());
    own.into_iter().map(run::<Fenced>).chain(natives)
}

/// Passes the value on if the budget allows it. Spent steps stop the whole filter: `try` does not catch that.
fn spend<'a>(cv: Cv<'a, Fenced>, steps: impl Fn(&Val) -> Option<u64>) -> ValXs<'a, Val> {
    let budget: &Budget<'a> = cv.0.data();
    let is_paid = budget.spend(steps(&cv.1).unwrap_or(u64::MAX));
    box_once(if is_paid { Ok(cv.1) } else { Err(Exn::halt(1)) })
}

fn operate<'a>(
    mut cv: Cv<'a, Fenced>,
    steps: fn(&Val, &Val) -> u64,
    operator: fn(Val, Val) -> ValR<Val>,
) -> ValXs<'a, Val> {
    let right = cv.0.pop_var();
    let left = cv.0.pop_var();
    let budget: &Budget<'a> = cv.0.data();
    if !budget.spend(1 + steps(&left, &right)) {
        return box_once(Err(Exn::halt(1)));
    }
    box_once(operator(left, right).map_err(Exn::from))
}

/// What a copy of the value's outermost part costs.
fn size(value: &Val) -> u64 {
    let length = match value {
        Val::Null | Val::Bool(_) | Val::Num(Num::Int(_) | Num::Float(_)) => 1,
        Val::Num(Num::BigInt(number)) => return 1 + number.bits() / 8,
        Val::Num(Num::Dec(digits)) => digits.len(),
        Val::BStr(text) | Val::TStr(text) => text.len() / 8 + 1,
        Val::Arr(items) => items.len(),
        Val::Obj(members) => members.len(),
    };
    length as u64
}

/// Text times a number repeats the text; objects are merged with all that is in them.
fn product(left: &Val, right: &Val) -> u64 {
    let repeated = |text: u64, count: &Val| match count {
        Val::Num(Num::Int(count)) => text.saturating_mul(u64::try_from(*count).unwrap_or_default()),
        Val::Num(Num::Float(count)) if *count < 1.0 => text,
        Val::Num(Num::Float(count)) if *count < 1e9 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 1 to a billion"
            )]
            let count = *count as u64;
            text.saturating_mul(count + 1)
        }
        _ => u64::MAX / 2,
    };
    match (left, right) {
        (Val::TStr(text) | Val::BStr(text), count @ Val::Num(_))
        | (count @ Val::Num(_), Val::TStr(text) | Val::BStr(text)) => {
            repeated(text.len() as u64 + 1, count)
        }
        (Val::Num(_), Val::Num(_)) => size(left).saturating_mul(size(right)),
        _ => weight(left, 0).unwrap_or(u64::MAX / 4) + weight(right, 0).unwrap_or(u64::MAX / 4),
    }
}

/// Everything in the value; `None` if it is too deep to look.
fn weight(value: &Val, depth: usize) -> Option<u64> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut sum = size(value);
    match value {
        Val::Arr(items) => {
            for item in items.iter() {
                sum += weight(item, depth + 1)?;
            }
        }
        Val::Obj(members) => {
            for (name, member) in members.iter() {
                sum += size(name) + weight(member, depth + 1)?;
            }
        }
        _ => {}
    }
    Some(sum)
}

fn number(value: Val) -> ValR<Val> {
    let text = match &value {
        Val::Num(_) => return Ok(value),
        Val::TStr(text) => std::str::from_utf8(text).unwrap_or_default().trim(),
        _ => return Err(Error::typ(value, "number")),
    };
    if decimal::is_json_number(text) {
        return jaq_core::ValT::from_num(text);
    }
    let mut plain = String::new();
    match decimal::write(text, 0, &mut plain) {
        Some(()) => jaq_core::ValT::from_num(&plain),
        None => Err(Error::typ(value, "number")),
    }
}

fn boolean(value: Val) -> ValR<Val> {
    match &value {
        Val::Bool(_) => Ok(value),
        Val::TStr(text) if text.as_ref().as_ref() == b"true" => Ok(Val::Bool(true)),
        Val::TStr(text) if text.as_ref().as_ref() == b"false" => Ok(Val::Bool(false)),
        _ => Err(Error::typ(value, "boolean")),
    }
}
