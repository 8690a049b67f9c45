//! What an answer's headers say of the backend's quota, in whichever way it says it.
//!
//! Times become durations here, by the answer's own `Date` where it has one: a clock that is wrong on either side wakes nobody early.

use std::time::{Duration, SystemTime};

use hyper::header;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::WireResponse;
use crate::graph::QuotaHeaders;

/// What a backend told of its quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    /// When there is more.
    pub reset: Option<Duration>,
}

/// From this number on a reset is a time of 1970 in seconds, and from a thousand times this one in milliseconds.
const SECONDS_OF_1970_MIN: u64 = 1_000_000_000;

/// Reads the headers: those that the vendor file names, then the usual ones.
pub fn told(response: &WireResponse, own: &QuotaHeaders) -> Told {
    let mut told = Told::default();
    let now = || {
        date(response).unwrap_or_else(|| Timestamp::try_from(SystemTime::now()).unwrap_or_default())
    };
    let is = |name: &str, own: &Option<std::sync::Arc<str>>| own.as_deref() == Some(name);
    for (name, value) in &response.headers {
        // what most answers have, and what says nothing of a quota
        if [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::DATE].contains(name) {
            continue;
        }
        let Ok(value) = value.to_str().map(str::trim) else { continue };
        match name.as_str() {
            name if is(name, &own.limit) => told.limit = number(value).or(told.limit),
            name if is(name, &own.remaining) => told.remaining = number(value).or(told.remaining),
            name if is(name, &own.reset) => told.reset = reset(value, now).or(told.reset),
            name if is(name, &own.usage) => usage(value, &mut told),
            "retry-after" => told.retry_after = retry_after(value, now),
            "ratelimit" => structured(value, &mut told),
            name => usual(name, value, now, &mut told),
        }
    }
    told
}

/// `X-RateLimit-Remaining`, `X-Rate-Limit-Remaining`, `RateLimit-Remaining` and their kin.
fn usual(name: &str, value: &str, now: impl Fn() -> Timestamp, told: &mut Told) {
    let name = name.strip_prefix("x-").unwrap_or(name);
    let Some(rest) = name.strip_prefix("ratelimit").or_else(|| name.strip_prefix("rate-limit"))
    else {
        return;
    };
    match rest {
        "" | "-limit" => told.limit = told.limit.or(number(value)),
        "-remaining" => told.remaining = told.remaining.or(number(value)),
        "-reset" => told.reset = told.reset.or(reset(value, now)),
        _ => {}
    }
}

/// The first of `api-usage=18/5000; per-app-api-usage=17/250(…)`: used, of how many.
fn usage(value: &str, told: &mut Told) {
    let first = value.split([',', ';']).next().unwrap_or_default();
    let numbers = first.rsplit('=').next().and_then(|text| text.split_once('/'));
    let Some((used, limit)) =
        numbers.and_then(|(used, limit)| Some((number(used)?, number(limit)?)))
    else {
        return;
    };
    (told.limit, told.remaining) = (Some(limit), Some(limit.saturating_sub(used)));
}

/// `RateLimit`, in the form of the drafts: `limit=100, remaining=50, reset=5` and `"default";r=50;t=30`.
fn structured(value: &str, told: &mut Told) {
    for part in value.split([',', ';']) {
        let Some((name, value)) = part.split_once('=') else { continue };
        let value = number(value);
        match name.trim() {
            "limit" | "q" => told.limit = value.or(told.limit),
            "remaining" | "r" => told.remaining = value.or(told.remaining),
            "reset" | "t" => told.reset = value.map(Duration::from_secs).or(told.reset),
            _ => {}
        }
    }
}

/// The first number of the header: some tell several windows, the shortest first.
fn number(value: &str) -> Option<u64> {
    let first = value.split([',', ';']).next()?.trim();
    first.parse().ok().or_else(|| whole(first.parse::<f64>().ok()?))
}

fn whole(number: f64) -> Option<u64> {
    let seconds = Duration::try_from_secs_f64(number).ok()?;
    Some(seconds.as_secs() + u64::from(seconds.subsec_nanos() > 0))
}

fn reset(value: &str, now: impl Fn() -> Timestamp) -> Option<Duration> {
    let told = number(value)?;
    if told < SECONDS_OF_1970_MIN {
        return Some(Duration::from_secs(told));
    }
    let at = i64::try_from(told).ok()?;
    let is_seconds = told < SECONDS_OF_1970_MIN.saturating_mul(1_000);
    let at = if is_seconds { Timestamp::from_second(at) } else { Timestamp::from_millisecond(at) };
    Some(until(at.ok()?, now()))
}

