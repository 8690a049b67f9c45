use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::graph::PageSize;
use crate::mapping::Path;

mod envelopes;
mod given;
mod urls;

struct Given {
    keys: Vec<Key>,
    arguments: serde_json::Map<String, Value>,
    fields: Vec<Arc<str>>,
    page: Option<PageState>,
    page_size: Option<u32>,
    principal: Principal,
    with: Vec<(Arc<str>, Expression)>,
    pages: Option<Pages>,
}

fn given(arguments: &Value) -> Given {
    Given {
        keys: Vec::new(),
        arguments: arguments.as_object().cloned().unwrap_or_default(),
        fields: Vec::new(),
        page: None,
        page_size: None,
        principal: Principal::default(),
        with: Vec::new(),
        pages: None,
    }
}

impl Given {
    fn keys(mut self, keys: &[&str]) -> Self {
        self.keys = keys.iter().map(|key| Key::new(key)).collect();
        self
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.with.push((Arc::from(name), Expression::Constant(value)));
        self
    }

    fn scope(&self) -> Scope<'_> {
        let inputs = Inputs {
            keys: &self.keys,
            arguments: &self.arguments,
            fields: &self.fields,
            page: self.page.as_ref(),
            page_size: self.page_size,
            principal: &self.principal,
            known: None,
        };
        Scope::new(inputs, &self.with, self.pages.as_ref())
    }
}

fn url(template: &str, given: &Given) -> Result<String, BackendError> {
    let target = UrlTemplate::parse(template).unwrap().expand(&given.scope())?;
    let separator = if target.query.is_empty() { "" } else { "?" };
    Ok(format!("{}{separator}{}", target.path, target.query))
}

// ---- headers

#[test]
fn a_header_that_reads_null_is_left_out() {
    let template = HeaderTemplate::parse("{args.reference}").unwrap();
    assert_eq!(template.render(&given(&json!({})).scope()).unwrap(), None);
    assert_eq!(
        template.render(&given(&json!({ "reference": 7 })).scope()).unwrap().as_deref(),
        Some("7")
    );
}

#[test]
fn a_header_reads_the_caller_and_says_so() {
    let mut given = given(&json!({}));
    given.principal.headers.push((Arc::from("x-tenant"), Arc::from("acme")));
    given.principal.claims.push((Arc::from("sub"), Arc::from("u1")));
    let template = HeaderTemplate::parse("{header.X-Tenant}/{claims.sub}; {{x}}").unwrap();
    assert_eq!(template.render(&given.scope()).unwrap().as_deref(), Some("acme/u1; {x}"));
    assert_eq!(
        template.reads(),
        [Read::Header(Arc::from("x-tenant")), Read::Claim(Arc::from("sub"))]
    );
}

#[test]
fn a_header_template_with_an_unknown_name_or_a_line_break_is_refused() {
    assert_eq!(HeaderTemplate::parse("a {nonsense}").unwrap_err().offset, 2);
    assert_eq!(HeaderTemplate::parse("a\r\nb").unwrap_err().offset, 1);
    assert_eq!(HeaderTemplate::parse("a {args.x").unwrap_err().offset, 2);
    assert_eq!(HeaderTemplate::parse("a } b").unwrap_err().offset, 2);
}

#[test]
fn headers_of_the_connection_cannot_be_set() {
    for name in
        ["Host", "content-length", "Transfer-Encoding", "connection", "bad name", "", "x\r\ny"]
    {
        assert!(forbidden_header(name).is_some(), "{name}");
    }
    assert!(forbidden_header("Authorization").is_none());
}

// ---- query languages

#[test]
fn a_quoted_template_repeats_a_text_for_each_key() {
    let template = QuotedTemplate::parse(
        Dialect::TicketSql,
        "({each}) AND Status = {args.status}",
        Some("Requestor.EmailAddress = {key}"),
        Some(" OR "),
    )
    .unwrap();
    let given = given(&json!({ "status": "open" })).keys(&["b@y.example", "zoe.o'neil@x.example"]);
    assert_eq!(
        template.render(&given.scope()).unwrap(),
        r"(Requestor.EmailAddress = 'b@y.example' OR Requestor.EmailAddress = 'zoe.o\'neil@x.example') AND Status = 'open'"
    );
    assert_eq!(
        template.reads(),
        [Read::Keys, Read::Argument { path: vec![Arc::from("status")], id_of: None }]
    );
}

