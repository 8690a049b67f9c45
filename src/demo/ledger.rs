//! The demo's invoices, payments, credit notes and subscriptions, in whole minor units.

use super::names::PRODUCTS;
use super::places::Locale;
use super::random::{Random, scramble, unscramble};
use super::world::{DAY, Link, NOW, World, hexadecimal, kind};

const INVOICES_EACH: u64 = 12;
const SUBSCRIPTIONS_EACH: u64 = 2;

#[derive(Debug)]
pub(crate) struct Invoice {
    pub(crate) customer: u32,
    pub(crate) place: u32,
    pub(crate) status: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) created: i64,
    pub(crate) due: i64,
    pub(crate) paid_at: Option<i64>,
    pub(crate) voided_at: Option<i64>,
    pub(crate) lines: Vec<Line>,
    pub(crate) subtotal: u64,
    pub(crate) discount: u64,
    pub(crate) tax: u64,
    pub(crate) total: u64,
    pub(crate) paid: u64,
    pub(crate) remaining: u64,
    pub(crate) payments: Vec<Payment>,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) product: &'static str,
    pub(crate) description: &'static str,
    pub(crate) quantity: u64,
    pub(crate) unit_amount: u64,
}

#[derive(Debug)]
pub(crate) struct Payment {
    pub(crate) place: u32,
    pub(crate) status: &'static str,
    pub(crate) amount: u64,
    pub(crate) created: i64,
    pub(crate) method: &'static str,
    pub(crate) last4: u64,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) customer: u32,
    pub(crate) place: u32,
    pub(crate) status: &'static str,
    pub(crate) product: (&'static str, &'static str),
    pub(crate) amount: u64,
    pub(crate) quantity: u64,
    pub(crate) is_yearly: bool,
    pub(crate) started: i64,
    pub(crate) period_start: i64,
    pub(crate) period_end: i64,
    pub(crate) ends_with_period: bool,
}

pub(crate) fn currency_of(locale: &Locale) -> &'static str {
    locale.currency
}

/// A price of whole units of a middling currency, in the minor units of this one.
fn price(currency: &str, units: u64) -> u64 {
    match currency {
        "JPY" => units * 150,     // no minor unit
        "KWD" => units * 330 + 5, // a thousand fils to the dinar
        "SEK" => units * 1100 - 10,
        "PLN" => units * 430 - 1,
        _ => units * 100 - 10,
    }
}

/// How many invoices a customer has. The second record of an ambiguous address has none.
pub(crate) fn invoice_count(world: &World, customer: u32) -> u32 {
    if World::link(customer) == Link::None { 0 } else { world.count(customer, 1, INVOICES_EACH) }
}

/// A customer's invoices, newest first.
pub(crate) fn invoices(world: &World, customer: u32) -> impl Iterator<Item = Invoice> {
    let count = invoice_count(world, customer);
    (0..count).rev().map(move |place| invoice(world, customer, place, count))
}

fn invoice(world: &World, customer: u32, place: u32, count: u32) -> Invoice {
    let mut random =
        Random::of(world.seed, kind::INVOICE, u64::from(customer) * 16 + u64::from(place));
    let currency = currency_of(world.contact(customer).locale);
    let is_newest = place + 1 == count;
    let status = match random.below(100) {
        chance if is_newest => match chance {
            0..10 => "draft",
            10..45 => "open",
            45..60 => "overdue",
            60..75 => "partially_paid",
            _ => "paid",
        },
        0..86 => "paid",
        86..89 => "void",
        89..92 => "uncollectible",
        92..96 => "refunded",
        96..98 => "overdue",
        _ => "disputed", // a word that no mapping knows
    };
    let created = NOW - DAY * (30 * i64::from(count - place) - 12)
        + 60 * i64::try_from(random.below(1440)).unwrap_or(0);
    let lines = lines(&mut random, currency);
    let subtotal: u64 = lines.iter().map(|line| line.quantity * line.unit_amount).sum();
    // every fifth invoice has something taken off
    let discount = if place % 5 == 3 { subtotal / 10 } else { 0 };
    let tax = (subtotal - discount) / 5;
    let total = subtotal - discount + tax;
    let paid = match status {
        "paid" | "refunded" => total,
        "partially_paid" => total / 3,
        _ => 0,
    };
    let remaining = if status == "void" { 0 } else { total - paid };
    let paid_at = matches!(status, "paid" | "refunded").then_some(created + 9 * DAY);
    let voided_at = (status == "void").then_some(created + 3 * DAY);
    let due = created + 14 * DAY;
    let payments = payments(&mut random, status, paid, total, created);
    Invoice {
        customer,
        place,
        status,
        currency,
        created,
        due,
        paid_at,
        voided_at,
        lines,
        subtotal,
        discount,
        tax,
        total,
        paid,
        remaining,
        payments,
    }
}

fn lines(random: &mut Random, currency: &str) -> Vec<Line> {
    let count = 1 + random.below(4);
    let mut line = || {
        let (product, description, units) = random.pick(PRODUCTS);
        Line {
            product,
            description,
            quantity: 1 + random.below(12),
            unit_amount: price(currency, units),
        }
    };
    (0..count).map(|_| line()).collect()
}

