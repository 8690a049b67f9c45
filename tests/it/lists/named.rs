//! Lists whose calls only name objects, narrowed and ordered: by the objects' own records, which are looked up once for all.

use cyclorama::engine::Format;
use serde_json::{Value, json};

use super::shop::{REFUSED, Record, Shops, Way, vendor};
use super::{SHOPS, explained, names, record, records, shop_id, step};
use crate::testkit::{Deployment, World, codes, customer_id, merged};

/// A hundred shops with three items each, named in one page and looked up in one call.
fn hundred() -> (Shops, Value) {
    let shops: Vec<String> = (0..100).map(|shop| format!("s{shop:02}")).collect();
    let items = shops.iter().flat_map(|shop| (1..=3).map(|number| record(number, shop)));
    let wide = vendor(Way::Named, 10)
        .replace("batch: { keys: 50", "batch: { keys: 500")
        .replace("batch: { keys: 10", "batch: { keys: 500")
        .replace("max: 5 }", "max: 500 }");
    let all: Vec<Record> = items.collect();
    let ids = shops.iter().map(|shop| shop_id(shop)).collect();
    (Shops::with(&wide, &all), ids)
}

#[tokio::test]
async fn a_hundred_lists_that_only_name_objects_cost_one_look_up_whatever_they_are_narrowed_by() {
    let (shops, ids) = hundred();
    let ask = |filter: Value| {
        let order = json!({ "field": "PRICE", "direction": "ASC" });
        shops.answer(SHOPS, json!({ "ids": ids, "first": 2, "filter": filter, "order": order }))
    };
    let answer = ask(json!({ "status": ["USED", "BROKEN"] })).await;
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    for shop in answer["data"]["shops"].as_array().unwrap() {
        assert_eq!(names(&shop["items"]), ["item 4", "item 7"]);
        assert_eq!(shop["items"]["totalCount"], 2, "{shop:#}");
        assert_eq!(shop["sourceStatus"], json!([{ "state": "OK" }]));
    }
    let calls = shops.item_calls();
    assert_eq!(calls.len(), 2, "the names of all, and the records of all: {calls:#?}");
    assert_eq!(Shops::look_ups(&calls)[0].len(), 300);
    // the records have come with what they are narrowed, ordered and shown by
    assert_eq!(calls[1]["fields"], json!(["currency", "id", "name", "price", "status", "tags"]));
    let answer = ask(json!({ "status": ["NEW"] })).await;
    assert_eq!(names(&answer["data"]["shops"][99]["items"]), ["item 1"]);
    assert_eq!(shops.item_calls(), [] as [Value; 0], "all of it is known");
}

#[tokio::test]
async fn a_record_that_is_shown_and_sifted_by_in_several_lists_is_looked_up_once() {
    let shops = Shops::new(Way::Named, &records());
    let query = format!(
        "{{ shop(id: \"{}\") {{ all: items(first: 50) {{ nodes {{ name }} }} \
         used: items(filter: {{ status: [USED] }}) {{ nodes {{ name }} totalCount }} \
         dear: items(filter: {{ price: {{ amount: {{ min: \"10\" }} }} }}, orderBy: {{ field: MADE_AT }}) {{ totalCount }} }} }}",
        shop_id("a")
    );
    let answer = shops.answer(&query, json!({})).await;
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    let shop = &answer["data"]["shop"];
    assert_eq!(shop["all"]["nodes"].as_array().unwrap().len(), 12);
    assert_eq!((&shop["used"]["totalCount"], &shop["dear"]["totalCount"]), (&json!(4), &json!(3)));
    let calls = shops.item_calls();
    let mut asked: Vec<&str> = Shops::look_ups(&calls).concat();
    assert_eq!(asked.len(), 12, "{calls:#?}");
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), 12);
}

