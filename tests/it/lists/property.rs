//! For any records, filter, order and page size: what a client gets is what a filter and a sort over all records give, whoever does it.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::shop::{Record, Shops, WAYS, ordered};
use super::shop_id;
use crate::oracle::dice::Dice;

const CASES: u64 = 100;
const STATUSES: [(&str, &str); 3] = [("NEW", "new"), ("USED", "used"), ("BROKEN", "broken")];

fn small(dice: &mut Dice, end: usize) -> i64 {
    i64::try_from(dice.below(end)).unwrap()
}

fn records(dice: &mut Dice) -> Vec<Record> {
    let count = dice.below(25);
    let record = |number: usize, dice: &mut Dice| Record {
        id: format!("i{number}"),
        shop: ["a", "b"][dice.below(2)].to_owned(),
        name: format!("name {}", dice.below(6)),
        status: STATUSES[dice.below(3)].1,
        made: dice.chance(80).then(|| 1_700_000_000 + small(dice, 8)),
        price: dice.chance(80).then(|| small(dice, 9)),
        currency: ["EUR", "USD"][dice.below(2)],
        tags: ["x", "y", "z"].into_iter().filter(|_| dice.chance(40)).collect(),
        is_garbled: false,
        is_gone: false,
    };
    (0..count).map(|number| record(number, dice)).collect()
}

/// Milliseconds, and the text.
fn moment(dice: &mut Dice) -> (i64, String) {
    let millis = 1_700_000_000_000 + small(dice, 16) * 500;
    (millis, Timestamp::from_millisecond(millis).unwrap().to_string())
}

type Fits = Vec<Box<dyn Fn(&Record) -> bool>>;

/// A filter, and what it means.
fn filter(dice: &mut Dice) -> (Value, Fits) {
    let (mut filter, mut fits): (Value, Fits) = (json!({}), Vec::new());
    if dice.chance(40) {
        let chosen: Vec<_> = STATUSES.into_iter().filter(|_| dice.chance(50)).collect();
        filter["status"] = chosen.iter().map(|(ours, _)| *ours).collect();
        fits.push(Box::new(move |record| {
            chosen.iter().any(|(_, theirs)| *theirs == record.status)
        }));
    }
    if dice.chance(30) {
        let (since, text) = moment(dice);
        filter["madeAt"]["since"] = json!(text);
        fits.push(Box::new(move |record| record.made.is_some_and(|made| made * 1000 >= since)));
    }
    if dice.chance(30) {
        let (until, text) = moment(dice);
        filter["madeAt"]["until"] = json!(text);
        fits.push(Box::new(move |record| record.made.is_some_and(|made| made * 1000 < until)));
    }
    if dice.chance(30) {
        let min = small(dice, 9);
        filter["price"]["amount"]["min"] = json!(min.to_string());
        fits.push(Box::new(move |record| record.price.is_some_and(|price| price >= min)));
    }
    if dice.chance(30) {
        let max = small(dice, 9);
        filter["price"]["amount"]["max"] = json!(format!("{max}.0"));
        fits.push(Box::new(move |record| record.price.is_some_and(|price| price <= max)));
    }
    if dice.chance(20) {
        filter["price"]["currency"] = json!(["USD"]);
        fits.push(Box::new(|record| record.price.is_some() && record.currency == "USD"));
    }
    if dice.chance(20) {
        filter["tags"] = json!(["x", "y"]);
        fits.push(Box::new(|record| record.tags.iter().any(|tag| *tag != "z")));
    }
    if dice.chance(20) {
        let name = format!("name {}", dice.below(6));
        filter["name"] = json!(name);
        fits.push(Box::new(move |record| record.name == name));
    }
    (filter, fits)
}

fn sort(records: &mut [Record], field: &str, is_down: bool) {
    let place = |record: &Record| STATUSES.iter().position(|(_, theirs)| *theirs == record.status);
    let compare = |one: &Record, other: &Record| -> Ordering {
        match field {
            "MADE_AT" => ordered(one.made, other.made, is_down),
            "PRICE" => ordered(one.price, other.price, is_down),
            "STATUS" => ordered(place(one), place(other), is_down),
            _ => ordered(Some(&one.name), Some(&other.name), is_down),
        }
    };
    records.sort_by(compare);
}

