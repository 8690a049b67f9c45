//! The demo CRM on the wire: JSON, properties that must be asked for, batches, searches, cursors.

use serde_json::{Map, Value, json};

use super::activities::{ACTIVITY_PROPERTIES, activities_of};
use super::records::{
    COMPANY_PROPERTIES, CONTACT_PROPERTIES, DEAL_PROPERTIES, company_record, contact_record, deal,
    deals_of,
};
use super::server::{Asked, Reply};
use super::world::{Link, World};

const API_KEY: &str = "demo-crm-key";
const BATCH_MAX: usize = 100;
const PAGE_MAX: usize = 100;

/// Answers one request.
pub(crate) fn answer(world: &World, asked: &Asked<'_>) -> Reply {
    if asked.header("x-api-key") != Some(API_KEY) {
        return refuse("unauthorized", 401, "INVALID_API_KEY", "The API key is missing or wrong.");
    }
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (asked.method, path.as_slice()) {
        ("POST", ["crm", "v1", "contacts", "batch", "read"]) => {
            batch_read("batch_read_contacts", asked, CONTACT_PROPERTIES, |id| {
                world.contact_of_id(id).map(|index| contact_record(world, index))
            })
        }
        ("POST", ["crm", "v1", "companies", "batch", "read"]) => {
            batch_read("batch_read_companies", asked, COMPANY_PROPERTIES, |id| {
                world.company_of_id(id).map(|number| company_record(world, number))
            })
        }
        ("POST", ["crm", "v1", "deals", "batch", "read"]) => {
            batch_read("batch_read_deals", asked, DEAL_PROPERTIES, |id| deal(world, id))
        }
        ("POST", ["crm", "v1", "contacts", "search"]) => search_contacts(world, asked),
        ("POST", ["crm", "v1", "companies", "search"]) => search_companies(world, asked),
        ("POST", ["crm", "v1", "activities", "search"]) => search_activities(world, asked),
        ("POST", ["crm", "v1", "deals", "search"]) => search_deals(world, asked),
        ("GET", ["crm", "v1", "contacts"]) => list_contacts(world, asked),
        ("PATCH", ["crm", "v1", "contacts", id]) => update_contact(world, id, asked),
        _ => refuse("unknown", 404, "NO_SUCH_ENDPOINT", "There is nothing at this address."),
    }
}

fn refuse(endpoint: &'static str, status: u16, code: &str, message: &str) -> Reply {
    Reply::json(endpoint, status, &json!({ "error": { "code": code, "message": message } }))
}

// ---- endpoints -----------------------------------------------------------------------------------------------------

