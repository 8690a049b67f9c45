//! What the demo CRM knows of its contacts and companies besides who they are: consent, identities, fields of the company's own.

use serde_json::{Map, Value, json};

use super::names::TITLES;
use super::random::Random;
use super::records::{record, stamp};
use super::world::{Contact, DAY, Fate, Link, NOW, Who, World, kind};

pub(crate) fn of_contact(world: &World, contact: &Contact) -> Map<String, Value> {
    let index = contact.index;
    let mut random = Random::of(world.seed, kind::MORE, u64::from(index));
    let is_person = matches!(contact.who, Who::Person { .. });
    let (title, department) = random.pick(TITLES);
    let seen = NOW - DAY * i64::try_from(1600 + random.below(900)).unwrap_or(1600);
    let card = format!("LC-{:08}", 10_000_000 + random.below(90_000_000));
    let has_card = random.chance(40);
    let born =
        jiff::Timestamp::from_second(-DAY * i64::try_from(random.below(10_000)).unwrap_or(0));
    let segments: Vec<&str> = ["smb", "enterprise", "frequent buyer", "winter-2026"]
        .into_iter()
        .filter(|_| random.chance(25))
        .collect();
    let fate = World::fate(index);
    record(json!({
        "title": is_person.then_some(title),
        "department": is_person.then_some(department),
        "lead_source": random.pick(&["Web", "Referral", "Trade fair", "Cold call"]),
        "do_not_call": random.chance(20),
        "do_not_email": random.chance(10),
        "birth_date": is_person.then(|| born.unwrap_or_default().strftime("%Y-%m-%d").to_string()),
        "lifecycle_stage": random.pick(&["subscriber", "opportunity", "customer", "evangelist"]),
        "segments": segments,
        "first_seen_at": stamp(seen),
        "archived_at": matches!(fate, Fate::Deleted | Fate::MergedInto(_)).then(|| stamp(NOW - 40 * DAY)),
        "merged_into": match fate {
            Fate::MergedInto(survivor) => Some(World::contact_id(survivor)),
            _ => None,
        },
        "consents": consents(&mut random),
        "identities": identities(contact, has_card.then_some(card.as_str()), &mut random),
        "custom": {
            "loyalty_card": has_card.then_some(card.as_str()),
            "newsletter_score": random.below(1000),
            "referred_by": random.chance(20).then(|| World::contact_id(index / 2)),
            "preferences": { "channel": random.pick(&["email", "phone"]), "topics": ["news", "événements"] },
            // no vendor file lists it
            "sync_state": "ok",
        },
    }))
}

fn consents(random: &mut Random) -> Value {
    let mut consent = |purpose: &str| {
        json!({
            "purpose": purpose,
            "state": random.pick(&["granted", "granted", "denied", "asked", "implied"]),
            "changed_at": stamp(NOW - DAY * i64::try_from(random.below(700)).unwrap_or(0)),
        })
    };
    json!([consent("newsletter"), consent("profiling")])
}

fn identities(contact: &Contact, card: Option<&str>, random: &mut Random) -> Value {
    let index = contact.index;
    let identity = |sort: &str, value: String, system: &str, is_verified: bool| json!({ "type": sort, "value": value, "system": system, "primary": sort != "badge", "verified": is_verified });
    let mut identities = Vec::new();
    if World::has_email(index) {
        identities.push(identity("email", contact.email.clone(), "crm", true));
    }
    identities.push(identity("login", format!("u{}", 40_000 + index), "portal", true));
    if World::link(index) == Link::Id {
        identities.push(identity("billing_account", World::billing_id(index), "billing", true));
    }
    if let Some(card) = card {
        identities.push(identity("loyalty_card", card.to_owned(), "shop", false));
    }
    if random.chance(10) {
        // a word that no mapping knows
        identities.push(identity("badge", format!("B{index:05}"), "reception", false));
    }
    Value::Array(identities)
}

pub(crate) fn of_company(world: &World, number: u32, currency: &str) -> Map<String, Value> {
    let mut random = Random::of(world.seed, kind::MORE, (1 << 32) + u64::from(number));
    let limit = 5 * (1 + random.below(40));
    record(json!({
        "state": random.pick(&["customer", "customer", "customer", "prospect", "paused", "former", "dormant"]),
        "phone": format!("+353 1 {:07}", random.below(10_000_000)),
        "payment_terms": random.pick(&["14 days net", "30 days net", "prepaid"]),
        // an amount as text, without digits that the currency has not
        "credit_limit": if currency == "JPY" { format!("{}0000", limit * 10) } else { format!("{limit}000.00") },
        "credit_hold": if random.chance(10) { "Y" } else { "N" },
        "updated_at": stamp(NOW - DAY * i64::try_from(random.below(190)).unwrap_or(0)),
        "archived_at": null,
        "merged_into": null,
        "custom": {
            "contract_no": format!("C-{}", 2000 + number),
            "region": random.pick(&["north", "south", "overseas"]),
            "sites": 1 + random.below(9),
        },
    }))
}
