//! The demo billing system's records, as JSON: customers, invoices, payments, refunds, credit notes, orders, subscriptions.

use serde_json::{Value, json};

use super::ledger::{
    self, Invoice, Line, Payment, Subscription, balance_due, currency_of, has_order,
};
use super::world::{DAY, Link, NOW, World};

/// Which sub-lists come as records and not as ids.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) payments: bool,
    pub(crate) credit_notes: bool,
}

pub(crate) fn customer_record(world: &World, index: u32, is_twin: bool) -> Value {
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

pub(crate) fn invoice_record(world: &World, invoice: &Invoice, expanded: Expanded) -> Value {
    let id = ledger::id("in", invoice.customer, invoice.place);
    let payments = invoice.payments.iter().map(|payment| {
        let record = payment_record(invoice, payment);
        if expanded.payments { record } else { id_of(&record) }
    });
    let notes = credit_note_record(invoice);
    let notes = notes.map(|note| if expanded.credit_notes { note } else { id_of(&note) });
    let is_final = invoice.status != "draft";
    let is_subscribed =
        !has_order(invoice) && ledger::subscription_count(world, invoice.customer) > 0;
    json!({
        "id": id,
        "object": "invoice",
        "number": is_final.then(|| format!("R-{}-{:04}", 10_000 + invoice.customer, invoice.place + 1)),
        "customer": World::billing_id(invoice.customer),
        "subscription": is_subscribed.then(|| ledger::id("sub", invoice.customer, 0)),
        "order": has_order(invoice).then(|| ledger::id("or", invoice.customer, invoice.place)),
        "status": invoice.status,
        "currency": invoice.currency.to_lowercase(),
        "created": invoice.created,
        "updated": invoice.paid_at.or(invoice.voided_at).unwrap_or(invoice.created + 3600),
        "deleted_at": null,
        "due_date": invoice.due,
        "status_transitions": {
            "finalized_at": is_final.then_some(invoice.created + 3600),
            "paid_at": invoice.paid_at,
            "voided_at": invoice.voided_at,
        },
        "subtotal": invoice.subtotal,
        "discount": invoice.discount,
        "tax": invoice.tax,
        "total": invoice.total,
        "amount_paid": invoice.paid,
        "amount_remaining": invoice.remaining,
        "exchange_rate": exchange_rate(invoice.currency),
        "payment_terms": "14 days net",
        "description": if invoice.place == 0 { Some("Welcome! – your first invoice") } else { None },
        "lines": { "object": "list", "data": invoice_lines(invoice) },
        "payments": { "object": "list", "data": payments.collect::<Vec<_>>() },
        "credit_notes": { "object": "list", "data": notes.into_iter().collect::<Vec<_>>() },
        "hosted_invoice_url": is_final.then(|| format!("https://pay.example/i/{id}")),
        "invoice_pdf": is_final.then(|| format!("https://pay.example/i/{id}/pdf")),
        "metadata": {
            "cost_center": format!("CC-{}", invoice.customer % 9),
            "purchase_order": has_order(invoice).then(|| format!("PO-{}", 7000 + invoice.place)),
        },
    })
}

fn id_of(record: &Value) -> Value {
    record.get("id").cloned().unwrap_or_default()
}

/// Euros for one unit, as text: more digits than a binary float keeps.
fn exchange_rate(currency: &str) -> &'static str {
    match currency {
        "EUR" => "1",
        "JPY" => "0.006134969325153374233",
        "KWD" => "3.0102347983142685129",
        "SEK" => "0.0893",
        "PLN" => "0.2341920374707259953",
        _ => "1.05",
    }
}

fn invoice_lines(invoice: &Invoice) -> Vec<Value> {
    let line = |line: &Line| {
        let mut record = line_record(invoice, line);
        if let Some(members) = record.as_object_mut() {
            members.insert("discount".to_owned(), json!(0));
            members.insert("tax_rate".to_owned(), json!(0.2));
            let period = json!({ "start": invoice.created, "end": invoice.created + 30 * DAY });
            members.insert("period".to_owned(), period);
        }
        record
    };
    invoice.lines.iter().map(line).collect()
}

