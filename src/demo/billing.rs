//! The demo billing system on the wire: JSON, one customer a list call, `has_more`, expanded sub-lists.

use serde_json::{Value, json};

use super::accounts::{
    Expanded, credit_note_record, customer_record, invoice_record, order_record, payment_record,
    refund_record, subscription_record,
};
use super::ledger::{self, Invoice};
use super::server::{Asked, Reply};
use super::world::{DAY, Link, World};

const TOKEN: &str = "Bearer demo-billing-key";
const PAGE_MAX: usize = 100;
const STATUSES: &[&str] = &[
    "draft",
    "open",
    "partially_paid",
    "paid",
    "overdue",
    "void",
    "uncollectible",
    "refunded",
    "disputed",
];

/// Answers one request.
pub(crate) fn answer(world: &World, asked: &Asked<'_>) -> Reply {
    if asked.header("authorization") != Some(TOKEN) {
        return refuse("unauthorized", 401, "api_key_invalid", "Invalid API key provided.");
    }
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (asked.method, path.as_slice()) {
        ("GET", ["v1", "customers"]) => find_customers(world, asked),
        ("GET", ["v1", "customers", id]) => get_customer(world, id),
        ("GET", ["v1", "invoices"]) => list_invoices(world, asked),
        ("GET", ["v1", "invoices", id]) => get_invoice(world, id, asked),
        ("GET", ["v1", "documents"]) => list_documents(world, asked),
        ("GET", ["v1", kind]) => list_others(world, kind, asked),
        ("GET", ["v1", kind, id]) => get_other(world, kind, id),
        _ => unknown(),
    }
}

fn refuse(endpoint: &'static str, status: u16, code: &str, message: &str) -> Reply {
    let kind = if status == 401 { "authentication_error" } else { "invalid_request_error" };
    Reply::json(
        endpoint,
        status,
        &json!({ "error": { "type": kind, "code": code, "message": message } }),
    )
}

// ---- endpoints -----------------------------------------------------------------------------------------------------

fn find_customers(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "find_customers";
    let Some(email) = asked.parameter("email") else {
        return refuse(ENDPOINT, 400, "parameter_missing", "Missing required param: email.");
    };
    let customers = match world.by_email(email) {
        Some(index) => match World::link(index) {
            Link::None => Vec::new(),
            Link::Ambiguous => {
                vec![customer_record(world, index, false), customer_record(world, index, true)]
            }
            Link::Id | Link::Email => vec![customer_record(world, index, false)],
        },
        None => Vec::new(),
    };
    list(ENDPOINT, customers, asked)
}

fn get_customer(world: &World, id: &str) -> Reply {
    const ENDPOINT: &str = "get_customer";
    match world.customer_of_billing_id(id) {
        Some((index, is_twin)) => {
            Reply::json(ENDPOINT, 200, &customer_record(world, index, is_twin))
        }
        None => refuse(ENDPOINT, 404, "resource_missing", "No such customer."),
    }
}

fn list_invoices(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "list_invoices";
    let customer = match customer_asked_for(world, asked) {
        Ok(customer) => customer,
        Err(message) => return refuse(ENDPOINT, 400, "parameter_missing", message),
    };
    let status = asked.parameter("status");
    if status.is_some_and(|status| !STATUSES.contains(&status)) {
        return refuse(ENDPOINT, 400, "parameter_invalid", "Invalid status.");
    }
    let bound = |name: &str| asked.parameter(name).map(str::parse::<i64>).transpose();
    let (Ok(since), Ok(until)) = (bound("created[gte]"), bound("created[lt]")) else {
        return refuse(ENDPOINT, 400, "parameter_invalid_integer", "created takes Unix seconds.");
    };
    let is_created = |invoice: &Invoice| {
        since.is_none_or(|since| invoice.created >= since)
            && until.is_none_or(|until| invoice.created < until)
    };
    let expanded = expanded(asked, "data.");
    let invoices = customer
        .into_iter()
        .flat_map(|customer| ledger::invoices(world, customer))
        .filter(|invoice| status.is_none_or(|status| invoice.status == status))
        .filter(is_created)
        .map(|invoice| invoice_record(world, &invoice, expanded))
        .collect();
    list(ENDPOINT, invoices, asked)
}

fn get_invoice(world: &World, id: &str, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "get_invoice";
    match ledger::invoice_of_id(world, id) {
        Some(invoice) => {
            Reply::json(ENDPOINT, 200, &invoice_record(world, &invoice, expanded(asked, "")))
        }
        None => refuse(ENDPOINT, 404, "resource_missing", "No such invoice."),
    }
}

