//! Every event once and in order, whatever the pages are.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{List, add, at, deployment, empty, page, titles, walk};
use crate::testkit::{Gateway, World};

/// Records by list and minute: with few minutes, many stand at the same time.
fn records() -> impl Strategy<Value = Vec<(usize, u64)>> {
    (1_u64..=60).prop_flat_map(|most| prop::collection::vec((0_usize..4, 0..most), 0..40))
}

fn world_of(records: &[(usize, u64)]) -> (World, Vec<(u64, List, String)>) {
    let (mut world, mut all) = (empty(), Vec::new());
    for (number, (list, minute)) in records.iter().enumerate() {
        let list = List::ALL[*list];
        // ids in no order of their own
        let id = format!("{}{}", ["q", "cc", "zzz", "a"][number % 4], 1000 - number);
        add(&mut world, list, &id, Some(*minute));
        all.push((*minute, list, id));
    }
    (world, all)
}

/// What is wanted: by time, then by list; what is of one list and one time in any order.
fn assert_in_order(seen: &[String], mut all: Vec<(u64, List, String)>, is_newest_first: bool) {
    let place: BTreeMap<&String, (u64, List)> =
        all.iter().map(|(minute, list, id)| (id, (*minute, *list))).collect();
    let places: Vec<(i64, List)> = seen
        .iter()
        .map(|id| {
            let (minute, list) = place[id];
            let minute = i64::try_from(minute).unwrap();
            (if is_newest_first { -minute } else { minute }, list)
        })
        .collect();
    assert!(places.is_sorted(), "{seen:?}");
    let mut seen = seen.to_vec();
    seen.sort_unstable();
    all.sort_by(|one, other| one.2.cmp(&other.2));
    assert_eq!(seen, all.into_iter().map(|(.., id)| id).collect::<Vec<_>>());
}

/// Which records are of the kinds that are asked for.
type Wanted = fn(List, &str) -> bool;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn walking_all_pages_gives_every_event_once_and_in_order(
        records in records(), size in 1_usize..12, is_newest_first: bool, pages in 1_usize..4, drips: bool,
    ) {
        let (mut world, all) = world_of(&records);
        world.opportunity_pages = pages;
        world.mood.drips = drips && records.len() < 3;
        let gateway = deployment().over(world);
        let order = if is_newest_first { "NEWEST_FIRST" } else { "OLDEST_FIRST" };
        let seen = run(walk(&gateway, &format!("first: {size}, order: {order}")));
        assert_in_order(&seen, all, is_newest_first);
    }

    #[test]
    fn kinds_and_times_leave_out_what_they_say_and_nothing_else(
        records in records(), size in 1_usize..6, since in 0_u64..30, length in 0_u64..40, is_newest_first: bool, kinds in 0_usize..4,
    ) {
        let (world, all) = world_of(&records);
        let gateway = deployment().over(world);
        let order = if is_newest_first { "NEWEST_FIRST" } else { "OLDEST_FIRST" };
        let (kinds, wanted): (&str, Wanted) = match kinds {
            0 => ("[OPEN_INVOICE]", |list, _| list == List::Open),
            1 => ("[PAID_INVOICE, DEAL]", |list, _| matches!(list, List::Paid | List::Deals)),
            2 => ("[CHAT, DEAL]", |list, id| list == List::Deals || (list == List::Tickets && id.len() % 3 == 1)),
            _ => ("[OPEN_INVOICE, PAID_INVOICE, DEAL, TICKET, CHAT, NOTE]", |_, _| true),
        };
        let until = since + length;
        let arguments = format!(
            "first: {size}, order: {order}, kinds: {kinds}, since: \"{}\", until: \"{}\"", at(since), at(until)
        );
        let seen = run(walk(&gateway, &arguments));
        let all = all.into_iter().filter(|(minute, list, id)| {
            (since..until).contains(minute) && wanted(*list, id)
        });
        assert_in_order(&seen, all.collect(), is_newest_first);
    }

    #[test]
    fn pages_stay_right_when_something_new_happens_or_old_records_are_deleted(
        records in records(), size in 1_usize..5, new in prop::collection::vec((0_usize..4, 0_usize..6), 0..12), deletes in 0_usize..3,
    ) {
        let (world, all) = world_of(&records);
        // the cache would hide what is new
        let gateway = deployment().change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\ncache: { enabled: false }").over(world);
        let (mut seen, mut after, mut gone) = (Vec::new(), Value::Null, Vec::new());
        for round in 0..200 {
            let answer = run(page(&gateway, &format!("first: {size}"), &after));
            let events = &answer["data"]["customer"]["events"];
            seen.extend(titles(events));
            if events["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = events["pageInfo"]["endCursor"].clone();
            gateway.world(|world| {
                for (number, (list, _)) in new.iter().enumerate().filter(|(_, (_, when))| *when == round) {
                    // newer than all that was there: 10 o'clock and later
                    add(world, List::ALL[*list], &format!("new{round}-{number}"), Some(600 + round as u64));
                }
                if round < deletes && let Some(last) = seen.first() {
                    world.invoices.retain(|record| record["number"] != *last);
                    gone.push(last.clone());
                }
            });
        }
        let is_new = |id: &&String| id.starts_with("new");
        // of equal times, what stood behind a record that was deleted right then may be passed over
        if deletes == 0 {
            assert_eq!(seen.iter().find(is_new), None, "what is new is on the first page alone");
            assert_in_order(&seen, all, true);
        } else {
            let mut once = seen.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), seen.len(), "twice: {seen:?}");
        }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