fn payments(
    random: &mut Random,
    status: &str,
    paid: u64,
    total: u64,
    created: i64,
) -> Vec<Payment> {
    let method = random.pick(&["card", "card", "sepa_debit", "customer_balance", "crypto"]);
    let last4 = random.below(10_000);
    let attempt = |place, status, amount, days| Payment {
        place,
        status,
        amount,
        created: created + days * DAY,
        method,
        last4,
    };
    match status {
        "refunded" => vec![attempt(0, "refunded", total, 9)],
        "paid" if random.chance(15) => {
            vec![attempt(0, "failed", total, 5), attempt(1, "succeeded", total, 9)]
        }
        "paid" => vec![attempt(0, "succeeded", total, 9)],
        "partially_paid" => vec![attempt(0, "succeeded", paid, 6)],
        "overdue" => vec![attempt(0, "failed", total, 14)],
        "open" if random.chance(20) => vec![attempt(0, "processing", total, 1)],
        _ => Vec::new(),
    }
}

/// What a customer owes: minor units of their currency.
pub(crate) fn balance_due(world: &World, customer: u32) -> u64 {
    invoices(world, customer)
        .filter(|invoice| {
            matches!(invoice.status, "open" | "overdue" | "partially_paid" | "disputed")
        })
        .map(|invoice| invoice.remaining)
        .sum()
}

pub(crate) fn subscription_count(world: &World, customer: u32) -> u32 {
    if World::link(customer) == Link::None {
        0
    } else {
        world.count(customer, 2, SUBSCRIPTIONS_EACH)
    }
}

pub(crate) fn subscriptions(world: &World, customer: u32) -> impl Iterator<Item = Subscription> {
    let count = subscription_count(world, customer);
    (0..count).map(move |place| subscription(world, customer, place))
}

pub(crate) fn subscription(world: &World, customer: u32, place: u32) -> Subscription {
    let mut random =
        Random::of(world.seed, kind::SUBSCRIPTION, u64::from(customer) * 4 + u64::from(place));
    let (product, name, units) = random.pick(PRODUCTS);
    let months = i64::try_from(1 + random.below(30)).unwrap_or(1);
    let started = NOW - months * 30 * DAY - 5 * DAY;
    let status =
        random.pick(&["active", "active", "active", "trialing", "past_due", "canceled", "paused"]);
    let monthly = price(currency_of(world.contact(customer).locale), units);
    let quantity = 1 + random.below(40);
    // ten months' price for a year
    let is_yearly = (customer + place) % 5 == 4;
    let (amount, period) = if is_yearly { (monthly * 10, 365 * DAY) } else { (monthly, 30 * DAY) };
    let period_start = started + (NOW - started) / period * period;
    Subscription {
        customer,
        place,
        status,
        product: (product, name),
        amount,
        quantity,
        is_yearly,
        started,
        period_start,
        period_end: period_start + period,
        ends_with_period: status == "active" && customer % 7 == 3,
    }
}

/// An invoice with an even number is for an order, the others are for what is subscribed to.
pub(crate) fn has_order(invoice: &Invoice) -> bool {
    invoice.place.is_multiple_of(2)
}

// ---- ids: `in_` and its kin, the customer's number scrambled, the place --------------------------------------------

pub(crate) fn id(prefix: &str, customer: u32, place: u32) -> String {
    format!("{prefix}_{:08x}{place:02x}", scramble(customer))
}

/// The customer and the place that an id names, and what comes after them.
fn place_of_id<'a>(world: &World, prefix: &str, id: &'a str) -> Option<(u32, u32, &'a str)> {
    let digits = id.strip_prefix(prefix)?.strip_prefix('_')?;
    let (customer, rest) = digits.split_at_checked(8)?;
    let (place, rest) = rest.split_at_checked(2)?;
    let customer = unscramble(hexadecimal(customer)?);
    let place = hexadecimal(&format!("000000{place}"))?;
    (customer < world.customers).then_some((customer, place, rest))
}

pub(crate) fn invoice_of_id(world: &World, id: &str) -> Option<Invoice> {
    invoice_for(world, "in", id)
}

/// The invoice from which something with this id was made: a refund, a credit note, an order.
pub(crate) fn invoice_for(world: &World, prefix: &str, id: &str) -> Option<Invoice> {
    let (customer, place, rest) = place_of_id(world, prefix, id)?;
    let count = invoice_count(world, customer);
    (place < count && rest.is_empty()).then(|| invoice(world, customer, place, count))
}

/// The invoice of a payment, and which of its payments it is.
pub(crate) fn payment_of_id(world: &World, id: &str) -> Option<(Invoice, usize)> {
    let (customer, place, rest) = place_of_id(world, "py", id)?;
    let count = invoice_count(world, customer);
    let invoice = (place < count).then(|| invoice(world, customer, place, count))?;
    let number = rest.parse().ok().filter(|_| rest.len() == 1)?;
    (number < invoice.payments.len()).then_some((invoice, number))
}

pub(crate) fn subscription_of_id(world: &World, id: &str) -> Option<Subscription> {
    let (customer, place, rest) = place_of_id(world, "sub", id)?;
    let is_there = rest.is_empty() && place < subscription_count(world, customer);
    is_there.then(|| subscription(world, customer, place))
}
