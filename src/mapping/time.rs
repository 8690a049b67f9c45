//! Times and dates, from a vendor's form to RFC 3339.
//!
//! Takes: text in one of the forms of [`TimeForm`].
//! Gives: `2024-01-02T03:04:05Z`, with the offset that the text had, or `2024-01-02`.
//! Never: reads a clock; guesses an offset.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::{rfc2822, strtime, temporal::Pieces};
use jiff::tz::{Offset, TimeZone};

use super::decimal;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// RFC 3339 and its usual relatives (`2024-01-02T03:04:05.000+0000`, a space for the T), and RFC 2822.
    Auto,
    UnixSeconds,
    UnixMillis,
    /// A `strptime` pattern, in this zone when the text has no offset.
    Pattern {
        pattern: Arc<str>,
        zone: Arc<str>,
    },
}

impl TimeForm {
    /// Checks a form before data comes: is the pattern one that can be read, is the zone known?
    pub fn check(&self) -> Result<(), String> {
        let Self::Pattern { pattern, zone } = self else { return Ok(()) };
        TimeZone::get(zone).map_err(|_| {
            format!(
                "time zone `{zone}` is not known; write an IANA name like `Europe/Vienna` or `UTC`"
            )
        })?;
        let sample = Date::constant(2001, 11, 12).at(13, 14, 15, 0).to_zoned(TimeZone::UTC);
        let sample = sample.map_err(|error| error.to_string())?;
        let text = strtime::format(&**pattern, &sample).map_err(|error| {
            format!("time format `{pattern}` is not a strptime pattern: {error}")
        })?;
        let broken = strtime::parse(&**pattern, &text)
            .map_err(|error| format!("time format `{pattern}` cannot be read back: {error}"))?;
        if broken.timestamp().is_some() || broken.to_date().is_ok() {
            Ok(())
        } else {
            Err(format!("time format `{pattern}` does not say year, month and day"))
        }
    }
}

/// Appends the instant, without quotes. The error is what was expected.
pub(super) fn write_instant(
    text: &str,
    form: &TimeForm,
    out: &mut String,
) -> Result<(), &'static str> {
    if *form == TimeForm::UnixSeconds
        && let Some(seconds) = plain_seconds(text)
    {
        write_unix(seconds, out);
        return Ok(());
    }
    let (moment, offset) = match form {
        TimeForm::Auto => {
            let (date, time, offset) = auto(text).ok_or("a date and time")?;
            (
                date.to_datetime(time.ok_or("a date with a time")?),
                offset.ok_or("a time with an offset")?,
            )
        }
        TimeForm::UnixSeconds => unix(text, 0).ok_or("Unix seconds")?,
        TimeForm::UnixMillis => unix(text, 3).ok_or("Unix milliseconds")?,
        TimeForm::Pattern { pattern, zone } => {
            by_pattern(text, pattern, zone).ok_or("a date and time of the declared format")?
        }
    };
    write_date(moment.date(), out).ok_or("a year from 0 to 9999")?;
    write_time(moment.time(), out);
    write_offset(offset, out).ok_or("an offset of whole minutes")
}

/// Appends the date, without quotes: as the text has it, in its own offset; Unix times in UTC.
pub(super) fn write_day(text: &str, form: &TimeForm, out: &mut String) -> Result<(), &'static str> {
    let date = match form {
        TimeForm::Auto => auto(text).ok_or("a date")?.0,
        TimeForm::UnixSeconds => unix(text, 0).ok_or("Unix seconds")?.0.date(),
        TimeForm::UnixMillis => unix(text, 3).ok_or("Unix milliseconds")?.0.date(),
        TimeForm::Pattern { pattern, zone } => {
            by_pattern(text, pattern, zone).ok_or("a date of the declared format")?.0.date()
        }
    };
    write_date(date, out).ok_or("a year from 0 to 9999")
}

fn auto(text: &str) -> Option<(Date, Option<Time>, Option<Offset>)> {
    if text.as_bytes().first()?.is_ascii_digit()
        && let Ok(pieces) = Pieces::parse(text)
    {
        return Some((pieces.date(), pieces.time(), pieces.to_numeric_offset()));
    }
    let zoned = rfc2822::parse(text).ok()?;
    Some((zoned.date(), Some(zoned.time()), Some(zoned.offset())))
}