#[test]
fn a_quoted_template_writes_fields_and_numbers_bare() {
    let template = QuotedTemplate::parse(
        Dialect::Soql,
        "SELECT {fields} FROM Contact LIMIT {args.first}",
        None,
        None,
    )
    .unwrap();
    let mut given = given(&json!({ "first": 20 }));
    given.fields = vec![Arc::from("Account.Name"), Arc::from("Email")];
    assert_eq!(
        template.render(&given.scope()).unwrap(),
        "SELECT Account.Name, Email FROM Contact LIMIT 20"
    );
    given.fields = vec![Arc::from("Id FROM User --")];
    assert!(template.render(&given.scope()).is_err());
}

#[test]
fn a_quoted_template_refuses_control_characters_empty_lists_and_quotes_of_its_own() {
    let template = QuotedTemplate::parse(Dialect::Soql, "x = {keys}", None, None).unwrap();
    assert!(template.render(&given(&json!({})).keys(&["a\nb"]).scope()).is_err());
    assert!(template.render(&given(&json!({})).keys(&["a\0b"]).scope()).is_err());
    assert!(template.render(&given(&json!({})).scope()).is_err());
    assert!(QuotedTemplate::parse(Dialect::Soql, "x = '{key}'", None, None).is_err());
    assert!(QuotedTemplate::parse(Dialect::Soql, "x = 'a", None, None).is_err());
    assert!(QuotedTemplate::parse(Dialect::Soql, "x = {each}", None, None).is_err());
    assert!(QuotedTemplate::parse(Dialect::Soql, "x", Some("y = {key}"), None).is_err());
    assert!(QuotedTemplate::parse(Dialect::Soql, "x = 'it\\'s' AND y = {key}", None, None).is_ok());
}

// ---- values

#[test]
fn expressions_read_keys_arguments_and_fields() {
    let mut given =
        given(&json!({ "input": { "name": "Ada", "big": 12_345_678_901_234_567_890_u64 } }))
            .keys(&["a", "b"]);
    given.fields = vec![Arc::from("x")];
    let argument =
        |path: &[&str]| Expression::Argument(path.iter().map(|name| Arc::from(*name)).collect());
    let body = Expression::Object(vec![
        (
            Arc::from("inputs"),
            Expression::EachKey(Box::new(Expression::Object(vec![(
                Arc::from("id"),
                Expression::Key { part: None },
            )]))),
        ),
        (Arc::from("properties"), Expression::Fields),
        (
            Arc::from("joined"),
            Expression::Join { list: Box::new(Expression::Keys), with: Arc::from(",") },
        ),
        (Arc::from("name"), argument(&["input", "name"])),
        (Arc::from("big"), argument(&["input", "big"])),
        (Arc::from("nothing"), argument(&["input", "nothing"])),
    ]);
    let rendered = BodyTemplate::Json(body.clone()).render(&given.scope()).unwrap();
    assert_eq!(
        String::from_utf8(rendered.bytes).unwrap(),
        r#"{"inputs":[{"id":"a"},{"id":"b"}],"properties":["x"],"joined":"a,b","name":"Ada","big":12345678901234567890}"#
    );
    assert!(!body.reads().contains(&Read::Key));
    assert_eq!(inputs_of(&body.reads()).len(), 3);
}

#[test]
fn composite_keys_are_read_by_their_parts() {
    let given = given(&json!({})).keys(&["de\u{1f}42"]);
    let part = |part| Expression::Key { part: Some(part) }.evaluate(&given.scope());
    assert_eq!(part(1).unwrap(), json!("42"));
    assert!(part(2).is_err());
    assert_eq!(
        Expression::Key { part: None }.evaluate(&given.scope()).unwrap(),
        json!(["de", "42"])
    );
}

#[test]
fn a_call_that_reads_one_key_is_refused_a_chunk_of_two() {
    let given = given(&json!({})).keys(&["a", "b"]);
    assert!(Expression::Key { part: None }.evaluate(&given.scope()).is_err());
}

