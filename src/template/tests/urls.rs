//! URLs, and the values of them and of quoted texts that random clients send.

use proptest::prelude::*;

use super::*;

#[test]
fn a_url_template_is_expanded_as_rfc_6570_says() {
    let given = given(&json!({}))
        .with("var", json!("value"))
        .with("hello", json!("Hello World!"))
        .with("list", json!(["red", "green", "blue"]))
        .with("keys", json!({ "semi": ";", "dot": ".", "comma": "," }))
        .with("x", json!(1024))
        .with("y", json!(768))
        .with("empty", json!(""))
        .with("undef", Value::Null);
    for (template, expected) in [
        ("/{var}", "/value"),
        ("/{hello}", "/Hello%20World%21"),
        ("/map/{x,y}", "/map/1024,768"),
        ("/{var:3}", "/val"),
        ("/X{.var}", "/X.value"),
        ("/X{.x,y}", "/X.1024.768"),
        ("{/var}", "/value"),
        ("{/var,x}/here", "/value/1024/here"),
        ("/a{;x,y}", "/a;x=1024;y=768"),
        ("/a{;x,y,empty}", "/a;x=1024;y=768;empty"),
        ("/{list}", "/red,green,blue"),
        ("/a{?x,y}", "/a?x=1024&y=768"),
        ("/a{?x,y,empty}", "/a?x=1024&y=768&empty="),
        ("/a{?x,undef}", "/a?x=1024"),
        ("/a{?undef,x}", "/a?x=1024"),
        ("/a{?undef}{&x}", "/a?x=1024"),
        ("/a?fixed=yes{&x}", "/a?fixed=yes&x=1024"),
        ("/a?q={var}{&x}", "/a?q=value&x=1024"),
        ("/a{?list}", "/a?list=red,green,blue"),
        ("/a{?list*}", "/a?list=red&list=green&list=blue"),
        ("/a{?keys}", "/a?keys=semi,%3B,dot,.,comma,%2C"),
        ("/a{?keys*}", "/a?semi=%3B&dot=.&comma=%2C"),
        ("/a{&x}", ""),
    ] {
        if expected.is_empty() {
            assert!(UrlTemplate::parse(template).is_err(), "{template}");
        } else {
            assert_eq!(url(template, &given).unwrap(), expected, "{template}");
        }
    }
}

#[test]
fn a_template_that_could_leave_its_place_is_refused_with_the_place() {
    for (template, offset) in [
        ("/a/{+path}", 3),
        ("/a{#part}", 2),
        ("/a{/x*}", 2),
        ("https://elsewhere.example/a", 0),
        ("//elsewhere.example/a", 0),
        ("a/b", 0),
        ("/a b", 2),
        ("/a#b", 2),
        ("/a/%zz", 3),
        ("/a/{x", 3),
        ("/a/../b", 0),
        ("/a/%2E%2e/b", 0),
        ("/a//b", 0),
        ("/a{?x}{?y}", 6),
        ("/a/{}", 3),
        ("/a/{x y}", 3),
    ] {
        let error = UrlTemplate::parse(template).unwrap_err();
        assert_eq!(error.offset, offset, "{template}: {error}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn a_path_value_that_is_empty_or_leads_upwards_is_refused() {
    for value in ["", " ", ".", "..", "%2e%2e", "%252e%252E", "../x", "x/../y", "..\\x", "..;x"] {
        let given = given(&json!({})).with("id", json!(value));
        let error = url("/v1/{id}/lines", &given).unwrap_err();
        assert!(matches!(error, BackendError::Build { .. }), "{value:?}");
    }
    for (value, expected) in
        [("a/b", "/v1/a%2Fb/lines"), ("...", "/v1/.../lines"), ("a?b#c", "/v1/a%3Fb%23c/lines")]
    {
        assert_eq!(
            url("/v1/{id}/lines", &given(&json!({})).with("id", json!(value))).unwrap(),
            expected
        );
    }
}

#[test]
fn a_path_value_that_is_missing_is_refused_and_a_query_value_left_out() {
    let given = given(&json!({}));
    assert!(url("/v1/{id}", &given).is_err());
    assert_eq!(url("/v1{?id}", &given).unwrap(), "/v1");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_header_value_is_one_line_of_visible_characters_or_refused(value in any::<String>()) {
        let given = given(&json!({ "reference": value }));
        let rendered = HeaderTemplate::parse("ref={args.reference}").unwrap().render(&given.scope());
        let is_safe = value.chars().all(|character| character == ' ' || character.is_ascii_graphic());
        match rendered {
            Ok(header) => prop_assert_eq!(header, Some(format!("ref={value}")).filter(|_| is_safe)),
            Err(_) => prop_assert!(!is_safe),
        }
    }

    #[test]
    fn a_quoted_value_is_read_back_as_it_was_given(values in proptest::collection::vec("[ -~äé'\"\\\\]{0,12}", 1..4)) {
        for (dialect, quote) in [(Dialect::Soql, '\''), (Dialect::TicketSql, '\''), (Dialect::Zendesk, '"')] {
            let keys: Vec<&str> = values.iter().map(String::as_str).collect();
            let given = given(&json!({})).keys(&keys);
            let template = QuotedTemplate::parse(dialect, "E IN ({keys}) AND X = 1", None, None).unwrap();
            match template.render(&given.scope()) {
                Ok(text) => prop_assert_eq!(read_list(&text, quote), Some(values.clone()), "{}", text),
                Err(_) => prop_assert!(dialect == Dialect::Zendesk && values.iter().any(|value| value.contains(['"', '\\']))),
            }
        }
    }

    #[test]
    fn an_envelope_keeps_its_elements_whatever_the_value(value in any::<String>()) {
        let given = given(&json!({ "name": value }));
        let template = XmlTemplate::compile("<a b=\"{{ args.name }}\"><c>{{ args.name }}</c></a>").unwrap();
        match template.render(&given.scope()) {
            Ok(text) => {
                prop_assert_eq!(text.matches('<').count(), 4);
                prop_assert_eq!(text.matches('>').count(), 4);
                prop_assert_eq!(text.matches('"').count(), 2);
            }
            Err(_) => prop_assert!(value.chars().any(super::xml::is_forbidden)),
        }
    }
}

/// Reads `E IN ('a', 'b') AND X = 1` as the backend's own parser would.
fn read_list(text: &str, quote: char) -> Option<Vec<String>> {
    let mut characters = text.strip_prefix("E IN (")?.chars();
    let mut values = Vec::new();
    loop {
        if characters.next()? != quote {
            return None;
        }
        let mut value = String::new();
        loop {
            match characters.next()? {
                '\\' => value.push(characters.next()?),
                character if character == quote => break,
                character => value.push(character),
            }
        }
        values.push(value);
        match characters.as_str() {
            ") AND X = 1" => return Some(values),
            rest => characters = rest.strip_prefix(", ")?.chars(),
        }
    }
}
