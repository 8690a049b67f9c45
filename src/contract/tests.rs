use serde_json::{Value, json};

use super::asked::Asked;
use super::layout::laid_out;
use super::*;
use crate::diagnostic::{Diagnostic, Sources, render};

fn parsed(text: &str) -> (Option<CaseFile>, Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let id = sources.add("case.yaml", text);
    let mut problems = Vec::new();
    let file = read(&sources, id, &mut problems);
    (file, sources, problems)
}

fn case(text: &str) -> Case {
    let (file, sources, problems) = parsed(text);
    file.unwrap_or_else(|| panic!("{}", render::plain(&problems, &sources))).case
}

fn asked(method: &str, path: &str, query: &[(&str, &str)], body: &str) -> Asked {
    Asked {
        backend: "billing".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        query: query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        headers: vec![("x-region".to_owned(), "eu".to_owned())],
        body: body.to_owned(),
    }
}

fn pattern(request: &str) -> RequestPattern {
    let text = format!(
        "query: '{{ a }}'\nexchanges:\n  - backend: billing\n    request: {request}\n    fails: connect\n"
    );
    case(&text).exchanges.remove(0).request
}

fn places(request: &str, asked: &Asked) -> Vec<String> {
    asked.differences(&pattern(request)).into_iter().map(|one| one.place).collect()
}

#[test]
fn a_request_fits_what_is_recorded_of_it_and_nothing_else() {
    let get = asked("GET", "/a/x%2Fy", &[("limit", "2"), ("tag", "a"), ("tag", "b")], "");
    assert_eq!(places("{ path: /a/x%2fy, query: { tag: [a, b], limit: 2 } }", &get), [""; 0]);
    assert_eq!(places("{ path: /a/x%2Fy, query: any, headers: { X-Region: eu } }", &get), [""; 0]);
    assert_eq!(
        places("{ path: /a/x%2Fy, query: any, headers: { x-region: us } }", &get),
        ["headers.x-region"]
    );
    assert_eq!(places("{ path: /a/x%2Fy, ignore: [limit, tag] }", &get), [""; 0]);
    assert_eq!(
        places("{ path: /a/x/y, query: { tag: [b, a], limit: 3, q: 1 } }", &get),
        ["path", "query.tag", "query.limit", "query.q"]
    );
    assert_eq!(places("{ path: /a/x%2Fy }", &get), ["query.limit", "query.tag"]);
    let key = asked("GET", "/", &[("api_key", "s3cret"), ("page_token", "t")], "");
    assert_eq!(
        places("{ path: /, query: { page_token: t } }", &key),
        [""; 0],
        "credentials are never looked at"
    );
}

#[test]
fn bodies_are_compared_as_what_they_are() {
    let json = asked("POST", "/", &[], r#"{"keys":["1",2],"all":true}"#);
    assert_eq!(
        places("{ method: POST, path: /, body: { all: true, keys: ['1', 2] } }", &json),
        [""; 0]
    );
    assert_eq!(
        places("{ method: POST, path: /, body: { all: true, keys: ['1', '2'] } }", &json),
        ["body.keys[1]"]
    );
    assert_eq!(
        places("{ method: POST, path: / }", &json),
        [""; 0],
        "what is left out is not looked at"
    );
    let form = asked("POST", "/", &[], "a=1+2&b=%26");
    assert_eq!(places("{ method: POST, path: /, form: { b: '&', a: 1 2 } }", &form), [""; 0]);
    assert_eq!(places("{ method: POST, path: /, form: { b: '&' } }", &form), ["form.a"]);
    let envelope = |header: &str| {
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>{header}</s:Header><s:Body>\
             <get><id>7</id><id>8</id></get></s:Body></s:Envelope>"
        )
    };
    let soap = asked("POST", "/", &[], &envelope("<token>s3cret</token>"));
    assert_eq!(
        places("{ method: POST, path: /, body: { get: { id: ['7', '8'] } } }", &soap),
        [""; 0]
    );
    assert_eq!(
        places("{ method: POST, path: /, body: { get: { id: ['7'] } } }", &soap),
        ["body.get.id[1]"]
    );
    let text = Value::from(envelope("<token>another</token>"));
    assert_eq!(
        places(&format!("{{ method: POST, path: /, body: {text} }}"), &soap),
        [""; 0],
        "proofs in a Header are new every time"
    );
}

