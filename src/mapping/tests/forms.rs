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
fn check(mapping: impl Fn(Path) -> Mapping, cases: &[(&str, &str)]) {
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
fn integers_have_32_bits() {
    check(
        scalar(Scalar::Int),
        &[
            ("5", "5"),
            ("-2147483648", "-2147483648"),
            ("2147483647", "2147483647"),
            ("2147483648", "!`.v`: expected an integer of 32 bits, found another number"),
            ("5.0", "5"),
            ("50e-1", "5"),
            ("-0", "0"),
            ("5.5", "!`.v`: expected an integer of 32 bits, found another number"),
            ("1e9", "1000000000"),
            ("1e99999999999", "!`.v`: expected an integer of 32 bits, found another number"),
            ("\"5\"", "!`.v`: expected an integer of 32 bits, found text"),
            ("true", "!`.v`: expected an integer of 32 bits, found a boolean"),
            ("null", "null"),
            ("[1]", "!`.v`: expected an integer of 32 bits, found a list"),
            ("{}", "!`.v`: expected an integer of 32 bits, found an object"),
        ],
    );
}

#[test]
fn floats_are_finite_and_keep_their_digits() {
    check(
        scalar(Scalar::Float),
        &[
            ("1.10", "1.10"),
            ("1E5", "1E5"),
            ("7", "7"),
            ("1e400", "!`.v`: expected a finite number, found another number"),
            ("\"1\"", "!`.v`: expected a finite number, found text"),
        ],
    );
}

#[test]
fn text_is_copied_with_its_escapes() {
    check(
        scalar(Scalar::String),
        &[
            (r#""a\"\u00e9\/ö""#, r#""a\"\u00e9\/ö""#),
            (r#""""#, r#""""#),
            (r#""\ud800""#, "\"\u{fffd}\""),
            ("1", "!`.v`: expected text, found a number"),
            ("false", "!`.v`: expected text, found a boolean"),
        ],
    );
}

#[test]
fn booleans_are_booleans() {
    check(
        scalar(Scalar::Boolean),
        &[
            ("true", "true"),
            ("false", "false"),
            ("1", "!`.v`: expected a boolean, found a number"),
            ("\"true\"", "!`.v`: expected a boolean, found text"),
        ],
    );
}

#[test]
fn ids_are_text_or_integers() {
    check(
        scalar(Scalar::Id),
        &[
            ("\"x-1\"", "\"x-1\""),
            ("12345678901234567890", "\"12345678901234567890\""),
            ("1e3", "\"1000\""),
            ("\"\"", "null"),
            ("1.5", "!`.v`: expected text or an integer, found another number"),
            ("true", "!`.v`: expected text or an integer, found a boolean"),
        ],
    );
}

#[test]
fn decimals_keep_every_digit() {
    check(
        scalar(Scalar::Decimal),
        &[
            ("12.50", "\"12.50\""),
            ("0.1", "\"0.1\""),
            (
                "123456789012345678901234567890.123456789",
                "\"123456789012345678901234567890.123456789\"",
            ),
            ("1.5e3", "\"1500\""),
            ("1.5E-3", "\"0.0015\""),
            ("1.50e+1", "\"15.0\""),
            ("-0.00", "\"0.00\""),
            ("-7e0", "\"-7\""),
            ("\"007.10\"", "\"7.10\""),
            ("\"+.5\"", "\"0.5\""),
            ("\"5.\"", "\"5\""),
            ("\" 5 \"", "\"5\""),
            ("\"\"", "null"),
            ("\"1,000\"", "!`.v`: expected a decimal number, found other text"),
            ("\"abc\"", "!`.v`: expected a decimal number, found other text"),
            ("\".\"", "!`.v`: expected a decimal number, found other text"),
            ("1e1000000000", "!`.v`: expected a decimal number, found another number"),
            ("1e-99999999999999999999", "!`.v`: expected a decimal number, found another number"),
            ("{}", "!`.v`: expected a decimal number, found an object"),
        ],
    );
}

#[test]
fn times_are_written_as_rfc_3339() {
    check(
        scalar(Scalar::DateTime),
        &[
            ("\"2024-01-02T03:04:05Z\"", "\"2024-01-02T03:04:05Z\""),
            ("\"2024-01-02T03:04:05.000+0000\"", "\"2024-01-02T03:04:05Z\""),
            ("\"2024-01-02 03:04:05.120+02:00\"", "\"2024-01-02T03:04:05.12+02:00\""),
            ("\"2024-01-02t03:04:05-07\"", "\"2024-01-02T03:04:05-07:00\""),
            ("\"Tue, 02 Jan 2024 03:04:05 -0500\"", "\"2024-01-02T03:04:05-05:00\""),
            (
                "\"2024-01-02T03:04:05\"",
                "!`.v`: expected a date and time with an offset, found other text",
            ),
            (
                "\"2024-13-02T03:04:05Z\"",
                "!`.v`: expected a date and time with an offset, found other text",
            ),
            ("1700000000", "!`.v`: expected a date and time with an offset, found a number"),
            ("\"\"", "null"),
        ],
    );
    check(
        scalar(Scalar::Date),
        &[
            ("\"2024-01-02\"", "\"2024-01-02\""),
            ("\"2024-01-02T23:04:05-11:00\"", "\"2024-01-02\""),
            ("\"02.01.2024\"", "!`.v`: expected a date, found other text"),
        ],
    );
}

#[test]
fn currencies_are_three_capital_letters() {
    check(
        scalar(Scalar::CurrencyCode),
        &[
            ("\"eur\"", "\"EUR\""),
            ("\"EURO\"", "!`.v`: expected a currency of three letters, found other text"),
            ("978", "!`.v`: expected a currency of three letters, found a number"),
        ],
    );
}

#[test]
fn lists_of_leaves_are_opened() {
    let ints = |path| Mapping::Path { path, to: Leaf::List(Box::new(Leaf::Scalar(Scalar::Int))) };
    check(
        ints,
        &[
            ("[1,null,3]", "[1 null 3]"),
            ("[]", "[]"),
            ("null", "null"),
            ("[1,\"x\"]", "[1 !`.v`: expected an integer of 32 bits, found text]"),
            ("7", "!`.v`: expected a list, found a number"),
        ],
    );
    assert_eq!(eval(r#"{"a":[{"b":1},{"b":2},{}]}"#, ints(path(".a[].b"))), "[1 2]");
    assert_eq!(eval(r#"{"a":[{"b":[1,2]},{"b":[3]}]}"#, ints(path(".a[].b"))), "[1 2 3]");
    assert_eq!(eval("{}", ints(path(".a[].b"))), "[]");
    assert_eq!(eval("{}", ints(path(".a"))), "null");
    assert_eq!(eval(r#"{"a":"x"}"#, ints(path(".a[].b"))), "!expected a list at `.a`, found text");
    let matrix = Leaf::List(Box::new(Leaf::List(Box::new(Leaf::Scalar(Scalar::Int)))));
    let mapping = |text| Mapping::Path { path: path(text), to: matrix.clone() };
    assert_eq!(eval("[[1,2],[],null]", mapping(".")), "[[1 2] [] null]");
    assert_eq!(eval("[[1,2],[3]]", mapping(".[]")), "[[1 2] [3]]");
}

#[test]
fn a_path_through_something_else_says_where() {
    let mapping = |text| Mapping::Path { path: path(text), to: Leaf::Scalar(Scalar::String) };
    assert_eq!(eval(r#"{"a":"x"}"#, mapping(".a.b")), "!expected an object at `.a`, found text");
    assert_eq!(eval(r#"{"a":null}"#, mapping(".a.b")), "null");
    assert_eq!(eval("{}", mapping(".a.b")), "null");
    assert_eq!(eval(r#"{"a":["p","q"]}"#, mapping(".a[-1]")), "\"q\"");
    assert_eq!(eval(r#"{"a":["p","q"]}"#, mapping(".a[]")), "\"p\"");
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
    Mapping::Money { amount: path(".a"), currency, is_minor, shape: ShapeId(1) }
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
    let number = |to| move |path| Mapping::Number { path, to: Leaf::Scalar(to) };
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

#[test]
fn opaque_ids_hold_type_role_and_remote_key() {
    let id = |parts: &[&str]| Mapping::Id {
        parts: parts.iter().map(|text| path(text)).collect(),
        of: TypeId(0),
        role: Arc::from("billing"),
    };
    let key = |printed: &str| value::remote_key(printed.trim_matches('"')).unwrap();
    let printed = eval(r#"{"id":"in:1\u00e9"}"#, id(&[".id"]));
    assert_eq!(
        key(&printed),
        value::RemoteKey { ty: "Thing".into(), role: "billing".into(), key: "in:1é".into() }
    );
    assert_eq!(key(&eval(r#"{"id":42}"#, id(&[".id"]))).key, "42");
    assert_eq!(key(&eval(r#"{"a":"x","b":2}"#, id(&[".a", ".b"]))).key, "x\u{1f}2");
    assert_eq!(eval(r#"{"a":"x"}"#, id(&[".a", ".b"])), "null");
    assert_eq!(eval(r#"{"a":" "}"#, id(&[".a"])), "null");
    assert_eq!(
        eval(r#"{"a":1.5}"#, id(&[".a"])),
        "!`.a`: expected text or an integer, found a number"
    );
    assert_eq!(
        eval(r#"{"a":{}}"#, id(&[".a"])),
        "!`.a`: expected text or an integer, found an object"
    );
}

#[test]
fn records_and_lists_stand_inside_each_other() {
    let line = shape(
        "Line",
        vec![slot("sku", text_at(".sku")), slot("n", scalar(Scalar::Int)(path(".n")))],
    );
    let lines = |text: &str| Mapping::List {
        path: path(text),
        item: Box::new(Mapping::Record { at: None, shape: ShapeId(1) }),
    };
    let payload =
        json(r#"{"lines":[{"sku":"a","n":1},null,{"sku":"b"}],"one":{"sku":"c","n":"x"},"s":"t"}"#);
    let eval = |mapping| {
        eval_with(
            &payload,
            mapping,
            vec![shape(
                "Line",
                vec![slot("sku", text_at(".sku")), slot("n", scalar(Scalar::Int)(path(".n")))],
            )],
        )
    };
    drop(line);
    let list = r#"[{sku:"a" n:1} null {sku:"b" n:null}]"#;
    assert_eq!(eval(lines(".lines")), list);
    assert_eq!(eval(lines(".lines[]")), list);
    assert_eq!(eval(lines(".missing")), "null");
    assert_eq!(eval(lines(".missing[]")), "[]");
    assert_eq!(eval(lines(".one")), "!`.one`: expected a list, found an object");
    let record = |text: &str| Mapping::Record { at: Some(path(text)), shape: ShapeId(1) };
    assert_eq!(
        eval(record(".one")),
        r#"{sku:"c" n:!`.n`: expected an integer of 32 bits, found text}"#
    );
    assert_eq!(eval(record(".missing")), "null");
    assert_eq!(eval(record(".lines")), "!`.lines`: expected an object, found a list");
}

#[test]
fn a_shape_that_holds_itself_ends() {
    let thing = Mapping::Record { at: None, shape: ShapeId(1) };
    let again = Mapping::Record { at: None, shape: ShapeId(1) };
    let printed = eval_with(&json("{}"), thing, vec![shape("Loop", vec![slot("me", again)])]);
    assert!(printed.contains("!Loop: the answer is too large or nests too deep"), "{printed}");
    let (one, two) = (
        Mapping::Record { at: None, shape: ShapeId(1) },
        Mapping::Record { at: None, shape: ShapeId(1) },
    );
    let thing = Mapping::Record { at: None, shape: ShapeId(1) };
    let shapes = vec![
        shape("Thing", vec![slot("v", thing)]),
        shape("Loop", vec![slot("a", one), slot("b", two)]),
    ];
    let graph = graph(shapes);
    let call = call(None, &[], Normalizer::Exact);
    let answers = map_answers(&graph, &call, FIRST, SlotSet::ALL, &[json("{}")], &[Key::unit()]);
    assert!(answers[0].cells.len() <= 1 << 25);
}

#[test]
fn in_xml_text_counts_as_what_it_spells() {
    let xml = |text: &str| {
        let mut builder = PayloadBuilder::xml(LIMITS);
        builder.begin_object();
        builder.member("v");
        builder.text(text);
        builder.member("w");
        builder.begin_object();
        builder.member("@unit");
        builder.text("kg");
        builder.member("#text");
        builder.text(text);
        builder.end();
        builder.end();
        builder.finish().unwrap()
    };
    for (text, to, expected) in [
        ("42", Scalar::Int, "42"),
        (" 42 ", Scalar::Int, "42"),
        ("4.5", Scalar::Int, "!expected an integer of 32 bits, found other text"),
        ("+1.50", Scalar::Float, "1.5"),
        ("1.50", Scalar::Decimal, "\"1.50\""),
        ("true", Scalar::Boolean, "true"),
        ("0", Scalar::Boolean, "false"),
        ("maybe", Scalar::Boolean, "!expected a boolean, found other text"),
        ("", Scalar::Int, "null"),
        ("", Scalar::String, "\"\""),
        ("a\"<\n\u{1}", Scalar::String, "\"a\\\"<\\n\\u0001\""),
        ("2024-01-02T03:04:05Z", Scalar::DateTime, "\"2024-01-02T03:04:05Z\""),
    ] {
        for member in [".v", ".w"] {
            let expected = expected.replace("!exp", &format!("!`{member}`: exp"));
            assert_eq!(
                eval_with(&xml(text), scalar(to)(path(member)), Vec::new()),
                expected,
                "{text} at {member}"
            );
        }
    }
    let strings =
        |path| Mapping::Path { path, to: Leaf::List(Box::new(Leaf::Scalar(Scalar::String))) };
    assert_eq!(eval_with(&xml("one"), strings(path(".v[]")), Vec::new()), "[\"one\"]");
    assert_eq!(eval_with(&xml("one"), strings(path(".v")), Vec::new()), "[\"one\"]");
    assert_eq!(eval_with(&xml(" "), strings(path(".v")), Vec::new()), "[]");
    assert_eq!(eval_with(&xml("one"), text_at(".v[0]"), Vec::new()), "\"one\"");
    assert_eq!(eval_with(&xml("one"), text_at(".v[-1]"), Vec::new()), "\"one\"");
    assert_eq!(eval_with(&xml("one"), text_at(".v[1]"), Vec::new()), "null");
    assert_eq!(eval_with(&xml(""), text_at(".v.name"), Vec::new()), "null");
    assert_eq!(
        eval_with(&xml("one"), text_at(".v.name"), Vec::new()),
        "!expected an object at `.v`, found text"
    );
    assert_eq!(eval_with(&xml("one"), text_at(".w.@unit"), Vec::new()), "\"kg\"");
    assert_eq!(eval_with(&xml("one"), text_at(".v.@unit"), Vec::new()), "null");
}

#[test]
fn a_form_gives_null_for_null_and_for_what_is_missing() {
    let path = || path(".v");
    let forms = || {
        vec![
            Mapping::Path { path: path(), to: Leaf::Scalar(Scalar::Any) },
            Mapping::Enum { path: path(), values: Vec::new(), otherwise: Some(Arc::from("X")) },
            Mapping::Money {
                amount: path(),
                currency: CurrencySource::Constant(Arc::from("EUR")),
                is_minor: true,
                shape: ShapeId(1),
            },
            Mapping::Time { path: path(), form: TimeForm::Auto, unset: Vec::new(), is_date: false },
            Mapping::Join { parts: vec![Mapping::Text { path: path() }], with: Arc::from(",") },
            Mapping::First { choices: vec![Mapping::Text { path: path() }] },
            Mapping::Case { path: path(), arms: Vec::new(), otherwise: None },
            Mapping::Number { path: path(), to: Leaf::Scalar(Scalar::Int) },
            Mapping::Bool { path: path(), yes: Vec::new(), no: Vec::new() },
            Mapping::Text { path: path() },
            Mapping::Id { parts: vec![path()], of: TypeId(0), role: Arc::from("crm") },
            Mapping::Record { at: Some(path()), shape: ShapeId(1) },
            Mapping::List { path: path(), item: Box::new(Mapping::Text { path: path() }) },
        ]
    };
    for record in ["{}", r#"{"v":null}"#] {
        for mapping in forms() {
            let form = format!("{mapping:?}");
            assert_eq!(eval_with(&json(record), mapping, vec![money_shape()]), "null", "{form}");
        }
    }
}

#[test]
fn lists_are_written_out_without_what_is_not_there() {
    let record = r#"{"phone":"1","mobile":"","home":null,"fax":"4"}"#;
    let items = [".phone", ".mobile", ".home", ".other", ".fax"].map(text_at);
    assert_eq!(eval(record, Mapping::Items { items: items.into() }), r#"["1" "4"]"#);
    let point =
        shape("ContactPoint", vec![slot("value", text_at(".")), slot("again", text_at("."))]);
    let items = [".phone", ".home", ".fax"]
        .map(|at| Mapping::Record { at: Some(path(at)), shape: ShapeId(1) });
    assert_eq!(
        eval_with(&json(record), Mapping::Items { items: items.into() }, vec![point]),
        r#"[{value:"1" again:"1"} {value:"4" again:"4"}]"#
    );
    assert_eq!(eval("{}", Mapping::Items { items: [".a", ".b"].map(text_at).into() }), "[]");
}