#[tokio::test]
async fn a_list_that_only_names_objects_looks_up_what_it_shows_where_nothing_is_left_to_the_gateway()
 {
    for (way, arguments) in [
        (Way::Named, ""),
        (Way::Named, ", filter: {}"),
        (Way::NamedPushing, ", filter: { status: [NEW] }, orderBy: { field: MADE_AT }"),
    ] {
        let shops = Shops::new(way, &records());
        let query = format!(
            "{{ shop(id: \"{}\") {{ items(first: 2{arguments}) {{ nodes {{ name }} }} }} }}",
            shop_id("a")
        );
        let answer = shops.answer(&query, json!({})).await;
        assert_eq!(names(&answer["data"]["shop"]["items"]).len(), 2, "{answer:#}");
        let calls = shops.item_calls();
        assert_eq!(Shops::look_ups(&calls).concat().len(), 2, "{way:?} {arguments}: {calls:#?}");
        assert_eq!(calls.last().unwrap()["fields"], json!(["id", "name"]));
    }
}

#[tokio::test]
async fn a_name_that_leads_to_no_record_is_left_out_and_said() {
    let mut all = records();
    all[1].is_gone = true;
    let shops = Shops::new(Way::Named, &all);
    for variables in [
        json!({ "filter": { "tags": ["all"] } }),
        json!({ "order": { "field": "NAME", "direction": "ASC" } }),
    ] {
        let mut variables = variables;
        variables["ids"] = json!([shop_id("a"), shop_id("b")]);
        variables["first"] = json!(50);
        let answer = shops.answer(SHOPS, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        let shop = |index: usize| &answer["data"]["shops"][index];
        assert_eq!(shop(0)["items"]["nodes"].as_array().unwrap().len(), 11);
        assert_eq!(shop(0)["items"]["totalCount"], Value::Null);
        assert_eq!(shop(0)["items"]["pageInfo"]["hasNextPage"], false);
        assert_eq!(shop(0)["sourceStatus"], json!([{ "state": "PARTIAL" }]));
        assert_eq!(shop(1)["items"]["totalCount"], 12);
        assert_eq!(shop(1)["sourceStatus"], json!([{ "state": "OK" }]));
    }
}

#[tokio::test]
async fn a_list_of_which_a_record_cannot_be_looked_up_is_an_error_and_never_an_empty_list() {
    let mut all = records();
    all[1].id = REFUSED.to_owned();
    let shops = Shops::new(Way::Named, &all);
    let ask = |filter: Value| {
        let ids = json!([shop_id("a"), shop_id("b")]);
        shops.answer(SHOPS, json!({ "ids": ids, "first": 50, "filter": filter }))
    };
    let answer = ask(json!({ "name": "no such name" })).await;
    assert_eq!(codes(&answer), ["BACKEND_UNAVAILABLE"], "{answer:#}");
    assert_eq!(answer["errors"][0]["path"], json!(["shops", 0, "items"]));
    assert_eq!(answer["data"]["shops"][0]["items"], Value::Null);
    assert_eq!(answer["data"]["shops"][0]["sourceStatus"][0]["state"], "UNAVAILABLE");
    // a failed chunk fails the lists whose names are in it
    assert_eq!(answer["data"]["shops"][1]["items"]["totalCount"], 0);
}

#[tokio::test]
async fn names_beyond_the_pages_make_the_list_partial_and_it_goes_on() {
    let shops = Shops::with(&vendor(Way::Named, 2), &records());
    let variables = json!({ "ids": [shop_id("a")], "first": 2, "filter": { "tags": ["even"] } });
    let answer = shops.answer(SHOPS, variables).await;
    let shop = &answer["data"]["shops"][0];
    assert_eq!(names(&shop["items"]), ["item 4", "item 8"]);
    assert_eq!(shop["items"]["totalCount"], Value::Null);
    assert_eq!(shop["items"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(shop["sourceStatus"], json!([{ "state": "PARTIAL" }]));
    assert_eq!(
        Shops::look_ups(&shops.item_calls()).concat().len(),
        10,
        "as many as two pages name"
    );
}

#[tokio::test]
async fn more_names_than_an_answer_may_hold_are_refused_before_they_are_looked_up() {
    let many: Vec<Record> = (0..60).map(|number| record(number, "a")).collect();
    let shops = Shops::set(&vendor(Way::Named, 50), &many, "limits: { objects: 50 }\n");
    let variables = json!({ "ids": [shop_id("a")], "filter": { "status": ["NEW"] } });
    let answer = shops.answer(SHOPS, variables).await;
    assert_eq!(codes(&answer), ["OBJECTS_LIMIT"]);
    assert_eq!(Shops::look_ups(&shops.item_calls()), [] as [Vec<&str>; 0]);
}

/// A customer with two accounts whose invoices are named; whether they are open nobody but their records says.
fn of_two_accounts() -> Deployment {
    let rule = "      - { key: email, from: crm.email }";
    let identity = include_str!("../testkit/files/resolvers/identity.yaml");
    assert!(identity.contains(rule), "{identity}");
    Deployment::new()
        .file(
            "resolvers/identity.yaml",
            &identity.replacen(rule, "      - { key: email, from: crm.email, at_most: 2 }", 1),
        )
        .change(
            "resolvers/billing/test.yaml",
            ", status: { enum: $args.status, values: { OPEN: open, PAID: paid } } }",
            " }",
        )
        .change("resolvers/billing/test.yaml", "{?account,status,", "{?account,")
        .change(
            "resolvers/billing/test.yaml",
            "{ call: invoices, from: billingId }",
            "{ call: invoices, from: billingId, reference: id, by: .id }",
        )
}

#[tokio::test]
async fn the_lists_of_several_accounts_are_looked_up_together_and_narrowed_as_one() {
    let mut world = World::default();
    world.accounts.push(json!({ "id": "b2b", "email": "c2@example.com", "plan": "silver" }));
    for customer in &mut world.customers {
        customer["billing"] = Value::Null;
    }
    let invoice = |(number, status): (u32, &&str)| {
        let account = if number.is_multiple_of(2) { "b2" } else { "b2b" };
        let id = format!("z{number}");
        json!({ "id": id, "account": account, "number": id, "status": status })
    };
    world.invoices =
        (0..).zip(&["open", "paid", "paid", "open", "odd", "open"]).map(invoice).collect();
    let gateway = of_two_accounts().over(world);
    let query = format!(
        "{{ customer(id: \"{}\") {{ invoices(first: 2, status: OPEN) {{ totalCount nodes {{ number }} pageInfo {{ hasNextPage endCursor }} }} }} }}",
        customer_id("c2")
    );
    let invoices = &gateway.data(&query).await["customer"]["invoices"];
    assert_eq!(invoices["totalCount"], 3, "{invoices:#}");
    assert_eq!(invoices["nodes"], json!([{ "number": "z0" }, { "number": "z3" }]));
    let lines = gateway.lines();
    let asked = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(asked("billing GET /invoices/"), 6, "each once: {lines:#?}");
    let after = invoices["pageInfo"]["endCursor"].as_str().unwrap();
    let next = query.replace("first: 2,", &format!("first: 2, after: \"{after}\","));
    let invoices = &gateway.data(&next).await["customer"]["invoices"];
    assert_eq!(invoices["nodes"], json!([{ "number": "z5" }]));
    assert_eq!(invoices["pageInfo"]["hasNextPage"], false);
}

#[tokio::test]
async fn a_deferred_list_that_is_narrowed_by_what_it_names_comes_as_it_would_whole() {
    let gateway = of_two_accounts().start();
    let list = "invoices(status: PAID) { totalCount nodes { number customer { name } } }";
    let ids: Vec<String> = (1..=8).map(|number| customer_id(&format!("c{number}"))).collect();
    let ids = json!(ids);
    let whole = format!("{{ customersByIds(ids: {ids}) {{ name {list} }} }}");
    let expected = gateway.data(&whole).await;
    let calls = gateway.lines().len();
    let deferred = whole.replace(list, &format!("... @defer {{ {list} }}"));
    let gateway = of_two_accounts().start();
    let parts = gateway.parts(&deferred).await;
    assert!(parts.len() > 1, "{parts:#?}");
    assert_eq!(merged(&parts, Format::Ids)["data"], expected);
    assert_eq!(gateway.lines().len(), calls);
}

// ---- explain -------------------------------------------------------------------------------------------------------

fn planned(shops: &Shops, arguments: &str, variables: Option<&Value>) -> (Value, String) {
    let declared = if arguments.contains("$f") { "query($f: ItemFilter) " } else { "" };
    let query = format!(
        "{declared}{{ shop(id: \"{}\") {{ items(first: 7{arguments}) {{ nodes {{ name }} }} }} }}",
        shop_id("a")
    );
    explained(shops, &query, variables)
}

#[test]
fn explain_says_what_looks_up_the_records_and_plans_it() {
    let shops = Shops::with(&vendor(Way::Named, 4), &[]);
    let steps = |json: &Value| -> Vec<(String, Value)> {
        let steps = json["steps"].as_array().unwrap().iter();
        steps
            .map(|step| (step["brings"].as_str().unwrap().to_owned(), step["callsPlanned"].clone()))
            .collect()
    };
    let brings = |name: &str, calls: u64| (name.to_owned(), json!(calls));
    let (shop, items) = ("store part of Shop (anchor)", "store part of Item (anchor)");
    // seven are shown, of one chunk
    let (json, text) = planned(&shops, "", None);
    assert_eq!(steps(&json), [brings(shop, 1), brings("Shop.items", 4), brings(items, 1)]);
    assert!(!text.contains("records  "), "{text}");
    // four pages of five names are looked up in two chunks, and come with the list
    let (json, text) = planned(&shops, ", filter: { status: [NEW] }", None);
    assert_eq!(steps(&json), [brings(shop, 1), brings("Shop.items", 6)]);
    assert!(text.contains("     list     filter.status: over pages\n"), "{text}");
    let told = "     records  items_by_id: up to 10 keys a call, 4 calls at once\n";
    assert!(text.contains(told), "{text}");
    assert_eq!(step(&json)["records"]["calls"], json!(["items_by_id"]));
    // a variable may say it
    let (json, _) = planned(&shops, ", filter: $f", None);
    assert_eq!(steps(&json), [brings(shop, 1), brings("Shop.items", 6), brings(items, 1)]);
    let (json, _) = planned(&shops, ", filter: $f", Some(&json!({ "f": { "tags": ["x"] } })));
    assert_eq!(steps(&json), [brings(shop, 1), brings("Shop.items", 6)]);
    let (json, _) = planned(&shops, ", filter: $f", Some(&json!({})));
    assert_eq!(step(&json)["records"], Value::Null);
    // what is pushed down is as ever
    let pushing = Shops::with(&vendor(Way::NamedPushing, 4), &[]);
    let (json, _) = planned(&pushing, ", orderBy: { field: MADE_AT }", None);
    assert_eq!(steps(&json), [brings(shop, 1), brings("Shop.items", 2), brings(items, 1)]);
}

#[test]
fn what_nothing_bounds_is_planned_by_the_vendors_word() {
    let unbounded = vendor(Way::Named, 4)
        .replace(", size: { variable: size, max: 5 }", "")
        .replace("size: $vars.size, ", "")
        .replace("{?size,at}", "{?at}");
    let (json, text) = planned(&Shops::with(&unbounded, &[]), ", filter: { status: [NEW] }", None);
    assert_eq!(step(&json)["callsPlanned"], Value::Null, "{text}");
    let longest = unbounded.replace("answers: .shop", "answers: .shop\n    longest: 25");
    let (json, _) = planned(&Shops::with(&longest, &[]), ", filter: { status: [NEW] }", None);
    assert_eq!(step(&json)["callsPlanned"], 4 + 3);
}
