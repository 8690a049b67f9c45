//! `NetSuite` as billing: one search for many customers, its pages by the search's id, amounts of lines in the currency of their
//! record, reads that are refused one by one, faults.

use serde_json::{Value, json};

use super::hubspot_api::{HubSpot, record as contact};
use super::kit::{Pack, Roles, customer_id, graph, reply};
use super::netsuite_api::{NetSuite, Record, fault};

pub(super) const ROLES: Roles<'_> =
    &[("crm", "hubspot", "auth: { bearer: pat-eu1-test }"), ("billing", "netsuite", PASSPORT)];
pub(super) const PASSPORT: &str = "auth: { token_passport: { version: \"2017_2\", account: A, consumer_key: K, consumer_secret: S, token: T, token_secret: U } }";

const EURO: &str = "<{x}:currency internalId=\"4\"><c:name>EUR</c:name></{x}:currency>";

fn record(kind: &'static str, ty: &'static str, id: &str, elements: String) -> Record {
    Record { kind, ty, id: id.to_owned(), external_id: None, elements }
}

fn invoice(id: &str, customer: &str, more: &str) -> Record {
    let elements =
        format!("<s:entity internalId=\"{customer}\"/><s:tranId>R-{id}</s:tranId>{more}");
    record("invoice", "s:Invoice", id, elements)
}

fn memo(id: &str, invoice: &str) -> Record {
    let elements = format!(
        "<t:entity internalId=\"1001\"/><t:tranId>M-{id}</t:tranId><t:createdFrom internalId=\"{invoice}\"/><t:status>Fully Applied</t:status>"
    );
    record("creditMemo", "t:CreditMemo", id, elements)
}

fn customer(id: &str, crm_id: &str) -> Record {
    let elements = format!("<r:isPerson>true</r:isPerson><r:balance>7.5</r:balance>{EURO}");
    Record {
        external_id: Some(crm_id.to_owned()),
        ..record("customer", "r:Customer", id, elements)
    }
}

pub(super) fn start(netsuite: NetSuite) -> Pack {
    let linked = |id: &str, billing: &str| {
        contact(id, json!({ "lastname": format!("N{id}"), "stripe_customer_id": billing }))
    };
    let hubspot = HubSpot {
        contacts: vec![linked("101", "1001"), linked("102", "1002")],
        ..HubSpot::default()
    };
    Pack::start(ROLES, move |asked| {
        if asked.path.starts_with("/crm/") { hubspot.answer(asked) } else { netsuite.answer(asked) }
    })
}

/// How often each operation was asked for.
fn operations(pack: &Pack) -> (usize, usize, usize) {
    let asked = pack.asked();
    let count =
        |name: &str| asked.iter().filter(|one| one.text.contains(&format!("<m:{name}>"))).count();
    (count("getList"), count("search"), count("searchMoreWithId"))
}

const BOTH: &str = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { %s } }";

async fn of_both(pack: &Pack, selection: &str) -> Value {
    let ids: Vec<String> = ["101", "102"].map(customer_id).into();
    pack.data(&BOTH.replace("%s", selection), json!({ "ids": ids })).await["customersByIds"].take()
}

