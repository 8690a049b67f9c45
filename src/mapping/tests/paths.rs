use super::*;
use proptest::prelude::*;

#[test]
fn paths_are_parsed_into_steps() {
    let member = |name: &str| PathStep::Member(Arc::from(name));
    for (text, steps) in [
        (".", vec![]),
        (".a.b", vec![member("a"), member("b")]),
        (".\"odd name\"", vec![member("odd name")]),
        (".[\"odd name\"]", vec![member("odd name")]),
        (".a[0][-1][]", vec![member("a"), PathStep::Index(0), PathStep::Index(-1), PathStep::Each]),
        (".[]", vec![PathStep::Each]),
        (".[2].x", vec![PathStep::Index(2), member("x")]),
        (".@id.#text", vec![member("@id"), member("#text")]),
        (".first-name.größe", vec![member("first-name"), member("größe")]),
        (".\"a\\\"b\\u00e9\"", vec![member("a\"bé")]),
        (".requesters[].email", vec![member("requesters"), PathStep::Each, member("email")]),
        (".*.result[]", vec![PathStep::Only, member("result"), PathStep::Each]),
        (".\"*\"", vec![member("*")]),
    ] {
        assert_eq!(Path::parse(text).unwrap().steps, steps, "{text}");
    }
}

#[test]
fn what_is_no_path_is_refused_where_it_stops_being_one() {
    for (text, offset) in [
        ("", 0),
        ("a", 0),
        (".a.", 3),
        ("..a", 1),
        (".a..b", 3),
        (".a b", 2),
        (".a[", 3),
        (".a[x]", 3),
        (".a[1", 4),
        (".a[+1]", 3),
        (".a[99999999999]", 3),
        (".\"a", 1),
        (".a|b", 2),
        (".\"\\x\"", 1),
    ] {
        assert_eq!(Path::parse(text).unwrap_err().offset, offset, "{text}");
    }
}

