//! Metrics over tables written by hand, and sums against a reckoning in minor units.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::graph::{Buckets, Factor, Filter, Flag, Per, Rows, Score, Term, Test};

const NOW: &str = "2026-03-10T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "tables stand in lists that may lack some")]
fn table(source: &str, reading: Reading, rows: &[&[&str]]) -> Option<Table<'static>> {
    let text = |cell: &&str| (*cell != "-").then(|| Cow::Owned((*cell).to_owned()));
    Some(Table {
        width: rows.first().map_or(1, |row| row.len()),
        cells: rows.iter().flat_map(|row| row.iter().map(text)).collect(),
        reading,
        sources: vec![Arc::from(source)],
        age: Duration::from_mins(1),
    })
}

fn rows(list: usize, filters: Vec<(usize, Test)>) -> Rows {
    let filters = filters.into_iter().map(|(column, test)| Filter { column, test });
    Rows { list, filters: filters.collect() }
}

fn words(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| Arc::from(*word)).collect()
}

fn term(rows: Rows) -> Term {
    Term { rows, amount: 0, currency: 1, is_negative: false, times: None, per: None }
}

#[test]
fn sums_are_exact_and_apart_by_currency() {
    let tables = [
        table(
            "billing",
            Reading::Whole,
            &[
                &["0.10", "EUR", "OPEN"],
                &["0.20", "EUR", "OPEN"],
                &["1990", "JPY", "OPEN"],
                &["5.00", "EUR", "VOID"],
            ],
        ),
        table("billing", Reading::Whole, &[&["0.05", "EUR", "PAID"]]),
    ];
    let minus = Term { is_negative: true, ..term(rows(1, Vec::new())) };
    let open = rows(0, vec![(2, Test::Is(words(&["OPEN"])))]);
    let metric = reckon(&Formula::Sum(vec![term(open), minus]), &[0, 1], &tables, now());
    assert_eq!(
        metric,
        json!({
            "value": [
                { "amount": "0.25", "currency": "EUR" },
                { "amount": "1990", "currency": "JPY" },
            ],
            "asOf": "2026-03-10T11:59:00Z",
            "complete": true,
            "missingSources": [],
        })
    );
}

#[test]
fn a_dead_source_is_never_a_sum_of_nothing() {
    let dead = [table("billing", Reading::Missing, &[])];
    let metric = reckon(&Formula::Sum(vec![term(rows(0, Vec::new()))]), &[0], &dead, now());
    assert_eq!(metric["value"], Value::Null);
    assert_eq!(metric["complete"], json!(false));
    assert_eq!(metric["missingSources"], json!(["billing"]));

    let empty = [table("billing", Reading::Whole, &[])];
    let metric = reckon(&Formula::Sum(vec![term(rows(0, Vec::new()))]), &[0], &empty, now());
    assert_eq!((&metric["value"], &metric["complete"]), (&json!([]), &json!(true)));
}

#[test]
fn a_list_that_was_not_read_to_its_end_gives_a_value_that_says_so() {
    let tables = [table("support", Reading::Partial, &[&["URGENT"], &["LOW"], &["LOW"]])];
    let count = Formula::Count { rows: rows(0, Vec::new()), by: Some(0) };
    let metric = reckon(&count, &[0], &tables, now());
    assert_eq!(metric["value"], json!(3));
    assert_eq!(
        metric["by"],
        json!([{ "key": "LOW", "count": 2 }, { "key": "URGENT", "count": 1 }])
    );
    assert_eq!(
        (&metric["complete"], &metric["missingSources"]),
        (&json!(false), &json!(["support"]))
    );
}

#[test]
fn an_item_that_does_not_say_how_much_makes_the_sum_incomplete() {
    let tables = [table("billing", Reading::Whole, &[&["1.00", "EUR"], &["-", "EUR"]])];
    let metric = reckon(&Formula::Sum(vec![term(rows(0, Vec::new()))]), &[0], &tables, now());
    assert_eq!(metric["value"], json!([{ "amount": "1.00", "currency": "EUR" }]));
    assert_eq!(
        (&metric["complete"], &metric["missingSources"]),
        (&json!(false), &json!(["billing"]))
    );
}