#[tokio::test]
async fn events_of_one_time_come_in_the_order_of_the_lists_and_of_their_ids() {
    let mut world = empty();
    for (list, id) in [
        (List::Tickets, "t2"),
        (List::Deals, "d9"),
        (List::Tickets, "t1"),
        (List::Paid, "p1"),
        (List::Deals, "d1"),
        (List::Open, "o1"),
    ] {
        add(&mut world, list, id, Some(5));
    }
    let gateway = deployment().over(world);
    for order in ["NEWEST_FIRST", "OLDEST_FIRST"] {
        for size in 1..8 {
            let seen = walk(&gateway, &format!("first: {size}, order: {order}")).await;
            assert_eq!(seen, ["o1", "p1", "d1", "d9", "t1", "t2"], "{order}, pages of {size}");
        }
    }
}

#[tokio::test]
async fn records_without_a_time_are_left_out_and_said() {
    let mut world = empty();
    add(&mut world, List::Open, "o1", Some(5));
    add(&mut world, List::Open, "o2", None);
    add(&mut world, List::Deals, "d1", None);
    add(&mut world, List::Deals, "d2", Some(6));
    let gateway = deployment().over(world);
    let answer = page(&gateway, "first: 10", &Value::Null).await;
    let events = &answer["data"]["customer"]["events"];
    assert_eq!(titles(events), ["d2", "o1"]);
    assert_eq!((&events["undated"], &events["complete"]), (&json!(2), &json!(false)));
    assert_eq!(events["missingSources"], json!([]));
    assert_eq!(walk(&gateway, "first: 1").await, ["d2", "o1"]);
}

#[tokio::test]
async fn an_event_is_written_as_its_fields_say() {
    let mut world = empty();
    add(&mut world, List::Open, "o1", Some(5));
    add(&mut world, List::Deals, "d1", Some(4));
    add(&mut world, List::Tickets, "t1", Some(3));
    let gateway: Gateway = deployment().over(world);
    let data = gateway
        .data(&format!(
            "{{ customer(id: \"{}\") {{ events {{ nodes {{ __typename id kind at title by
                ... on OpenEvent {{ invoice {{ __typename number total {{ amount }} customer {{ name }} }} }}
                ... on DealEvent {{ priority named: deal {{ name amount {{ amount }} }} }}
                ... on Ticket {{ subject customer {{ name }} }} }} }} }} }}",
            crate::testkit::customer_id("c2")
        ))
        .await;
    assert_eq!(
        data["customer"]["events"]["nodes"],
        json!([
            {
                "__typename": "OpenEvent", "id": crate::testkit::id("OpenEvent", "billing", "o1"), "kind": "OPEN_INVOICE", "at": at(5),
                "title": "o1", "by": "billing",
                "invoice": { "__typename": "Invoice", "number": "o1", "total": { "amount": "1.00" }, "customer": { "name": "Customer 2" } },
            },
            {
                "__typename": "DealEvent", "id": crate::testkit::id("DealEvent", "crm", "d1"), "kind": "DEAL", "at": at(4),
                "title": "d1", "by": null, "priority": null, "named": { "name": "d1", "amount": { "amount": "1.00" } },
            },
            {
                "__typename": "Ticket", "id": crate::testkit::id("Ticket", "support", "t1"), "kind": "NOTE", "at": at(3),
                "title": "t1", "by": "support", "subject": "t1", "customer": { "name": "Customer 2" },
            },
        ])
    );
}
