//! The demo CRM's records: contacts, companies, deals.

use serde_json::{Map, Value, json};

use super::activities::person;
use super::details;
use super::ledger::currency_of;
use super::names::{INDUSTRIES, SELLERS, TAGS, fold};
use super::random::Random;
use super::world::{Contact, DAY, Link, NOW, Who, World, kind};

const FIRST_DEAL: u32 = 700_000;

pub(crate) const CONTACT_PROPERTIES: &[&str] = &[
    "type",
    "name",
    "first_name",
    "last_name",
    "email",
    "emails",
    "phones",
    "addresses",
    "lifecycle",
    "tags",
    "locale",
    "timezone",
    "owner",
    "created_at",
    "updated_at",
    "last_activity",
    "billing_account",
    "company_id",
    "title",
    "department",
    "lead_source",
    "do_not_call",
    "do_not_email",
    "birth_date",
    "lifecycle_stage",
    "segments",
    "first_seen_at",
    "archived_at",
    "merged_into",
    "consents",
    "identities",
    "custom",
];
pub(crate) const COMPANY_PROPERTIES: &[&str] = &[
    "name",
    "legal_name",
    "domains",
    "websites",
    "industry",
    "employees",
    "annual_revenue",
    "currency",
    "owner",
    "address",
    "vat_number",
    "created_at",
    "last_activity",
    "parent_id",
    "state",
    "phone",
    "delivery_address",
    "payment_terms",
    "credit_limit",
    "credit_hold",
    "updated_at",
    "archived_at",
    "merged_into",
    "custom",
];
pub(crate) const DEAL_PROPERTIES: &[&str] = &[
    "name",
    "amount",
    "currency",
    "stage",
    "pipeline",
    "probability",
    "state",
    "close_date",
    "lost_reason",
    "source",
    "stage_changed_at",
    "created_at",
    "owner",
    "contact_id",
    "company_id",
    "expected_amount",
    "won_reason",
    "last_activity",
    "updated_at",
    "archived_at",
    "custom",
    "contacts",
];

