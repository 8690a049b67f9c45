//! Instants and days, side by side: an invoice is due on a day, a payment comes at an instant.

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::Date;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Seconds.
pub(super) const DAY: i64 = 86_400;

/// A point in time as a backend says it. A day is compared with days, an instant with instants; a day among instants is its
/// first moment in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Day(Date),
    /// With the offset in which it is written: there it is of a day.
    Instant(Timestamp, Offset),
}

impl Moment {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() == 10 {
            return text.parse().ok().map(Self::Day);
        }
        let offset = Pieces::parse(text).ok()?.to_numeric_offset().unwrap_or(Offset::UTC);
        Some(Self::Instant(text.parse().ok()?, offset))
    }

    fn start(&self) -> Timestamp {
        match self {
            Self::Instant(instant, _) => *instant,
            Self::Day(day) => {
                day.to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |day| day.timestamp())
            }
        }
    }

    pub(super) fn seconds_until(&self, other: &Self) -> i64 {
        other.start().as_second() - self.start().as_second()
    }

    pub(super) fn seconds_before(&self, now: Timestamp) -> i64 {
        now.as_second() - self.start().as_second()
    }

    /// Is it before now, moved by so many seconds? A day is over only when the next one has begun.
    pub(super) fn is_before(&self, now: Timestamp, shift: i64) -> bool {
        let Some(then) = shifted(now, shift) else { return false };
        match self {
            Self::Instant(instant, _) => *instant < then,
            Self::Day(day) => *day < then.to_zoned(TimeZone::UTC).date(),
        }
    }

    pub(super) fn is_after(&self, now: Timestamp, shift: i64) -> bool {
        let Some(then) = shifted(now, shift) else { return false };
        match self {
            Self::Instant(instant, _) => *instant > then,
            Self::Day(day) => *day > then.to_zoned(TimeZone::UTC).date(),
        }
    }

    /// How many days its day is before today, where it was written; a day that is written alone is one in UTC.
    pub(super) fn days_over(&self, now: Timestamp) -> i64 {
        let (day, today) = match self {
            Self::Instant(instant, offset) => {
                (offset.to_datetime(*instant).date(), offset.to_datetime(now).date())
            }
            Self::Day(day) => (*day, Offset::UTC.to_datetime(now).date()),
        };
        today.duration_since(day).as_hours() / 24
    }
}

fn shifted(now: Timestamp, shift: i64) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_secs(shift)).ok()
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.start().cmp(&other.start())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.start().fmt(formatter)
    }
}
