//! A stand-in for `NetSuite`'s SOAP service: reads with a status each, searches over transactions and customers whose pages are
//! fetched by the search's id, faults. What it answers is held to `NetSuite`'s own schemas, as what it is asked.

use cyclorama::transport::WireResponse;
use quick_xml::events::Event;
use quick_xml::reader::NsReader;

use super::kit::Asked;

const HEAD: &str = "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:m=\"urn:messages_2017_2.platform.webservices.netsuite.com\" \
    xmlns:c=\"urn:core_2017_2.platform.webservices.netsuite.com\" xmlns:k=\"urn:common_2017_2.platform.webservices.netsuite.com\" \
    xmlns:f=\"urn:faults_2017_2.platform.webservices.netsuite.com\" \
    xmlns:r=\"urn:relationships_2017_2.lists.webservices.netsuite.com\" xmlns:s=\"urn:sales_2017_2.transactions.webservices.netsuite.com\" \
    xmlns:t=\"urn:customers_2017_2.transactions.webservices.netsuite.com\"><soapenv:Body>";
const TAIL: &str = "</soapenv:Body></soapenv:Envelope>";
const SUCCESS: &str = "<c:status isSuccess=\"true\"/>";

/// A record: `s:Invoice` with its elements, in the order of the schema. `{x}` stands for the prefix of its type.
pub(crate) struct Record {
    /// `invoice`
    pub(crate) kind: &'static str,
    /// `s:Invoice`
    pub(crate) ty: &'static str,
    pub(crate) id: String,
    pub(crate) external_id: Option<String>,
    pub(crate) elements: String,
}

impl Record {
    pub(crate) fn xml(&self, name: &str) -> String {
        let Self { ty, id, elements, .. } = self;
        let external = self.external_id.as_ref();
        let external = external.map_or(String::new(), |id| format!(" externalId=\"{id}\""));
        let prefix = ty.split(':').next().unwrap();
        let elements = elements.replace("{x}", prefix);
        format!("<{name} xsi:type=\"{ty}\" internalId=\"{id}\"{external}>{elements}</{name}>")
    }

    fn tree(&self) -> Element {
        read(&format!("{HEAD}{}{TAIL}", self.xml("m:record"))).find("record").unwrap().clone()
    }
}

#[derive(Default)]
pub(crate) struct NetSuite {
    pub(crate) records: Vec<Record>,
    /// Ids that are refused, each with the code.
    pub(crate) refused: Vec<(String, &'static str)>,
}

impl NetSuite {
    pub(crate) fn answer(&self, asked: &Asked) -> WireResponse {
        let envelope = read(&asked.text);
        if envelope.find("tokenPassport").is_none() {
            let code = "INVALID_LOGIN_CREDENTIALS";
            return fault("invalidCredentialsFault", code, "secret words about a login");
        }
        let body = envelope.find("Body").unwrap().children.first().unwrap();
        assert_eq!(asked.header("soapaction"), Some(&*format!("\"{}\"", action(&body.name))));
        match body.name.as_str() {
            "getList" => self.get_list(body),
            "search" => self.search(&asked.text, body, page_size(&envelope), 1),
            "searchMoreWithId" => self.search_more(body),
            other => panic!("no operation {other}"),
        }
    }

    fn get_list(&self, body: &Element) -> WireResponse {
        let asked = body.children.iter().filter(|child| child.name == "baseRef");
        let read = asked.map(|reference| {
            let (kind, id) = (reference.attribute("type"), reference.attribute("internalId"));
            let refused = self.refused.iter().find(|(other, _)| *other == id);
            let found = self.records.iter().find(|one| one.kind == kind && one.id == id);
            match (refused, found) {
                (Some((_, code)), _) => {
                    format!("<m:readResponse>{}</m:readResponse>", failure(code))
                }
                (None, Some(record)) => {
                    format!("<m:readResponse>{SUCCESS}{}</m:readResponse>", record.xml("m:record"))
                }
                (None, None) => {
                    format!("<m:readResponse>{}</m:readResponse>", failure("RCRD_DSNT_EXIST"))
                }
            }
        });
        let read: String = read.collect();
        reply(&format!(
            "<m:getListResponse><m:readResponseList>{SUCCESS}{read}</m:readResponseList></m:getListResponse>"
        ))
    }

    fn search_more(&self, body: &Element) -> WireResponse {
        let id = &body.find("searchId").unwrap().text;
        let hex = id.strip_prefix("WEBSERVICES_").unwrap();
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        let text = String::from_utf8(bytes).unwrap();
        let envelope = read(&text);
        let first = envelope.find("Body").unwrap().children.first().unwrap();
        let page = body.find("pageIndex").unwrap().text.parse().unwrap();
        self.search(&text, first, page_size(&envelope), page)
    }

