//! Random operations with `@defer` and `@stream`, whose backends answer in random order: all parts together are the answer that comes
//! whole, for the same calls; and what comes with which part is what the reference implementation says if its pieces are done in
//! the same order.

use std::fmt::Write as _;
use std::time::Duration;

use cyclorama::engine::Format;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::needs;
use crate::oracle::setting;
use crate::testkit::{Deployment, Gateway, World, customer_id, merged};

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

/// Fields of a type: without a selection, or with one of another type.
fn fields(ty: &str) -> &'static [(&'static str, &'static str)] {
    match ty {
        "Query" => {
            &[("customer(id: ID)", "Customer"), ("customers(first: 3)", "CustomerConnection")]
        }
        "Customer" => &[
            ("id", ""),
            ("name", ""),
            ("email", ""),
            ("tags", ""),
            ("plan", ""),
            ("balance", "Money"),
            ("tickets", "Ticket"),
            ("opportunities(first: 3)", "OpportunityConnection"),
            ("invoices(first: 2)", "InvoiceConnection"),
        ],
        "CustomerConnection" => {
            &[("nodes", "Customer"), ("edges", "CustomerEdge"), ("totalCount", "")]
        }
        "CustomerEdge" => &[("cursor", ""), ("node", "Customer")],
        "OpportunityConnection" => &[("nodes", "Opportunity"), ("pageInfo", "PageInfo")],
        "InvoiceConnection" => &[("nodes", "Invoice"), ("pageInfo", "PageInfo")],
        "PageInfo" => &[("hasNextPage", ""), ("endCursor", "")],
        "Opportunity" => &[("name", ""), ("amount", "Money")],
        "Invoice" => &[
            ("number", ""),
            ("total", "Money"),
            ("lines", "InvoiceLine"),
            ("customer", "Customer"),
        ],
        "InvoiceLine" => &[("text", ""), ("amount", "Money")],
        "Ticket" => &[("id", ""), ("subject", ""), ("customer", "Customer")],
        _ => &[("amount", ""), ("currency", "")],
    }
}

const LISTS: [&str; 5] = ["tags", "tickets", "nodes", "edges", "lines"];

struct Writer {
    dice: Dice,
    labels: u32,
    left: u32,
}

impl Writer {
    fn operation(seed: u64) -> String {
        let dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1));
        let mut writer = Self { dice, labels: 0, left: 60 };
        let body = writer
            .selection("Query", 0)
            .replace("(id: ID)", &format!("(id: \"{}\")", customer_id("c4")));
        let variables: Vec<&str> =
            [("$yes", "$yes: Boolean! = true"), ("$no", "$no: Boolean! = false")]
                .into_iter()
                .filter(|(name, _)| body.contains(name))
                .map(|(_, definition)| definition)
                .collect();
        if variables.is_empty() { body } else { format!("query({}) {body}", variables.join(" ")) }
    }

    fn selection(&mut self, ty: &'static str, depth: u32) -> String {
        let mut text = "{ __typename".to_owned();
        for _ in 0..=self.dice.below(3) {
            match self.dice.below(5) {
                0 | 1 if depth < 9 && self.left > 0 => {
                    self.left -= 1;
                    let directive = self.defer();
                    let inside = self.selection(ty, depth + 1);
                    let on = if self.dice.one_in(2) { format!(" on {ty}") } else { String::new() };
                    write!(text, " ...{on}{directive} {inside}").unwrap();
                }
                _ => text.push_str(&self.field(ty, depth)),
            }
        }
        text + " }"
    }

    fn defer(&mut self) -> String {
        match self.dice.below(6) {
            0 => String::new(),
            1 => " @defer".to_owned(),
            2 => " @defer(if: $no)".to_owned(),
            3 => " @defer(if: $yes)".to_owned(),
            _ => {
                self.labels += 1;
                format!(" @defer(label: \"l{}\")", self.labels)
            }
        }
    }

    /// A streamed list may not be merged with another: it has a name of its own.
    fn stream(&mut self, field: &str) -> (String, String) {
        if !LISTS.contains(&field) {
            return (String::new(), String::new());
        }
        let directive = match self.dice.below(8) {
            0 | 1 => " @stream".to_owned(),
            2 | 3 => format!(" @stream(initialCount: {})", self.dice.below(3)),
            4 => " @stream(if: $no)".to_owned(),
            _ => return (String::new(), String::new()),
        };
        self.labels += 1;
        (format!("{field}_{}: ", self.labels), directive)
    }

    fn field(&mut self, ty: &'static str, depth: u32) -> String {
        let fields = fields(ty);
        let index = usize::try_from(self.dice.below(fields.len() as u64)).unwrap();
        let (field, returned) = fields[index];
        let (alias, stream) = self.stream(field);
        if returned.is_empty() {
            return format!(" {alias}{field}{stream}");
        }
        if depth > 6 || self.left == 0 {
            return String::new();
        }
        self.left -= 1;
        format!(" {alias}{field}{stream} {}", self.selection(returned, depth + 1))
    }
}

