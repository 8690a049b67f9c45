//! What the demo CRM noted about its customers: e-mails, calls, meetings, notes and tasks.

use serde_json::{Map, Value, json};

use super::names::{MESSAGES, NOTES, SELLERS};
use super::random::Random;
use super::records::{deal_id, record, stamp};
use super::world::{DAY, NOW, World, kind};

const ACTIVITIES_EACH: u64 = 8;
const FIRST_ACTIVITY: u32 = 3_000_000;

pub(crate) const ACTIVITY_PROPERTIES: &[&str] = &[
    "type",
    "direction",
    "subject",
    "snippet",
    "body",
    "at",
    "ends_at",
    "location",
    "duration",
    "outcome",
    "state",
    "due_at",
    "done_at",
    "owner",
    "participants",
    "deal_id",
    "contact_id",
    "created_at",
    "updated_at",
    "archived_at",
    "custom",
];

/// A customer's activities, newest first.
pub(crate) fn activities_of(world: &World, index: u32) -> Vec<Map<String, Value>> {
    let count = world.count(index, 4, ACTIVITIES_EACH);
    (0..count).map(|place| activity(world, index, place, count)).collect()
}

fn activity(world: &World, index: u32, place: u32, count: u32) -> Map<String, Value> {
    let number = index * 16 + place;
    let mut random = Random::of(world.seed, kind::ACTIVITY, u64::from(number));
    let sort = random.pick(&["email", "email", "call", "meeting", "note", "task"]);
    // one after the other in time, whatever their kind
    let at = NOW
        - DAY * (i64::from(place) * 180 / i64::from(count.max(1)) + 1)
        - 60 * i64::try_from(random.below(1440)).unwrap_or(0);
    let direction = match sort {
        "email" | "call" => random.pick(&["inbound", "outbound"]),
        "meeting" => "outbound",
        _ => "internal",
    };
    let owner = random.pick(SELLERS);
    let body = random.pick(if sort == "note" { NOTES } else { MESSAGES });
    let topic =
        random.pick(&["Renewal", "Offer <2026>", "Onboarding", "Complaint", "Prüfung & Plan"]);
    let deals = world.deal_count(index);
    let deal = (deals > 0 && random.chance(40)).then(|| deal_id(index, place % deals));
    let minutes = i64::try_from(5 + random.below(55)).unwrap_or(5);
    let is_done = random.chance(60);
    let mut activity = record(json!({
        "id": (FIRST_ACTIVITY + number).to_string(),
        "type": sort,
        "direction": direction,
        "subject": topic,
        "snippet": body.lines().next(),
        "body": body,
        "at": stamp(at),
        "owner": { "name": owner.0, "email": owner.1 },
        "participants": participants(world, index, sort),
        "deal_id": deal,
        "contact_id": World::contact_id(index),
        "created_at": stamp(at),
        "updated_at": stamp(at + 3600),
        "archived_at": null,
        "custom": { "campaign": random.chance(30).then_some("spring-2026"), "sentiment": random.pick(&["good", "mixed"]) },
    }));
    activity.extend(record(match sort {
        "call" => json!({ "duration": (minutes * 60).to_string(), "outcome": random.pick(&["reached", "voicemail"]) }),
        "meeting" => json!({ "ends_at": stamp(at + minutes * 60), "location": random.pick(&["Video", "At their office"]) }),
        "task" => json!({
            "state": if is_done { "done" } else { "open" },
            "due_at": stamp(at + 7 * DAY),
            "done_at": is_done.then(|| stamp(at + 2 * DAY)),
        }),
        _ => json!({}),
    }));
    activity
}

fn participants(world: &World, index: u32, sort: &str) -> Value {
    if matches!(sort, "note" | "task") {
        return json!([]);
    }
    json!([person(world, index)])
}

/// A person as other records name them.
pub(crate) fn person(world: &World, index: u32) -> Value {
    let contact = world.contact(index);
    json!({ "name": contact.who.name(), "email": contact.email, "contact_id": World::contact_id(index) })
}