/// Both forms: seconds, and a date.
fn retry_after(value: &str, now: impl Fn() -> Timestamp) -> Option<Duration> {
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(until(http_date(value)?, now())),
    }
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

fn date(response: &WireResponse) -> Option<Timestamp> {
    http_date(response.header("date")?)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, and the two older forms that HTTP still allows: `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`.
fn http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let usual = DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text);
    let parsed = |format, text: &str| {
        jiff::civil::DateTime::strptime(format, text).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()
    };
    usual
        .ok()
        .or_else(|| Some(parsed("%d-%b-%y %H:%M:%S GMT", text.split_once(", ")?.1)?.timestamp()))
        .or_else(|| Some(parsed("%a %b %e %H:%M:%S %Y", text)?.timestamp()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Told, told};
    use crate::graph::QuotaHeaders;
    use crate::transport::{WireResponse, fields};

    fn read(headers: &[(&str, &str)]) -> Told {
        let response =
            WireResponse { headers: fields(headers.iter().copied()), ..WireResponse::default() };
        told(&response, &QuotaHeaders::default())
    }

    #[expect(clippy::unnecessary_wraps, reason = "as it is read")]
    fn seconds(number: u64) -> Option<Duration> {
        Some(Duration::from_secs(number))
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (value, wait) in [
            ("120", seconds(120)),
            ("0", seconds(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", seconds(10)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", seconds(60)),
            ("Sun Nov  6 08:49:39 1994", seconds(2)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", seconds(0)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(read(&[date, ("retry-after", value)]).retry_after, wait, "{value}");
        }
    }

    #[test]
    fn what_is_left_is_read_in_every_usual_spelling() {
        let all =
            Told { limit: Some(100), remaining: Some(7), reset: seconds(30), retry_after: None };
        for headers in [
            &[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "7"),
                ("x-ratelimit-reset", "30"),
            ][..],
            &[
                ("ratelimit-limit", "100, 100;w=60"),
                ("ratelimit-remaining", "7"),
                ("ratelimit-reset", "30"),
            ],
            &[
                ("x-rate-limit", "100"),
                ("x-rate-limit-remaining", "7"),
                ("x-rate-limit-reset", "29.5"),
            ],
            &[("ratelimit", "limit=100, remaining=7, reset=30")],
            &[("ratelimit", "\"default\";q=100;r=7;t=30")],
        ] {
            assert_eq!(read(headers), all, "{headers:?}");
        }
    }

    #[test]
    fn a_reset_may_be_a_time_of_1970() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for reset in ["784111822", "1784111782"] {
            let wait = read(&[date, ("x-ratelimit-reset", reset)]).reset;
            let expected =
                if reset == "784111822" { seconds(784_111_822) } else { seconds(1_000_000_005) };
            assert_eq!(wait, expected, "{reset}");
        }
        let now = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        assert_eq!(read(&[now, ("x-ratelimit-reset", "1700000045")]).reset, seconds(45));
        assert_eq!(read(&[now, ("x-ratelimit-reset", "1700000045000")]).reset, seconds(45));
    }

    #[test]
    fn a_vendors_own_headers_go_before_the_usual_ones() {
        let own = QuotaHeaders {
            limit: Some(Arc::from("x-hubspot-ratelimit-max")),
            remaining: Some(Arc::from("x-hubspot-ratelimit-remaining")),
            ..QuotaHeaders::default()
        };
        let headers = [
            ("x-hubspot-ratelimit-max", "190"),
            ("x-hubspot-ratelimit-remaining", "3"),
            ("x-ratelimit-remaining", "9000"),
        ];
        let response =
            WireResponse { headers: fields(headers.iter().copied()), ..WireResponse::default() };
        let told = told(&response, &own);
        assert_eq!((told.limit, told.remaining), (Some(190), Some(3)));
    }

    #[test]
    fn what_was_used_of_how_many_may_stand_in_one_header() {
        let own =
            QuotaHeaders { usage: Some(Arc::from("sforce-limit-info")), ..QuotaHeaders::default() };
        for (value, wanted) in [
            ("api-usage=18/5000", (Some(5000), Some(4982))),
            ("api-usage=25/5000; per-app-api-usage=17/250(appName=a)", (Some(5000), Some(4975))),
            ("6000/5000", (Some(5000), Some(0))),
            ("api-usage=18", (None, None)),
            ("api-usage=a/b", (None, None)),
        ] {
            let headers = fields([("sforce-limit-info", value)]);
            let told = told(&WireResponse { headers, ..WireResponse::default() }, &own);
            assert_eq!(
                (told.limit, told.remaining, told.reset),
                (wanted.0, wanted.1, None),
                "{value}"
            );
        }
    }
}