/// Backends that answer in an order that the seed decides; of every fourth seed billing is down.
fn gateway(seed: u64) -> Gateway {
    let mut dice = Dice(seed ^ 0xD1CE);
    let mut world =
        World { ticket_pages: usize::try_from(dice.below(4)).unwrap() + 1, ..World::default() };
    for line in [
        "support",
        "billing GET /accounts",
        "billing GET /invoices",
        "crm POST /opp",
        "crm POST /cust",
    ] {
        world.pauses.insert(line.to_owned(), Duration::from_millis(dice.below(50)));
    }
    if dice.one_in(4) {
        world.reply("billing", 500, &json!({}));
    }
    Deployment::new()
        .with_pages_of_tickets()
        .change("cyclorama.yaml", "deadline: 10s", "deadline: 10s\ncache: { enabled: false }")
        .over(world)
}

fn is_too_large(answer: &Value) -> bool {
    answer["errors"][0]["extensions"]["code"].as_str().is_some_and(|code| code.ends_with("_LIMIT"))
}

fn sorted(mut answer: Value) -> Value {
    if let Some(Value::Array(errors)) = answer.get_mut("errors") {
        errors.sort_by_key(ToString::to_string);
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn all_parts_together_are_the_answer_that_comes_whole_whatever_is_done_first() {
    let mut in_parts = 0;
    for seed in 0..150 {
        let query = Writer::operation(seed);
        let gateway = gateway(seed);
        let whole = sorted(gateway.query(&query).await);
        if is_too_large(&whole) {
            continue;
        }
        assert!(whole["data"].is_object(), "{seed}: {query}\n{whole:#}");
        let calls = gateway.lines();
        for format in [Format::Ids, Format::Paths] {
            let payloads = gateway.deliver(&query, json!({}), format).await.all().await;
            in_parts += usize::from(payloads.len() > 1);
            assert_eq!(merged(&payloads, format), whole, "{seed}: {query}\n{payloads:#?}");
            assert_eq!(gateway.lines(), calls, "{seed}: {query}");
        }
    }
    assert!(in_parts > 150, "only {in_parts} answers came in parts");
}

/// Operations with their whole answer and the parts that it comes in: from what is at hand, and from backends that answer in any order.
async fn cases() -> (String, Vec<Value>) {
    let at_hand = Deployment::new().start();
    let mut cases = Vec::new();
    let first = setting("CYCLORAMA_ORACLE_SEED", 1000);
    for seed in first..first + setting("CYCLORAMA_PARTS_CASES", 400) {
        let pausing = (seed % 2 == 0).then(|| gateway(seed));
        let gateway = pausing.as_ref().unwrap_or(&at_hand);
        let query = Writer::operation(seed);
        let mut whole = gateway.query(&query).await;
        if is_too_large(&whole) {
            continue;
        }
        let data = whole["data"].take();
        let payloads = gateway.parts(&query).await;
        cases.push(json!({ "query": query, "data": data, "payloads": payloads }));
    }
    (at_hand.engine.graph().sdl.to_string(), cases)
}

#[tokio::test(start_paused = true)]
async fn what_comes_with_which_part_is_what_the_reference_implementation_says() {
    let test = "what_comes_with_which_part_is_what_the_reference_implementation_says";
    if !needs::outside(test) {
        return;
    }
    let (sdl, cases) = cases().await;
    let input = json!({ "sdl": sdl, "cases": cases }).to_string();
    let mut node = Command::new("node")
        .arg("tests/clients/reference_parts.mjs")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = node.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let numbers: Vec<usize> = said.split_whitespace().map(|text| text.parse().unwrap()).collect();
    let [compared, pieces] = numbers[..] else { panic!("{said}") };
    assert!(compared > 300, "only {compared} answers came in parts");
    assert!(pieces > 5_000, "only {pieces} pieces");
}
