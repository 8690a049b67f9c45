use super::forms::eval_with;
use super::*;

fn none() -> Mapping {
    Mapping::Constant { json: Box::from("null") }
}

fn entries(at: &str, pair: Option<(&str, &str)>, otherwise: Option<&str>) -> Mapping {
    let kinds = [("card", "TEXT"), ("seats", "NUMBER"), ("plan", "OBJECT")];
    Mapping::Entries(Box::new(Entries {
        path: path(at),
        pair: pair.map(|(key, value)| (path(key), path(value))),
        kinds: kinds.map(|(name, kind)| (Arc::from(name), Arc::from(kind))).into(),
        otherwise: otherwise.map(Arc::from),
        to: Leaf::Scalar(Scalar::Any),
        shape: ShapeId(1),
    }))
}

fn eval(payload: &Payload, mapping: Mapping) -> String {
    let slots = ["key", "value", "type"].map(|name| slot(name, none()));
    eval_with(payload, mapping, vec![shape("Entry", slots.into())])
}

#[test]
fn members_that_are_named_become_entries_in_the_order_of_the_record() {
    for (record, expected) in [
        (
            r#"{"m":{"seats":"012","other":1,"card":null,"plan":{"a":[0.10]}}}"#,
            r#"[{key:"seats" value:"012" type:"NUMBER"} {key:"plan" value:{"a":[0.10]} type:"OBJECT"}]"#,
        ),
        // the last of two members of one name counts, as everywhere
        (r#"{"m":{"card":"old","card":"new"}}"#, r#"[{key:"card" value:"new" type:"TEXT"}]"#),
        (r#"{"m":{}}"#, "[]"),
        (r#"{"m":null}"#, "null"),
        ("{}", "null"),
        (r#"{"m":[1]}"#, "!`.m`: expected an object, found a list"),
        (r#"{"m":"card"}"#, "!`.m`: expected an object, found text"),
    ] {
        assert_eq!(eval(&json(record), entries(".m", None, None)), expected, "{record}");
    }
}

#[test]
fn other_members_have_the_kind_of_else_and_odd_names_are_kept() {
    let record = r#"{"m":{"card":1,"a \"b\"\n":true,"\u00e9":[]}}"#;
    let expected = "[{key:\"card\" value:1 type:\"TEXT\"} {key:\"a \\\"b\\\"\\n\" value:true type:\"UNKNOWN\"} \
                    {key:\"é\" value:[] type:\"UNKNOWN\"}]";
    assert_eq!(eval(&json(record), entries(".m", None, Some("UNKNOWN"))), expected);
}

#[test]
fn elements_of_a_list_say_their_names_and_values() {
    let pair = Some((".id", ".values"));
    let record = r#"{"m":[{"id":"card","values":["x"]},{"id":7,"values":"seven"},{"values":1},{"id":"seats"},"odd"]}"#;
    assert_eq!(
        eval(&json(record), entries(".m[]", pair, Some("UNKNOWN"))),
        r#"[{key:"card" value:["x"] type:"TEXT"} {key:"7" value:"seven" type:"UNKNOWN"}]"#
    );
    assert_eq!(eval(&json(r#"{"m":[]}"#), entries(".m", pair, None)), "[]");
    assert_eq!(eval(&json("{}"), entries(".m", pair, None)), "null");
}

#[test]
fn in_xml_attributes_are_no_entries_and_a_single_element_is_a_list() {
    let mut builder = PayloadBuilder::xml(LIMITS);
    builder.begin_object();
    builder.member("m");
    builder.begin_object();
    builder.member("@href");
    builder.text("x");
    builder.member("card");
    builder.text("LC");
    builder.end();
    builder.member("f");
    builder.begin_object();
    builder.member("@id");
    builder.text("seats");
    builder.member("#text");
    builder.text("12");
    builder.end();
    builder.end();
    let payload = builder.finish().unwrap();
    assert_eq!(
        eval(&payload, entries(".m", None, Some("UNKNOWN"))),
        r#"[{key:"card" value:"LC" type:"TEXT"}]"#
    );
    assert_eq!(
        eval(&payload, entries(".f[]", Some((".@id", ".#text")), None)),
        r#"[{key:"seats" value:"12" type:"NUMBER"}]"#
    );
}