#[test]
fn texts_are_found_at_paths() {
    let payload =
        json(r#"{"a":{"b":[10,20,{"c":"x\n"}]},"n":null,"t":true,"e":[],"m":[[1],[2,3]]}"#);
    for (text, expected) in [
        (".a.b[0]", Some("10")),
        (".a.b[-1].c", Some("x\n")),
        (".a.b[-4]", None),
        (".a.b[3]", None),
        (".a.b[].c", Some("x\n")),
        (".a", None),
        (".n", None),
        (".n.x", None),
        (".t", Some("true")),
        (".t.x", None),
        (".e[]", None),
        (".m[][1]", Some("3")),
    ] {
        assert_eq!(payload.text_at(&path(text)).as_deref(), expected, "{text}");
    }
    assert_eq!(payload.texts_at(&path(".m[][]")), ["1", "2", "3"]);
}

#[test]
fn the_only_member_is_found_whatever_its_name() {
    let payload = json(r#"{"a":{"x":{"v":1}},"two":{"x":1,"y":2},"none":{},"t":"text"}"#);
    assert_eq!(payload.text_at(&path(".a.*.v")).as_deref(), Some("1"));
    assert_eq!(payload.fits(&path(".none.*.v")), Ok(()));
    assert_eq!(
        payload.fits(&path(".two.*")),
        Err("expected an object with one member at `.two`, found an object".to_owned())
    );
    assert_eq!(
        payload.fits(&path(".t.*")),
        Err("expected an object with one member at `.t`, found text".to_owned())
    );
}

#[test]
fn truth_is_told_from_values() {
    let payload =
        json(r#"{"a":true,"b":false,"c":0,"d":"","e":"false","f":"next","g":{},"h":null,"i":" "}"#);
    let truthy: String = "abcdefghij"
        .chars()
        .filter(|name| payload.is_truthy_at(&path(&format!(".{name}"))))
        .collect();
    assert_eq!(truthy, "afg");
}

#[test]
fn a_wrong_shape_is_told_from_a_missing_value() {
    let payload = json(r#"{"a":"text","l":[1],"n":null}"#);
    assert_eq!(payload.fits(&path(".x.y[]")), Ok(()));
    assert_eq!(payload.fits(&path(".n[]")), Ok(()));
    assert_eq!(
        payload.fits(&path(".a.b")),
        Err("expected an object at `.a`, found text".to_owned())
    );
    assert_eq!(payload.fits(&path(".a[]")), Err("expected a list at `.a`, found text".to_owned()));
    assert_eq!(
        payload.fits(&path(".l.b")),
        Err("expected an object at `.l`, found a list".to_owned())
    );
    assert_eq!(
        payload.fits(&path(".l[].b")),
        Err("expected an object at `.l[]`, found a number".to_owned())
    );
}

#[test]
fn predicates_are_tests_on_text() {
    let predicate = |text: &str, is: &[&str], is_not: &[&str]| crate::graph::Predicate {
        path: path(text),
        is: is.iter().map(|word| Arc::from(*word)).collect(),
        is_not: is_not.iter().map(|word| Arc::from(*word)).collect(),
    };
    let payload = json(r#"{"ok":true,"status":"error","data":{}}"#);
    assert!(payload.satisfies(&predicate(".ok", &["true"], &[])));
    assert!(!payload.satisfies(&predicate(".status", &["ok"], &[])));
    assert!(!payload.satisfies(&predicate(".status", &[], &["error"])));
    assert!(payload.satisfies(&predicate(".missing", &[], &["error"])));
    assert!(payload.satisfies(&predicate(".data", &[], &[])));
    assert!(!payload.satisfies(&predicate(".missing", &[], &[])));
}

proptest! {
    #[test]
    fn a_path_that_is_printed_parses_to_itself(steps in proptest::collection::vec(
        prop_oneof![
            ".{0,8}".prop_map(|name| PathStep::Member(Arc::from(name))),
            Just(PathStep::Only),
            "[a-z@#_]{1,8}".prop_map(|name| PathStep::Member(Arc::from(name))),
            Just(PathStep::Only),
            any::<i32>().prop_map(PathStep::Index),
            Just(PathStep::Each),
        ],
        0..6,
    )) {
        let path = Path { steps };
        prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,20}", odd in "[.\\[\\]\"\\\\a0-]{0,12}") {
        for text in [text, odd] {
            if let Ok(path) = Path::parse(&text) {
                prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
            }
        }
    }
}

#[test]
fn an_answer_without_records_is_told_from_another_answer() {
    let reason = |records, text| json(text).answers(&call(Some(records), &[], Normalizer::Exact));
    let nothing = |place: &str| Err(format!("nothing stands at `{place}`"));
    for (records, text, expected) in [
        (".a.l[]", r#"{"a":{"l":[]}}"#, Ok(())),
        (".a.l[]", r#"{"a":{"l":null}}"#, Ok(())),
        (".a.l[]", r#"{"a":{}}"#, Ok(())),
        (".a.l[]", "{}", Ok(())),
        (".a.l[]", r#"{"a":{"x":1}}"#, nothing(".a.l")),
        (".a.l[]", r#"{"x":1}"#, nothing(".a")),
        (".a.l[]", r#"{"a":null}"#, nothing(".a.l")),
        (".a[0]", r#"{"a":[]}"#, Ok(())),
        (".g[].l[]", r#"{"g":[]}"#, Ok(())),
        (".g[].l[]", r#"{"g":[{"x":1},{"l":[1]}]}"#, Ok(())),
        (".g[].l[]", r#"{"g":[{"x":1},{"x":2}]}"#, nothing(".g[].l")),
        (
            ".g[].l[]",
            r#"{"g":[{"l":[1]},{"l":"x"}]}"#,
            Err("expected a list at `.g[].l`, found text".to_owned()),
        ),
    ] {
        assert_eq!(reason(records, text), expected, "{records} {text}");
    }
}

#[test]
fn records_that_answer_keys_are_objects() {
    let reason = |text| json(text).answers(&call(Some(".[]"), &[".id"], Normalizer::Exact));
    assert_eq!(reason("[]"), Ok(()));
    assert_eq!(reason("[null]"), Ok(()));
    assert_eq!(reason(r#"[{"x":1},{"id":2}]"#), Ok(()));
    assert_eq!(
        reason(r#"[{"id":2},1]"#),
        Err("expected objects as records, found a number".to_owned())
    );
}
