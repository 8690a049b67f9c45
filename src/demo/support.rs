//! The demo support system on the wire: SOAP 1.1 with a user name in a WS-Security header.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::server::{Asked, Reply};
use super::tickets::{Comment, More, Ticket, comments, ticket, tickets_of};
use super::world::{World, Written};
use super::xml::{Element, escape, read};

/// Where the SOAP endpoint is.
pub(crate) const PATH: &str = "/helpdesk/soap";
const USER: &str = "gateway";
const PASSWORD: &str = "demo-support-password";
const NAMESPACE: &str = "urn:helpdesk:2";
const KEYS_MAX: usize = 100;
const PAGE_MAX: usize = 200;

/// Answers one request.
pub(crate) fn answer(world: &World, asked: &Asked<'_>) -> Reply {
    if asked.method != "POST" || asked.path != ["helpdesk", "soap"] {
        let body = "<html><body><h1>404 Not Found</h1></body></html>".to_owned();
        return Reply { endpoint: "unknown", status: 404, content_type: "text/html", body };
    }
    let Some(envelope) = read(asked.body).filter(|root| root.name == "Envelope") else {
        return fault("unknown", "Client", "The request is no SOAP envelope.", "MALFORMED");
    };
    if !is_known(&envelope) {
        return fault(
            "unauthorized",
            "Client.Authentication",
            "User name or password is wrong.",
            "NOT_AUTHENTICATED",
        );
    }
    let Some(operation) = envelope.child("Body").and_then(|body| body.children.first()) else {
        return fault("unknown", "Client", "The body is empty.", "MALFORMED");
    };
    let action = asked.header("soapaction").unwrap_or_default().trim_matches('"');
    if action != format!("{NAMESPACE}:{}", operation.name) {
        return fault("unknown", "Client", "The SOAPAction does not fit the body.", "WRONG_ACTION");
    }
    match operation.name.as_str() {
        "FindTickets" => find_tickets(world, operation),
        "GetTickets" => get_tickets(world, operation),
        "FindComments" => find_comments(world, operation),
        "AddComment" => add_comment(world, operation),
        _ => fault("unknown", "Client", "There is no such operation.", "NO_SUCH_OPERATION"),
    }
}

fn is_known(envelope: &Element) -> bool {
    let token = envelope
        .child("Header")
        .and_then(|header| header.child("Security"))
        .and_then(|security| security.child("UsernameToken"));
    token.is_some_and(|token| {
        token.text_of("Username") == Some(USER) && token.text_of("Password") == Some(PASSWORD)
    })
}

// ---- operations ----------------------------------------------------------------------------------------------------

fn find_tickets(world: &World, operation: &Element) -> Reply {
    const ENDPOINT: &str = "find_tickets";
    let emails: Vec<&str> = operation
        .child("requesters")
        .map(|requesters| requesters.all("email").map(|email| email.text.as_str()).collect())
        .unwrap_or_default();
    if emails.is_empty() || emails.len() > KEYS_MAX {
        return fault(ENDPOINT, "Client", "Ask for 1 to 100 requesters.", "TOO_MANY_KEYS");
    }
    let state = operation.text_of("state");
    // each ticket once, newest first, whoever of its requesters was asked for
    let mut found: BTreeMap<std::cmp::Reverse<u32>, Ticket> = BTreeMap::new();
    for customer in emails.into_iter().filter_map(|email| world.by_email(email)) {
        let tickets = tickets_of(world, customer).into_iter();
        let fits = tickets.filter(|ticket| state.is_none_or(|state| ticket.state == state));
        found.extend(fits.map(|ticket| (std::cmp::Reverse(ticket.number), ticket)));
    }
    let records = found.values().map(|ticket| ticket_record(world, ticket)).collect();
    page(ENDPOINT, "FindTickets", records, operation)
}

fn get_tickets(world: &World, operation: &Element) -> Reply {
    const ENDPOINT: &str = "get_tickets";
    let mut numbers: Vec<u32> =
        operation.all("id").filter_map(|id| id.text.trim().parse().ok()).collect();
    if operation.all("id").count() > KEYS_MAX {
        return fault(ENDPOINT, "Client", "Ask for 1 to 100 tickets.", "TOO_MANY_KEYS");
    }
    numbers.sort_unstable();
    numbers.dedup();
    let records: String = numbers
        .into_iter()
        .filter_map(|number| ticket(world, number))
        .map(|ticket| ticket_record(world, &ticket))
        .collect();
    respond(ENDPOINT, "GetTickets", &format!("<result>{records}</result>"))
}

