//! The demo billing system on the wire: JSON, one customer a list call, `has_more`, expanded sub-lists.

use serde_json::{Value, json};

use super::ledger::{self, Invoice, Payment, balance_due, currency_of};
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
        ("GET", ["v1", "payments"]) => list_payments(world, asked),
        ("GET", ["v1", "subscriptions"]) => list_subscriptions(world, asked),
        ("GET", ["v1", "documents"]) => list_documents(world, asked),
        _ => refuse("unknown", 404, "url_invalid", "Unrecognized request URL."),
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
    let expands = expands(asked, "data.payments");
    let invoices = customer
        .into_iter()
        .flat_map(|customer| ledger::invoices(world, customer))
        .filter(|invoice| status.is_none_or(|status| invoice.status == status))
        .map(|invoice| invoice_record(&invoice, expands))
        .collect();
    list(ENDPOINT, invoices, asked)
}

fn get_invoice(world: &World, id: &str, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "get_invoice";
    match ledger::invoice_of_id(world, id) {
        Some(invoice) => {
            Reply::json(ENDPOINT, 200, &invoice_record(&invoice, expands(asked, "payments")))
        }
        None => refuse(ENDPOINT, 404, "resource_missing", "No such invoice."),
    }
}

fn list_payments(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "list_payments";
    let customer = match customer_asked_for(world, asked) {
        Ok(customer) => customer,
        Err(message) => return refuse(ENDPOINT, 400, "parameter_missing", message),
    };
    let of = |invoice: Invoice| {
        invoice
            .payments
            .iter()
            .rev()
            .map(|payment| payment_record(&invoice, payment))
            .collect::<Vec<_>>()
    };
    let payments = customer
        .into_iter()
        .flat_map(|customer| ledger::invoices(world, customer))
        .flat_map(of)
        .collect();
    list(ENDPOINT, payments, asked)
}

fn list_subscriptions(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "list_subscriptions";
    match customer_asked_for(world, asked) {
        Ok(customer) => list(
            ENDPOINT,
            customer.map(|customer| subscription_records(world, customer)).unwrap_or_default(),
            asked,
        ),
        Err(message) => refuse(ENDPOINT, 400, "parameter_missing", message),
    }
}

