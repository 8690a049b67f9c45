//! SOAP: the envelope that goes out, and answers and faults of every shape that comes back.

use std::borrow::Cow;
use std::sync::Arc;

use cyclorama::error::{BackendError, ErrorCode, chain};
use cyclorama::graph::*;
use cyclorama::mapping::Payload;
use cyclorama::template::{UrlTemplate, XmlTemplate};
use cyclorama::transport::{self, WireRequest, WireResponse};

use crate::needs;
use crate::transport::{Given, backend, call, path};

const ENVELOPE_1_1: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const ENVELOPE_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";

fn soap(version: SoapVersion, envelope: &str) -> Call {
    let mut call = call(RequestTemplate::Soap(SoapTemplate {
        url: UrlTemplate::parse("/helpdesk/soap").unwrap(),
        version,
        action: Arc::from("urn:find"),
        envelope: XmlTemplate::compile(envelope).unwrap(),
        headers: Vec::new(),
        variables: Vec::new(),
        lists: vec![Arc::from("ticket")],
    }));
    call.records = None;
    call
}

fn request(call: &Call, auth: Auth) -> Result<WireRequest, BackendError> {
    let backend = Backend { auth, ..backend("http://support.example:8080/base") };
    transport::request(&backend, call, Given::keys(&["<1>"]).inputs())
}

fn body(request: &WireRequest) -> String {
    String::from_utf8(request.body.to_vec()).unwrap()
}

fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> WireResponse {
    WireResponse {
        status,
        headers: cyclorama::transport::fields([("content-type", content_type)]),
        body: body.into().into(),
    }
}

fn decode(call: &Call, response: WireResponse) -> Result<Payload, BackendError> {
    transport::decode(call, Given::default().inputs(), response).map(|decoded| decoded.payload)
}

fn read(body: &str) -> Result<Payload, BackendError> {
    decode(&soap(SoapVersion::V1_1, "<x/>"), response(200, "text/xml", body))
}

/// An answer with this in its Body.
fn envelope(inner: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><s:Envelope xmlns:s="{ENVELOPE_1_1}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
        <s:Header><h xmlns="urn:x" s:mustUnderstand="1">ignored</h></s:Header><s:Body>{inner}</s:Body></s:Envelope>"#
    )
}

fn texts(payload: &Payload, at: &str) -> Vec<String> {
    payload.texts_at(&path(at)).into_iter().map(Cow::into_owned).collect()
}

fn reason(result: Result<Payload, BackendError>) -> String {
    match result {
        Err(error @ BackendError::Decode { .. }) => chain(&error),
        other => panic!("{other:?}"),
    }
}

// ---- requests