#[tokio::test]
async fn the_invoices_of_many_customers_are_one_search_and_its_pages_go_on_by_its_id() {
    let mut records: Vec<Record> = (0..1_200)
        .map(|number| {
            invoice(
                &(5_000 + number).to_string(),
                if number % 3 == 0 { "1002" } else { "1001" },
                "",
            )
        })
        .collect();
    records.extend([customer("1001", "101"), customer("1002", "102")]);
    let pack = start(NetSuite { records, ..NetSuite::default() });
    let found = of_both(
        &pack,
        "invoices(first: 100) { totalCount nodes { number } pageInfo { hasNextPage } }",
    )
    .await;
    let numbers = |place: usize| found[place]["invoices"]["nodes"].as_array().unwrap().len();
    assert_eq!((numbers(0), numbers(1)), (100, 100));
    assert_eq!(found[1]["invoices"]["nodes"][1]["number"], "R-5003");
    assert_eq!(found[0]["invoices"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(operations(&pack), (0, 1, 2), "1200 records, 500 on a page");
}

#[tokio::test]
async fn one_status_is_searched_for_and_what_has_two_words_is_found_over_the_pages() {
    let word = |id: &str, word: &str| invoice(id, "1001", &format!("<s:status>{word}</s:status>"));
    let words = [("1", "Open"), ("2", "Paid In Full"), ("3", "Rejected"), ("4", "Voided")];
    let mut records: Vec<Record> = words.map(|(id, of)| word(id, of)).into();
    records.extend([customer("1001", "101"), customer("1002", "102")]);
    let pack = start(NetSuite { records, ..NetSuite::default() });
    for (status, found, asked) in [
        ("[OPEN]", json!(["R-1"]), Some("_invoiceOpen")),
        ("[PAID]", json!(["R-2"]), Some("_invoicePaidInFull")),
        ("[VOID]", json!(["R-3", "R-4"]), None),
        ("[OPEN, VOID]", json!(["R-1", "R-3", "R-4"]), None),
        ("[OVERDUE]", json!([]), Some("internalIdNumber")),
    ] {
        pack.asked();
        let list =
            format!("invoices(first: 10, filter: {{ status: {status} }}) {{ nodes {{ number }} }}");
        let customers = of_both(&pack, &list).await;
        let nodes = customers[0]["invoices"]["nodes"].as_array().unwrap();
        let numbers: Vec<&Value> = nodes.iter().map(|node| &node["number"]).collect();
        assert_eq!(json!(numbers), found, "{status}");
        let searches = pack.asked().into_iter().map(|asked| asked.text);
        let searches: Vec<String> = searches.filter(|text| text.contains("_invoice<")).collect();
        let word = |text: &str| text.contains(asked.unwrap_or("k:status"));
        assert!(
            searches.iter().all(|text| word(text) == asked.is_some()),
            "{status}: {searches:?}"
        );
        let told = if asked.is_some() { "pushed down" } else { "over pages" };
        let line = format!("list     filter.status: {told}");
        let explained = pack.explained(&format!("{{ customersByIds(ids: []) {{ {list} }} }}"));
        assert!(explained.contains(&line), "{status}: {explained}");
    }
}

#[tokio::test]
async fn lines_are_in_the_currency_of_their_invoice_and_allocations_are_those_that_were_made() {
    let lines = "<s:currency internalId=\"4\"><c:name>EUR</c:name></s:currency><s:memo>for us</s:memo><s:message>Thank you</s:message>\
        <s:status>Paid In Full</s:status><s:itemList><s:item><s:item internalId=\"1\"><c:name>Desk</c:name></s:item>\
        <s:amount>0.30</s:amount><s:quantity>3.0</s:quantity><s:rate>0.10</s:rate><s:taxRate1>20.0</s:taxRate1></s:item></s:itemList>";
    let apply = |state: &str, doc: &str| {
        format!(
            "<t:apply><t:apply>{state}</t:apply><t:doc>{doc}</t:doc><t:amount>0.36</t:amount></t:apply>"
        )
    };
    let payment = format!(
        "<t:customer internalId=\"1001\"/>{EURO}<t:payment>0.36</t:payment><t:paymentMethod internalId=\"2\"><c:name>Cash</c:name></t:paymentMethod>\
         <t:status>Not Deposited</t:status><t:applyList>{}{}</t:applyList>",
        apply("false", "5002"),
        apply("true", "5001"),
    );
    let pack = start(NetSuite {
        records: vec![
            invoice("5001", "1001", lines),
            invoice("5002", "1001", ""),
            record("customerPayment", "t:CustomerPayment", "5101", payment),
            customer("1001", "101"),
        ],
        ..NetSuite::default()
    });
    let found = of_both(
        &pack,
        "balance { amount currency } invoices(first: 5) { nodes { number status memo currency
           lineItems { description quantity taxRate unitPrice { amount currency } amount { amount currency } }
           payments { amount { amount } method { kind } } customer { displayName } } }
         payments(first: 5) { nodes { status invoice { number } allocations { amount { amount currency } invoice { number } } } }",
    )
    .await;
    let euros = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
    assert_eq!(found[0]["balance"], euros("7.5"));
    let invoices = &found[0]["invoices"]["nodes"];
    assert_eq!(
        invoices[0],
        json!({
            "number": "R-5001", "status": "PAID", "memo": "Thank you", "currency": "EUR",
            "lineItems": [{ "description": "Desk", "quantity": "3.0", "taxRate": "0.200", "unitPrice": euros("0.10"), "amount": euros("0.30") }],
            "payments": [{ "amount": { "amount": "0.36" }, "method": { "kind": "CASH" } }],
            "customer": { "displayName": "N101" },
        })
    );
    assert_eq!(invoices[1]["payments"], json!([]), "it could be paid by it, and was not");
    let paid = json!({ "number": "R-5001" });
    assert_eq!(
        found[0]["payments"]["nodes"],
        json!([{ "status": "SUCCEEDED", "invoice": paid, "allocations": [{ "amount": euros("0.36"), "invoice": paid }] }])
    );
}

