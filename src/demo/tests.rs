use std::path::Path;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::random::{scramble, unscramble};
use super::server::{Answer, Asked, Reply};
use super::world::{Link, World};
use super::xml::read;
use super::{Options, Role, billing, crm, files, support};

// ---- asking without sockets ----------------------------------------------------------------------------------------

fn ask(
    world: &World,
    answer: Answer,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header_map: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            (name.parse::<axum::http::HeaderName>().unwrap(), value.parse().unwrap())
        })
        .collect();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let asked = Asked {
        method,
        path: path.split('/').skip(1).map(str::to_owned).collect(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: &header_map,
        body,
    };
    answer(world, &asked)
}

fn ask_crm(world: &World, method: &str, target: &str, body: &Value) -> (u16, Value) {
    let reply = ask(
        world,
        crm::answer,
        method,
        target,
        &[("x-api-key", "demo-crm-key")],
        &body.to_string(),
    );
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

fn ask_billing(world: &World, target: &str) -> (u16, Value) {
    let reply = ask(
        world,
        billing::answer,
        "GET",
        target,
        &[("authorization", "Bearer demo-billing-key")],
        "",
    );
    (reply.status, serde_json::from_str(&reply.body).unwrap())
}

fn ask_support(world: &World, operation: &str, inner: &str) -> Reply {
    let name = operation.split(' ').next().unwrap();
    let body = format!(
        r#"<?xml version="1.0"?><e:Envelope xmlns:e="x" xmlns:h="urn:helpdesk:2"><e:Header><w:Security xmlns:w="w">
        <w:UsernameToken><w:Username>gateway</w:Username><w:Password>demo-support-password</w:Password></w:UsernameToken>
        </w:Security></e:Header><e:Body><h:{operation}>{inner}</h:{name}></e:Body></e:Envelope>"#
    );
    let action = format!("\"urn:helpdesk:2:{name}\"");
    ask(world, support::answer, "POST", "/helpdesk/soap", &[("soapaction", &action)], &body)
}

fn world() -> World {
    World::new(1, 1000)
}

// ---- the world -----------------------------------------------------------------------------------------------------

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let everything = |seed: u64| {
        let world = World::new(seed, 64);
        let all = json!({ "properties": ["name", "first_name", "email", "phones", "addresses"], "limit": 100 });
        let mut text = ask_crm(
            &world,
            "GET",
            "/crm/v1/contacts?limit=64&properties=name,first_name,email,phones",
            &all,
        )
        .1
        .to_string();
        for index in 0..64 {
            let customer = World::billing_id(index);
            text += &ask_billing(&world, &format!("/v1/documents?limit=100&customer={customer}"))
                .1
                .to_string();
            let email = world.contact(index).email;
            text += &ask_support(
                &world,
                "FindTickets",
                &format!("<requesters><email>{email}</email></requesters>"),
            )
            .body;
        }
        text
    };
    assert_eq!(everything(7), everything(7));
    assert_ne!(everything(7), everything(8));
}

#[test]
fn every_address_belongs_to_one_customer() {
    let world = World::new(3, 20_000);
    for index in 0..20_000 {
        assert_eq!(
            world.by_email(&world.contact(index).email),
            Some(index),
            "{}",
            world.contact(index).email
        );
    }
}

#[test]
fn addresses_come_in_the_spellings_that_real_address_books_hold() {
    let world = world();
    assert_eq!(world.contact(0).email.split('@').next(), Some("zoe.o'neil"));
    assert!(world.contact(1).email.contains("+crm@"));
    let shouted = world.contact(2).email;
    assert_ne!(shouted, shouted.to_lowercase());
    assert_eq!(world.by_email(&shouted.to_lowercase()), Some(2));
}

#[test]
fn links_to_billing_are_of_every_kind() {
    let of = |link: Link| (0..1000).filter(|index| World::link(*index) == link).count();
    assert_eq!(of(Link::Ambiguous), 1);
    assert!(of(Link::None) > 40 && of(Link::Email) > 40 && of(Link::Id) > 850);
}

#[test]
fn scrambled_numbers_come_back() {
    for number in [0, 1, 2, 999, 0x8000_0005, u32::MAX] {
        assert_eq!(unscramble(scramble(number)), number);
    }
}

#[test]
fn money_comes_in_currencies_of_no_two_and_three_digits() {
    let world = world();
    let currencies: std::collections::BTreeSet<&str> =
        (0..1000).map(|index| world.contact(index).locale.currency).collect();
    assert!(
        ["EUR", "USD", "JPY", "KWD"].iter().all(|currency| currencies.contains(currency)),
        "{currencies:?}"
    );
}