fn line_record(invoice: &Invoice, line: &Line) -> Value {
    json!({
        "description": line.description,
        "product": line.product,
        "quantity": line.quantity,
        "unit_amount": line.unit_amount,
        "amount": line.quantity * line.unit_amount,
        "currency": invoice.currency.to_lowercase(),
    })
}

fn payment_id(invoice: &Invoice, payment: &Payment) -> String {
    format!("{}{}", ledger::id("py", invoice.customer, invoice.place), payment.place)
}

pub(crate) fn payment_record(invoice: &Invoice, payment: &Payment) -> Value {
    let last4 = format!("{:04}", payment.last4);
    let method = match payment.method {
        "card" => json!({ "type": "card", "card": { "brand": "visa", "last4": last4 } }),
        "sepa_debit" => json!({ "type": "sepa_debit", "sepa_debit": { "last4": last4 } }),
        other => json!({ "type": other }),
    };
    let id = ledger::id("in", invoice.customer, invoice.place);
    let currency = invoice.currency.to_lowercase();
    let is_received = matches!(payment.status, "succeeded" | "refunded");
    let allocations = if is_received {
        json!([{ "invoice": id, "amount": payment.amount, "currency": currency }])
    } else {
        json!([])
    };
    json!({
        "id": payment_id(invoice, payment),
        "object": "payment",
        "invoice": id,
        "customer": World::billing_id(invoice.customer),
        "status": payment.status,
        "amount": payment.amount,
        "amount_refunded": if payment.status == "refunded" { payment.amount } else { 0 },
        "fee": payment.amount / 70,
        "currency": currency,
        "created": payment.created,
        "updated": payment.created + 60,
        "deleted_at": null,
        "payment_method": method,
        "allocations": allocations,
        "reference": format!("RF{:02}{}", invoice.place + 10, 100_000 + invoice.customer),
        "failure_message": (payment.status == "failed").then_some("Your card was declined."),
        "metadata": { "terminal": (payment.method == "card").then_some("web") },
    })
}

/// Where an invoice was paid back, there are a refund and a credit note for it.
pub(crate) fn refund_record(invoice: &Invoice) -> Option<Value> {
    let payment = invoice.payments.first().filter(|_| invoice.status == "refunded")?;
    Some(json!({
        "id": ledger::id("re", invoice.customer, invoice.place),
        "object": "refund",
        "payment": payment_id(invoice, payment),
        "customer": World::billing_id(invoice.customer),
        "amount": payment.amount,
        "currency": invoice.currency.to_lowercase(),
        "status": "succeeded",
        "reason": "requested_by_customer",
        "reference": format!("RB{:02}{}", invoice.place + 10, 100_000 + invoice.customer),
        "failure_message": null,
        "created": invoice.created + 20 * DAY,
        "updated": invoice.created + 21 * DAY,
        "deleted_at": null,
        "metadata": { "approved_by": "Dana Whitfield" },
    }))
}

pub(crate) fn credit_note_record(invoice: &Invoice) -> Option<Value> {
    (invoice.status == "refunded").then(|| {
        let id = ledger::id("cn", invoice.customer, invoice.place);
        json!({
            "id": id,
            "object": "credit_note",
            "number": format!("G-{}-{:04}", 10_000 + invoice.customer, invoice.place + 1),
            "invoice": ledger::id("in", invoice.customer, invoice.place),
            "customer": World::billing_id(invoice.customer),
            "status": "applied",
            "currency": invoice.currency.to_lowercase(),
            "created": invoice.created + 20 * DAY,
            "updated": invoice.created + 20 * DAY,
            "deleted_at": null,
            "total": invoice.total,
            "remaining": 0,
            "reason": "order_change",
            "lines": { "object": "list", "data": invoice_lines(invoice) },
            "pdf": format!("https://pay.example/c/{id}/pdf"),
            "metadata": { "cost_center": format!("CC-{}", invoice.customer % 9) },
        })
    })
}

