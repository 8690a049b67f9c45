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
    pub(crate) started: i64,
    pub(crate) period_start: i64,
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
    let tax = subtotal / 5;
    let total = subtotal + tax;
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

pub(crate) fn subscriptions(world: &World, customer: u32) -> impl Iterator<Item = Subscription> {
    let has_none = World::link(customer) == Link::None;
    let count = if has_none { 0 } else { world.count(customer, 2, SUBSCRIPTIONS_EACH) };
    (0..count).map(move |place| subscription(world, customer, place))
}

fn subscription(world: &World, customer: u32, place: u32) -> Subscription {
    let mut random =
        Random::of(world.seed, kind::SUBSCRIPTION, u64::from(customer) * 4 + u64::from(place));
    let (product, name, units) = random.pick(PRODUCTS);
    let months = i64::try_from(1 + random.below(30)).unwrap_or(1);
    let started = NOW - months * 30 * DAY - 5 * DAY;
    let status =
        random.pick(&["active", "active", "active", "trialing", "past_due", "canceled", "paused"]);
    let amount = price(currency_of(world.contact(customer).locale), units);
    let quantity = 1 + random.below(40);
    Subscription {
        customer,
        place,
        status,
        product: (product, name),
        amount,
        quantity,
        started,
        period_start: started + months * 30 * DAY,
    }
}

// ---- ids: `in_` and its kin, the customer's number scrambled, the place --------------------------------------------

pub(crate) fn id(prefix: &str, customer: u32, place: u32) -> String {
    format!("{prefix}_{:08x}{place:02x}", scramble(customer))
}

pub(crate) fn invoice_of_id(world: &World, id: &str) -> Option<Invoice> {
    let digits = id.strip_prefix("in_")?;
    let (customer, place) = digits.split_at_checked(8)?;
    let customer = unscramble(hexadecimal(customer)?);
    let place = hexadecimal(&format!("000000{place}"))?;
    if customer >= world.customers {
        return None;
    }
    let count = invoice_count(world, customer);
    (place < count).then(|| invoice(world, customer, place, count))
}
