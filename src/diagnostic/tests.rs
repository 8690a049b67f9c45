use super::{Code, Diagnostic, Sources, Span, render};
use crate::nearest::{nearest, suggestion};

#[test]
fn the_nearest_name_is_found_across_case_swaps_and_missing_letters() {
    let names = ["billingId", "supportId", "primaryEmail"];
    assert_eq!(nearest("billingID", names), Some("billingId"));
    assert_eq!(nearest("biliingId", names), Some("billingId"));
    assert_eq!(nearest("primrayEmail", names), Some("primaryEmail"));
    assert_eq!(nearest("invoice", names), None);
}

#[test]
fn few_names_are_listed_when_none_is_near() {
    assert_eq!(suggestion("x", ["rest", "soap"]).as_deref(), Some("known here: rest, soap"));
    assert_eq!(suggestion("sop", ["rest", "soap"]).as_deref(), Some("did you mean `soap`?"));
}

#[test]
fn a_report_shows_the_place_in_every_file_concerned() {
    let mut sources = Sources::default();
    let yaml = sources.add("roles.yaml", "roles:\n  crm:\n    naem: x\n");
    let sdl = sources.add("schema.graphql", "type Query { name: String }\n");
    let problem = Diagnostic::error(Code::UnknownField, "`Query` has no field `naem`")
        .at(Span::new(yaml, 18, 22), "not in the schema")
        .at(Span::new(sdl, 5, 10), "the type")
        .help("did you mean `name`?");
    let text = render::plain(std::slice::from_ref(&problem), &sources);
    assert!(text.contains("roles.yaml:3:5"), "{text}");
    assert!(text.contains("schema.graphql:1:6"), "{text}");
    let json = render::json(&[problem], &sources);
    assert_eq!(json["diagnostics"][0]["labels"][0]["line"], 3);
    assert_eq!(json["diagnostics"][0]["labels"][0]["endColumn"], 9);
}

#[test]
fn every_code_is_snake_case_and_documented() {
    for code in Code::ALL {
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        assert!(code.doc().ends_with('.') || code.doc().ends_with(')'), "{}", code.doc());
    }
}
