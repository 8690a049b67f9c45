use super::*;

/// What the mapping makes of the record, with the other shapes that it names from number 1 on.
pub(super) fn eval_with(payload: &Payload, mapping: Mapping, others: Vec<Shape>) -> String {
    let mut shapes = vec![shape("Thing", vec![slot("v", mapping)])];
    shapes.extend(others);
    let graph = graph(shapes);
    let call = call(None, &[], Normalizer::Exact);
    let answers = map_answers(
        &graph,
        &call,
        FIRST,
        SlotSet::ALL,
        std::slice::from_ref(payload),
        &[Key::unit()],
    );
    let printed = rows(&graph, &answers[0]);
    printed
        .strip_prefix("{v:")
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or(&printed)
        .to_owned()
}

pub(super) fn eval(record: &str, mapping: Mapping) -> String {
    eval_with(&json(record), mapping, Vec::new())
}

/// `value` at `.v`, as JSON, mapped by what `mapping` makes of that path.
pub(super) fn check(mapping: impl Fn(Path) -> Mapping, cases: &[(&str, &str)]) {
    for (value, expected) in cases {
        assert_eq!(eval(&format!("{{\"v\":{value}}}"), mapping(path(".v"))), *expected, "{value}");
    }
}

pub(super) fn scalar(scalar: Scalar) -> impl Fn(Path) -> Mapping {
    move |path| Mapping::Path { path, to: Leaf::Scalar(scalar) }
}

pub(super) fn text_at(text: &str) -> Mapping {
    Mapping::Path { path: path(text), to: Leaf::Scalar(Scalar::String) }
}

pub(super) fn words(words: &[&str]) -> Vec<Arc<str>> {
    words.iter().map(|word| Arc::from(*word)).collect()
}

#[test]
fn words_of_an_enum_are_checked_and_mapped() {
    let leaf = |path| Mapping::Path { path, to: Leaf::Enum(Arc::from(words(&["OPEN", "PAID"]))) };
    check(
        leaf,
        &[
            ("\"OPEN\"", "\"OPEN\""),
            ("\"open\"", "!`.v`: expected a value of the enum, found another"),
            ("1", "!`.v`: expected a value of the enum, found a number"),
            ("null", "null"),
        ],
    );
    let pairs = || {
        [("open", "OPEN"), ("1", "PAID"), ("", "UNKNOWN")]
            .map(|(a, b)| (Arc::from(a), Arc::from(b)))
    };
    check(
        |path| Mapping::Enum { path, values: pairs().to_vec(), otherwise: None },
        &[
            ("\"open\"", "\"OPEN\""),
            ("1", "\"PAID\""),
            ("\"\"", "\"UNKNOWN\""),
            ("\"void\"", "!`.v`: expected a word that the mapping knows, found another"),
            ("{}", "!`.v`: expected a word, found an object"),
            ("null", "null"),
        ],
    );
    check(
        |path| Mapping::Enum {
            path,
            values: pairs().to_vec(),
            otherwise: Some(Arc::from("OTHER")),
        },
        &[("\"void\"", "\"OTHER\""), ("null", "null")],
    );
}

pub(super) fn money(is_minor: bool, currency: CurrencySource) -> Mapping {
    Mapping::Money {
        amount: path(".a"),
        currency,
        is_minor,
        own_digits: Arc::from([]),
        shape: ShapeId(1),
    }
}

pub(super) fn money_shape() -> Shape {
    let none = || Mapping::Constant { json: Box::from("null") };
    shape("Money", vec![slot("amount", none()), slot("currency", none())])
}

pub(super) fn eval_money(record: &str, is_minor: bool) -> String {
    let currency = CurrencySource::Path(path(".c"));
    eval_with(&json(record), money(is_minor, currency), vec![money_shape()])
}

