//! The customers, invoices and tickets that every backend of the comparison holds: the same for everybody, made once.
//!
//! Gives: each record as the text that its system answers with.
//! Never: changes.

use std::fmt::Write as _;

pub(crate) const CUSTOMERS: usize = 10_000;
pub(crate) const PAGE: usize = 100;
pub(crate) const INVOICES: usize = 5;
pub(crate) const TICKETS: usize = 3;

/// All records, as text by customer.
pub(crate) struct World {
    pub(crate) customers: Vec<String>,
    pub(crate) invoices: Vec<String>,
    pub(crate) tickets: Vec<String>,
    pub(crate) tickets_xml: Vec<String>,
}

impl World {
    pub(crate) fn make() -> Self {
        let of = |one: fn(usize) -> String| (0..CUSTOMERS).map(one).collect();
        Self {
            customers: of(customer),
            invoices: of(invoices),
            tickets: of(tickets),
            tickets_xml: of(tickets_xml),
        }
    }
}

/// The number in `c17`, `b17`, `c17@example.com`.
pub(crate) fn number_of(key: &str) -> Option<usize> {
    let digits = key.get(1..)?.split('@').next()?;
    digits.parse().ok().filter(|number| *number < CUSTOMERS)
}

fn customer(n: usize) -> String {
    format!(
        r#"{{"id":"c{n}","name":"Customer {n}","email":"c{n}@example.com","billing":"b{n}","city":"City {}","segment":"{}"}}"#,
        n % 97,
        ["small", "middle", "large"][n % 3],
    )
}

fn invoices(n: usize) -> String {
    let mut text = String::new();
    for i in 0..INVOICES {
        let comma = if i == 0 { "" } else { "," };
        let status = if (n + i).is_multiple_of(2) { "open" } else { "paid" };
        let total = 1_000 + n * 7 + i * 13;
        let number = n * INVOICES + i;
        write!(
            text,
            r#"{comma}{{"id":"in_{number}","account":"b{n}","number":"R-{number:06}","status":"{status}","total":{total},"currency":"EUR","memo":"Order {number}, thank you"}}"#,
        )
        .unwrap_or_default();
    }
    text
}

fn subject(number: usize) -> String {
    format!("Question {number} about an order")
}

fn tickets(n: usize) -> String {
    let mut text = String::new();
    for i in 0..TICKETS {
        let comma = if i == 0 { "" } else { "," };
        let number = n * TICKETS + i;
        write!(
            text,
            r#"{comma}{{"id":"t{number}","email":"c{n}@example.com","subject":"{}","status":"{}","priority":{}}}"#,
            subject(number),
            ["new", "open", "closed"][number % 3],
            number % 4,
        )
        .unwrap_or_default();
    }
    text
}

fn tickets_xml(n: usize) -> String {
    let mut text = String::new();
    for i in 0..TICKETS {
        let number = n * TICKETS + i;
        write!(
            text,
            "<t:ticket><t:id>t{number}</t:id><t:email>c{n}@example.com</t:email><t:subject>{}</t:subject><t:status>{}</t:status><t:priority>{}</t:priority></t:ticket>",
            subject(number),
            ["new", "open", "closed"][number % 3],
            number % 4,
        )
        .unwrap_or_default();
    }
    text
}
