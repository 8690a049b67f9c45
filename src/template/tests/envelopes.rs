//! Envelopes.

use super::*;

#[test]
fn an_envelope_escapes_every_value_and_says_what_it_reads() {
    let template = XmlTemplate::compile(
        "<e>{% for key in keys %}<id>{{ key }}</id>{% endfor %}{% if args.input.note %}<n>{{ args.input.note }}</n>{% endif %}{{ vars.page }}</e>",
    )
    .unwrap();
    let given = given(&json!({ "input": null })).keys(&["<a&b>", "2"]).with("page", json!(1));
    assert_eq!(
        template.render(&given.scope()).unwrap(),
        "<e><id>&lt;a&amp;b&gt;</id><id>2</id>1</e>"
    );
    assert_eq!(
        template.reads(),
        [
            Read::Keys,
            Read::Argument { path: vec![Arc::from("input"), Arc::from("note")], id_of: None },
            Read::Variable(Arc::from("page")),
        ]
    );
}

#[test]
fn no_filter_and_no_block_writes_a_value_unescaped() {
    assert!(
        XmlTemplate::compile("<a>{{ args.x|safe }}</a>")
            .and_then(|template| {
                template
                    .render(&given(&json!({ "x": "<" })).scope())
                    .map_err(|_| TemplateError::new(0, ""))
            })
            .is_err()
    );
    for text in [
        "<a>{% autoescape false %}{{ args.x }}{% endautoescape %}</a>",
        "<a>{% set y %}{{ args.x }}{% endset %}{{ y }}</a>",
        "<a>{{ args.x ~ args.x }}</a>",
        "<a>{{ args.x|upper|replace('A', '<') }}</a>",
        "<a>{% filter upper %}{{ args.x }}{% endfilter %}</a>",
    ] {
        let rendered = XmlTemplate::compile(text)
            .unwrap()
            .render(&given(&json!({ "x": "<x>" })).scope())
            .unwrap();
        assert_eq!(rendered.matches('<').count(), 2, "{text}: {rendered}");
    }
}

#[test]
fn an_envelope_with_an_unknown_name_or_broken_syntax_is_refused() {
    assert_eq!(XmlTemplate::compile("<a>\n{{ page.x }}</a>").unwrap_err().offset, 7);
    assert_eq!(XmlTemplate::compile("<a>\n{% for %}</a>").unwrap_err().offset, 4);
    assert!(XmlTemplate::compile("{{ args }}").is_err());
}

#[test]
fn an_envelope_that_never_ends_runs_out_of_fuel() {
    let template = XmlTemplate::compile(
        "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
    )
    .unwrap();
    assert!(matches!(template.render(&given(&json!({})).scope()), Err(BackendError::Build { .. })));
}

#[test]
fn a_character_that_xml_cannot_hold_is_refused_without_the_value() {
    let template = XmlTemplate::compile("<a>{{ args.x }}</a>").unwrap();
    let error = template.render(&given(&json!({ "x": "secret\u{1}" })).scope()).unwrap_err();
    assert!(error.to_string().contains("XML does not allow"), "{error}");
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn an_envelopes_outline_keeps_every_byte_in_its_place() {
    let outline = |text| XmlTemplate::outline(text);
    assert_eq!(outline("<a>{{ k }}</a>").unwrap(), "<a>xxxxxxx</a>");
    assert_eq!(outline("<a>{# { #}{{ '}}' }}</a>").unwrap(), "<a>       xxxxxxxxxx</a>");
    assert_eq!(
        outline("{% for k in keys -%}\n<b/>{{\nk }}{% endfor %}").unwrap(),
        "                    \n<b/>xx\nxxxx            "
    );
    assert_eq!(outline("{ö{{ö}}").unwrap(), "{öxxxxxx");
    assert_eq!(outline("<a>{% if k %}<b>{% endif %}</a>"), None);
    // What is not closed is minijinja's to refuse; nothing is cut in two.
    assert_eq!(outline("<a>{{ ö").unwrap(), "<a>xxxxx");
}