#[test]
fn what_is_wrong_with_a_case_is_told_with_its_line() {
    let (file, sources, problems) = parsed(
        "query: '{ a }'\nvariables: [1]\nexchanges:\n  - backend: crm\n    request: { path: 'a?b=1', methd: GET }\n    response: { status: 99 }\n    fails: timeout\n",
    );
    assert!(file.is_none());
    let report = render::plain(&problems, &sources);
    for part in [
        "case.yaml:2:12",
        "case.yaml:5:22",
        "`query`",
        "methd",
        "did you mean `method`?",
        "between 100 and 599",
        "fails",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn a_written_case_reads_back_as_the_very_same_case() {
    let odd = json!({
        "plain": "two words", "number as text": "1e3", "yes": "yes", "": "", "deep": [[{ "a": [{ "b": [] }] }], {}],
        "number": serde_json::from_str::<Value>("19.90").unwrap(), "big": 9_007_199_254_740_993_u64, "null": null,
        "colon": "a: b # c", "quote": "\"'\\", "lines": "a\n  b\n\nc\n", "no end": "a\nb", "space before": " a\nb", "space behind": "a \nb",
        "control": "\u{1}\u{7f}\u{85}\u{2028}\t", "unicode": "Zoë 🌙", "dash": "- a", "bang": "!a", "star": "*a", "at": "@a", "long": "x y ".repeat(60),
        "date": "2026-01-01", "empty lines": "\n\n", "trailing": "a\nb\n\n", "tab": "a\tb\nc",
    });
    let exchange = |body: Body| Exchange {
        backend: "crm".to_owned(),
        request: RequestPattern {
            method: "POST".to_owned(),
            path: "/a b/%2F".to_owned(),
            query: Some(vec![
                ("a".to_owned(), "1".to_owned()),
                ("b[]".to_owned(), "x".to_owned()),
                ("b[]".to_owned(), "y".to_owned()),
            ]),
            ignore: vec!["key".to_owned()],
            headers: vec![("x-a".to_owned(), "1".to_owned())],
            body: Some(body.clone()),
        },
        reply: Reply::Answer {
            status: 201,
            headers: vec![("link".to_owned(), "<x>; rel=\"next\"".to_owned())],
            body: Some(body),
        },
    };
    let mut first = exchange(Body::Tree(odd.clone()));
    first.request.query = None;
    let form = Body::Form(vec![("a".to_owned(), "null".to_owned())]);
    let mut second = exchange(Body::Text("<a>\n  <b/>\n</a>\n".to_owned()));
    second.request.body = Some(form);
    let mut third = first.clone();
    third.reply = Reply::Fails(Fault::Timeout);
    let whole = Case {
        description: Some("odd: # values".to_owned()),
        query: "query($a: Int) {\n  a(a: $a)\n}\n".to_owned(),
        operation: Some("A".to_owned()),
        variables: odd.as_object().unwrap().clone(),
        headers: vec![("x-tenant".to_owned(), "12".to_owned())],
        exchanges: vec![first, second, third],
        calls: Some([("crm".to_owned(), 3)].into()),
        expect: Some(json!({ "data": odd })),
    };
    let text = whole.to_yaml();
    assert_eq!(case(&text), whole, "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
}

#[test]
fn what_yaml_of_files_has_no_words_for_is_written_as_text() {
    let mut deep = json!(1);
    for _ in 0..80 {
        deep = json!([deep]);
    }
    let exchange = Exchange {
        backend: "crm".to_owned(),
        request: RequestPattern {
            path: "/".to_owned(),
            method: "GET".to_owned(),
            query: Some(Vec::new()),
            ..RequestPattern::default()
        },
        reply: Reply::Answer {
            status: 200,
            headers: Vec::new(),
            body: Some(Body::Tree(deep.clone())),
        },
    };
    let whole = Case { query: "{ a }".to_owned(), exchanges: vec![exchange], ..Case::default() };
    let read = case(&whole.to_yaml());
    let Reply::Answer { body: Some(Body::Text(text)), .. } = &read.exchanges[0].reply else {
        panic!("text")
    };
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), deep);
}

#[test]
fn an_updated_section_leaves_the_rest_of_a_file_as_it_is() {
    let before = "# why\nquery: '{ a }'   # so\n";
    let after = "\n# what follows\nexchanges: []\n";
    for expect in [
        "expect: { data: { a: 1 } }\n",
        "expect:\n  data:\n    a: |\n      1\n      2\n",
        "expect: null\n",
    ] {
        let text = format!("{before}{expect}{after}");
        let (file, ..) = parsed(&text);
        let new = to_yaml("expect", &json!({ "data": { "a": [1, 2] } }));
        let updated = replace_section(&text, file.unwrap().expect, &new);
        assert_eq!(updated, format!("{before}expect:\n  data:\n    a: [1, 2]\n{after}"));
    }
    let text = "query: '{ a }'\nexchanges: []\n";
    let updated = replace_section(text, None, "expect: 1\n");
    assert_eq!(updated, "query: '{ a }'\nexchanges: []\n\nexpect: 1\n");
}

#[test]
fn changes_name_every_place_and_both_values() {
    let expected = json!({ "data": { "a": [1, 2, { "odd name": null }], "gone": "x" } });
    let found = json!({ "data": { "a": [1, 3, { "odd name": 1 }, 4], "new": false } });
    let shown: Vec<String> = changes(&expected, &found)
        .iter()
        .map(|one| {
            format!(
                "{}: {} / {}",
                one.place,
                Change::shown(one.expected.as_ref()),
                Change::shown(one.found.as_ref())
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "data.a[1]: 2 / 3",
            "data.a[2][\"odd name\"]: null / 1",
            "data.a[3]: nothing / 4",
            "data.gone: \"x\" / nothing",
            "data.new: nothing / false"
        ]
    );
    assert_eq!(changes(&json!({ "a": 1, "b": 2 }), &json!({ "b": 2, "a": 1 })), []);
}

#[test]
fn an_envelope_is_laid_out_only_where_it_means_the_same() {
    let envelope = |body: &str| {
        format!(
            "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>{body}</e:Body></e:Envelope>"
        )
    };
    let text = laid_out(&envelope("<a x='>'><b> 1 </b><c/><d><![CDATA[<]]></d></a>"));
    assert_eq!(
        text.lines().skip(2).collect::<Vec<_>>(),
        [
            "  <e:Body>",
            "    <a x='>'>",
            "      <b> 1 </b>",
            "      <c/>",
            "      <d><![CDATA[<]]></d>",
            "    </a>",
            "  </e:Body>",
            "</e:Envelope>"
        ]
    );
    for same in [
        envelope("<a>text <b>1</b> and text</a>"),
        "<html><p>x</p></html>".to_owned(),
        "<a".to_owned(),
    ] {
        let laid_out = laid_out(&same);
        assert!(
            laid_out == same
                || crate::transport::body_tree(&laid_out) == crate::transport::body_tree(&same),
            "{same}"
        );
    }
}
