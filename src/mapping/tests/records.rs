use super::forms::*;
use super::*;

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
        only: None,
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
    assert_eq!(eval(record(".s")), "!Line: expected an object, found text");
    assert_eq!(eval(record(".one.sku")), "!Line: expected an object, found text");
}

#[test]
fn what_stands_where_a_record_should_is_no_record_without_members() {
    let list = || Mapping::List {
        path: path(".list"),
        only: None,
        item: Box::new(Mapping::Record { at: None, shape: ShapeId(1) }),
    };
    let eval = |values: &str, slots: &[(&str, &str)]| {
        let slots = slots.iter().map(|(name, at)| slot(name, text_at(at))).collect();
        eval_with(&json(&format!("{{\"list\":{values}}}")), list(), vec![shape("Line", slots)])
    };
    assert_eq!(
        eval(r#"[{"a":"x"},{},"t",7,[1]]"#, &[("a", ".a"), ("b", ".b")]),
        "[{a:\"x\" b:null} {a:null b:null} !Line: expected an object, found text \
         !Line: expected an object, found a number !Line: expected an object, found a list]"
    );
    // a shape that reads the value itself, or its items, is made from it
    assert_eq!(eval(r#"["t"]"#, &[("a", ".")]), r#"[{a:"t"}]"#);
    assert_eq!(eval(r#"[["t","u"]]"#, &[("a", ".[1]")]), r#"[{a:"u"}]"#);
}

#[test]
fn a_list_opens_one_level_and_loses_no_element_of_another_kind() {
    let texts = |text: &str| Mapping::Path {
        path: path(text),
        to: Leaf::List(Box::new(Leaf::Scalar(Scalar::String))),
    };
    let list = r#"{"v":["a",["b"],[],null]}"#;
    let item = |place: &str| format!("!`{place}`: expected text, found a list");
    for place in [".v", ".v[]"] {
        assert_eq!(
            eval(list, texts(place)),
            format!("[\"a\" {0} {0} null]", item(place)),
            "{place}"
        );
    }
    assert_eq!(eval(r#"{"v":[["a"],[],["b"]]}"#, texts(".v[][]")), "[\"a\" \"b\"]");
    assert_eq!(eval(list, texts(".v[][]")), "!expected a list at `.v[]`, found text");
    // what an element lacks is left out; an element that can have no such thing is not
    let names = r#"{"v":[{"n":"a"},{},{"n":null},null]}"#;
    assert_eq!(eval(names, texts(".v[].n")), "[\"a\" null]");
    let odd = r#"{"v":[{"n":"a"},7]}"#;
    assert_eq!(eval(odd, texts(".v[].n")), "!expected an object at `.v[]`, found a number");
    // one value: the first that is there
    for (value, expected) in [
        (r#"{"v":[{},{"n":null},{"n":"x"},7]}"#, "\"x\""),
        (r#"{"v":[{"n":null},{}]}"#, "null"),
        (r#"{"v":[{},7,{}]}"#, "!expected an object at `.v[]`, found a number"),
    ] {
        assert_eq!(eval(value, text_at(".v[].n")), expected, "{value}");
    }
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
                own_digits: Arc::from([]),
                shape: ShapeId(1),
            },
            Mapping::Time { path: path(), form: TimeForm::Auto, unset: Vec::new(), is_date: false },
            Mapping::Join { parts: vec![Mapping::Text { path: path() }], with: Arc::from(",") },
            Mapping::First { choices: vec![Mapping::Text { path: path() }] },
            Mapping::Case { path: path(), arms: Vec::new(), otherwise: None },
            Mapping::Number { path: path(), shift: 0, to: Leaf::Scalar(Scalar::Int) },
            Mapping::Bool { path: path(), yes: Vec::new(), no: Vec::new() },
            Mapping::Text { path: path() },
            Mapping::Id { parts: vec![path()], of: TypeId(0), role: Arc::from("crm") },
            Mapping::Record { at: Some(path()), shape: ShapeId(1) },
            Mapping::List {
                path: path(),
                only: None,
                item: Box::new(Mapping::Text { path: path() }),
            },
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
