//! The operations that are compared, and what varies from request to request.
//!
//! Gives: documents with their variables; operations drawn at random from what can be selected.

use serde_json::json;

use crate::world::{CUSTOMERS, INVOICES, PAGE, TICKETS};

/// One kind of request.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) document: String,
    pub(crate) varies: Varies,
    /// Each hundredth request belongs to a trace that is kept.
    pub(crate) is_traced: bool,
}

/// What the `n`th request asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Varies {
    /// Another page each time.
    Page,
    /// One of ten pages.
    FewPages,
    /// The same page each time.
    SamePage,
    /// Another customer each time.
    Customer,
    /// The same few customers.
    SameCustomers,
    /// Another address each time.
    Address,
}

impl Operation {
    pub(crate) fn page(varies: Varies) -> Self {
        Self {
            name: "Page",
            document: "query Page($page: Int!) { customers(page: $page) { name email \
                       invoices { number status total { amount currency } } \
                       tickets { subject status priority } } }"
                .to_owned(),
            varies,
            is_traced: false,
        }
    }

    pub(crate) fn one(varies: Varies) -> Self {
        Self {
            name: "One",
            document: "query One($number: String!) { customer(number: $number) { name email city segment } }"
                .to_owned(),
            varies,
            is_traced: false,
        }
    }

    pub(crate) fn mine() -> Self {
        Self {
            name: "Mine",
            document: "query Mine($email: String!) { customerByEmail(email: $email) { name \
                       tickets { subject status priority } } }"
                .to_owned(),
            varies: Varies::Address,
            is_traced: false,
        }
    }

    /// The trace that the `n`th request belongs to.
    pub(crate) fn trace(&self, n: usize) -> Option<String> {
        let is_kept = u8::from(n.is_multiple_of(100));
        self.is_traced.then(|| format!("00-{:032x}-{:016x}-{is_kept:02}", n + 1, n + 1))
    }

    /// The request's body.
    pub(crate) fn body(&self, n: usize) -> String {
        let variables = match self.varies {
            Varies::Page => json!({ "page": n % (CUSTOMERS / PAGE) }),
            Varies::FewPages => json!({ "page": n % 10 }),
            Varies::SamePage => json!({ "page": 7 }),
            Varies::Customer => {
                json!({ "number": format!("c{}", n.wrapping_mul(7919) % CUSTOMERS) })
            }
            Varies::SameCustomers => json!({ "number": format!("c{}", n % 100) }),
            Varies::Address => {
                json!({ "email": format!("c{}@example.com", n.wrapping_mul(7919) % CUSTOMERS) })
            }
        };
        json!({ "query": self.document, "operationName": self.name, "variables": variables })
            .to_string()
    }
}

/// Values of each customer that the named page asks for: two, four of each invoice, three of each ticket.
const VALUES: usize = 2 + 4 * INVOICES + 3 * TICKETS;

/// Pages with a random selection beneath: the same shapes for the same seed. They are as large as the named page, within a fifth, and
/// make as many calls: what is compared is other fields, not less work.
pub(crate) fn drawn(seed: u64, count: usize) -> Vec<Operation> {
    let mut random = Random(seed);
    let selections = std::iter::repeat_with(|| selection(&mut random));
    selections
        .filter(|drawn| drawn.values.abs_diff(VALUES) * 5 <= VALUES && drawn.lists == 2)
        .take(count)
        .map(|Selection { fields, .. }| Operation {
            name: "Drawn",
            document: format!(
                "query Drawn($page: Int!) {{ customers(page: $page) {{ {fields} }} }}"
            ),
            varies: Varies::Page,
            is_traced: false,
        })
        .collect()
}

/// Fields of a customer.
struct Selection {
    fields: String,
    /// How many values they are.
    values: usize,
    /// How many lists of other systems.
    lists: usize,
}

fn selection(random: &mut Random) -> Selection {
    let mut fields = random.some(&["number", "name", "email", "city", "segment"]);
    let mut values = fields.len();
    let chosen = random.below(3);
    if chosen != 1 {
        let invoices = random.some(&["number", "status", "memo", "total { amount currency }"]);
        let amounts = invoices.iter().filter(|field| field.starts_with("total")).count();
        values += (invoices.len() + amounts) * INVOICES;
        fields.push(format!("invoices {{ {} }}", invoices.join(" ")));
    }
    if chosen != 0 {
        let tickets = random.some(&["subject", "status", "priority"]);
        values += tickets.len() * TICKETS;
        fields.push(format!("tickets {{ {} }}", tickets.join(" ")));
    }
    let lists = if chosen == 2 { 2 } else { 1 };
    Selection { fields: fields.join(" "), values, lists }
}

/// xorshift: enough to draw operations.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// At least one of the words, in their order.
    fn some(&mut self, words: &[&str]) -> Vec<String> {
        let kept: Vec<String> =
            words.iter().filter(|_| self.below(2) == 0).map(|word| (*word).to_owned()).collect();
        if kept.is_empty() { vec![words[0].to_owned()] } else { kept }
    }
}