#[test]
fn version_1_1_sends_its_action_in_a_quoted_header() {
    let request = request(&soap(SoapVersion::V1_1, "<e>{{ key }}</e>"), Auth::None).unwrap();
    assert_eq!(request.url, "http://support.example:8080/base/helpdesk/soap");
    assert_eq!(request.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(request.header("soapaction"), Some("\"urn:find\""));
    assert_eq!(body(&request), "<e>&lt;1&gt;</e>");
}

#[test]
fn version_1_2_sends_its_action_in_the_content_type() {
    let request = request(&soap(SoapVersion::V1_2, "<e/>"), Auth::None).unwrap();
    assert_eq!(
        request.header("content-type"),
        Some("application/soap+xml; charset=utf-8; action=\"urn:find\"")
    );
    assert_eq!(request.header("soapaction"), None);
}

#[test]
fn a_username_token_goes_into_the_header_whatever_the_prefix() {
    let auth = || Auth::UsernameToken {
        user: Arc::from("a&b"),
        password: Arc::from("p<w"),
        is_digest: false,
    };
    for (envelope, before, after) in [
        (
            format!(r#"<S:Envelope xmlns:S="{ENVELOPE_1_1}"><S:Header/><S:Body/></S:Envelope>"#),
            "<S:Header><wsse:Security",
            "</wsse:Security></S:Header><S:Body/>",
        ),
        (
            format!(
                r#"<S:Envelope xmlns:S="{ENVELOPE_1_1}"><S:Header a="b"><t/></S:Header><S:Body/></S:Envelope>"#
            ),
            "<S:Header a=\"b\"><wsse:Security",
            "</wsse:Security><t/></S:Header>",
        ),
        (
            format!(
                r#"<?xml version="1.0"?><!-- c --><Envelope xmlns="{ENVELOPE_1_2}"><Body/></Envelope>"#
            ),
            "<Header><wsse:Security",
            "</wsse:Security></Header><Body/>",
        ),
        (
            format!(
                r#"<q:Envelope xmlns:q="{ENVELOPE_1_2}"><q:Body><Header/></q:Body></q:Envelope>"#
            ),
            "<q:Header><wsse:Security",
            "</wsse:Security></q:Header><q:Body><Header/>",
        ),
    ] {
        let sent = body(&request(&soap(SoapVersion::V1_1, &envelope), auth()).unwrap());
        assert!(sent.contains(before) && sent.contains(after), "{sent}");
        assert!(sent.contains("<wsse:Username>a&amp;b</wsse:Username>"), "{sent}");
        assert!(sent.contains("#PasswordText\">p&lt;w</wsse:Password>"), "{sent}");
    }
}

#[test]
fn a_digest_is_made_anew_for_every_request_and_never_holds_the_password() {
    let auth = || Auth::UsernameToken {
        user: Arc::from("gateway"),
        password: Arc::from("secret-password"),
        is_digest: true,
    };
    let envelope = format!(r#"<S:Envelope xmlns:S="{ENVELOPE_1_1}"><S:Body/></S:Envelope>"#);
    let call = soap(SoapVersion::V1_1, &envelope);
    let (one, other) =
        (body(&request(&call, auth()).unwrap()), body(&request(&call, auth()).unwrap()));
    assert_ne!(one, other);
    for sent in [one, other] {
        assert!(
            sent.contains("#PasswordDigest")
                && sent.contains("wsse:Nonce")
                && sent.contains("wsu:Created")
        );
        assert!(!sent.contains("secret-password"));
    }
}

#[test]
fn an_envelope_that_is_none_cannot_carry_a_token() {
    let auth =
        || Auth::UsernameToken { user: Arc::from("u"), password: Arc::from("p"), is_digest: false };
    for envelope in ["<a/>", "<a>", "", "<Envelope xmlns=\"urn:other\"></Envelope>"] {
        let error = request(&soap(SoapVersion::V1_1, envelope), auth()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RequestNotBuilt, "{envelope}");
    }
}

// ---- the rule

#[test]
fn an_answer_is_read_by_local_names_whatever_the_prefixes() {
    for (open, close) in [("m:", "m:"), ("", "")] {
        let namespace = if open.is_empty() { "xmlns=\"urn:t\"" } else { "xmlns:m=\"urn:t\"" };
        let inner = format!("<{open}r {namespace}><{open}id>7</{open}id></{close}r>");
        assert_eq!(texts(&read(&envelope(&inner)).unwrap(), ".r.id"), ["7"]);
    }
}

#[test]
fn elements_become_text_objects_lists_and_null_by_one_rule() {
    let payload = read(&envelope(
        r#"<r><plain> a &amp; <![CDATA[<b>]]>&#x41; </plain><empty/><blank></blank><gone xsi:nil="true" a="1"/>
        <kept xsi:nil="false">x</kept><attributed lang="en" xml:space="preserve">hi</attributed><bare ok="yes"/>
        <mixed>before <b>bold</b> after</mixed><n>1</n><n>2</n><n>3</n><ticket><id>1</id></ticket><!-- no --><?pi no?></r>"#,
    ))
    .unwrap();
    let text = |at: &str| payload.text_at(&path(at)).map(Cow::into_owned);
    assert_eq!(text(".r.plain").as_deref(), Some(" a & <b>A "));
    assert_eq!(text(".r.empty").as_deref(), Some(""));
    assert_eq!(text(".r.blank").as_deref(), Some(""));
    assert_eq!(text(".r.gone"), None);
    assert_eq!(text(".r.kept").as_deref(), Some("x"));
    assert_eq!(text(".r.attributed").as_deref(), Some("hi"));
    assert_eq!(text(r#".r.attributed."@lang""#).as_deref(), Some("en"));
    assert_eq!(text(r##".r.attributed."#text""##).as_deref(), Some("hi"));
    assert_eq!(text(r#".r.bare."@ok""#).as_deref(), Some("yes"));
    assert_eq!(text(".r.mixed.b").as_deref(), Some("bold"));
    assert_eq!(text(r##".r.mixed."#text""##).as_deref(), Some("before  after"));
    assert_eq!(texts(&payload, ".r.n[]"), ["1", "2", "3"]);
    assert_eq!(text(".r.n[-1]").as_deref(), Some("3"));
    // Named under `lists`, so an index works although it occurs once.
    assert_eq!(text(".r.ticket[0].id").as_deref(), Some("1"));
    assert_eq!(texts(&payload, ".r.plain[]").len(), 1);
}

#[test]
fn a_type_is_kept_without_its_prefix_beside_an_attribute_of_that_name() {
    let payload = read(&envelope(
        r#"<r><a xmlns:ns7="urn:c" xsi:type="ns7:Contact">x</a><b type="file" xsi:type="q:Ref" xsi:schemaLocation="a b"/></r>"#,
    ))
    .unwrap();
    assert_eq!(texts(&payload, r#".r.a."@type""#), ["Contact"]);
    assert_eq!(texts(&payload, r#".r.b."@type""#), ["file"]);
    assert_eq!(texts(&payload, r#".r.b."@xsi:type""#), ["Ref"]);
    assert_eq!(texts(&payload, r#".r.b."@schemaLocation""#), Vec::<String>::new());
    assert_eq!(texts(&payload, r#".r.a."@ns7""#), Vec::<String>::new());
}

#[test]
fn an_empty_body_is_an_answer_without_records() {
    assert_eq!(read(&envelope("")).unwrap().count_at(None), 0);
    assert_eq!(read(&envelope("<r/>")).unwrap().count_at(None), 1);
}

#[test]
fn answers_in_the_usual_charsets_are_read_and_others_refused() {
    let call = soap(SoapVersion::V1_1, "<x/>");
    let at = path(".r");
    let encoded = |declaration: &str, bytes: &[u8]| {
        let parts: [&[u8]; 5] = [
            declaration.as_bytes(),
            format!("<s:Envelope xmlns:s='{ENVELOPE_1_1}'><s:Body><r>").leak().as_bytes(),
            bytes,
            b"</r></s:Body>",
            b"</s:Envelope>",
        ];
        parts.concat()
    };
    for (content_type, declaration, bytes, expected) in [
        ("text/xml", "", "é".as_bytes(), "é"),
        (
            "text/xml; charset=\"UTF-8\"",
            "<?xml version='1.0' encoding='ISO-8859-1'?>",
            "é".as_bytes(),
            "é",
        ),
        ("text/xml", "<?xml version='1.0' encoding='ISO-8859-1'?>", b"\xe9", "é"),
        ("text/xml; charset=iso-8859-1", "", b"\xe9", "é"),
        ("text/xml; charset=windows-1252", "", b"\x80\xe9", "€é"),
        ("text/xml; charset=us-ascii", "", b"e", "e"),
        ("text/xml; charset=iso-8859-1", "\u{feff}<?xml version='1.0'?>", "é".as_bytes(), "é"),
    ] {
        let payload =
            decode(&call, response(200, content_type, encoded(declaration, bytes))).unwrap();
        assert_eq!(payload.text_at(&at).as_deref(), Some(expected), "{content_type} {declaration}");
    }
    for (content_type, bytes) in [
        ("text/xml; charset=utf-16", encoded("", b"e")),
        ("text/xml", b"\xff\xfe<\0a\0/\0>\0".to_vec()),
        ("text/xml; charset=us-ascii", encoded("", "é".as_bytes())),
        ("text/xml", encoded("", b"\xe9")),
        ("text/xml", encoded("<?xml version='1.0' encoding='EBCDIC'?>", b"e")),
    ] {
        reason(decode(&call, response(200, content_type, bytes)));
    }
}

// ---- bad XML

#[test]
fn a_doctype_is_refused_before_any_entity_is_looked_at() {
    let laughs = format!(
        "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>{}",
        envelope("<r>&b;</r>").split_once("?>").unwrap().1
    );
    assert!(reason(read(&laughs)).contains("DOCTYPE"));
    let external = "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><l>&x;</l>";
    assert!(reason(read(external)).contains("DOCTYPE"));
    assert!(reason(read(&envelope("<r>&undefined;</r>"))).contains("entity"));
    assert!(reason(read(&envelope("<r a='&undefined;'/>"))).contains("entity"));
}

#[test]
fn xml_beyond_its_limits_is_refused() {
    let deep = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
    let mut roomy = soap(SoapVersion::V1_1, "<x/>");
    roomy.answer_limits.body_bytes = 10 << 20;
    let is_refused = |inner: &str, words: &str| {
        let text = reason(decode(&roomy, response(200, "text/xml", envelope(inner))));
        assert!(text.contains(words), "{text}");
    };
    is_refused(&deep, "nests deeper than 64");
    let attributes = (0..200).map(|at| format!("a{at}='x'")).collect::<Vec<_>>().join(" ");
    is_refused(&format!("<r {attributes}/>"), "128 attributes");
    let namespaces =
        (0..400).map(|at| format!("xmlns:n{at}='urn:x'")).collect::<Vec<_>>().join(" ");
    is_refused(&format!("<r {namespaces}/>"), "namespaces");
    is_refused(&format!("<r>{}</r>", "x".repeat(1_100_000)), "bytes of text");
    is_refused(
        &format!("<r>{}</r>", "<![CDATA[xxxxxxxxxxxxxxxx]]>".repeat(70_000)),
        "bytes of text",
    );
    is_refused(&"<a/>".repeat(1_000_001), "elements");
}

#[test]
fn xml_that_breaks_off_or_does_not_match_is_refused_without_its_text() {
    let whole = envelope("<r><secret>secret</secret></r>");
    for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let text = reason(read(&whole[..end]));
        assert!(!text.contains("secret"), "{text}");
    }
    for broken in [
        "<r></q>",
        "<r a=1/>",
        "<r a='1' a='2'/>",
        "<r>&#0;</r>",
        "<r>&#xD800;</r>",
        "</r>",
        "<r",
        "<r>&amp</r>",
    ] {
        reason(read(&envelope(broken)));
    }
    reason(read("<html><body>secret</body></html>"));
    reason(read(""));
    reason(read("not XML"));
    reason(read(&format!("{}<again/>", envelope("<r/>"))));
    reason(read("<s:Envelope xmlns:s='urn:not-soap'><s:Body/></s:Envelope>"));
    reason(read(&format!("<s:Envelope xmlns:s='{ENVELOPE_1_1}'></s:Envelope>")));
}

// ---- faults

fn fault_1_1(code: &str, detail: &str) -> String {
    envelope(&format!(
        "<s:Fault><faultcode>{code}</faultcode><faultstring>went wrong</faultstring><detail>{detail}</detail></s:Fault>"
    ))
}

fn fault_1_2(code: &str) -> String {
    format!(
        "<e:Envelope xmlns:e='{ENVELOPE_1_2}'><e:Body><e:Fault><e:Code>{code}</e:Code>\
         <e:Reason><e:Text xml:lang='en'>went wrong</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"
    )
}

/// By its typed detail's code, by its element, by its fault code: whichever of them the file names.
#[test]
fn a_fault_that_the_file_declares_to_be_a_refusal_for_now_is_one_by_any_of_its_codes() {
    let mut call = soap(SoapVersion::V1_1, "<x/>");
    let detail = "<n:ExceededConcurrentRequestLimitFault xmlns:n='urn:n'><n:code>WS_CONCUR_SESSION_DISALLWD</n:code>\
                  </n:ExceededConcurrentRequestLimitFault>";
    let body = fault_1_1("s:Server.userException", detail);
    for word in ["WS_CONCUR_SESSION_DISALLWD", "ExceededConcurrent*", "Server.userException"] {
        call.errors.throttled = vec![word.into()];
        let error = decode(&call, response(500, "text/xml", body.clone())).unwrap_err();
        assert_eq!(
            (error.code(), error.status(), error.backend_message()),
            (ErrorCode::BackendRateLimited, Some(500), Some("went wrong")),
            "{word}"
        );
    }
    call.errors.throttled = vec!["ANOTHER".into()];
    let error = decode(&call, response(500, "text/xml", body)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackendFault);
}

#[test]
fn faults_of_both_versions_are_known_by_their_most_telling_code() {
    let call = soap(SoapVersion::V1_1, "<x/>");
    for (body, expected) in [
        (fault_1_1("s:Server", ""), "Server"),
        (
            fault_1_1(
                "s:Server.userException",
                "<ns1:hostname xmlns:ns1='urn:axis'>h</ns1:hostname>",
            ),
            "Server.userException",
        ),
        (
            fault_1_1(
                "s:Server",
                "<host>h</host><f:ExceededConcurrentRequestLimitFault xmlns:f='urn:f'><f:code>WS_CONCUR</f:code></f:ExceededConcurrentRequestLimitFault>",
            ),
            "WS_CONCUR",
        ),
        (
            fault_1_1(
                "s:Server",
                "<t:NoSuchTicket xmlns:t='urn:t'><t:id>7</t:id></t:NoSuchTicket>",
            ),
            "NoSuchTicket",
        ),
        (fault_1_1("s:Client", "<ValidationError>bad</ValidationError>"), "ValidationError"),
        (fault_1_2("<e:Value>e:Sender</e:Value>"), "Sender"),
        (
            fault_1_2(
                "<e:Value>e:Sender</e:Value><e:Subcode><e:Value xmlns:m='urn:m'>m:Timeout</e:Value></e:Subcode>",
            ),
            "Timeout",
        ),
    ] {
        for status in [200, 500] {
            let error = decode(&call, response(status, "text/xml", body.clone())).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BackendFault);
            assert_eq!(error.backend_code(), Some(expected), "{body}");
            assert_eq!(error.backend_message(), Some("went wrong"));
        }
    }
}

#[test]
fn any_code_of_a_fault_may_mean_that_there_is_no_such_record() {
    let body = fault_1_1(
        "s:Server",
        "<t:NoSuchTicket xmlns:t='urn:t'><t:code>E404</t:code></t:NoSuchTicket>",
    );
    for word in ["Server", "NoSuchTicket", "E404"] {
        let mut call = soap(SoapVersion::V1_1, "<x/>");
        call.missing = vec![Arc::from(word)];
        assert_eq!(
            decode(&call, response(500, "text/xml", body.clone())).unwrap().count_at(None),
            0
        );
    }
}

#[test]
fn an_element_named_fault_that_is_not_soaps_is_data() {
    let payload = read(&envelope("<Fault xmlns='urn:geology'><code>7</code></Fault>")).unwrap();
    assert_eq!(texts(&payload, ".Fault.code"), ["7"]);
}

#[test]
fn a_status_without_an_envelope_is_that_status() {
    let call = soap(SoapVersion::V1_1, "<x/>");
    for (status, code) in
        [(401, ErrorCode::BackendUnauthorized), (503, ErrorCode::BackendUnavailable)]
    {
        for body in ["<html>no</html>", "", "no"] {
            let error = decode(&call, response(status, "text/html", body)).unwrap_err();
            assert_eq!((error.code(), error.status()), (code, Some(status)));
        }
    }
    let odd = decode(&call, response(500, "text/xml", envelope("<r/>"))).unwrap_err();
    assert_eq!(odd.status(), Some(500));
    let mut write = soap(SoapVersion::V1_1, "<x/>");
    write.effect = Effect::Write;
    assert_eq!(decode(&write, response(202, "text/xml", "")).unwrap().count_at(None), 0);
}

#[test]
fn an_answer_that_says_no_inside_status_200_is_unsuccessful() {
    let mut call = soap(SoapVersion::V1_1, "<x/>");
    call.success = Some(Predicate {
        path: path(r#".r.status."@isSuccess""#),
        is: vec![Arc::from("true")],
        is_not: Vec::new(),
    });
    call.errors = ErrorPaths {
        message: Some(path(".r.status.detail.message")),
        code: Some(path(".r.status.detail.code")),
        ..ErrorPaths::default()
    };
    let body = envelope(
        "<r><status isSuccess='false'><detail><code>DENIED</code><message>no</message></detail></status></r>",
    );
    let error = decode(&call, response(200, "text/xml", body)).unwrap_err();
    assert_eq!((error.backend_code(), error.backend_message()), (Some("DENIED"), Some("no")));
    assert!(
        decode(&call, response(200, "text/xml", envelope("<r><status isSuccess='true'/></r>")))
            .is_ok()
    );
}

// ---- recorded answers

#[test]
fn recorded_answers_of_netsuite_are_read() {
    let Some(shared) = needs::shared("recorded_answers_of_netsuite_are_read") else { return };
    let folder = shared.join("fixtures/netsuite");
    let call = soap(SoapVersion::V1_1, "<x/>");
    let read = |name: &str| {
        decode(&call, response(200, "text/xml", std::fs::read(folder.join(name)).unwrap()))
    };
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let result = read(&name);
        // Two of the recordings break off before their end tag.
        let is_whole =
            std::fs::read_to_string(folder.join(&name)).unwrap().trim_end().ends_with("Envelope>");
        let is_refused = name.starts_with("login__failure") || !is_whole;
        assert_eq!(result.is_err(), is_refused, "{name}: {result:?}");
        count += 1;
    }
    assert!(count > 30);
    let error = read("login__failure_concurrent_requests.xml").unwrap_err();
    assert_eq!(error.backend_code(), Some("WS_CONCUR_SESSION_DISALLWD"));
    let page = read("search__saved_search_customer.xml").unwrap();
    let row = ".searchResponse.searchResult.searchRowList.searchRow[]";
    assert_eq!(texts(&page, &format!("{row}.basic.email.searchValue")), ["aemail@gmail.com"]);
    assert_eq!(texts(&page, &format!("{row}.\"@type\"")), ["CustomerSearchRow"]);
    let refused = read("delete__delete_customer_error.xml").unwrap();
    assert_eq!(texts(&refused, r#".deleteResponse.writeResponse.status."@isSuccess""#), ["false"]);
    assert_eq!(texts(&refused, r#".deleteResponse.writeResponse.baseRef."@type""#), ["file"]);
}

// ---- what leaves

fn unsent(envelope: &str) -> String {
    let error = request(&soap(SoapVersion::V1_1, envelope), Auth::None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RequestNotBuilt, "{envelope}");
    chain(&error)
}

#[test]
fn an_envelope_that_is_not_well_formed_never_leaves_with_or_without_a_token() {
    for envelope in [
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a>&nbsp;</a>",
        "<!DOCTYPE a><a/>",
        "<{{ key }}/>",
        "<1/>",
        "{% if key %}<a>{% endif %}",
    ] {
        let reason = unsent(envelope);
        assert!(reason.contains("not well-formed"), "{envelope}: {reason}");
        assert!(!reason.contains("nbsp"), "{reason}");
    }
    for envelope in [
        "<a/>",
        "<?xml version=\"1.0\"?>\n<!-- of a tool -->\n<a b='{{ key }}'>{{ key }}&amp;&#65;<![CDATA[<x>]]></a>\n",
        "<s:a xmlns:s=\"urn:x\"><s:b-1.x/></s:a>",
    ] {
        assert!(request(&soap(SoapVersion::V1_1, envelope), Auth::None).is_ok(), "{envelope}");
    }
}

#[test]
fn an_envelope_is_bounded_however_little_its_loops_cost() {
    let filler = "x".repeat(10_000);
    let envelope =
        |count: u32| format!("<a>{{% for n in range({count}) %}}<b>{filler}</b>{{% endfor %}}</a>");
    let reason = unsent(&envelope(500));
    assert!(reason.contains("larger than 4194304 bytes"), "{reason}");
    assert!(request(&soap(SoapVersion::V1_1, &envelope(400)), Auth::None).is_ok());
}