#[test]
fn recurring_amounts_are_brought_to_a_month_or_a_year() {
    let tables = [table(
        "billing",
        Reading::Whole,
        &[
            &["120.00", "EUR", "YEAR", "1", "2"],
            &["30.00", "EUR", "MONTH", "3", "1"],
            &["7.00", "EUR", "WEEK", "1", "1"],
            &["1000", "JPY", "YEAR", "1", "1"],
        ],
    )];
    let per = |is_yearly| {
        let per = Per { unit: 2, count: Some(3), is_yearly };
        let term = Term { times: Some(4), per: Some(per), ..term(rows(0, Vec::new())) };
        reckon(&Formula::Sum(vec![term]), &[0], &tables, now())["value"].clone()
    };
    // 20 + 10 + 30.33; a yen has no smaller unit
    assert_eq!(
        per(false),
        json!([{ "amount": "60.33", "currency": "EUR" }, { "amount": "83", "currency": "JPY" }])
    );
    assert_eq!(
        per(true),
        json!([{ "amount": "724.00", "currency": "EUR" }, { "amount": "1000", "currency": "JPY" }])
    );
}

#[test]
fn amounts_fall_into_buckets_by_days_and_what_is_due_today_is_not_late() {
    let tables = [table(
        "billing",
        Reading::Whole,
        &[
            &["1", "EUR", "2026-03-10"],
            &["2", "EUR", "2026-03-09"],
            &["4", "EUR", "2026-03-10T11:00:00Z"],
            &["8", "EUR", "2026-02-08"],
            &["16", "EUR", "2026-02-07"],
            &["32", "EUR", "2020-01-01"],
            &["64", "EUR", "-"],
        ],
    )];
    let limits = vec![
        (Arc::from("current"), Some(0)),
        (Arc::from("d1_30"), Some(30)),
        (Arc::from("older"), None),
    ];
    let buckets = Buckets { rows: rows(0, Vec::new()), amount: 0, currency: 1, since: 2, limits };
    let metric = reckon(&Formula::Buckets(buckets), &[0], &tables, now());
    let euros = |amount: &str| json!([{ "amount": amount, "currency": "EUR" }]);
    assert_eq!(
        metric["value"],
        json!([
            { "name": "current", "totals": euros("69") },
            { "name": "d1_30", "totals": euros("10") },
            { "name": "older", "totals": euros("48") },
        ])
    );
}

#[test]
fn a_day_is_past_when_the_next_one_has_begun_and_an_instant_at_once() {
    let tables = [table(
        "billing",
        Reading::Whole,
        &[
            &["2026-03-10"],
            &["2026-03-09"],
            &["2026-03-10T11:59:59Z"],
            &["2026-03-10T13:00:00+01:00"],
            &["-"],
        ],
    )];
    let counted = |test: Test| {
        let rows = rows(0, vec![(0, test)]);
        reckon(&Formula::Count { rows, by: None }, &[0], &tables, now())["value"].clone()
    };
    assert_eq!(counted(Test::Before(0)), json!(2));
    assert_eq!(counted(Test::After(0)), json!(0));
    assert_eq!(counted(Test::After(-86_400)), json!(3));
    assert_eq!(counted(Test::IsNot(words(&["2026-03-10"]))), json!(3));
}

#[test]
fn the_latest_of_several_sources_is_known_while_one_of_them_answers() {
    let latest = Formula::Instant {
        is_latest: true,
        of: vec![(rows(0, Vec::new()), 0), (rows(1, Vec::new()), 0)],
    };
    let age = Formula::Age { of: Arc::new(latest.clone()), unit: AgeUnit::Days };
    let alive = table("crm", Reading::Whole, &[&["2026-03-01T00:00:00Z"], &["2026-02-01"]]);
    let tables = [alive.clone(), table("support", Reading::Missing, &[])];
    let metric = reckon(&latest, &[0, 1], &tables, now());
    assert_eq!(metric["value"], json!("2026-03-01T00:00:00Z"));
    assert_eq!(
        (&metric["complete"], &metric["missingSources"]),
        (&json!(false), &json!(["support"]))
    );
    assert_eq!(reckon(&age, &[0, 1], &tables, now())["value"], json!(9));

    let dead = [table("crm", Reading::Missing, &[]), table("support", Reading::Missing, &[])];
    assert_eq!(reckon(&latest, &[0, 1], &dead, now())["value"], Value::Null);
    assert_eq!(reckon(&age, &[0, 1], &dead, now())["missingSources"], json!(["crm", "support"]));
}