fn find_comments(world: &World, operation: &Element) -> Reply {
    const ENDPOINT: &str = "find_comments";
    let numbers: Vec<u32> =
        operation.all("ticket").filter_map(|id| id.text.trim().parse().ok()).collect();
    if numbers.is_empty() || numbers.len() > KEYS_MAX {
        return fault(ENDPOINT, "Client", "Ask for 1 to 100 tickets.", "TOO_MANY_KEYS");
    }
    let is_public = operation.attribute("visibility") != Some("internal");
    let tickets = numbers.into_iter().filter_map(|number| ticket(world, number));
    let records = tickets
        .flat_map(|ticket| {
            let said = comments(world, &ticket)
                .into_iter()
                .filter(|comment| comment.is_public == is_public);
            said.map(|comment| comment_record(world, &ticket, &comment)).collect::<Vec<_>>()
        })
        .collect();
    page(ENDPOINT, "FindComments", records, operation)
}

fn add_comment(world: &World, operation: &Element) -> Reply {
    const ENDPOINT: &str = "add_comment";
    let number = operation.attribute("ticket").and_then(|number| number.trim().parse().ok());
    let Some(found) = number.and_then(|number| ticket(world, number)) else {
        return fault(ENDPOINT, "Client", "There is no such ticket.", "NO_SUCH_TICKET");
    };
    let text = operation.text_of("text").unwrap_or_default();
    if text.trim().is_empty() {
        return refuse(ENDPOINT, "AddComment", "EMPTY_COMMENT", "A comment needs a text.");
    }
    if found.state == "closed" {
        return refuse(ENDPOINT, "AddComment", "TICKET_CLOSED", "The ticket is closed.");
    }
    let is_public = operation.attribute("visibility") != Some("internal");
    world.write(found.number, Written { text: text.to_owned(), is_public });
    let comment = comments(world, &found).pop();
    let comment =
        comment.map(|comment| comment_record(world, &found, &comment)).unwrap_or_default();
    let changed =
        ticket(world, found.number).map(|ticket| ticket_record(world, &ticket)).unwrap_or_default();
    respond(ENDPOINT, "AddComment", &format!("<result>{comment}{changed}</result>"))
}

// ---- answers -------------------------------------------------------------------------------------------------------

fn page(
    endpoint: &'static str,
    operation_name: &str,
    records: Vec<String>,
    operation: &Element,
) -> Reply {
    let number = |name: &str, otherwise: usize| match operation.text_of(name) {
        None => Some(otherwise),
        Some(text) => text.trim().parse::<usize>().ok().filter(|number| *number > 0),
    };
    let (Some(page), Some(size)) =
        (number("page", 1), number("pageSize", 50).filter(|size| *size <= PAGE_MAX))
    else {
        return fault(
            endpoint,
            "Client",
            "`page` is 1 and above, `pageSize` 1 to 200.",
            "INVALID_PAGE",
        );
    };
    let total = records.len();
    let records: String =
        records.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect();
    respond(
        endpoint,
        operation_name,
        &format!(r#"<result total="{total}" page="{page}">{records}</result>"#),
    )
}

fn respond(endpoint: &'static str, operation: &str, result: &str) -> Reply {
    envelope(
        endpoint,
        200,
        &format!(
            r#"<h:{operation}Response><status success="true"/>{result}</h:{operation}Response>"#
        ),
    )
}

/// "No" inside status 200.
fn refuse(endpoint: &'static str, operation: &str, code: &str, message: &str) -> Reply {
    let status = format!(
        r#"<status success="false"><code>{code}</code><message>{}</message></status>"#,
        escape(message)
    );
    envelope(endpoint, 200, &format!("<h:{operation}Response>{status}</h:{operation}Response>"))
}

fn fault(endpoint: &'static str, code: &str, message: &str, detail: &str) -> Reply {
    let message = escape(message);
    let body = format!(
        "<s:Fault><faultcode>s:{code}</faultcode><faultstring>{message}</faultstring>\
         <detail><h:HelpdeskFault><code>{detail}</code></h:HelpdeskFault></detail></s:Fault>"
    );
    envelope(endpoint, 500, &body)
}

fn envelope(endpoint: &'static str, status: u16, body: &str) -> Reply {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:h="{NAMESPACE}"><s:Body>{body}</s:Body></s:Envelope>"#
    );
    Reply { endpoint, status, content_type: "text/xml; charset=utf-8", body }
}