/// The first page of both lists makes no more calls than were told.
async fn keeps_to_what_was_told(shops: &Shops, size: usize, filter: &Value, order: &Value) {
    let query = "query($ids: [ID!]!, $first: Int, $filter: ItemFilter, $order: ItemOrder) { shops(ids: $ids) { \
                 items(first: $first, filter: $filter, orderBy: $order) { nodes { name } } } }";
    let ids = ["a", "b"].map(shop_id);
    let variables = json!({ "ids": ids, "first": size, "filter": filter, "order": order });
    let told = shops.engine.explain_with(query, None, variables.as_object()).unwrap().to_json();
    shops.answer(query, variables).await;
    // one more for the shops themselves
    let calls = 1 + u64::try_from(shops.item_calls().len()).unwrap();
    assert!(calls <= told["callsAtMost"].as_u64().unwrap(), "{calls} {told:#}");
    assert!(
        told["callsPlanned"].as_u64().is_some_and(|planned| calls <= planned),
        "{calls} {told:#}"
    );
}

/// All pages of both shops' lists, one after the other.
async fn walked(shops: &Shops, size: usize, filter: &Value, order: &Value) -> [Vec<String>; 2] {
    let query = "query($id: ID!, $first: Int, $after: String, $filter: ItemFilter, $order: ItemOrder) { shop(id: $id) { \
                 items(first: $first, after: $after, filter: $filter, orderBy: $order) { nodes { id } totalCount pageInfo { hasNextPage endCursor } } } }";
    let mut all = [Vec::new(), Vec::new()];
    for (shop, ids) in ["a", "b"].into_iter().zip(&mut all) {
        let mut after = Value::Null;
        let mut total = Value::Null;
        loop {
            let variables = json!({ "id": shop_id(shop), "first": size, "after": after, "filter": filter, "order": order });
            let answer = shops.answer(query, variables).await;
            assert_eq!(answer.get("errors"), None, "{answer:#}");
            let page = &answer["data"]["shop"]["items"];
            let nodes = page["nodes"].as_array().unwrap();
            assert!(nodes.len() <= size);
            ids.extend(nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()));
            total = if page["totalCount"].is_null() { total } else { page["totalCount"].clone() };
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(total, ids.len(), "the total, where it is told");
    }
    all
}

#[tokio::test]
async fn a_list_is_what_a_filter_and_a_sort_over_all_records_give_whoever_does_it_and_for_any_page_size()
 {
    let mut kept = 0;
    for seed in 0..CASES {
        let mut dice = Dice::new(seed);
        let all = records(&mut dice);
        let (filter, fits) = filter(&mut dice);
        let field = ["MADE_AT", "PRICE", "STATUS", "NAME"][dice.below(4)];
        let is_down = dice.chance(50);
        let direction = if is_down { "DESC" } else { "ASC" };
        let order = if dice.chance(70) {
            json!({ "field": field, "direction": direction })
        } else {
            Value::Null
        };
        let expected = ["a", "b"].map(|shop| {
            let mut found: Vec<Record> = all
                .iter()
                .filter(|record| record.shop == shop && fits.iter().all(|fits| fits(record)))
                .cloned()
                .collect();
            if !order.is_null() {
                sort(&mut found, field, is_down);
            }
            let ids =
                found.iter().map(|record| cyclorama::value::opaque_id("Item", "store", &record.id));
            ids.collect::<Vec<_>>()
        });
        kept += expected.iter().map(Vec::len).sum::<usize>();
        let size = 1 + dice.below(9);
        for way in WAYS {
            if seed.is_multiple_of(4) {
                keeps_to_what_was_told(&Shops::new(way, &all), size, &filter, &order).await;
            }
            let found = walked(&Shops::new(way, &all), size, &filter, &order).await;
            assert_eq!(found, expected, "seed {seed}, {way:?}, pages of {size}, {filter} {order}");
        }
    }
    assert!(kept > 200, "the cases say something: {kept}");
}
