//! The escapes of JSON strings, read and written.

/// What escapes a JSON string has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Escapes {
    None,
    Whole,
    /// Half of a surrogate pair.
    Broken,
}

/// What a JSON string says. Half of a surrogate pair becomes U+FFFD.
pub(super) fn unescape(escaped: &str) -> String {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, after)) = rest.split_once('\\') {
        text.push_str(plain);
        rest = unescape_one(after, &mut text);
    }
    text.push_str(rest);
    text
}

fn unescape_one<'a>(after: &'a str, text: &mut String) -> &'a str {
    let mut chars = after.chars();
    let short = match chars.next() {
        Some('u') => return unescape_unit(chars.as_str(), text),
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some(other) => other,
        None => return "",
    };
    text.push(short);
    chars.as_str()
}

fn unescape_unit<'a>(after: &'a str, text: &mut String) -> &'a str {
    let unit = |text: &str| text.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let Some(first) = unit(after) else { return after };
    let rest = after.get(4..).unwrap_or_default();
    let second =
        rest.strip_prefix("\\u").and_then(unit).filter(|unit| (0xdc00..0xe000).contains(unit));
    match second {
        Some(second) if (0xd800..0xdc00).contains(&first) => {
            text.extend(char::decode_utf16([first, second]).flatten());
            rest.get(6..).unwrap_or_default()
        }
        _ => {
            text.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest
        }
    }
}

/// Appends `text` as a JSON string.
pub(super) fn write_string(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    if plain_length(text.as_bytes()) == text.len() {
        out.push_str(text);
    } else {
        write_escaped(text, out);
    }
    out.push('"');
}

/// Appends `text` as it stands inside JSON quotes.
pub(super) fn write_escaped(text: &str, out: &mut String) {
    let mut rest = text;
    loop {
        let at = plain_length(rest.as_bytes());
        out.push_str(rest.get(..at).unwrap_or_default());
        let Some(special) = rest.as_bytes().get(at) else { return };
        match *special {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                out.push_str("\\u00");
                for digit in [control >> 4, control & 15] {
                    out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
                }
            }
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
}

/// How many bytes stand before the first quote, backslash or control character; they are looked at eight at a time.
pub(super) fn plain_length(text: &[u8]) -> usize {
    let mut length = 0;
    let (chunks, rest) = text.as_chunks::<8>();
    for chunk in chunks {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return length + special.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    // the last bytes once more, with some before them, are another eight
    if let (false, Some(last)) = (rest.is_empty(), text.last_chunk())
        && special_bytes(u64::from_le_bytes(*last)) == 0
    {
        return text.len();
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
    length + rest.iter().take_while(is_plain).count()
}

/// A bit in each byte that is a quote, a backslash or a control character, at least up to the first of them.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let quote = zero(word ^ (ONES * 0x22));
    let backslash = zero(word ^ (ONES * 0x5c));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGH
}