#[test]
fn a_score_says_what_it_comes_from_and_leaves_out_what_is_not_known() {
    let count = |list| Arc::new(Formula::Count { rows: rows(list, Vec::new()), by: None });
    let factor = |name: &str, list, best, worst, weight| Factor {
        name: Arc::from(name),
        of: count(list),
        lists: vec![list],
        best,
        worst,
        weight,
    };
    let score = Formula::Score(Score {
        factors: vec![factor("overdue", 0, 0, 4000, 3), factor("urgent", 1, 0, 2000, 1)],
        bands: vec![(Arc::from("GOOD"), 70), (Arc::from("POOR"), 0)],
    });
    let billing = table("billing", Reading::Whole, &[&["x"]]);
    let both = [billing.clone(), table("support", Reading::Whole, &[&["y"], &["y"], &["y"]])];
    let metric = reckon(&score, &[0, 1], &both, now());
    // three quarters, and nothing: (3 * 0.75 + 1 * 0) / 4
    assert_eq!((&metric["value"], &metric["band"]), (&json!(56), &json!("POOR")));
    assert_eq!(
        metric["factors"],
        json!([
            { "name": "overdue", "weight": 3, "measured": "1", "value": "0.75" },
            { "name": "urgent", "weight": 1, "measured": "3", "value": "0" },
        ])
    );
    let one = [billing, table("support", Reading::Missing, &[])];
    let metric = reckon(&score, &[0, 1], &one, now());
    assert_eq!((&metric["value"], &metric["band"]), (&json!(75), &json!("GOOD")));
    assert_eq!(metric["factors"][1]["value"], Value::Null);
    assert_eq!(metric["missingSources"], json!(["support"]));
}

#[test]
fn flags_name_what_holds_of_what_is_known() {
    let count = |list| Arc::new(Formula::Count { rows: rows(list, Vec::new()), by: None });
    let flag = |name: &str, list, above| Flag {
        name: Arc::from(name),
        of: count(list),
        lists: vec![list],
        above,
    };
    let flags =
        Formula::Flags(vec![flag("OVERDUE", 0, 0), flag("MANY", 0, 1000), flag("URGENT", 1, -1)]);
    let tables =
        [table("billing", Reading::Whole, &[&["x"]]), table("support", Reading::Missing, &[])];
    let metric = reckon(&flags, &[0, 1], &tables, now());
    assert_eq!((&metric["value"], &metric["complete"]), (&json!(["OVERDUE"]), &json!(false)));
}

#[test]
fn means_are_of_what_has_a_value() {
    let tables = [table(
        "support",
        Reading::Whole,
        &[
            &["2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "5"],
            &["2026-03-01T00:00:00Z", "-", "4"],
            &["2026-03-01T00:00:00Z", "2026-03-01T00:30:01Z", "-"],
        ],
    )];
    let seconds = Formula::MeanSeconds { rows: rows(0, Vec::new()), from: 0, to: 1 };
    let mean = Formula::Mean { rows: rows(0, Vec::new()), column: 2 };
    assert_eq!(reckon(&seconds, &[0], &tables, now())["value"], json!(2700));
    let mean_of_two = reckon(&mean, &[0], &tables, now());
    assert_eq!((&mean_of_two["value"], &mean_of_two["count"]), (&json!("4.5"), &json!(2)));
    let none = [table("support", Reading::Whole, &[])];
    let of_none = reckon(&mean, &[0], &none, now());
    assert_eq!((&of_none["value"], &of_none["count"]), (&Value::Null, &json!(0)));
}

proptest! {
    #[test]
    fn no_order_and_no_cut_of_the_rows_changes_a_sum(
        cents in proptest::collection::vec((-1_000_000_i64..1_000_000, 0..3_usize), 0..40),
        cut in 0..40_usize,
    ) {
        let currencies = ["EUR", "JPY", "USD"];
        let row = |(cents, currency): &(i64, usize)| {
            let amount = Decimal::new(*cents, 2).to_string();
            [Some(Cow::Owned(amount)), Some(Cow::Borrowed(currencies[*currency]))]
        };
        let of = |rows: &[(i64, usize)]| Some(Table {
            width: 2,
            cells: rows.iter().flat_map(row).collect(),
            reading: Reading::Whole,
            sources: vec![Arc::from("billing")],
            age: Duration::ZERO,
        });
        let (first, second) = cents.split_at(cut.min(cents.len()));
        let both = Formula::Sum(vec![term(rows(0, Vec::new())), term(rows(1, Vec::new()))]);
        let value = reckon(&both, &[0, 1], &[of(second), of(first)], now())["value"].clone();
        let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
        for (cents, currency) in &cents {
            *expected.entry(currencies[*currency]).or_default() += cents;
        }
        let expected: Value = expected
            .into_iter()
            .map(|(currency, cents)| json!({ "amount": Decimal::new(cents, 2).to_string(), "currency": currency }))
            .collect();
        prop_assert_eq!(value, expected);
    }
}
