//! What a scalar accepts as input, from variables and from constants alike.

use serde_json::{Number, Value};

use crate::graph::Scalar;

/// Above this, doubles do not hold every whole number: 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Coerces a JSON value to a scalar (specification, section 3.5). The error says what is expected.
pub(crate) fn coerce(scalar: Scalar, value: &Value) -> Result<Value, &'static str> {
    match (scalar, value) {
        (Scalar::Int, Value::Number(number)) => int(number).ok_or("a 32-bit integer"),
        (Scalar::Float, Value::Number(number)) if number.as_f64().is_some_and(f64::is_finite) => {
            Ok(value.clone())
        }
        (Scalar::String | Scalar::Id, Value::String(_)) | (Scalar::Boolean, Value::Bool(_)) => {
            Ok(value.clone())
        }
        (Scalar::Id, Value::Number(number)) => {
            integer(number).map(Value::String).ok_or("a string or an integer")
        }
        (Scalar::Decimal, Value::String(text)) if is_decimal(text) => Ok(value.clone()),
        (Scalar::Decimal, Value::Number(number)) => {
            let text = number.to_string();
            if is_decimal(&text) { Ok(Value::String(text)) } else { Err(expected(scalar)) }
        }
        (Scalar::DateTime, Value::String(text)) if is_date_time(text) => Ok(value.clone()),
        (Scalar::Date, Value::String(text)) if is_date(text.as_bytes()) => Ok(value.clone()),
        (Scalar::CurrencyCode, Value::String(text)) if is_currency(text) => Ok(value.clone()),
        (Scalar::Any, _) => Ok(value.clone()),
        _ => Err(expected(scalar)),
    }
}

fn expected(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Int => "a 32-bit integer",
        Scalar::Float => "a finite number",
        Scalar::String => "a string",
        Scalar::Boolean => "true or false",
        Scalar::Id => "a string or an integer",
        Scalar::Decimal => "a decimal number, as a string",
        Scalar::DateTime => "an RFC 3339 date and time with offset, as a string",
        Scalar::Date => "a date like 2024-01-31, as a string",
        Scalar::CurrencyCode => "three capital letters, as a string",
        Scalar::Any => "a value",
    }
}

/// JSON has one kind of number: `3.0` is the integer 3.
fn int(number: &Number) -> Option<Value> {
    if let Some(integer) = number.as_i64() {
        return i32::try_from(integer).ok().map(Value::from);
    }
    let float = number.as_f64()?;
    let is_int =
        float.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&float);
    #[expect(clippy::cast_possible_truncation, reason = "in the range of i32, and whole")]
    is_int.then(|| Value::from(float as i32))
}

/// The digits of a whole number, all of them. One that is not written with its digits alone (`3.0`, `1e3`) is whole where
/// binary floats tell whole numbers apart.
fn integer(number: &Number) -> Option<String> {
    let text = number.as_str();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(if text == "-0" { "0".to_owned() } else { text.to_owned() });
    }
    let float = number.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and less than 2^53")]
    (float.fract() == 0.0 && float.abs() <= WHOLE_MAX).then(|| (float as i64).to_string())
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction)
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `dd` at `at`, within `range`.
fn two_digits(text: &[u8], at: usize, range: std::ops::RangeInclusive<u8>) -> bool {
    let Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) = text.get(at..at + 2) else { return false };
    range.contains(&((tens - b'0') * 10 + (ones - b'0')))
}

fn is_date(text: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', _, _] = text else { return false };
    let number = |digits: &[u8]| {
        digits.iter().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0')))
    };
    if ![y1, y2, y3, y4].iter().all(|digit| digit.is_ascii_digit()) || !two_digits(text, 5, 1..=12)
    {
        return false;
    }
    let year = number(&[*y1, *y2, *y3, *y4]);
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match number(&[*m1, *m2]) {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    two_digits(text, 8, 1..=days)
}

fn is_date_time(text: &str) -> bool {
    let text = text.as_bytes();
    let (Some(date), Some(time)) = (text.get(..10), text.get(10..)) else { return false };
    let is_clock = matches!(time.first(), Some(b'T' | b't' | b' '))
        && two_digits(time, 1, 0..=23)
        && time.get(3) == Some(&b':')
        && two_digits(time, 4, 0..=59)
        && time.get(6) == Some(&b':')
        && two_digits(time, 7, 0..=60);
    let mut rest = time.get(9..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return false;
        }
        rest = fraction.get(digits..).unwrap_or_default();
    }
    let is_offset = match rest {
        b"Z" | b"z" => true,
        [b'+' | b'-', _, _, b':', _, _] => {
            two_digits(rest, 1, 0..=23) && two_digits(rest, 4, 0..=59)
        }
        _ => false,
    };
    is_date(date) && is_clock && is_offset
}