// ---- the CRM -------------------------------------------------------------------------------------------------------

#[test]
fn the_crm_gives_only_the_properties_that_were_asked_for() {
    let body = json!({ "inputs": [{ "id": "1002" }, { "id": "1001" }, { "id": "7" }], "properties": ["email"] });
    let (status, answer) = ask_crm(&world(), "POST", "/crm/v1/contacts/batch/read", &body);
    assert_eq!(status, 207);
    let first = &answer["results"][0];
    assert_eq!(first["id"], "1001", "sorted, not in the order asked");
    assert_eq!(first.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "email"]);
    assert_eq!(answer["errors"], json!([{ "id": "7", "code": "NOT_FOUND" }]));
}

#[test]
fn the_crm_refuses_unknown_properties_large_batches_and_strangers() {
    let world = world();
    let unknown = json!({ "inputs": [], "properties": ["shoe_size"] });
    let (status, answer) = ask_crm(&world, "POST", "/crm/v1/contacts/batch/read", &unknown);
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("UNKNOWN_PROPERTY")));
    let many: Vec<Value> = (0..101).map(|id: u32| json!({ "id": id.to_string() })).collect();
    let (status, answer) =
        ask_crm(&world, "POST", "/crm/v1/companies/batch/read", &json!({ "inputs": many }));
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("TOO_MANY_INPUTS")));
    assert_eq!(ask(&world, crm::answer, "GET", "/crm/v1/contacts", &[], "").status, 401);
}

#[test]
fn the_crm_finds_many_addresses_in_one_search() {
    let world = world();
    let emails = [
        world.contact(2).email.to_lowercase(),
        world.contact(0).email,
        "nobody@example.org".to_owned(),
    ];
    let body = json!({ "filters": [{ "property": "email", "in": emails }], "properties": ["email"], "limit": 100 });
    let (_, answer) = ask_crm(&world, "POST", "/crm/v1/contacts/search", &body);
    let ids: Vec<&Value> =
        answer["results"].as_array().unwrap().iter().map(|record| &record["id"]).collect();
    assert_eq!(ids, ["1001", "1003"]);
}

