//! Exact decimal numbers, from text to text: no binary floating point anywhere.
//!
//! Takes: digits as a backend wrote them, with sign, point and exponent.
//! Gives: the same number in plain digits, moved by powers of ten.
//! Never: rounds; writes more digits than [`DIGITS_MAX`].

/// More digits than this are no number that a business has.
const DIGITS_MAX: i64 = 1_000;

/// A number's parts as text: `-12.50e3`.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

/// Writes `text` divided by ten to the power of `shift`, its digits kept: `12.50`, never `1.25e1`.
///
/// A sign of plus, leading zeros, and a point without digits on one side are taken and not written.
/// `None`: it is not a decimal number, or its plain form would be too long.
pub(super) fn write(text: &str, shift: u32, out: &mut String) -> Option<()> {
    if let Some((whole, fraction)) = plain_integer(text, shift) {
        out.push_str(whole);
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
        return Some(());
    }
    let parts = parse(text)?;
    let digits = parts.whole.len() + parts.fraction.len();
    let scale = i64::try_from(parts.fraction.len()).ok()? - parts.exponent + i64::from(shift);
    let digits = i64::try_from(digits).ok()?;
    if scale.abs().max(digits) > DIGITS_MAX {
        return None;
    }
    // where the point stands in the digits; negative: zeros come before them
    let point = digits - scale;
    let all = || parts.whole.bytes().chain(parts.fraction.bytes());
    if parts.is_negative && all().any(|digit| digit != b'0') {
        out.push('-');
    }
    if point <= 0 {
        out.push_str("0.");
        (point..0).for_each(|_| out.push('0'));
        out.extend(all().map(char::from));
        return Some(());
    }
    let mut has_begun = false;
    for (place, digit) in (0_i64..).zip(all()) {
        if place == point {
            out.push('.');
        }
        has_begun |= digit != b'0' || place + 1 >= point;
        if has_begun {
            out.push(char::from(digit));
        }
    }
    if digits < point && has_begun {
        (digits..point).for_each(|_| out.push('0'));
    } else if digits < point {
        out.push('0');
    }
    Some(())
}

/// The usual amount: digits alone, more of them than `shift`, no zero in front. Both sides of the point.
fn plain_integer(text: &str, shift: u32) -> Option<(&str, &str)> {
    let is_plain = (1..=18).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit());
    let point = text.len().checked_sub(shift as usize).filter(|point| *point > 0)?;
    if is_plain { text.split_at_checked(point) } else { None }
}

/// The number as an integer, if it is one: `5`, `5.0`, `50e-1`.
pub(super) fn integer(text: &str) -> Option<i64> {
    if let Ok(integer) = text.parse() {
        return Some(integer);
    }
    let mut plain = String::new();
    write(text, 0, &mut plain)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if fraction.bytes().any(|digit| digit != b'0') {
        return None;
    }
    whole.parse().ok()
}

/// Whole seconds and nanoseconds of `text` divided by ten to the power of `shift`; both have the sign of the number.
pub(super) fn seconds(text: &str, shift: u32) -> Option<(i64, i32)> {
    if shift == 0
        && let Ok(seconds) = text.parse()
    {
        return Some((seconds, 0));
    }
    let mut plain = String::new();
    write(text, shift, &mut plain)?;
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + i32::from(digit - b'0'));
    Some((whole.parse().ok()?, if whole.starts_with('-') { -nanos } else { nanos }))
}

/// Is it written as JSON writes numbers?
pub(super) fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let has_leading_zero =
        unsigned.starts_with('0') && unsigned.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let Some(parts) = parse(text) else { return false };
    !has_leading_zero
        && !text.starts_with('+')
        && !parts.whole.is_empty()
        && (!text.contains('.') || !parts.fraction.is_empty())
}

fn parse(text: &str) -> Option<Parts<'_>> {
    let (is_negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)?),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    // far beyond `DIGITS_MAX` either way; `parse` takes a sign of plus too
    let exponent = exponent.parse::<i32>().ok()?;
    Some(Parts { is_negative, whole, fraction, exponent: i64::from(exponent) })
}

/// How many digits a currency's amounts have after the point (ISO 4217).
pub(crate) fn minor_digits(currency: [u8; 3]) -> u32 {
    match &currency {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
        | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        b"CLF" | b"UYW" => 4,
        _ => 2,
    }
}