/// Lists without arguments of their own, newest first.
fn list_others(world: &World, kind: &str, asked: &Asked<'_>) -> Reply {
    let endpoint = match kind {
        "payments" => "list_payments",
        "refunds" => "list_refunds",
        "credit_notes" => "list_credit_notes",
        "orders" => "list_orders",
        "subscriptions" => "list_subscriptions",
        _ => return unknown(),
    };
    let customer = match customer_asked_for(world, asked) {
        Ok(customer) => customer,
        Err(message) => return refuse(endpoint, 400, "parameter_missing", message),
    };
    if kind == "subscriptions" {
        let found =
            customer.into_iter().flat_map(|customer| ledger::subscriptions(world, customer));
        let records = found.map(|subscription| subscription_record(world, &subscription));
        return list(endpoint, records.collect(), asked);
    }
    let of = |invoice: Invoice| -> Vec<Value> {
        let made = match kind {
            "payments" => {
                let payments = invoice.payments.iter().rev();
                return payments.map(|payment| payment_record(&invoice, payment)).collect();
            }
            "refunds" => refund_record(&invoice),
            "credit_notes" => credit_note_record(&invoice),
            _ => order_record(world, &invoice),
        };
        made.into_iter().collect()
    };
    let invoices = customer.into_iter().flat_map(|customer| ledger::invoices(world, customer));
    let mut records: Vec<Value> = invoices.flat_map(of).collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.get("created").and_then(Value::as_i64)));
    list(endpoint, records, asked)
}

fn get_other(world: &World, kind: &str, id: &str) -> Reply {
    let (endpoint, found) = match kind {
        "payments" => {
            let found = ledger::payment_of_id(world, id).and_then(|(invoice, number)| {
                Some(payment_record(&invoice, invoice.payments.get(number)?))
            });
            ("get_payment", found)
        }
        "refunds" => {
            let invoice = ledger::invoice_for(world, "re", id);
            ("get_refund", invoice.and_then(|invoice| refund_record(&invoice)))
        }
        "credit_notes" => {
            let invoice = ledger::invoice_for(world, "cn", id);
            ("get_credit_note", invoice.and_then(|invoice| credit_note_record(&invoice)))
        }
        "orders" => {
            let invoice = ledger::invoice_for(world, "or", id);
            ("get_order", invoice.and_then(|invoice| order_record(world, &invoice)))
        }
        "subscriptions" => {
            let found = ledger::subscription_of_id(world, id);
            ("get_subscription", found.map(|found| subscription_record(world, &found)))
        }
        _ => return unknown(),
    };
    match found {
        Some(record) => Reply::json(endpoint, 200, &record),
        None => refuse(endpoint, 404, "resource_missing", "There is no such object."),
    }
}

fn unknown() -> Reply {
    refuse("unknown", 404, "url_invalid", "Unrecognized request URL.")
}

fn list_documents(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "list_documents";
    let customer = match customer_asked_for(world, asked) {
        Ok(customer) => customer,
        Err(message) => return refuse(ENDPOINT, 400, "parameter_missing", message),
    };
    let expanded = expanded(asked, "data.");
    let mut documents: Vec<(i64, Value)> = Vec::new();
    for invoice in customer.into_iter().flat_map(|customer| ledger::invoices(world, customer)) {
        documents.push((invoice.created, invoice_record(world, &invoice, expanded)));
        let note = credit_note_record(&invoice);
        documents.extend(note.map(|note| (invoice.created + 20 * DAY, note)));
    }
    documents.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
    list(ENDPOINT, documents.into_iter().map(|(_, document)| document).collect(), asked)
}

// ---- what the endpoints share --------------------------------------------------------------------------------------

/// The one customer of a list call. An unknown one has no records; so has the second record of an ambiguous address.
fn customer_asked_for(world: &World, asked: &Asked<'_>) -> Result<Option<u32>, &'static str> {
    let mut customers =
        asked.query.iter().filter(|(name, _)| name == "customer").map(|(_, value)| value);
    match (customers.next(), customers.next()) {
        (Some(id), None) => Ok(world
            .customer_of_billing_id(id)
            .filter(|(_, is_twin)| !is_twin)
            .map(|(customer, _)| customer)),
        (None, _) => Err("Missing required param: customer."),
        (Some(_), Some(_)) => Err("Only one customer a call."),
    }
}

fn expanded(asked: &Asked<'_>, below: &str) -> Expanded {
    Expanded {
        payments: expands(asked, &format!("{below}payments")),
        credit_notes: expands(asked, &format!("{below}credit_notes")),
    }
}

fn expands(asked: &Asked<'_>, what: &str) -> bool {
    asked
        .query
        .iter()
        .any(|(name, value)| name.starts_with("expand[") && name.ends_with(']') && value == what)
}

fn list(endpoint: &'static str, records: Vec<Value>, asked: &Asked<'_>) -> Reply {
    let limit = match asked.parameter("limit").map(str::parse::<usize>) {
        None => 10,
        Some(Ok(limit)) if (1..=PAGE_MAX).contains(&limit) => limit,
        Some(_) => {
            return refuse(endpoint, 400, "parameter_invalid_integer", "limit must be 1 to 100.");
        }
    };
    let total = records.len();
    let from = match asked.parameter("starting_after") {
        None => 0,
        Some(id) => match records
            .iter()
            .position(|record| record.get("id").and_then(Value::as_str) == Some(id))
        {
            Some(place) => place + 1,
            None => {
                return refuse(
                    endpoint,
                    400,
                    "resource_missing",
                    "No such object: starting_after.",
                );
            }
        },
    };
    let page: Vec<Value> = records.into_iter().skip(from).take(limit).collect();
    let has_more = from + page.len() < total;
    Reply::json(
        endpoint,
        200,
        &json!({ "object": "list", "data": page, "has_more": has_more, "total_count": total }),
    )
}