fn list_documents(world: &World, asked: &Asked<'_>) -> Reply {
    const ENDPOINT: &str = "list_documents";
    let customer = match customer_asked_for(world, asked) {
        Ok(customer) => customer,
        Err(message) => return refuse(ENDPOINT, 400, "parameter_missing", message),
    };
    let expands = expands(asked, "data.payments");
    let mut documents: Vec<(i64, Value)> = Vec::new();
    for invoice in customer.into_iter().flat_map(|customer| ledger::invoices(world, customer)) {
        documents.push((invoice.created, invoice_record(&invoice, expands)));
        if invoice.status == "refunded" {
            documents.push((invoice.created + 20 * DAY, credit_note_record(&invoice)));
        }
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

// ---- records -------------------------------------------------------------------------------------------------------

fn customer_record(world: &World, index: u32, is_twin: bool) -> Value {
    let contact = world.contact(index);
    let is_linked = World::link(index) == Link::Id;
    json!({
        "id": if is_twin { World::twin_id(index) } else { World::billing_id(index) },
        "object": "customer",
        "email": contact.email,
        "name": contact.who.name(),
        "currency": currency_of(contact.locale).to_lowercase(),
        "balance_due": if is_twin { 0 } else { balance_due(world, index) },
        "metadata": if is_linked { json!({ "crm_id": World::contact_id(index) }) } else { json!({}) },
    })
}

fn invoice_record(invoice: &Invoice, expands_payments: bool) -> Value {
    let currency = invoice.currency.to_lowercase();
    let id = ledger::id("in", invoice.customer, invoice.place);
    let payments: Vec<Value> = if expands_payments {
        invoice.payments.iter().map(|payment| payment_record(invoice, payment)).collect()
    } else {
        invoice.payments.iter().map(|payment| Value::from(payment_id(invoice, payment))).collect()
    };
    let lines: Vec<Value> = invoice
        .lines
        .iter()
        .map(|line| {
            json!({
                "description": line.description,
                "product": line.product,
                "quantity": line.quantity,
                "unit_amount": line.unit_amount,
                "amount": line.quantity * line.unit_amount,
                "currency": currency,
            })
        })
        .collect();
    let is_final = invoice.status != "draft";
    json!({
        "id": id,
        "object": "invoice",
        "number": is_final.then(|| format!("R-{}-{:04}", 10_000 + invoice.customer, invoice.place + 1)),
        "customer": World::billing_id(invoice.customer),
        "status": invoice.status,
        "currency": currency,
        "created": invoice.created,
        "due_date": invoice.due,
        "status_transitions": {
            "finalized_at": is_final.then_some(invoice.created + 3600),
            "paid_at": invoice.paid_at,
            "voided_at": invoice.voided_at,
        },
        "subtotal": invoice.subtotal,
        "tax": invoice.tax,
        "total": invoice.total,
        "amount_paid": invoice.paid,
        "amount_remaining": invoice.remaining,
        "description": if invoice.place == 0 { Some("Welcome! – your first invoice") } else { None },
        "lines": { "object": "list", "data": lines },
        "payments": { "object": "list", "data": payments },
        "hosted_invoice_url": is_final.then(|| format!("https://pay.example/i/{id}")),
        "invoice_pdf": is_final.then(|| format!("https://pay.example/i/{id}/pdf")),
    })
}

fn payment_id(invoice: &Invoice, payment: &Payment) -> String {
    format!("{}{}", ledger::id("py", invoice.customer, invoice.place), payment.place)
}

fn payment_record(invoice: &Invoice, payment: &Payment) -> Value {
    let last4 = format!("{:04}", payment.last4);
    let method = match payment.method {
        "card" => json!({ "type": "card", "card": { "brand": "visa", "last4": last4 } }),
        "sepa_debit" => json!({ "type": "sepa_debit", "sepa_debit": { "last4": last4 } }),
        other => json!({ "type": other }),
    };
    json!({
        "id": payment_id(invoice, payment),
        "object": "payment",
        "invoice": ledger::id("in", invoice.customer, invoice.place),
        "customer": World::billing_id(invoice.customer),
        "status": payment.status,
        "amount": payment.amount,
        "fee": payment.amount / 70,
        "currency": invoice.currency.to_lowercase(),
        "created": payment.created,
        "payment_method": method,
        "reference": format!("RF{:02}{}", invoice.place + 10, 100_000 + invoice.customer),
        "failure_message": (payment.status == "failed").then_some("Your card was declined."),
    })
}

fn credit_note_record(invoice: &Invoice) -> Value {
    json!({
        "id": ledger::id("cn", invoice.customer, invoice.place),
        "object": "credit_note",
        "number": format!("G-{}-{:04}", 10_000 + invoice.customer, invoice.place + 1),
        "invoice": ledger::id("in", invoice.customer, invoice.place),
        "customer": World::billing_id(invoice.customer),
        "currency": invoice.currency.to_lowercase(),
        "created": invoice.created + 20 * DAY,
        "total": invoice.total,
        "remaining": 0,
        "reason": "order_change",
    })
}

fn subscription_records(world: &World, customer: u32) -> Vec<Value> {
    let currency = currency_of(world.contact(customer).locale).to_lowercase();
    let record = |subscription: ledger::Subscription| {
        let is_canceled = subscription.status == "canceled";
        json!({
            "id": ledger::id("sub", subscription.customer, subscription.place),
            "object": "subscription",
            "customer": World::billing_id(subscription.customer),
            "status": subscription.status,
            "plan": {
                "nickname": subscription.product.1,
                "product": subscription.product.0,
                "amount": subscription.amount,
                "currency": currency,
                "interval": "month",
                "interval_count": 1,
            },
            "quantity": subscription.quantity,
            "start_date": subscription.started,
            "current_period_start": subscription.period_start,
            "current_period_end": subscription.period_start + 30 * DAY,
            "trial_end": (subscription.status == "trialing").then_some(subscription.period_start + 14 * DAY),
            "cancel_at": null,
            "canceled_at": is_canceled.then_some(subscription.period_start + 2 * DAY),
            "ended_at": is_canceled.then_some(subscription.period_start + 2 * DAY),
            "cancel_at_period_end": false,
        })
    };
    ledger::subscriptions(world, customer).map(record).collect()
}
