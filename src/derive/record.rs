//! What follows from a record alone.

use jiff::Timestamp;
use serde_json::Value;

use super::rows::{Row, Text};
use crate::graph::{Computed, Gives};

/// The value of a computed field, from what it reads of the record; null where something of that is not known.
pub fn compute(computed: &Computed, read: &[Text<'_>], now: Timestamp) -> Value {
    known(computed, Row(read), now).unwrap_or(Value::Null)
}

fn known(computed: &Computed, row: Row<'_>, now: Timestamp) -> Option<Value> {
    let mut holds = true;
    for test in &computed.tests {
        // also of what no longer matters: what is not known is never taken for false
        holds &= row.passes(test, now)?;
    }
    Some(match computed.gives {
        Gives::Truth => Value::from(holds),
        Gives::Days { since } => {
            let days = row.moment(since)?.days_over(now);
            Value::from(if holds { i32::try_from(days).ok()? } else { 0 })
        }
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use super::*;
    use crate::graph::{FieldId, Filter, PartId, Test};

    fn late(gives: Gives) -> Computed {
        Computed {
            part: PartId(0),
            reads: vec![FieldId(0), FieldId(1)],
            tests: vec![
                Filter { column: 0, test: Test::Is(vec!["OPEN".into(), "OVERDUE".into()]) },
                Filter { column: 1, test: Test::BeforeToday },
            ],
            gives,
        }
    }

    #[track_caller]
    fn assert_late(read: [Option<&str>; 2], now: &str, expected: &(Value, Value)) {
        let read = read.map(|text| text.map(Cow::Borrowed));
        let now = now.parse().unwrap();
        let value = |gives| compute(&late(gives), &read, now);
        assert_eq!(&(value(Gives::Truth), value(Gives::Days { since: 1 })), expected, "{read:?}");
    }

    #[test]
    fn a_day_is_over_when_the_next_one_begins_in_utc() {
        let of = |due| [Some("OPEN"), Some(due)];
        let fine = (json!(false), json!(0));
        assert_late(of("2026-02-28"), "2026-02-28T23:59:59Z", &fine);
        assert_late(of("2026-02-28"), "2026-03-01T00:00:00Z", &(json!(true), json!(1)));
        assert_late(of("2026-02-28"), "2026-03-02T00:00:00Z", &(json!(true), json!(2)));
        assert_late(of("2026-02-28"), "2026-01-01T00:00:00Z", &fine);
    }

    #[test]
    fn an_instant_is_over_when_its_day_is_where_it_was_written() {
        let of = |due| [Some("OVERDUE"), Some(due)];
        let (fine, late) = ((json!(false), json!(0)), (json!(true), json!(1)));
        for due in ["2026-02-28T00:00:00-07:00", "2026-02-28T23:59:59-07:00"] {
            assert_late(of(due), "2026-03-01T06:59:59Z", &fine);
            assert_late(of(due), "2026-03-01T07:00:00Z", &late);
            assert_late(of(due), "2026-03-02T07:00:00Z", &(json!(true), json!(2)));
        }
        assert_late(of("2026-02-28T12:00:00Z"), "2026-02-28T12:00:01Z", &fine);
        assert_late(of("2026-02-28T12:00:00Z"), "2026-03-01T00:00:00Z", &late);
    }

    #[test]
    fn what_is_not_known_is_null_and_never_false() {
        let null = (Value::Null, Value::Null);
        let now = "2026-03-01T00:00:00Z";
        assert_late([Some("PAID"), None], now, &null);
        assert_late([None, Some("2020-01-01")], now, &null);
        assert_late([Some("OPEN"), Some("soon")], now, &null);
        assert_late([Some("PAID"), Some("2020-01-01")], now, &(json!(false), json!(0)));
    }
}