pub(crate) fn record(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `2024-05-06T07:08:09.000+0000`, as one of the big CRMs writes it.
pub(crate) fn stamp(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

pub(crate) fn contact_record(world: &World, index: u32) -> Map<String, Value> {
    let contact = world.contact(index);
    let mut random = Random::of(world.seed, kind::DETAILS, u64::from(index));
    let created = NOW - DAY * i64::try_from(30 + random.below(1500)).unwrap_or(30);
    let last_activity = NOW - 60 * i64::try_from(random.below(60 * 24 * 90)).unwrap_or(0);
    let lifecycle = match random.below(100) {
        0..60 => "customer",
        60..75 => "lead",
        75..85 => "overdue",
        85..96 => "former",
        _ => "champion", // a word that no mapping knows
    };
    let owner = random.pick(SELLERS);
    let tags: Vec<&str> = TAGS.iter().copied().filter(|_| random.chance(15)).collect();
    let (first, last, name) = match &contact.who {
        Who::Person { first, last } => (Some(*first), Some(*last), None),
        Who::Company { name } => (None, None, Some(name.as_str())),
    };
    let linked = World::link(index) == Link::Id;
    let mut members = record(json!({
        "id": World::contact_id(index),
        "type": if name.is_some() { "company" } else { "person" },
        "name": name,
        "first_name": first,
        "last_name": last,
        "email": contact.email,
        "emails": emails(&contact, &mut random),
        "phones": phones(&contact, &mut random),
        "addresses": [address(&contact, &mut random)],
        "lifecycle": lifecycle,
        "tags": tags,
        "locale": contact.locale.language,
        "timezone": contact.locale.timezone,
        "owner": { "name": owner.0, "email": owner.1 },
        "created_at": stamp(created),
        "updated_at": stamp(created.midpoint(NOW)),
        "last_activity": last_activity * 1000,
        "billing_account": linked.then(|| World::billing_id(index)),
        "company_id": contact.company.map(World::company_id),
    }));
    members.extend(details::of_contact(world, &contact));
    if !World::has_email(index) {
        members.insert("email".to_owned(), Value::Null);
        members.insert("emails".to_owned(), json!([]));
    }
    if let Some(changes) = world.changed(index) {
        if let Some(email) = changes.get("email").cloned() {
            members.insert(
                "emails".to_owned(),
                json!([{ "value": email, "label": "work", "primary": true, "verified": false }]),
            );
        }
        members.extend(changes);
        members.insert("updated_at".to_owned(), Value::from(stamp(NOW)));
    }
    members
}

fn emails(contact: &Contact, random: &mut Random) -> Value {
    let mut emails = vec![json!({
        "value": contact.email, "label": "work", "primary": true, "verified": random.chance(80),
    })];
    if let Who::Person { first, last } = &contact.who
        && random.chance(30)
    {
        let value = format!("{}_{}{}@mail.example", fold(last), fold(first), contact.index);
        emails
            .push(json!({ "value": value, "label": "home", "primary": false, "verified": false }));
    }
    Value::Array(emails)
}

fn phones(contact: &Contact, random: &mut Random) -> Value {
    let labels = ["work", "mobile", "home", "pager"];
    let count = random.below(3);
    let phones = (0..count).map(|place| {
        let number = format!(
            "{} {} {}",
            contact.locale.dialing,
            100 + random.below(900),
            100_000 + random.below(900_000)
        );
        json!({ "number": number, "label": random.pick(&labels), "primary": place == 0 })
    });
    Value::Array(phones.collect())
}

fn address(contact: &Contact, random: &mut Random) -> Value {
    let (city, state, zip) = random.pick(contact.locale.cities);
    json!({
        "street": format!("{} {}", random.pick(contact.locale.streets), 1 + random.below(180)),
        "street2": random.chance(10).then_some("c/o Front Desk"),
        "city": city,
        "state": state,
        "zip": zip,
        "country": contact.locale.country,
    })
}

pub(crate) fn company_record(world: &World, number: u32) -> Map<String, Value> {
    let mut random = Random::of(world.seed, kind::COMPANY, u64::from(number) + (1 << 32));
    let locale = world.company_locale(number);
    let (name, domain) = (World::company_name(number), World::company_domain(number));
    let owner = random.pick(SELLERS);
    let (city, state, zip) = random.pick(locale.cities);
    // the parent has a smaller number, so that nobody is their own grandparent
    let parent = World::parent(number).map(World::company_id);
    let address = json!({
        "street": format!("{} {}", random.pick(locale.streets), 1 + random.below(180)),
        "city": city, "state": state, "zip": zip, "country": locale.country,
    });
    let mut members = record(json!({
        "id": World::company_id(number),
        "name": name,
        "legal_name": format!("{name} {}", locale.legal_form),
        "domains": [domain],
        "websites": [{ "url": format!("https://www.{domain}/"), "label": "main" }],
        "delivery_address": address,
        "address": address,
        "industry": random.pick(INDUSTRIES),
        "employees": (5 + random.below(4000)).to_string(),
        "annual_revenue": format!("{}.00", 100_000 + random.below(900_000_000)),
        "currency": currency_of(locale),
        "owner": { "name": owner.0, "email": owner.1 },
        "vat_number": format!("{}{}", locale.country, 100_000_000 + random.below(900_000_000)),
        "created_at": stamp(NOW - DAY * i64::try_from(200 + random.below(2000)).unwrap_or(200)),
        "last_activity": (NOW - 3600 * i64::try_from(random.below(2000)).unwrap_or(0)) * 1000,
        "parent_id": parent,
    }));
    members.extend(details::of_company(world, number, currency_of(locale)));
    members
}

pub(crate) fn deals_of(world: &World, index: u32) -> Vec<Map<String, Value>> {
    (0..world.deal_count(index)).map(|place| deal_record(world, index, place)).collect()
}

/// Deals per customer: room for all that one can have.
const DEAL_STRIDE: u32 = 8;

pub(crate) fn deal_id(index: u32, place: u32) -> String {
    (FIRST_DEAL + index * DEAL_STRIDE + place).to_string()
}

/// The deal of an id.
pub(crate) fn deal(world: &World, id: &str) -> Option<Map<String, Value>> {
    let number = id.parse::<u32>().ok()?.checked_sub(FIRST_DEAL)?;
    let (index, place) = (number / DEAL_STRIDE, number % DEAL_STRIDE);
    let is_there = index < world.customers && place < world.deal_count(index);
    is_there.then(|| deal_record(world, index, place))
}

fn deal_record(world: &World, index: u32, place: u32) -> Map<String, Value> {
    let number = index * DEAL_STRIDE + place;
    let mut random = Random::of(world.seed, kind::DEAL, u64::from(number));
    let contact = world.contact(index);
    let (stage, outcome, percent) = random.pick(&[
        ("Qualification", "open", 10),
        ("Proposal", "open", 40),
        ("Negotiation", "open", 75),
        ("Closed", "won", 100),
        ("Closed", "lost", 0),
    ]);
    let chance = format!("{}.{:02}", percent / 100, percent % 100);
    let created = NOW - DAY * i64::try_from(10 + random.below(400)).unwrap_or(10);
    let close = jiff::Timestamp::from_second(created + DAY * 90).unwrap_or_default();
    let owner = random.pick(SELLERS);
    let topic = random.pick(&["Renewal", "Expansion", "Pilot", "New site", "Migration"]);
    // an exact number: a tenth digit that binary floats would lose
    let (whole, hundredths) = (1000 + random.below(250_000), random.below(100));
    let amount = format!("{whole}.{hundredths:02}");
    let expected = (whole * 100 + hundredths) * percent / 100;
    let lost = random.pick(&["Price", "Timing", "A competitor"]);
    record(json!({
        "id": deal_id(index, place),
        "name": format!("{topic}: {}", contact.who.name()),
        "amount": serde_json::from_str::<Value>(&amount).unwrap_or_default(),
        "currency": currency_of(contact.locale),
        "stage": stage,
        "pipeline": "Default",
        "probability": serde_json::from_str::<Value>(&chance).unwrap_or_default(),
        "state": outcome,
        "close_date": close.strftime("%d.%m.%Y").to_string(),
        "lost_reason": (outcome == "lost").then_some(lost),
        "won_reason": (outcome == "won").then_some("Service"),
        "expected_amount": format!("{}.{:02}", expected / 100, expected % 100),
        "last_activity": (created + DAY * 12) * 1000,
        "updated_at": stamp(created + DAY * 12),
        "archived_at": null,
        "custom": { "competitor": (outcome == "lost").then_some("Other & Sons"), "budget_confirmed": percent > 40 },
        "contacts": [person(world, index)],
        "source": random.pick(&["Web", "Referral", "Trade fair"]),
        "stage_changed_at": stamp(created + DAY * 12),
        "created_at": stamp(created),
        "owner": { "name": owner.0, "email": owner.1 },
        "contact_id": World::contact_id(index),
        "company_id": contact.company.map(World::company_id),
    }))
}