#[test]
fn walking_the_pages_of_the_crm_gives_every_customer_once() {
    let world = World::new(1, 25);
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let (_, page) = ask_crm(
            &world,
            "GET",
            &format!("/crm/v1/contacts?limit=10&after={after}"),
            &Value::Null,
        );
        assert_eq!(page["total"], 25);
        ids.extend(
            page["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["id"].as_str().unwrap().to_owned()),
        );
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(ids, (1001..1026).map(|id| id.to_string()).collect::<Vec<_>>());
}

#[test]
fn deals_are_found_by_contact_and_by_company() {
    let world = world();
    let search = |property: &str, id: String| {
        let filter = json!([{ "property": property, "in": [id] }]);
        let body = json!({ "filters": filter, "properties": ["contact_id", "company_id", "amount"], "limit": 100 });
        ask_crm(&world, "POST", "/crm/v1/deals/search", &body).1
    };
    let of_contact = search("contact_id", World::contact_id(0));
    assert_eq!(of_contact["total"], 2);
    let of_company = search("company_id", World::company_id(0));
    assert!(of_company["total"].as_u64().unwrap() > 2);
    assert!(
        of_company["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|deal| deal["company_id"] == json!(World::company_id(0)))
    );
}

#[test]
fn a_changed_contact_reads_as_changed_and_is_found_by_the_new_address_alone() {
    let world = world();
    let old = world.contact(0).email;
    let change = json!({ "properties": { "email": "Zoe@new.example", "lifecycle": "former" } });
    let (status, record) = ask_crm(&world, "PATCH", "/crm/v1/contacts/1001", &change);
    assert_eq!((status, &record["lifecycle"]), (200, &json!("former")));
    let search = |email: &str| {
        let body =
            json!({ "filters": [{ "property": "email", "in": [email] }], "properties": ["email"] });
        ask_crm(&world, "POST", "/crm/v1/contacts/search", &body).1["total"].clone()
    };
    assert_eq!((search("zoe@new.example"), search(&old)), (json!(1), json!(0)));
    let taken = json!({ "properties": { "email": world.contact(1).email } });
    assert_eq!(ask_crm(&world, "PATCH", "/crm/v1/contacts/1001", &taken).0, 409);
}

// ---- billing -------------------------------------------------------------------------------------------------------

#[test]
fn billing_takes_one_customer_a_call() {
    let world = world();
    let (one, two) = (World::billing_id(0), World::billing_id(1));
    assert_eq!(ask_billing(&world, &format!("/v1/invoices?customer={one}&customer={two}")).0, 400);
    assert_eq!(ask_billing(&world, "/v1/invoices").0, 400);
}

#[test]
fn walking_the_pages_of_billing_gives_every_invoice_once_and_newest_first() {
    let world = world();
    let customer = World::billing_id(0);
    let (mut created, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) =
            ask_billing(&world, &format!("/v1/invoices?customer={customer}&limit=4{after}"));
        assert_eq!((status, &page["total_count"]), (200, &json!(6)));
        let data = page["data"].as_array().unwrap();
        created.extend(data.iter().map(|invoice| invoice["created"].as_i64().unwrap()));
        if page["has_more"] == json!(false) {
            break;
        }
        after = format!("&starting_after={}", data.last().unwrap()["id"].as_str().unwrap());
    }
    assert_eq!(created.len(), 6);
    assert!(created.is_sorted_by(|newer, older| newer > older));
}

#[test]
fn sub_lists_are_ids_until_they_are_expanded() {
    let world = world();
    let paid = format!("/v1/invoices?customer={}&status=paid", World::billing_id(0));
    let bare = ask_billing(&world, &paid).1;
    assert!(bare["data"][0]["payments"]["data"][0].is_string());
    let expanded = ask_billing(&world, &format!("{paid}&expand[]=data.payments")).1;
    assert_eq!(expanded["data"][0]["payments"]["data"][0]["object"], "payment");
}

#[test]
fn the_sums_of_an_invoice_fit() {
    let world = world();
    for index in 0..200 {
        let (_, page) = ask_billing(
            &world,
            &format!("/v1/invoices?limit=100&customer={}", World::billing_id(index)),
        );
        for invoice in page["data"].as_array().unwrap() {
            let amount = |name: &str| invoice[name].as_u64().unwrap();
            let lines = invoice["lines"]["data"].as_array().unwrap();
            assert_eq!(
                lines.iter().map(|line| line["amount"].as_u64().unwrap()).sum::<u64>(),
                amount("subtotal")
            );
            assert_eq!(amount("subtotal") - amount("discount") + amount("tax"), amount("total"));
            if invoice["status"] != json!("void") {
                assert_eq!(amount("amount_paid") + amount("amount_remaining"), amount("total"));
            }
        }
    }
}

#[test]
fn an_ambiguous_address_has_two_records_and_a_missing_customer_has_none() {
    let world = world();
    let find = |index: u32| {
        let email = world.contact(index).email.to_uppercase();
        ask_billing(&world, &format!("/v1/customers?email={email}")).1["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((find(5), find(4), find(3)), (2, 0, 1));
    let (status, answer) = ask_billing(&world, &format!("/v1/customers/{}", World::billing_id(4)));
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("resource_missing")));
    assert_eq!(ask_billing(&world, "/v1/invoices/in_0000000099").0, 404);
}

#[test]
fn every_listed_invoice_is_also_found_by_its_id() {
    let world = world();
    let (_, page) =
        ask_billing(&world, &format!("/v1/invoices?limit=100&customer={}", World::billing_id(0)));
    for invoice in page["data"].as_array().unwrap() {
        let (_, found) =
            ask_billing(&world, &format!("/v1/invoices/{}", invoice["id"].as_str().unwrap()));
        assert_eq!(&found, invoice);
    }
}

// ---- support -------------------------------------------------------------------------------------------------------

fn body_of(reply: &Reply) -> super::xml::Element {
    let mut envelope = read(&reply.body).expect("well-formed");
    envelope.children.remove(0).children.remove(0)
}

#[test]
fn support_finds_the_tickets_of_many_requesters_and_a_shared_one_once() {
    let world = world();
    let inner = format!(
        "<requesters><email>{}</email><email>{}</email></requesters><page>1</page><pageSize>200</pageSize>",
        super::xml::escape(&world.contact(0).email),
        world.contact(1).email
    );
    let answer = body_of(&ask_support(&world, "FindTickets", &inner));
    let result = answer.child("result").unwrap();
    let ids: Vec<&str> =
        result.all("ticket").map(|ticket| ticket.attribute("id").unwrap()).collect();
    assert_eq!(result.attribute("total"), Some(ids.len().to_string().as_str()));
    assert!(ids.is_sorted_by(|newer, older| newer > older), "each once, newest first: {ids:?}");
    let shared =
        result.all("ticket").find(|ticket| ticket.child("requesters").unwrap().children.len() == 2);
    assert!(shared.is_some());
}

#[test]
fn support_pages_by_number_with_a_total() {
    let world = world();
    let email = super::xml::escape(&world.contact(0).email);
    let page = |number: u32| {
        let inner = format!(
            "<requesters><email>{email}</email></requesters><page>{number}</page><pageSize>3</pageSize>"
        );
        body_of(&ask_support(&world, "FindTickets", &inner)).child("result").unwrap().children.len()
    };
    assert_eq!((page(1), page(1) + page(2) + page(3) >= 4, page(9)), (3, true, 0));
}

#[test]
fn support_says_no_by_fault_and_inside_status_200() {
    let world = world();
    let wrong = ask_support(&world, "AddComment ticket=\"5\"", "<text>x</text>");
    assert_eq!(wrong.status, 500);
    assert!(
        wrong.body.contains("<faultcode>s:Client</faultcode>")
            && wrong.body.contains("NO_SUCH_TICKET")
    );
    let empty = ask_support(&world, "AddComment ticket=\"90000\"", "<text> </text>");
    assert_eq!(empty.status, 200);
    assert!(empty.body.contains(r#"<status success="false"><code>EMPTY_COMMENT</code>"#));
    let stranger =
        ask(&world, support::answer, "POST", "/helpdesk/soap", &[], "<Envelope><Body/></Envelope>");
    assert!(stranger.status == 500 && stranger.body.contains("Client.Authentication"));
    let doctype =
        ask(&world, support::answer, "POST", "/helpdesk/soap", &[], "<!DOCTYPE x><Envelope/>");
    assert_eq!(doctype.status, 500);
}

#[test]
fn a_written_comment_is_read_back_word_for_word() {
    let world = world();
    let open = (0..4).map(|place| 90_000 + place).find(|number| {
        super::tickets::ticket(&world, *number).is_some_and(|ticket| ticket.state != "closed")
    });
    let number = open.expect("the first customer has an open ticket");
    let text = "5 < 6 & \"quotes\" – ✔";
    let operation = format!("AddComment ticket=\"{number}\" visibility=\"public\"");
    let added =
        ask_support(&world, &operation, &format!("<text>{}</text>", super::xml::escape(text)));
    assert_eq!(added.status, 200, "{}", added.body);
    let found =
        body_of(&ask_support(&world, "FindComments", &format!("<ticket>{number}</ticket>")));
    let last = found.child("result").unwrap().children.last().unwrap();
    assert_eq!(last.text_of("text"), Some(text));
    let notes = ask_support(
        &world,
        "FindComments visibility=\"internal\"",
        &format!("<ticket>{number}</ticket>"),
    );
    assert!(!notes.body.contains("✔"));
}

#[test]
fn the_small_xml_reader_takes_what_soap_tools_send_and_nothing_odd() {
    let element = read(
        "<a:b x='1&amp;2' xmlns:a=\"u\"><!-- c --><c/><d>1 &lt; &#x32;<![CDATA[<&>]]></d></a:b>",
    )
    .unwrap();
    assert_eq!((element.name.as_str(), element.attribute("x")), ("b", Some("1&2")));
    assert_eq!(element.text_of("d"), Some("1 < 2<&>"));
    for odd in
        ["", "<a>", "<a></b>", "<a>&x;</a>", "<!DOCTYPE a><a/>", "<a/><b/>", "<a b></a>", "text"]
    {
        assert_eq!(read(odd), None, "{odd}");
    }
    assert_eq!(read(&"<a>".repeat(10_000)), None);
}

// ---- the whole -----------------------------------------------------------------------------------------------------

#[test]
fn the_embedded_files_are_those_of_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut expected = vec!["cyclorama.yaml".to_owned()];
    for folder in ["schema", "resolvers", "resolvers/crm", "resolvers/billing", "resolvers/support"]
    {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let is_vendor = folder.matches('/').count() == 1;
            if entry.path().is_file() && (!is_vendor || name == "demo.yaml") {
                expected.push(format!("{folder}/{name}"));
            }
        }
    }
    expected.sort_unstable();
    assert_eq!(files().iter().map(|(path, _)| *path).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_backends_count_their_calls_and_fail_on_demand() {
    let options = Options { customers: 16, fail: vec![Role::Support], ..Options::default() };
    let backends = super::start(options).await.unwrap();
    let client = reqwest::Client::builder().build().unwrap();
    let url = format!("{}/v1/customers/{}", backends.url(Role::Billing), World::billing_id(0));
    for _ in 0..2 {
        let answer = client.get(&url).bearer_auth("demo-billing-key").send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let answer = client.post(backends.url(Role::Support)).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let calls = backends.take_calls();
    assert_eq!(
        calls.into_iter().collect::<Vec<_>>(),
        [("billing.get_customer".to_owned(), 2), ("support.refused".to_owned(), 1)]
    );
    assert!(backends.calls().is_empty());
}