// ---- records -------------------------------------------------------------------------------------------------------

fn element(name: &str, text: Option<&str>) -> String {
    match text {
        Some(text) => format!("<{name}>{}</{name}>", escape(text)),
        None => format!(r#"<{name} xsi:nil="true"/>"#),
    }
}

fn time(name: &str, seconds: Option<i64>) -> String {
    let text = seconds
        .map(|seconds| jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string());
    element(name, text.as_deref())
}

fn person(name: &str, address: &str) -> String {
    format!("{}{}", element("name", Some(name)), element("email", Some(address)))
}

fn requester(world: &World, customer: u32) -> String {
    let contact = world.contact(customer);
    let phone =
        format!("{} 1 {:07}", contact.locale.dialing, u64::from(customer) * 7919 % 10_000_000);
    format!("{}{}", person(&contact.who.name(), &contact.email), element("phone", Some(&phone)))
}

fn ticket_record(world: &World, ticket: &Ticket) -> String {
    let mut record = format!(r#"<ticket id="{}" number="HD-{}">"#, ticket.number, ticket.number);
    let mut add = |part: &str| record.push_str(part);
    add(&element("subject", Some(ticket.subject)));
    add(&element("description", Some(ticket.description)));
    add(&element("state", Some(ticket.state)));
    add(&format!(r#"<priority level="{}">{}</priority>"#, ticket.priority.0, ticket.priority.1));
    add(&element("severity", Some(ticket.more.severity)));
    add(&element("category", Some(ticket.category)));
    add(&element("channel", Some(ticket.channel)));
    add("<requesters>");
    for customer in std::iter::once(ticket.customer).chain(ticket.copied) {
        add(&format!("<requester>{}</requester>", requester(world, customer)));
    }
    add("</requesters>");
    match ticket.assignee {
        Some((name, address)) => add(&format!("<assignee>{}</assignee>", person(name, address))),
        None => add(&element("assignee", None)),
    }
    add(&element("team", ticket.team));
    add("<labels>");
    for label in &ticket.labels {
        add(&element("label", Some(label)));
    }
    add("</labels>");
    add(&time("opened", Some(ticket.opened)));
    add(&time("changed", Some(ticket.changed)));
    add(&time("firstReply", ticket.first_reply));
    add(&time("solved", ticket.solved));
    // this system's way to say "none" for a date
    add(&time("due", Some(ticket.due.unwrap_or(0))));
    add(&element("escalated", Some(if ticket.is_escalated { "1" } else { "0" })));
    match ticket.rating {
        Some((score, words)) => {
            add(&format!(r#"<rating score="{score}">{}</rating>"#, escape(words)));
        }
        None => add(&element("rating", None)),
    }
    add(&element("link", Some(&format!("https://helpdesk.example/t/{}", ticket.number))));
    add(&more(&ticket.more));
    add("</ticket>");
    record
}

fn more(more: &More) -> String {
    let mut text = String::new();
    let mut add = |part: &str| text.push_str(part);
    add(&time("firstReplyDue", Some(more.first_reply_due)));
    add(&time("closed", more.closed));
    add(&time("deleted", more.deleted));
    add(&element("sla", Some(more.sla)));
    add(&time("escalatedAt", more.escalated));
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    add(&element("parent", number(more.parent).as_deref()));
    add(&element("mergedInto", number(more.survivor).as_deref()));
    add("<fields>");
    for (name, value) in &more.fields {
        add(&format!(r#"<field name="{name}">{}</field>"#, escape(value)));
    }
    add("</fields>");
    text
}

fn comment_record(world: &World, ticket: &Ticket, comment: &Comment) -> String {
    let mut record = format!(r#"<comment id="{}" ticket="{}">"#, comment.number, ticket.number);
    let (kind, author) = match comment.agent {
        Some((name, address)) => ("agent", person(name, address)),
        None => ("requester", requester(world, ticket.customer)),
    };
    let visibility = if comment.is_public { "public" } else { "internal" };
    // writing to a string cannot fail
    write!(
        record,
        r#"<author kind="{kind}">{author}</author>{}<visibility>{visibility}</visibility>{}</comment>"#,
        element("text", Some(&comment.text)),
        time("at", Some(comment.at)),
    )
    .unwrap_or_default();
    record
}