#[test]
fn money_is_exact() {
    for (record, is_minor, expected) in [
        (r#"{"a":1050,"c":"usd"}"#, true, r#"{amount:"10.50" currency:"USD"}"#),
        (r#"{"a":5,"c":"eur"}"#, true, r#"{amount:"0.05" currency:"EUR"}"#),
        (r#"{"a":-5,"c":"eur"}"#, true, r#"{amount:"-0.05" currency:"EUR"}"#),
        (r#"{"a":1050,"c":"JPY"}"#, true, r#"{amount:"1050" currency:"JPY"}"#),
        (r#"{"a":1050,"c":"bhd"}"#, true, r#"{amount:"1.050" currency:"BHD"}"#),
        (r#"{"a":"1050","c":"clf"}"#, true, r#"{amount:"0.1050" currency:"CLF"}"#),
        (r#"{"a":0,"c":"eur"}"#, true, r#"{amount:"0.00" currency:"EUR"}"#),
        (r#"{"a":"12.5","c":" eur "}"#, false, r#"{amount:"12.5" currency:"EUR"}"#),
        (r#"{"a":0.1,"c":null}"#, false, r#"{amount:"0.1" currency:null}"#),
        (r#"{"a":null,"c":"eur"}"#, true, "null"),
        (r#"{"c":"eur"}"#, true, "null"),
        (r#"{"a":"","c":"eur"}"#, false, "null"),
        (
            r#"{"a":5}"#,
            true,
            "{amount:!`.a`: expected a currency for an amount in its minor unit, found none currency:null}",
        ),
        (
            r#"{"a":"x","c":"e"}"#,
            false,
            "{amount:!`.a`: expected a decimal number, found another value \
             currency:!`.c`: expected a currency of three letters, found other text}",
        ),
        (
            r#"{"a":{},"c":"eur"}"#,
            true,
            r#"{amount:!`.a`: expected a decimal number, found an object currency:"EUR"}"#,
        ),
        (
            r#"{"a":true,"c":"eur"}"#,
            true,
            r#"{amount:!`.a`: expected a decimal number, found a boolean currency:"EUR"}"#,
        ),
    ] {
        assert_eq!(eval_money(record, is_minor), expected, "{record}");
    }
    for (record, expected) in [
        (r#"{"a":500,"c":"isk"}"#, r#"{amount:"5.00" currency:"ISK"}"#),
        (r#"{"a":500,"c":"mga"}"#, r#"{amount:"500" currency:"MGA"}"#),
        (r#"{"a":500,"c":"eur"}"#, r#"{amount:"5.00" currency:"EUR"}"#),
    ] {
        let mapping = Mapping::Money {
            amount: path(".a"),
            currency: CurrencySource::Path(path(".c")),
            is_minor: true,
            own_digits: Arc::from([(Arc::from("ISK"), 2), (Arc::from("MGA"), 0)]),
            shape: ShapeId(1),
        };
        assert_eq!(eval_with(&json(record), mapping, vec![money_shape()]), expected, "{record}");
    }
    let constant = money(true, CurrencySource::Constant(Arc::from("CHF")));
    assert_eq!(
        eval_with(&json(r#"{"a":1}"#), constant, vec![money_shape()]),
        r#"{amount:"0.01" currency:"CHF"}"#
    );
}

pub(super) fn time(form: TimeForm, is_date: bool) -> impl Fn(Path) -> Mapping {
    move |path| Mapping::Time {
        path,
        form: form.clone(),
        unset: words(&["1970-01-01T00:00:00Z", "0"]),
        is_date,
    }
}

#[test]
fn times_of_every_form_are_read() {
    check(
        time(TimeForm::UnixSeconds, false),
        &[
            ("1700000000", "\"2023-11-14T22:13:20Z\""),
            ("\"1700000000\"", "\"2023-11-14T22:13:20Z\""),
            ("1700000000.5", "\"2023-11-14T22:13:20.5Z\""),
            ("1.7e9", "\"2023-11-14T22:13:20Z\""),
            ("-1", "\"1969-12-31T23:59:59Z\""),
            ("-0.25", "\"1969-12-31T23:59:59.75Z\""),
            ("0", "null"),
            ("null", "null"),
            ("1e30", "!`.v`: expected Unix seconds, found another number"),
            ("\"soon\"", "!`.v`: expected Unix seconds, found other text"),
            ("true", "!`.v`: expected a time in text, found a boolean"),
        ],
    );
    check(
        time(TimeForm::UnixMillis, false),
        &[("1700000000123", "\"2023-11-14T22:13:20.123Z\""), ("\"\"", "null")],
    );
    check(time(TimeForm::UnixSeconds, true), &[("1700000000", "\"2023-11-14\"")]);
    check(
        time(TimeForm::Auto, false),
        &[
            ("\"1970-01-01T00:00:00Z\"", "null"),
            ("\"2024-02-30T00:00:00Z\"", "!`.v`: expected a date and time, found other text"),
            ("\"2024-02-03\"", "!`.v`: expected a date with a time, found other text"),
            ("\"2024-02-03T01:02:03\"", "!`.v`: expected a time with an offset, found other text"),
            ("1700000000", "!`.v`: expected a time in text, found a number"),
        ],
    );
    let pattern = |pattern: &str, zone: &str| TimeForm::Pattern {
        pattern: Arc::from(pattern),
        zone: Arc::from(zone),
    };
    check(
        time(pattern("%d.%m.%Y %H:%M", "Europe/Vienna"), false),
        &[
            ("\"02.01.2024 12:30\"", "\"2024-01-02T12:30:00+01:00\""),
            ("\"02.07.2024 12:30\"", "\"2024-07-02T12:30:00+02:00\""),
            (
                "\"2024-07-02\"",
                "!`.v`: expected a date and time of the declared format, found other text",
            ),
        ],
    );
    check(
        time(pattern("%d.%m.%Y", "Europe/Vienna"), true),
        &[("\"02.01.2024\"", "\"2024-01-02\"")],
    );
    check(time(pattern("%Y%m%d", "UTC"), false), &[("20240102", "\"2024-01-02T00:00:00Z\"")]);
    check(
        time(pattern("%Y-%m-%d %H:%M:%S %z", "UTC"), false),
        &[("\"2024-01-02 03:04:05 +0530\"", "\"2024-01-02T03:04:05+05:30\"")],
    );
}

#[test]
fn time_forms_are_checked_before_data_comes() {
    let check = |pattern: &str, zone: &str| {
        TimeForm::Pattern { pattern: Arc::from(pattern), zone: Arc::from(zone) }.check()
    };
    assert_eq!(check("%d.%m.%Y", "Europe/Vienna"), Ok(()));
    assert_eq!(check("%s", "UTC"), Ok(()));
    assert!(check("%d.%m.%Y", "Europe/Wien").unwrap_err().contains("`Europe/Wien` is not known"));
    assert!(check("%H:%M", "UTC").unwrap_err().contains("does not say year"));
    assert!(check("%!", "UTC").unwrap_err().contains("`%!`"));
}

#[test]
fn joins_leave_out_nulls_and_blanks() {
    let join = || Mapping::Join {
        parts: vec![text_at(".a"), text_at(".b"), Mapping::Text { path: path(".c") }],
        with: Arc::from(", "),
    };
    for (record, expected) in [
        (r#"{"a":"x","b":"y","c":3}"#, r#""x, y, 3""#),
        (r#"{"a":"x","b":" ","c":null}"#, r#""x""#),
        (r#"{"b":"\"\n","c":"z"}"#, r#""z""#),
        (r#"{"a":"","b":null}"#, "null"),
        (r#"{"a":"x","b":5}"#, "!`.b`: expected text, found a number"),
    ] {
        let expected = if record.contains("\\n") { r#""\"\n, z""# } else { expected };
        assert_eq!(eval(record, join()), expected, "{record}");
    }
    let tags =
        Mapping::Path { path: path(".t"), to: Leaf::List(Box::new(Leaf::Scalar(Scalar::String))) };
    let join = Mapping::Join { parts: vec![tags], with: Arc::from("\"") };
    assert_eq!(eval(r#"{"t":["a","","b"]}"#, join), r#""a\"b""#);
}

#[test]
fn the_first_that_is_neither_null_nor_blank_counts() {
    let first = || Mapping::First { choices: vec![text_at(".a.b"), text_at(".a"), text_at(".c")] };
    for (record, expected) in [
        (r#"{"a":{"b":"x"},"c":"y"}"#, r#""x""#),
        (r#"{"a":"z"}"#, r#""z""#),
        (r#"{"a":" ","c":"y"}"#, r#""y""#),
        (r#"{"a":null,"c":null}"#, "null"),
        (r#"{"a":7}"#, "!`.a`: expected text, found a number"),
    ] {
        assert_eq!(eval(record, first()), expected, "{record}");
    }
}

#[test]
fn cases_choose_by_a_word() {
    let constant = |json: &str| Mapping::Constant { json: Box::from(json) };
    let case = |otherwise: Option<Mapping>| Mapping::Case {
        path: path(".kind"),
        arms: vec![(Arc::from("p"), text_at(".person")), (Arc::from("2"), constant("\"two\""))],
        otherwise: otherwise.map(Box::new),
    };
    assert_eq!(eval(r#"{"kind":"p","person":"Ada"}"#, case(None)), "\"Ada\"");
    assert_eq!(eval(r#"{"kind":2}"#, case(None)), "\"two\"");
    assert_eq!(eval(r#"{"kind":"x"}"#, case(Some(constant("\"else\"")))), "\"else\"");
    assert_eq!(eval("{}", case(Some(constant("\"else\"")))), "\"else\"");
    assert_eq!(eval("{}", case(None)), "null");
    assert_eq!(
        eval(r#"{"kind":"x"}"#, case(None)),
        "!`.kind`: expected a word that the mapping knows, found another"
    );
    assert_eq!(eval(r#"{"kind":[]}"#, case(None)), "!`.kind`: expected a word, found a list");
}

#[test]
fn numbers_are_taken_from_text() {
    let number = |to| move |path| Mapping::Number { path, shift: 0, to: Leaf::Scalar(to) };
    check(
        number(Scalar::Int),
        &[
            ("\" 42 \"", "42"),
            ("42", "42"),
            ("\"42.0\"", "42"),
            ("\"\"", "null"),
            ("\"4x\"", "!`.v`: expected an integer of 32 bits, found other text"),
            ("true", "!`.v`: expected a number, found a boolean"),
        ],
    );
    check(
        number(Scalar::Float),
        &[
            ("\"1.5\"", "1.5"),
            ("\".5\"", "0.5"),
            ("\"inf\"", "!`.v`: expected a finite number, found other text"),
        ],
    );
    check(number(Scalar::Decimal), &[("\"1.50\"", "\"1.50\"")]);
    check(number(Scalar::String), &[("\"1.50\"", "\"1.50\""), ("5", "\"5\"")]);
    check(number(Scalar::Any), &[("\"1.50\"", "1.50"), ("\"+01\"", "1")]);
}

#[test]
fn numbers_are_divided_exactly() {
    let percent = |to| move |path| Mapping::Number { path, shift: 2, to: Leaf::Scalar(to) };
    check(
        percent(Scalar::Decimal),
        &[
            ("75", "\"0.75\""),
            ("\" 20.0 \"", "\"0.200\""),
            ("0.1", "\"0.001\""),
            ("-7", "\"-0.07\""),
            ("1e3", "\"10\""),
            ("0", "\"0.00\""),
            ("33.333333333333333333333", "\"0.33333333333333333333333\""),
            ("\"\"", "null"),
            ("null", "null"),
            ("\"a\"", "!`.v`: expected a decimal number, found other text"),
        ],
    );
    check(percent(Scalar::Float), &[("12.5", "0.125"), ("-5", "-0.05")]);
    check(
        percent(Scalar::Int),
        &[("1200", "12"), ("1250", "!`.v`: expected an integer of 32 bits, found another number")],
    );
}

#[test]
fn a_text_is_left_out_where_it_says_no_other_than_another() {
    let eval =
        |record: &str| eval(record, Mapping::Other { path: path(".into.id"), than: path(".id") });
    assert_eq!(eval(r#"{"id":7,"into":{"id":8}}"#), "\"8\"");
    assert_eq!(eval(r#"{"id":7,"into":{"id":"7"}}"#), "null");
    assert_eq!(eval(r#"{"id":" 7 ","into":{"id":7}}"#), "null");
    assert_eq!(eval(r#"{"into":{"id":7}}"#), "\"7\"");
    assert_eq!(eval(r#"{"id":null,"into":{"id":7}}"#), "\"7\"");
    assert_eq!(eval(r#"{"id":7,"into":{}}"#), "null");
    assert_eq!(eval(r#"{"id":7}"#), "null");
    assert_eq!(
        eval(r#"{"id":7,"into":{"id":[]}}"#),
        "!`.into.id`: expected text, a number or a boolean, found a list"
    );
    assert_eq!(eval(r#"{"id":7,"into":4}"#), "!expected an object at `.into`, found a number");
}

#[test]
fn one_element_of_a_list_is_found_by_what_it_says() {
    let find = |is: &[&str]| Mapping::Find {
        path: path(".fields[]"),
        only: Box::new(Predicate {
            path: path(".name"),
            is: is.iter().map(|word| Arc::from(*word)).collect(),
            is_not: Vec::new(),
        }),
        item: Box::new(text_at(".value")),
    };
    let fields = r#"{"fields":[{"name":"a","value":"1"},{"name":"b","value":"2"},{"name":"b","value":"3"}]}"#;
    assert_eq!(eval(fields, find(&["b"])), "\"2\"");
    assert_eq!(eval(fields, find(&["c", "a"])), "\"1\"");
    assert_eq!(eval(fields, find(&["c"])), "null");
    assert_eq!(eval(fields, find(&[])), "\"1\"");
    assert_eq!(eval(r#"{"fields":[]}"#, find(&["a"])), "null");
    assert_eq!(eval(r#"{"fields":null}"#, find(&["a"])), "null");
    assert_eq!(eval("{}", find(&["a"])), "null");
    assert_eq!(eval(r#"{"fields":[{"name":"b"}]}"#, find(&["b"])), "null");
    assert_eq!(eval(r#"{"fields":[7,{"name":"b","value":"2"}]}"#, find(&["b"])), "\"2\"");
    assert_eq!(
        eval(r#"{"fields":7}"#, find(&["b"])),
        "!expected a list at `.fields`, found a number"
    );
}

#[test]
fn booleans_are_taken_from_words() {
    let bool = |yes: &[&str], no: &[&str]| {
        let (yes, no) = (words(yes), words(no));
        move |path| Mapping::Bool { path, yes: yes.clone(), no: no.clone() }
    };
    check(
        bool(&["Y", "1"], &["N"]),
        &[
            ("\"Y\"", "true"),
            ("1", "true"),
            ("\"N\"", "false"),
            ("\"\"", "null"),
            ("null", "null"),
            ("\"y\"", "!`.v`: expected a word for yes or no, found another"),
            ("[]", "!`.v`: expected a word for yes or no, found a list"),
        ],
    );
    check(bool(&["Y"], &[]), &[("\"Y\"", "true"), ("\"N\"", "false")]);
    check(bool(&[], &["N"]), &[("\"Y\"", "true"), ("\"N\"", "false")]);
    check(
        bool(&[], &[]),
        &[
            ("\"TRUE\"", "true"),
            ("0", "false"),
            ("true", "true"),
            ("\"x\"", "!`.v`: expected a boolean, found other text"),
        ],
    );
}

#[test]
fn text_is_taken_from_any_scalar() {
    check(
        |path| Mapping::Text { path },
        &[
            ("1.50", "\"1.50\""),
            ("true", "\"true\""),
            (r#""a\"b""#, r#""a\"b""#),
            ("[]", "!`.v`: expected text, a number or a boolean, found a list"),
            ("null", "null"),
        ],
    );
}