#[test]
fn words_and_times_are_translated() {
    let enumeration = |value: Value, otherwise: Option<&str>| {
        Expression::Enum {
            of: Box::new(Expression::Constant(value)),
            values: vec![(Arc::from("OPEN"), Arc::from("in_progress"))],
            otherwise: otherwise.map(Arc::from),
        }
        .evaluate(&given(&json!({})).scope())
    };
    assert_eq!(enumeration(json!("OPEN"), None).unwrap(), json!("in_progress"));
    assert_eq!(
        enumeration(json!(["OPEN", "ODD"]), Some("any")).unwrap(),
        json!(["in_progress", "any"])
    );
    assert_eq!(enumeration(Value::Null, None).unwrap(), Value::Null);
    assert!(enumeration(json!("ODD"), None).is_err());
    let unix = |value: Value| {
        Expression::UnixSeconds(Box::new(Expression::Constant(value)))
            .evaluate(&given(&json!({})).scope())
    };
    assert_eq!(unix(json!("2024-01-02T03:04:05+01:00")).unwrap(), json!(1_704_161_045));
    assert_eq!(unix(json!("2024-01-02")).unwrap(), json!(1_704_153_600));
    assert!(unix(json!("yesterday")).is_err());
}

#[test]
fn an_argument_that_is_read_as_an_id_is_one_input_and_says_whose_id() {
    let argument = || Expression::Argument(vec![Arc::from("ticketId")]);
    let id =
        Expression::RemoteId { of: Box::new(argument()), ty: TypeId(3), name: Arc::from("Ticket") };
    let both = Expression::List(vec![argument(), id]);
    let given = given(&json!({ "ticketId": "T-1" }));
    assert_eq!(both.evaluate(&given.scope()).unwrap(), json!(["T-1", "T-1"]));
    let path = ArgumentPath {
        path: vec![Arc::from("ticketId")],
        id_of: Some(TypeId(3)),
        normalizer: Normalizer::Exact,
    };
    assert_eq!(inputs_of(&both.reads()), [Input::Argument(path)]);
}

#[test]
fn page_variables_are_bound_by_name() {
    let mut given = given(&json!({}));
    given.pages = Some(Pages {
        next: NextPage::Page { variable: Arc::from("page"), start: 1 },
        carry: vec![(Arc::from("search"), Path { steps: Vec::new() })],
        more: None,
        size: Some(PageSize { variable: Arc::from("per_page"), min: 5, max: 50 }),
        max_pages: 10,
        total: None,
    });
    assert_eq!(url("/t{?page,per_page}", &given).unwrap(), "/t?page=1&per_page=50");
    given.page_size = Some(20);
    given.page = Some(PageState(Box::new([("page".into(), "3".into())])));
    assert_eq!(url("/t{?page,per_page,search}", &given).unwrap(), "/t?page=3&per_page=20");
    given.page_size = Some(3);
    given.page =
        Some(PageState(Box::new([("page".into(), "4".into()), ("search".into(), "S-1".into())])));
    assert_eq!(
        url("/t{?page,per_page,search}", &given).unwrap(),
        "/t?page=4&per_page=5&search=S-1"
    );
    given.pages = Some(Pages {
        next: NextPage::Cursor(vec![(Arc::from("after"), Path { steps: Vec::new() })]),
        carry: Vec::new(),
        more: None,
        size: None,
        max_pages: 10,
        total: None,
    });
    assert_eq!(url("/t{?after}", &given).unwrap(), "/t");
}

#[test]
fn a_form_writes_lists_objects_and_nothing_for_null() {
    let form = BodyTemplate::Form(vec![
        (Arc::from("a b"), Expression::Constant(json!("x&y=z"))),
        (Arc::from("expand[]"), Expression::Constant(json!(["p", "q"]))),
        (Arc::from("metadata"), Expression::Constant(json!({ "k": 1 }))),
        (Arc::from("items"), Expression::Constant(json!([{ "n": true }]))),
        (Arc::from("gone"), Expression::Constant(Value::Null)),
    ]);
    let body = form.render(&given(&json!({})).scope()).unwrap();
    assert_eq!(
        String::from_utf8(body.bytes).unwrap(),
        "a%20b=x%26y%3Dz&expand%5B%5D=p&expand%5B%5D=q&metadata%5Bk%5D=1&items%5B0%5D%5Bn%5D=true"
    );
}