#[tokio::test]
async fn invoices_and_credit_memos_are_documents_of_one_list() {
    let pack = start(NetSuite {
        records: vec![invoice("5001", "1001", ""), memo("5201", "5001")],
        ..NetSuite::default()
    });
    let found = of_both(&pack, "billingDocuments { __typename number }").await;
    assert_eq!(
        found[0]["billingDocuments"],
        json!([{ "__typename": "Invoice", "number": "R-5001" }, { "__typename": "CreditNote", "number": "M-5201" }])
    );
    assert_eq!(operations(&pack), (0, 1, 0));
}

#[tokio::test]
async fn a_read_that_is_refused_fails_alone_and_one_that_is_not_there_is_null() {
    let memos = || vec![memo("5201", "5001"), memo("5202", "5002"), invoice("5001", "1001", "")];
    let query = BOTH.replace("%s", "creditNotes(first: 5) { nodes { number invoice { number } } } sourceStatus { system state }");
    let ids = json!({ "ids": [customer_id("101")] });
    let pack = start(NetSuite { records: memos(), ..NetSuite::default() });
    let data = pack.data(&query, ids.clone()).await;
    let notes = &data["customersByIds"][0]["creditNotes"]["nodes"];
    let invoices = |notes: &Value| [notes[0]["invoice"].clone(), notes[1]["invoice"].clone()];
    assert_eq!(invoices(notes), [json!({ "number": "R-5001" }), Value::Null]);
    assert_eq!(operations(&pack).0, 1, "one list for both");

    let refused = vec![("5002".to_owned(), "INSUFFICIENT_PERMISSION")];
    let pack = start(NetSuite { records: memos(), refused });
    let answer = pack.answer(&query, ids).await;
    let notes = &answer["data"]["customersByIds"][0]["creditNotes"]["nodes"];
    assert_eq!(invoices(notes), [json!({ "number": "R-5001" }), json!({ "number": null })]);
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer:#}");
    assert_eq!(
        errors[0]["path"],
        json!(["customersByIds", 0, "creditNotes", "nodes", 1, "invoice", "number"])
    );
    let told = &errors[0]["extensions"];
    assert_eq!(
        (&told["code"], &told["backendCode"]),
        (&json!("BACKEND_REJECTED"), &json!("INSUFFICIENT_PERMISSION"))
    );
    assert!(!answer.to_string().contains("secret"), "{answer:#}");
}

#[tokio::test]
async fn a_fault_is_told_by_its_code_and_nothing_of_its_words() {
    let (refused, failed) = ("BACKEND_RATE_LIMITED", "BACKEND_FAULT");
    for (name, code, told_as) in [
        ("exceededConcurrentRequestLimitFault", "WS_CONCUR_SESSION_DISALLWD", refused),
        ("invalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS", failed),
        ("unexpectedErrorFault", "UNEXPECTED_ERROR", failed),
    ] {
        let pack = Pack::start(ROLES, move |_| fault(name, code, "secret words"));
        let id = cyclorama::value::opaque_id("Invoice", "billing", "1");
        let query = "query ($id: ID!) { invoice(id: $id) { number } }";
        let answer = pack.answer(query, json!({ "id": id })).await;
        let told = &answer["errors"][0]["extensions"];
        assert_eq!(
            (&told["code"], &told["backendCode"]),
            (&json!(told_as), &json!(code)),
            "{answer:#}"
        );
        assert!(!answer.to_string().contains("secret"), "{answer:#}");
    }
}