    fn search(&self, text: &str, body: &Element, size: usize, page: usize) -> WireResponse {
        let basic = body.find("basic");
        let found: Vec<&Record> =
            self.records.iter().filter(|one| is_found(&one.tree(), one, body, basic)).collect();
        let pages = found.len().div_ceil(size);
        let records = found.iter().skip((page - 1) * size).take(size);
        let is_brief = read(text).find("bodyFieldsOnly").is_some_and(|only| only.text == "true");
        let records: String = records
            .map(|record| record.xml("c:record"))
            .map(|xml| if is_brief { without_lists(&xml) } else { xml })
            .collect();
        let digits = text.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
        let id: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        let name = if page == 1 { "searchResponse" } else { "searchMoreWithIdResponse" };
        reply(&format!(
            "<m:{name}><c:searchResult>{SUCCESS}<c:totalRecords>{}</c:totalRecords><c:pageSize>{size}</c:pageSize>\
             <c:totalPages>{pages}</c:totalPages><c:pageIndex>{page}</c:pageIndex><c:searchId>WEBSERVICES_{id}</c:searchId>\
             <c:recordList>{records}</c:recordList></c:searchResult></m:{name}>",
            found.len()
        ))
    }
}

fn is_found(record: &Element, own: &Record, body: &Element, basic: Option<&Element>) -> bool {
    let is_customer = body.find("searchRecord").unwrap().attribute("type") == "CustomerSearch";
    if is_customer != (own.kind == "customer") {
        return false;
    }
    let Some(basic) = basic else { return true };
    basic.children.iter().all(|condition| {
        let values = condition.children.iter().filter(|child| child.name == "searchValue");
        let words: Vec<&str> = values.clone().map(|value| value.text.as_str()).collect();
        let ids: Vec<&str> = values.map(|value| value.attribute("internalId")).collect();
        match condition.name.as_str() {
            "mainLine" => words == ["true"],
            "type" => words.contains(&&*format!("_{}", own.kind)),
            "internalIdNumber" => own.id.parse::<i64>().unwrap() < words[0].parse().unwrap(),
            "status" => words.contains(&status_word(record)),
            "email" => {
                record.find("email").is_some_and(|email| email.text.eq_ignore_ascii_case(words[0]))
            }
            "entity" => ["entity", "customer"].iter().any(|name| {
                let entity = record.children.iter().find(|child| child.name == **name);
                entity.is_some_and(|entity| ids.contains(&entity.attribute("internalId")))
            }),
            "appliedToTransaction" => record.all("apply").iter().any(|line| {
                line.find("doc").is_some_and(|doc| ids.contains(&&*doc.text))
                    && line.children.iter().any(|one| one.name == "apply" && one.text == "true")
            }),
            other => panic!("no condition {other}"),
        }
    })
}

/// The body fields alone.
fn without_lists(record: &str) -> String {
    let mut record = record.to_owned();
    for list in ["itemList", "applyList", "customFieldList", "addressbookList"] {
        for prefix in ["s", "t", "r"] {
            let (start, end) = (format!("<{prefix}:{list}>"), format!("</{prefix}:{list}>"));
            if let (Some(from), Some(to)) = (record.find(&start), record.find(&end)) {
                record.replace_range(from..to + end.len(), "");
            }
        }
    }
    record
}

fn status_word(record: &Element) -> &'static str {
    match record.find("status").map_or("", |status| &*status.text) {
        "Pending Approval" => "_invoicePendingApproval",
        "Open" => "_invoiceOpen",
        "Paid In Full" => "_invoicePaidInFull",
        _ => "_invoiceRejected",
    }
}

fn action(operation: &str) -> &str {
    if operation == "searchMoreWithId" { "search" } else { operation }
}

fn page_size(envelope: &Element) -> usize {
    envelope.find("pageSize").map_or(1000, |size| size.text.parse().unwrap())
}

fn failure(code: &str) -> String {
    format!(
        "<c:status isSuccess=\"false\"><c:statusDetail type=\"ERROR\"><c:code>{code}</c:code>\
         <c:message>secret words about a record</c:message></c:statusDetail></c:status>"
    )
}

/// A refusal of the whole request, on HTTP 500.
pub(crate) fn fault(name: &str, code: &str, message: &str) -> WireResponse {
    let fault = format!(
        "<soapenv:Fault><faultcode>soapenv:Server.userException</faultcode><faultstring>{message}</faultstring><detail>\
         <f:{name}><f:code>{code}</f:code><f:message>{message}</f:message></f:{name}></detail></soapenv:Fault>"
    );
    WireResponse { status: 500, ..reply(&fault) }
}

fn reply(body: &str) -> WireResponse {
    WireResponse {
        status: 200,
        headers: cyclorama::transport::fields([("content-type", "text/xml;charset=utf-8")]),
        body: format!("{HEAD}{body}{TAIL}").into(),
    }
}

/// An element by its local name.
#[derive(Clone, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Self>,
    text: String,
}

impl Element {
    /// The first with this name, itself included, however deep.
    fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    /// All with this name that have children.
    fn all(&self, name: &str) -> Vec<&Self> {
        let own = (self.name == name && !self.children.is_empty()).then_some(self);
        own.into_iter().chain(self.children.iter().flat_map(|child| child.all(name))).collect()
    }

    /// A plain attribute, or the local name of an `xsi:type`.
    fn attribute(&self, name: &str) -> &str {
        let own = self.attributes.iter().find(|(other, _)| other == name);
        let typed = || self.attributes.iter().find(|(other, _)| *other == format!("xsi:{name}"));
        own.or_else(typed).map_or("", |(_, value)| value.rsplit(':').next().unwrap())
    }
}

fn read(text: &str) -> Element {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut stack = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let attributes = start.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let name = attribute.key.as_ref().to_owned();
                    (name, unescaped(&attribute.value))
                });
                stack.push(Element {
                    name: start.local_name().as_ref().to_owned(),
                    attributes: attributes.collect(),
                    ..Element::default()
                });
            }
            Event::End(_) => {
                let done = stack.pop().unwrap();
                stack.last_mut().unwrap().children.push(done);
            }
            Event::Text(text) => {
                stack.last_mut().unwrap().text.push_str(text.xml10_content().trim());
            }
            Event::GeneralRef(name) => {
                let text = unescaped(&format!("&{};", name.xml10_content()));
                stack.last_mut().unwrap().text.push_str(&text);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    stack.pop().unwrap()
}

fn unescaped(text: &str) -> String {
    quick_xml::escape::unescape(text).unwrap().into_owned()
}