/// The order that an invoice is for, three days before it.
pub(crate) fn order_record(world: &World, invoice: &Invoice) -> Option<Value> {
    if !has_order(invoice) {
        return None;
    }
    let placed = invoice.created - 3 * DAY;
    let (status, payment) = match invoice.status {
        "paid" => ("completed", "paid"),
        "refunded" => ("completed", "refunded"),
        "partially_paid" => ("confirmed", "partial"),
        "void" => ("canceled", "unpaid"),
        "draft" => ("pending", "unpaid"),
        "disputed" => ("on_hold", "unpaid"), // a word that no mapping knows
        _ => ("confirmed", "unpaid"),
    };
    let fulfillment = match invoice.status {
        "refunded" => "returned",
        "draft" | "void" => "none",
        "partially_paid" => "partial",
        _ => "complete",
    };
    let is_sent = matches!(fulfillment, "complete" | "returned");
    let lines = invoice.lines.iter().map(|line| {
        let mut record = line_record(invoice, line);
        if let Some(members) = record.as_object_mut() {
            members
                .insert("quantity_sent".to_owned(), json!(if is_sent { line.quantity } else { 0 }));
        }
        record
    });
    let number = format!("DX{:09}", u64::from(invoice.customer) * 100 + u64::from(invoice.place));
    let parcel = json!({
        "carrier": "Demo Express", "tracking_number": number,
        "tracking_url": format!("https://express.example/t/{number}"),
    });
    Some(json!({
        "id": ledger::id("or", invoice.customer, invoice.place),
        "object": "order",
        "number": format!("O-{}-{:04}", 10_000 + invoice.customer, invoice.place + 1),
        "customer": World::billing_id(invoice.customer),
        "invoice": ledger::id("in", invoice.customer, invoice.place),
        "status": status,
        "placed_at": placed,
        "fulfilled_at": is_sent.then_some(placed + 2 * DAY),
        "canceled_at": (status == "canceled").then_some(placed + 6 * DAY),
        "created": placed,
        "updated": placed + 2 * DAY,
        "deleted_at": null,
        "currency": invoice.currency.to_lowercase(),
        "subtotal": invoice.subtotal,
        "discount": invoice.discount,
        "shipping_cost": 0,
        "tax": invoice.tax,
        "total": invoice.total,
        "lines": { "object": "list", "data": lines.collect::<Vec<_>>() },
        "fulfillment": fulfillment,
        "payment": payment,
        "ship_to": address(world, invoice.customer),
        "parcels": if is_sent { vec![parcel] } else { Vec::new() },
        "note": null,
        "metadata": { "gift_note": (invoice.customer % 9 == 2).then_some("Alles Gute & viel Spaß!") },
    }))
}

fn address(world: &World, customer: u32) -> Value {
    let locale = world.contact(customer).locale;
    let place = |count: usize| customer as usize % count.max(1);
    let (city, state, code) =
        locale.cities.get(place(locale.cities.len())).copied().unwrap_or_default();
    let street = locale.streets.get(place(locale.streets.len())).copied().unwrap_or_default();
    json!({
        "line1": format!("{street} {}", 1 + customer % 90), "line2": null, "city": city, "state": state,
        "postal_code": code, "country": locale.country,
    })
}

pub(crate) fn subscription_record(world: &World, subscription: &Subscription) -> Value {
    let currency = currency_of(world.contact(subscription.customer).locale).to_lowercase();
    let is_canceled = subscription.status == "canceled";
    let whole = subscription.amount * subscription.quantity;
    let monthly = match subscription.status {
        "active" | "past_due" if subscription.is_yearly => whole / 12,
        "active" | "past_due" => whole,
        _ => 0,
    };
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
            "interval": if subscription.is_yearly { "year" } else { "month" },
            "interval_count": 1,
        },
        "quantity": subscription.quantity,
        "monthly_amount": monthly,
        "created": subscription.started,
        "updated": subscription.period_start,
        "deleted_at": null,
        "start_date": subscription.started,
        "current_period_start": subscription.period_start,
        "current_period_end": subscription.period_end,
        "trial_end": (subscription.status == "trialing").then_some(NOW + 9 * DAY),
        "cancel_at": subscription.ends_with_period.then_some(subscription.period_end),
        "canceled_at": is_canceled.then_some(subscription.period_start + DAY),
        "ended_at": is_canceled.then_some(subscription.period_start + DAY),
        "cancel_at_period_end": subscription.ends_with_period,
        "metadata": { "sold_by": "Alex Morgan", "seats_reported": subscription.quantity.to_string() },
    })
}