fn unix(text: &str, shift: u32) -> Option<(DateTime, Offset)> {
    let (seconds, nanos) = decimal::seconds(text, shift)?;
    let timestamp = jiff::Timestamp::new(seconds, nanos).ok()?;
    Some((Offset::UTC.to_datetime(timestamp), Offset::UTC))
}

/// The usual Unix time: digits alone, from 1970 to a year of four digits.
fn plain_seconds(text: &str) -> Option<u32> {
    let is_plain = text.len() <= 10 && text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let seconds = if is_plain { text.parse().ok() } else { None };
    seconds.filter(|seconds| *seconds < 4_000_000_000)
}

/// Appends a Unix time in UTC. Years are counted from March, in eras of 400 years, so that the leap day is the last of its year.
fn write_unix(seconds: u32, out: &mut String) {
    const TO_MARCH_OF_YEAR_ZERO: u32 = 719_468;
    const DAYS_OF_ERA: u32 = 146_097;
    let (days, time) = (seconds / 86_400 + TO_MARCH_OF_YEAR_ZERO, seconds % 86_400);
    let (era, day) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u32::from(month <= 2);
    let parts = [year / 100, year % 100, month, day, time / 3_600, time / 60 % 60, time % 60];
    let mut date = *b"0000-00-00T00:00:00Z";
    for (part, at) in parts.into_iter().zip([0, 2, 5, 8, 11, 14, 17]) {
        if let Some(place) = date.get_mut(at..at + 2) {
            place.copy_from_slice(&digits_of(part));
        }
    }
    out.push_str(std::str::from_utf8(&date).unwrap_or_default());
}

fn by_pattern(text: &str, pattern: &str, zone: &str) -> Option<(DateTime, Offset)> {
    let broken = strtime::parse(pattern, text).ok()?;
    if let Some(timestamp) = broken.timestamp() {
        return Some((Offset::UTC.to_datetime(timestamp), Offset::UTC));
    }
    let time = if broken.hour().is_some() { broken.to_time().ok()? } else { Time::midnight() };
    let moment = broken.to_date().ok()?.to_datetime(time);
    if let Some(offset) = broken.offset() {
        return Some((moment, offset));
    }
    // a time that occurs twice is the first one, a time that is skipped moves on: what people mean when clocks change
    let zoned = moment.to_zoned(TimeZone::get(zone).ok()?).ok()?;
    Some((zoned.datetime(), zoned.offset()))
}

fn write_date(date: Date, out: &mut String) -> Option<()> {
    let year = u32::try_from(date.year()).ok()?;
    two_digits(year / 100, out);
    two_digits(year % 100, out);
    for part in [date.month(), date.day()] {
        out.push('-');
        two_digits(u32::from(part.unsigned_abs()), out);
    }
    Some(())
}

fn write_time(time: Time, out: &mut String) {
    for (mark, part) in [('T', time.hour()), (':', time.minute()), (':', time.second())] {
        out.push(mark);
        two_digits(u32::from(part.unsigned_abs()), out);
    }
    if time.subsec_nanosecond() != 0 {
        // writing to a string does not fail
        write!(out, ".{:09}", time.subsec_nanosecond()).unwrap_or_default();
        out.truncate(out.trim_end_matches('0').len());
    }
}

fn write_offset(offset: Offset, out: &mut String) -> Option<()> {
    let seconds = offset.seconds();
    if seconds == 0 {
        out.push('Z');
        return Some(());
    }
    if seconds % 60 != 0 {
        return None;
    }
    let minutes = seconds.unsigned_abs() / 60;
    out.push(if seconds < 0 { '-' } else { '+' });
    two_digits(minutes / 60, out);
    out.push(':');
    two_digits(minutes % 60, out);
    Some(())
}

/// Appends a number below 100.
fn two_digits(number: u32, out: &mut String) {
    out.extend(digits_of(number).map(char::from));
}

fn digits_of(number: u32) -> [u8; 2] {
    let digit = |digit: u32| b'0' + u8::try_from(digit % 10).unwrap_or_default();
    [digit(number / 10), digit(number)]
}