fn batch_read(
    endpoint: &'static str,
    asked: &Asked<'_>,
    known: &[&str],
    record: impl Fn(&str) -> Option<Map<String, Value>>,
) -> Reply {
    let Some(body) = body_of(asked) else { return not_json(endpoint) };
    let wanted = match properties_of(body.get("properties"), known) {
        Ok(wanted) => wanted,
        Err(unknown) => return unknown_property(endpoint, &unknown),
    };
    let inputs =
        body.get("inputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ids: Option<Vec<&str>> = inputs.iter().map(|input| input.get("id")?.as_str()).collect();
    let Some(ids) = ids else {
        return refuse(
            endpoint,
            400,
            "INVALID_INPUT",
            "Each input is an object with an `id` of text.",
        );
    };
    if ids.len() > BATCH_MAX {
        return refuse(endpoint, 400, "TOO_MANY_INPUTS", "A batch has at most 100 inputs.");
    }
    // the records come in the CRM's own order, as with the big ones
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for id in sorted {
        match record(id) {
            Some(record) => results.push(project(record, &wanted)),
            None => missing.push(json!({ "id": id, "code": "NOT_FOUND" })),
        }
    }
    let status = if missing.is_empty() { 200 } else { 207 };
    Reply::json(
        endpoint,
        status,
        &json!({ "status": "COMPLETE", "results": results, "errors": missing }),
    )
}

fn search_contacts(world: &World, asked: &Asked<'_>) -> Reply {
    let body = body_of(asked).unwrap_or_default();
    if let Some(text) = body.get("query").and_then(Value::as_str) {
        return search_by_name(world, &body, text);
    }
    let find = |property: &str, values: &[String]| {
        let mut found: Vec<u32> = match property {
            "email" => values.iter().flat_map(|email| contacts_with_email(world, email)).collect(),
            "phone" => contacts_with_phone(world, values),
            "billing_account" => {
                values.iter().filter_map(|id| contact_with_account(world, id)).collect()
            }
            "company_id" => {
                let companies = values.iter().filter_map(|id| world.company_of_id(id));
                companies.flat_map(|number| world.staff(number)).collect()
            }
            _ => return None,
        };
        found.sort_unstable();
        found.dedup();
        Some(found.into_iter().map(|index| contact_record(world, index)).collect())
    };
    search("search_contacts", asked, CONTACT_PROPERTIES, find)
}

/// `{ query: "words", properties, limit, after }`.
fn search_by_name(world: &World, body: &Value, text: &str) -> Reply {
    const ENDPOINT: &str = "search_contacts_by_name";
    let wanted = match properties_of(body.get("properties"), CONTACT_PROPERTIES) {
        Ok(wanted) => wanted,
        Err(unknown) => return unknown_property(ENDPOINT, &unknown),
    };
    let limit = body.get("limit").and_then(as_number);
    let Some((from, limit)) = page_bounds(limit, body.get("after").and_then(Value::as_str)) else {
        return invalid_page(ENDPOINT);
    };
    let found = world.by_name(text);
    let page = found.iter().skip(from).take(limit);
    let results: Vec<Value> =
        page.map(|index| project(contact_record(world, *index), &wanted)).collect();
    Reply::json(ENDPOINT, 200, &paged(&results, from, found.len()))
}

fn search_companies(world: &World, asked: &Asked<'_>) -> Reply {
    let find = |property: &str, values: &[String]| {
        (property == "parent_id").then(|| {
            let parents = values.iter().filter_map(|id| world.company_of_id(id));
            let children = parents.flat_map(|number| world.children(number));
            children.map(|number| company_record(world, number)).collect()
        })
    };
    search("search_companies", asked, COMPANY_PROPERTIES, find)
}

fn search_activities(world: &World, asked: &Asked<'_>) -> Reply {
    let find = |property: &str, values: &[String]| {
        (property == "contact_id").then(|| {
            let contacts = values.iter().filter_map(|id| world.contact_of_id(id));
            contacts.flat_map(|index| activities_of(world, index)).collect()
        })
    };
    search("search_activities", asked, ACTIVITY_PROPERTIES, find)
}

/// The numbers are compared as digits. They are in no index: this is a small CRM.
fn contacts_with_phone(world: &World, wanted: &[String]) -> Vec<u32> {
    let digits = |number: &str| -> String { number.chars().filter(char::is_ascii_digit).collect() };
    let wanted: Vec<String> = wanted.iter().map(|number| digits(number)).collect();
    let has_one = |index: &u32| {
        let record = contact_record(world, *index);
        let phones = record.get("phones").and_then(Value::as_array);
        let mut numbers =
            phones.into_iter().flatten().filter_map(|phone| phone.get("number")?.as_str());
        numbers.any(|number| wanted.contains(&digits(number)))
    };
    (0..world.customers).filter(has_one).collect()
}

/// Who is linked to a billing account by its id.
fn contact_with_account(world: &World, account: &str) -> Option<u32> {
    let (index, _) = world.customer_of_billing_id(account)?;
    (World::link(index) == Link::Id).then_some(index)
}

fn contacts_with_email(world: &World, email: &str) -> Vec<u32> {
    let email = email.trim().to_lowercase();
    let mut found = world.changed_to_email(&email);
    let moved_away =
        |index: u32| world.changed(index).is_some_and(|values| values.contains_key("email"));
    let is_known = |index: &u32| World::has_email(*index) && !moved_away(*index);
    found.extend(world.by_email(&email).filter(is_known));
    found
}

fn search_deals(world: &World, asked: &Asked<'_>) -> Reply {
    let find = |property: &str, values: &[String]| -> Option<Vec<Map<String, Value>>> {
        let mut contacts: Vec<u32> = match property {
            "contact_id" => values.iter().filter_map(|id| world.contact_of_id(id)).collect(),
            "company_id" => values
                .iter()
                .filter_map(|id| world.company_of_id(id))
                .flat_map(|number| world.staff(number))
                .collect(),
            _ => return None,
        };
        contacts.sort_unstable();
        contacts.dedup();
        Some(contacts.into_iter().flat_map(|index| deals_of(world, index)).collect())
    };
    search("search_deals", asked, DEAL_PROPERTIES, find)
}

/// `{ filters: [{ property, in: [...] }, …], properties, limit, after }`. All filters must hold; the first one finds.
fn search(
    endpoint: &'static str,
    asked: &Asked<'_>,
    known: &[&str],
    find: impl Fn(&str, &[String]) -> Option<Vec<Map<String, Value>>>,
) -> Reply {
    let Some(body) = body_of(asked) else { return not_json(endpoint) };
    let wanted = match properties_of(body.get("properties"), known) {
        Ok(wanted) => wanted,
        Err(unknown) => return unknown_property(endpoint, &unknown),
    };
    let filters = body.get("filters").and_then(Value::as_array).map(Vec::as_slice);
    let filters: Vec<(String, Vec<String>)> =
        filters.unwrap_or_default().iter().map(filter_of).collect();
    if filters.iter().any(|(_, values)| values.is_empty() || values.len() > BATCH_MAX) {
        return refuse(endpoint, 400, "INVALID_FILTER", "A filter takes 1 to 100 values.");
    }
    let found = filters.split_first().and_then(|((property, values), others)| {
        let mut records = find(property, values)?;
        records.retain(|record| others.iter().all(|filter| fits(record, filter)));
        Some(records)
    });
    let Some(records) = found else {
        return refuse(endpoint, 400, "INVALID_FILTER", "This property cannot be searched.");
    };
    let limit = body.get("limit").and_then(as_number);
    let after = body.get("after").and_then(Value::as_str);
    page(endpoint, records, &wanted, limit, after)
}

fn filter_of(filter: &Value) -> (String, Vec<String>) {
    let property = filter.get("property").and_then(Value::as_str).unwrap_or_default();
    let values = filter.get("in").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = values.iter().filter_map(|value| value.as_str().map(str::to_owned));
    (property.to_owned(), texts.collect())
}

fn fits(record: &Map<String, Value>, (property, values): &(String, Vec<String>)) -> bool {
    let value = record.get(property).and_then(Value::as_str);
    value.is_some_and(|value| values.iter().any(|known| known == value))
}

/// A number, or text that holds one: both are common.
fn as_number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

fn list_contacts(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "list_contacts";
    let names = asked.parameter("properties").unwrap_or_default();
    let names: Vec<Value> =
        names.split(',').filter(|name| !name.is_empty()).map(Value::from).collect();
    let wanted = match properties_of(Some(&Value::Array(names)), CONTACT_PROPERTIES) {
        Ok(wanted) => wanted,
        Err(unknown) => return unknown_property(ENDPOINT, &unknown),
    };
    let limit = asked.parameter("limit").and_then(|limit| limit.parse().ok());
    let Some((from, limit)) = page_bounds(limit, asked.parameter("after")) else {
        return invalid_page(ENDPOINT);
    };
    let (total, indices) = (world.customers as usize, (0..world.customers).skip(from).take(limit));
    let results: Vec<Value> =
        indices.map(|index| project(contact_record(world, index), &wanted)).collect();
    Reply::json(ENDPOINT, 200, &paged(&results, from, total))
}

fn update_contact(world: &World, id: &str, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "update_contact";
    let Some(body) = body_of(asked) else { return not_json(ENDPOINT) };
    let Some(index) = world.contact_of_id(id) else {
        return refuse(ENDPOINT, 404, "NOT_FOUND", "There is no such contact.");
    };
    let properties = body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let is_open = |name: &str| matches!(name, "first_name" | "last_name" | "email" | "lifecycle");
    if let Some(name) = properties.keys().find(|name| !is_open(name)) {
        return refuse(
            ENDPOINT,
            400,
            "READ_ONLY_PROPERTY",
            &format!("The property {name} cannot be changed."),
        );
    }
    if let Some(email) = properties.get("email") {
        let text = email.as_str().unwrap_or_default();
        if !text.contains('@') {
            return refuse(ENDPOINT, 400, "INVALID_EMAIL", "The e-mail address is not one.");
        }
        if contacts_with_email(world, text).iter().any(|holder| *holder != index) {
            return refuse(
                ENDPOINT,
                409,
                "DUPLICATE_EMAIL",
                "Another contact has this e-mail address.",
            );
        }
    }
    world.change(index, properties);
    Reply::json(ENDPOINT, 200, &Value::Object(contact_record(world, index)))
}

// ---- what the endpoints share --------------------------------------------------------------------------------------

fn body_of(asked: &Asked<'_>) -> Option<Value> {
    serde_json::from_str(asked.body).ok()
}

fn not_json(endpoint: &'static str) -> Reply {
    refuse(endpoint, 400, "INVALID_JSON", "The body is not JSON.")
}

fn invalid_page(endpoint: &'static str) -> Reply {
    let message = "`limit` is 1 to 100, `after` is what the last page gave.";
    refuse(endpoint, 400, "INVALID_PAGE", message)
}

fn unknown_property(endpoint: &'static str, name: &str) -> Reply {
    refuse(endpoint, 400, "UNKNOWN_PROPERTY", &format!("There is no property {name}."))
}

/// The names asked for; the first unknown one otherwise. Nothing asked for is nothing given, besides the id.
fn properties_of(names: Option<&Value>, known: &[&str]) -> Result<Vec<String>, String> {
    let names = names.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut wanted = Vec::with_capacity(names.len());
    for name in names.iter().filter_map(Value::as_str) {
        if name != "id" && !known.contains(&name) {
            return Err(name.to_owned());
        }
        wanted.push(name.to_owned());
    }
    Ok(wanted)
}

fn project(record: Map<String, Value>, wanted: &[String]) -> Value {
    let is_given = |name: &String| name == "id" || wanted.contains(name);
    Value::Object(record.into_iter().filter(|(name, _)| is_given(name)).collect())
}

fn page_bounds(limit: Option<usize>, after: Option<&str>) -> Option<(usize, usize)> {
    let from = match after {
        None | Some("") => 0,
        Some(text) => text.strip_prefix("at-")?.parse().ok()?,
    };
    let limit = limit.unwrap_or(10);
    (1..=PAGE_MAX).contains(&limit).then_some((from, limit))
}

fn page(
    endpoint: &'static str,
    records: Vec<Map<String, Value>>,
    wanted: &[String],
    limit: Option<usize>,
    after: Option<&str>,
) -> Reply {
    let Some((from, limit)) = page_bounds(limit, after) else {
        return invalid_page(endpoint);
    };
    let total = records.len();
    let results: Vec<Value> =
        records.into_iter().skip(from).take(limit).map(|record| project(record, wanted)).collect();
    Reply::json(endpoint, 200, &paged(&results, from, total))
}

fn paged(results: &[Value], from: usize, total: usize) -> Value {
    let end = from + results.len();
    if end < total && end > from {
        json!({ "total": total, "results": results, "paging": { "next": { "after": format!("at-{end}") } } })
    } else {
        json!({ "total": total, "results": results })
    }
}