#[tokio::test]
async fn orders_tell_how_far_they_are() {
    let order = |id: &str, state: &str| {
        record(
            "salesOrder",
            "s:SalesOrder",
            id,
            format!("<s:entity internalId=\"1001\"/><s:orderStatus>{state}</s:orderStatus>"),
        )
    };
    let pack = start(NetSuite {
        records: vec![
            order("1", "_partiallyFulfilled"),
            order("2", "_fullyBilled"),
            order("3", "_cancelled"),
        ],
        ..NetSuite::default()
    });
    let found = of_both(&pack, "orders(first: 5) { nodes { status fulfillmentStatus } }").await;
    let of = |status: &str, sent: &str| json!({ "status": status, "fulfillmentStatus": sent });
    let expected = [
        of("CONFIRMED", "PARTIALLY_FULFILLED"),
        of("COMPLETED", "FULFILLED"),
        of("CANCELED", "UNFULFILLED"),
    ];
    assert_eq!(found[0]["orders"]["nodes"], json!(expected));
}

#[tokio::test]
async fn lists_of_a_record_come_only_if_they_are_selected() {
    let lines = "<s:itemList><s:item><s:amount>1.5</s:amount></s:item></s:itemList>";
    let pack =
        start(NetSuite { records: vec![invoice("5001", "1001", lines)], ..NetSuite::default() });
    for (selection, is_brief) in [
        ("number", true),
        ("number lineItems { amount { amount } }", false),
        // what is held is not enough for more, and enough for less
        ("number", false),
        ("number customFields { key }", false),
    ] {
        pack.asked();
        let found =
            of_both(&pack, &format!("invoices(first: 5) {{ nodes {{ {selection} }} }}")).await;
        assert_eq!(found[0]["invoices"]["nodes"][0]["number"], "R-5001");
        let asked = pack.asked();
        let searches = asked.iter().filter(|one| one.text.contains("TransactionSearch"));
        for search in searches {
            let told = format!("<m:bodyFieldsOnly>{is_brief}</m:bodyFieldsOnly>");
            assert!(search.text.contains(&told), "{selection}: {}", search.text);
        }
    }
}

#[test]
fn what_lines_read_of_their_record_is_asked_for_with_them() {
    let (graph, _) = graph(ROLES);
    let invoice = graph.shapes.iter().find(|shape| &*shape.name == "billing:Invoice").unwrap();
    let lines = invoice.slots.iter().find(|slot| &*slot.name == "lineItems").unwrap();
    let needs: Vec<&str> = lines.needs.iter().map(|name| &**name).collect();
    assert_eq!(needs, ["currency", "itemList"]);
}

#[tokio::test]
async fn a_custom_field_of_the_crm_holds_the_id_that_billing_has_however_many_fields_there_are() {
    let roles: Roles<'_> =
        &[("crm", "netsuite", PASSPORT), ("billing", "stripe", "auth: { bearer: sk_test }")];
    let field = |name: &str, value: &str| {
        format!("<c:customField scriptId=\"{name}\"><c:value>{value}</c:value></c:customField>")
    };
    let (other, own) =
        (field("custentity_x", "cus_no"), field("custentity_stripe_customer", "cus_7"));
    for (fields, found) in [
        (format!("{other}{own}"), Some("cus_7")),
        (own.clone(), Some("cus_7")),
        (other.clone(), None),
        (String::new(), None),
    ] {
        let elements = format!(
            "<r:isPerson>true</r:isPerson><r:entityId>Zoe</r:entityId><r:customFieldList>{fields}</r:customFieldList>"
        );
        let records = vec![record("customer", "r:Customer", "1001", elements)];
        let netsuite = NetSuite { records, ..NetSuite::default() };
        let pack = Pack::start(roles, move |asked| match &*asked.path {
            "/v1/invoices" => {
                reply(200, &json!({ "object": "list", "data": [], "has_more": false }))
            }
            path if path.starts_with("/v1/") => {
                reply(200, &json!({ "object": "list", "data": [] }))
            }
            _ => netsuite.answer(asked),
        });
        let query = "query ($ids: [ID!]!) { customersByIds(ids: $ids) { displayName invoices(first: 1) { totalCount } } }";
        let answer = pack.data(query, json!({ "ids": [customer_id("1001")] })).await;
        assert_eq!(answer["customersByIds"][0]["displayName"], "Zoe", "{fields}");
        let asked = pack.asked();
        let invoices: Vec<_> = asked.iter().filter(|one| one.path == "/v1/invoices").collect();
        let of: Vec<_> = invoices.iter().filter_map(|one| one.parameter("customer")).collect();
        assert_eq!(of, Vec::from_iter(found), "{fields}");
    }
}
