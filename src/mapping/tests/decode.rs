use super::*;
use proptest::prelude::*;

fn decode(body: &[u8]) -> Result<Payload, DecodeError> {
    Payload::json(bytes::Bytes::copy_from_slice(body), LIMITS)
}

fn copy(body: &str) -> String {
    let payload = json(body);
    let mut out = String::new();
    super::super::leaf::write_any(&payload, 0, &mut out);
    out
}

fn reason(body: &[u8]) -> String {
    decode(body).unwrap_err().to_string()
}

#[test]
fn values_are_copied_without_white_space() {
    let body = r#" { "a" : [ 1 , 2.50 , -0 , 1e+3 , { } , [ ] ] , "b\n" : "x\/\u00e9" , "" : [ null , true , false ] } "#;
    assert_eq!(
        copy(body),
        r#"{"a":[1,2.50,-0,1e+3,{},[]],"b\n":"x\/\u00e9","":[null,true,false]}"#
    );
    assert_eq!(copy("7"), "7");
    assert_eq!(copy(r#""{""#), r#""{""#);
    assert_eq!(copy(r#"["[","{",":",",",{":":"{"}]"#), r#"["[","{",":",",",{":":"{"}]"#);
}

#[test]
fn the_last_of_two_members_of_one_name_counts() {
    assert_eq!(copy(r#"{"a":1,"b":2,"a":3}"#), r#"{"b":2,"a":3}"#);
    assert_eq!(copy(r#"[{"a":{"x":1,"x":2},"\u0061":[{"y":1,"y":2}]}]"#), r#"[{"a":[{"y":2}]}]"#);
    let payload = json(r#"{"a":1,"b":2,"a":3}"#);
    assert_eq!(payload.text_at(&path(".a")).as_deref(), Some("3"));
}

#[test]
fn a_repeated_name_is_noticed_in_objects_of_every_size() {
    for size in [2, 7, 8, 9, 31, 32, 33, 100] {
        let object = |names: &[usize]| {
            let members: Vec<_> =
                names.iter().zip(0..).map(|(name, value)| format!("\"n{name}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let whole: Vec<usize> = (0..size).collect();
        let mut repeated = whole.clone();
        repeated[size - 1] = 0;
        let body = format!("[{},{},{}]", object(&whole), object(&repeated), object(&whole));
        let payload = json(&body);
        let last = (size - 1).to_string();
        assert_eq!(payload.texts_at(&path(".[].n0")), ["0", &*last, "0"], "{size}");
    }
}

#[test]
fn names_are_compared_by_what_they_say() {
    assert_eq!(json(r#"{"\u0061\n":1}"#).text_at(&path(r#"."a\n""#)).as_deref(), Some("1"));
}

#[test]
fn half_of_a_surrogate_pair_reads_as_the_replacement_character() {
    assert_eq!(
        copy(r#"["\ud800","\udc00x","\ud800\ud800","\ud83d\ude00"]"#),
        "[\"\u{fffd}\",\"\u{fffd}x\",\"\u{fffd}\u{fffd}\",\"\\ud83d\\ude00\"]"
    );
    assert_eq!(
        json(r#""\ud83d\ude00\u0000\"""#).text_at(&path(".")).as_deref(),
        Some("\u{1f600}\0\"")
    );
    assert_eq!(copy(r#"{"\ud800":1}"#), "{\"\u{fffd}\":1}");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(json("\u{feff}{\"a\":1}").text_at(&path(".a")).as_deref(), Some("1"));
}

#[test]
fn refusals_say_what_was_expected_and_where() {
    for (body, expected) in [
        (&b""[..], "the body is empty"),
        (b" \n", "the body is empty"),
        (b"<html>", "expected JSON, not HTML or XML, at byte 0"),
        (b"{} x", "expected the end of the body at byte 3"),
        (b"{\"a\":1", "expected `,` or `}` at byte 6"),
        (b"{\"a\" 1}", "expected `:` at byte 5"),
        (b"{a:1}", "expected a member's name in quotes at byte 1"),
        (b"{\"a\":1,}", "expected a member's name in quotes at byte 7"),
        (b"[1,]", "expected a JSON value at byte 3"),
        (b"[1}", "expected `,` or `]` at byte 2"),
        (b"\"abc", "expected the end of a string at byte 4"),
        (b"\"a\nb\"", "expected an escape instead of a control character at byte 2"),
        (b"\"\\x\"", "expected an escape that JSON knows at byte 2"),
        (b"\"\\u12g4\"", "expected four hexadecimal digits at byte 5"),
        (b"01", "expected a number without leading zero at byte 1"),
        (b"-", "expected a digit at byte 1"),
        (b"1.", "expected a digit at byte 2"),
        (b"1e", "expected a digit at byte 2"),
        (b"nul", "expected a JSON value at byte 0"),
        (b"NaN", "expected a JSON value at byte 0"),
        (b"\xff", "the body is not UTF-8 (byte 0)"),
        (b"\0", "expected a JSON value at byte 0"),
        (b"\"a\0", "expected an escape instead of a control character at byte 2"),
    ] {
        assert_eq!(reason(body), expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn bodies_that_nest_deeper_than_the_limit_are_refused() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(decode(nested(64).as_bytes()).is_ok());
    assert_eq!(reason(nested(65).as_bytes()), "the body nests deeper than 64");
    assert_eq!(reason("[".repeat(1_000_000).as_bytes()), "the body nests deeper than 64");
}

#[test]
fn bodies_larger_than_the_limit_are_refused() {
    let limits = crate::graph::AnswerLimits { body_bytes: 3, depth: 64 };
    let error = Payload::json(bytes::Bytes::from_static(b"1234"), limits).unwrap_err();
    assert_eq!(error.to_string(), "the body is larger than 3 bytes");
}

#[test]
fn a_builder_writes_the_tape_that_a_reader_would() {
    let mut builder = PayloadBuilder::xml(LIMITS);
    builder.begin_object();
    builder.member("ticket");
    builder.begin_list();
    builder.begin_object();
    builder.member("id");
    builder.text("7 \"x\"");
    builder.member("owner");
    builder.null();
    builder.end();
    builder.text("b");
    builder.end();
    builder.end();
    let payload = builder.finish().unwrap();
    let mut out = String::new();
    super::super::leaf::write_any(&payload, 0, &mut out);
    assert_eq!(out, r#"{"ticket":[{"id":"7 \"x\"","owner":null},"b"]}"#);
    assert_eq!(payload.count_at(Some(&path(".ticket[]"))), 2);
    assert_eq!(payload.count_at(Some(&path(".ticket"))), 2);
}

#[test]
fn a_builder_refuses_what_is_not_one_value() {
    let build = |calls: &dyn Fn(&mut PayloadBuilder)| {
        let mut builder = PayloadBuilder::xml(LIMITS);
        calls(&mut builder);
        builder.finish().map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(build(&|_| {}), "the body is empty");
    assert_eq!(build(&|builder| builder.begin_object()), "expected one whole value at byte 0");
    assert_eq!(
        build(&|builder| {
            builder.null();
            builder.null();
        }),
        "expected one whole value at byte 0"
    );
    assert_eq!(
        build(&|builder| (0..65).for_each(|_| builder.begin_list())),
        "the body nests deeper than 64"
    );
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let text = prop_oneof![".{0,12}", "[\\x00-\\x7f]{0,12}", "[\"\\\\/a\u{e9}\u{1f600}]{0,40}"];
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(|text| serde_json::from_str(&text).unwrap()),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 80, 10, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..10).prop_map(Value::from),
            proptest::collection::vec((text.clone(), inner), 0..10)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_json_comes_back_equal(value in any_json(), is_pretty in any::<bool>()) {
        let body = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let again: serde_json::Value = serde_json::from_str(&copy(&body)).unwrap();
        prop_assert_eq!(again, value);
    }

    #[test]
    fn records_that_are_like_each_other_but_for_some_names_come_back_equal(
        records in proptest::collection::vec(any_members(), 0..6),
    ) {
        let body = format!("[{}]", records.join(","));
        let again: serde_json::Value = serde_json::from_str(&copy(&body)).unwrap();
        prop_assert_eq!(again, serde_json::from_str::<serde_json::Value>(&body).unwrap(), "{}", body);
    }

    #[test]
    fn arbitrary_bytes_are_taken_or_refused_as_serde_json_does(body in proptest::collection::vec(any::<u8>(), 0..60)) {
        agrees_with_serde(&body)?;
    }

    #[test]
    fn bytes_of_the_json_alphabet_are_taken_or_refused_as_serde_json_does(
        body in "[\\[\\]{}:,\"\\\\ntrue01.eE+\\- u\n\u{e9}]{0,24}",
    ) {
        agrees_with_serde(body.as_bytes())?;
    }

    #[test]
    fn damaged_json_is_taken_or_refused_as_serde_json_does(
        value in any_json(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        is_cut in any::<bool>(),
    ) {
        let mut body = serde_json::to_vec(&value).unwrap();
        let at = at.index(body.len());
        if is_cut { body.truncate(at) } else { body[at] = byte }
        agrees_with_serde(&body)?;
    }
}

/// An object mostly of the same names in the same order: some are left out, or there are others, or some occur twice.
pub(super) fn any_members() -> impl Strategy<Value = String> {
    let inner = prop_oneof![
        Just("1".to_owned()),
        Just("{}".to_owned()),
        Just(r#"{"a":1,"b":[{"c":1},{"c":2}]}"#.to_owned()),
        Just(r#"{"b":[{"c":3},{"c":4,"d":5}],"a":2}"#.to_owned()),
        Just(r#"[{"a":1},{"a":1,"a":2}]"#.to_owned()),
    ];
    let names =
        ["a", "b", "customer_address", "e\\u0066", "h", "\u{e9}", "name of some length", "", "i"];
    let count = names.len();
    (
        proptest::collection::vec((0..12_u8, inner), count),
        proptest::option::weighted(0.2, (0..count, 0..count)),
        any::<bool>(),
    )
        .prop_map(move |(members, swapped, is_spaced)| {
            let mut members: Vec<_> = names.into_iter().zip(members).collect();
            if let Some((one, other)) = swapped {
                members.swap(one, other);
            }
            let space = if is_spaced { " " } else { "" };
            let written = members.iter().flat_map(|(name, (chance, value))| {
                // left out, twice, or once
                let times = match chance {
                    0 => 0,
                    1 => 2,
                    _ => 1,
                };
                (0..times).map(move |_| format!("{space}\"{name}\"{space}:{space}{value}"))
            });
            format!("{{{}{space}}}", written.collect::<Vec<_>>().join(","))
        })
}

/// Differences on purpose: a byte order mark is passed over, half of a surrogate pair is replaced.
fn agrees_with_serde(body: &[u8]) -> Result<(), TestCaseError> {
    let serde = serde_json::from_slice::<serde_json::Value>(body);
    match (decode(body), serde) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => Ok(()),
        (Ok(_), Err(error)) => {
            let is_known = error.to_string().contains("surrogate")
                || error.to_string().contains("hex escape")
                || body.starts_with(b"\xef\xbb\xbf");
            prop_assert!(is_known, "taken, but serde_json says: {}", error);
            Ok(())
        }
        (Err(error), Ok(_)) => {
            prop_assert!(false, "refused: {}", error);
            Ok(())
        }
    }
}
