//! The calls that an operation can come to: never more are made than were told, whatever backends do.

use serde_json::{Value, json};

use crate::cost::asked;
use crate::testkit::{Call, Deployment, Gateway, Mood, World, customer_id, id};

/// Numbers that look random and are the same every time, the aliases so far, and what lists of invoices are narrowed by.
struct Numbers(u64, u64, &'static str);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// An alias that no other field has.
    fn alias(&mut self) -> u64 {
        self.1 += 1;
        self.1
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// Several selections of a customer.
    fn customer(&mut self, depth: u32) -> String {
        let (mut text, narrowed) = ("id ".to_owned(), self.2);
        for _ in 0..=self.below(4) {
            let next = match self.below(if depth > 3 { 4 } else { 11 }) {
                0 => "name ".to_owned(),
                1 => "plan ".to_owned(),
                2 => "balance { amount } ".to_owned(),
                3 => "sourceStatus { state } ".to_owned(),
                4 | 5 => {
                    format!("a{}: tickets {{ subject {} }} ", self.alias(), self.ticket(depth))
                }
                6 | 7 => format!(
                    "i{}: invoices(first: {}{}) {{ nodes {{ number {} }} }} ",
                    self.alias(),
                    self.pick(&["1", "3", "10", "25", "$n", "null"]),
                    narrowed,
                    if self.below(3) == 0 {
                        format!("customer {{ {} }}", self.customer(depth + 1))
                    } else {
                        String::new()
                    }
                ),
                8 => format!(
                    "o{}: opportunities(first: {}) {{ nodes {{ name }} pageInfo {{ hasNextPage }} }} ",
                    self.alias(),
                    self.pick(&["1", "4", "$n"])
                ),
                9 => format!("... @include(if: $yes) {{ {} }} ", self.customer(depth + 1)),
                _ => format!("... @skip(if: $yes) {{ {} }} ", self.customer(depth + 1)),
            };
            text.push_str(&next);
        }
        text
    }

    fn ticket(&mut self, depth: u32) -> String {
        if self.below(2) == 0 {
            String::new()
        } else {
            format!("customer {{ {} }}", self.customer(depth + 1))
        }
    }

    fn query(&mut self) -> String {
        let mut text = "query($n: Int $ids: [ID!]! $yes: Boolean! $id: ID!) { all: customersByIds(ids: $ids) { id } skipped: customer(id: $id) @skip(if: $yes) { id } few: customers(first: $n) { totalCount } ".to_owned();
        for number in 0..=self.below(3) {
            let customer = self.customer(0);
            let next = match self.below(5) {
                0 => format!("r{number}: customer(id: $id) {{ {customer} }} "),
                1 => format!(
                    "r{number}: customers(first: {}) {{ nodes {{ {customer} }} }} ",
                    self.pick(&["1", "8", "$n", "60"])
                ),
                2 => format!("r{number}: customersByIds(ids: $ids) {{ {customer} }} "),
                3 => format!(
                    "r{number}: customerByEmail(email: \"c3@example.com\") {{ {customer} }} "
                ),
                _ => format!(
                    "r{number}: invoice(id: \"{}\") {{ customer {{ {customer} }} }} ",
                    id("Invoice", "billing", "i4-2")
                ),
            };
            text.push_str(&next);
        }
        text + "}"
    }
}

/// A deployment without a cache, and with limits that random operations keep to.
fn deployment() -> Deployment {
    let settings = "deadline: 10s\ncost: { mode: measure }\ncache: { enabled: false }\nlimits: { steps: 100000, aliases: 1000, duplicates: 1000, \
                    selections: 100000, root_fields: 100, key_bytes: 60 }";
    Deployment::new().change("cyclorama.yaml", "deadline: 10s", settings)
}

/// What became of random operations.
#[derive(Debug, Default)]
struct Seen {
    /// As many calls as were told at the most.
    at_most: u32,
    as_planned: u32,
    beyond_planned: u32,
    most: u64,
}

/// Runs random operations, and holds the calls of each to what `extensions.cost` and `explain` told.
async fn run(gateway: &Gateway, start: u64, cases: u64, ids: &[String]) -> Seen {
    run_with(gateway, Numbers(start, 0, ""), cases, ids).await
}

async fn run_with(gateway: &Gateway, mut numbers: Numbers, cases: u64, ids: &[String]) -> Seen {
    let mut seen = Seen::default();
    for case in 0..cases {
        let query = numbers.query();
        let count = usize::try_from(numbers.below(9)).unwrap();
        let first = [json!(2), json!(8), json!(null), json!(60)];
        let first = &first[usize::try_from(numbers.below(4)).unwrap()];
        let variables =
            json!({ "n": first, "ids": ids[..count], "yes": numbers.below(2) == 0, "id": ids[3] });
        let (answer, _) = asked(gateway, &query, variables.clone()).await;
        let cost = &answer["extensions"]["cost"];
        let told =
            |name: &str| cost[name].as_u64().unwrap_or_else(|| panic!("{case}: {answer}\n{query}"));
        let (planned, at_most) = (told("callsPlanned"), told("callsAtMost"));
        let lines = gateway.lines();
        let made = lines.len() as u64;
        assert!(
            made <= at_most,
            "{case}: {made} calls, {at_most} told\n{query}\n{variables}\n{lines:#?}"
        );
        assert!(planned <= at_most, "{case}: {planned} planned, {at_most} at most\n{query}");
        let explained = gateway.engine.explain_with(&query, None, variables.as_object()).unwrap();
        assert!(
            explained.calls_at_most >= at_most,
            "{case}: skipped fields are explained too\n{query}"
        );
        let anything = gateway.engine.explain(&query, None).unwrap().calls_at_most;
        assert!(
            anything >= explained.calls_at_most,
            "{case}: {anything} for any variables\n{query}"
        );
        seen.at_most += u32::from(made == at_most);
        seen.as_planned += u32::from(made == planned);
        seen.beyond_planned += u32::from(made > planned);
        seen.most = seen.most.max(made);
    }
    seen
}

fn ids(suffix: &str) -> Vec<String> {
    (1..=8).map(|number| customer_id(&format!("c{number}{suffix}"))).collect()
}

#[tokio::test]
async fn no_operation_makes_more_calls_than_were_reckoned() {
    let world = World { opportunity_pages: 3, ..World::default() };
    let seen = run(&deployment().over(world), 2026, 100, &ids("")).await;
    // what is planned is met, and not by doing nothing
    assert!(seen.as_planned >= 2 && seen.beyond_planned == 0 && seen.most >= 20, "{seen:?}");
}

#[tokio::test]
async fn lists_that_look_up_what_they_name_make_no_more_calls_than_were_told() {
    let named = deployment().change(
        "resolvers/billing/test.yaml",
        "{ call: invoices, from: billingId }",
        "{ call: invoices, from: billingId, reference: id, by: .id }",
    );
    let gateway = named.over(World::default());
    let seen = run_with(&gateway, Numbers(19, 0, ", status: UNKNOWN"), 40, &ids("")).await;
    assert!(seen.beyond_planned == 0 && seen.most >= 20, "{seen:?}");
}

/// Every call that takes a batch of keys says what is to be done when it is refused.
fn splitting(deployment: Deployment) -> Deployment {
    deployment
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 10 }",
            "batch: { keys: 10, split_on: [422] }",
        )
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 100 }\n    body: { customers",
            "batch: { keys: 100, split_on: [422] }\n    body: { customers",
        )
        .change(
            "resolvers/billing/test.yaml",
            "batch: { keys: 100 }\n    records: .accounts[]\n    answers: .id",
            "batch: { keys: 4, split_on: [422] }\n    records: .accounts[]\n    answers: .id",
        )
        .change(
            "resolvers/billing/test.yaml",
            "batch: { keys: 100 }\n    records: .accounts[]\n    answers: .email",
            "batch: { keys: 100, split_on: [422] }\n    records: .accounts[]\n    answers: .email",
        )
        .change(
            "resolvers/support/test.yaml",
            "batch: { keys: 100 }",
            "batch: { keys: 100, split_on: [422] }",
        )
}

#[tokio::test]
async fn backends_that_refuse_every_chunk_get_no_more_calls_than_were_told() {
    let mood = Mood { refuses_chunks: true, ..Mood::default() };
    let gateway = splitting(deployment()).over(World { mood, ..World::default() });
    let seen = run(&gateway, 7, 50, &ids("")).await;
    assert!(seen.beyond_planned >= 10 && seen.most >= 40, "{seen:?}");
}

#[tokio::test]
async fn backends_that_drip_get_no_more_calls_than_were_told() {
    let mood = Mood { drips: true, ..Mood::default() };
    let gateway = deployment().over(World { mood, ..World::default() });
    let seen = run(&gateway, 11, 50, &ids("")).await;
    assert!(seen.beyond_planned >= 10 && seen.most >= 40, "{seen:?}");
}

#[tokio::test]
async fn backends_that_refuse_chunks_and_drip_get_no_more_calls_than_were_told() {
    let mood = Mood { refuses_chunks: true, drips: true };
    let gateway = splitting(deployment()).over(World { mood, ..World::default() });
    let seen = run(&gateway, 13, 30, &ids("")).await;
    assert!(seen.beyond_planned >= 10 && seen.most >= 60, "{seen:?}");
}

/// Chunks end by their bytes long before they are full.
fn narrow(deployment: Deployment) -> Deployment {
    deployment
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 3, parallel: 2, split_on: [422] }",
            "batch: { keys: 8, bytes: 130, parallel: 2 }",
        )
        .change("resolvers/crm/test.yaml", "batch: { keys: 10 }", "batch: { keys: 10, bytes: 61 }")
        .change(
            "resolvers/crm/test.yaml",
            "batch: { keys: 100 }\n    body: { customers",
            "batch: { keys: 100, bytes: 200 }\n    body: { customers",
        )
        .change(
            "resolvers/support/test.yaml",
            "batch: { keys: 100 }",
            "batch: { keys: 50, bytes: 20 }",
        )
}

#[tokio::test]
async fn long_keys_make_no_more_calls_than_were_told() {
    let suffix = "-long".repeat(11);
    let mut world = World::default();
    for customer in &mut world.customers {
        customer["id"] = json!(format!("{}{suffix}", customer["id"].as_str().unwrap()));
    }
    for opportunity in &mut world.opportunities {
        opportunity["customer"] =
            json!(format!("{}{suffix}", opportunity["customer"].as_str().unwrap()));
    }
    let gateway = narrow(deployment()).over(world);
    let seen = run(&gateway, 17, 100, &ids(&suffix)).await;
    assert!(seen.beyond_planned >= 8 && seen.most >= 20, "{seen:?}");
}

fn bodies(calls: &[Call], path: &str) -> Vec<Value> {
    calls.iter().filter(|call| call.path == path).map(|call| call.body.clone()).collect()
}

#[tokio::test]
async fn the_most_calls_are_made_when_every_chunk_is_refused_down_to_its_keys() {
    let mood = Mood { refuses_chunks: true, ..Mood::default() };
    let gateway = deployment().over(World { mood, ..World::default() });
    let query = "query($ids: [ID!]!) { customersByIds(ids: $ids) { name } }";
    let (answer, _) = asked(&gateway, query, json!({ "ids": ids("")[..7] })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    // chunks of three, three and one: 5 + 5 + 1
    assert_eq!(answer["extensions"]["cost"]["callsPlanned"], 3);
    assert_eq!(answer["extensions"]["cost"]["callsAtMost"], 11);
    let calls = gateway.calls();
    assert_eq!(bodies(&calls, "/customers/batch").len(), 11, "{calls:#?}");
    let explained =
        gateway.engine.explain_with(query, None, json!({ "ids": ids("")[..7] }).as_object());
    let explained = explained.unwrap();
    let text = explained.to_text();
    assert!(text.contains("calls: 3 planned; at most 11 when backends refuse chunks"), "{text}");
    assert_eq!(explained.to_json()["callsMoreWhen"], json!(["chunksRefused"]));
    assert!(explained.to_mermaid().contains("3 planned; at most 11"), "{}", explained.to_mermaid());
}

#[tokio::test]
async fn pages_of_records_that_are_nobodys_end_at_the_bound_of_pages() {
    let gateway = deployment()
        .change(
            "resolvers/billing/test.yaml",
            "    records: .data[]\n",
            "    records: .data[]\n    answers: .account\n",
        )
        .start();
    gateway.world(|world| {
        // of every nine that are shown, one is the account's own
        let account = |number: u32| if number % 9 == 8 { "b2" } else { "of-somebody-else" };
        let invoice = |number: u32| {
            json!({
                "id": format!("x{number}"), "number": format!("{number}"), "account": account(number), "shown_to": "b2",
            })
        };
        world.invoices = (0..100).map(invoice).collect();
    });
    let query = format!(
        "{{ customer(id: \"{}\") {{ invoices(first: 9) {{ nodes {{ number }} }} }} }}",
        customer_id("c2")
    );
    let (answer, _) = asked(&gateway, &query, json!({})).await;
    let nodes = answer["data"]["customer"]["invoices"]["nodes"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(nodes.len(), 5, "one of each page: {answer}");
    let pages = gateway.lines().iter().filter(|line| line.ends_with("/invoices")).count();
    assert_eq!(pages, 5, "max_pages");
}

// ---- how long a key may be -----------------------------------------------------------------------------------------

#[tokio::test]
async fn a_key_that_is_too_long_is_refused_at_its_field_and_nothing_is_called_for_it() {
    let gateway = deployment().start();
    let long = "x".repeat(61);
    let asked_for =
        |id: &str| format!("{{ customer(id: \"{id}\") {{ name }} weather(place: \"a\") }}");
    let answer = gateway.query(&asked_for(&customer_id(&long))).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "KEY_BYTES_LIMIT", "{answer}");
    assert_eq!(error["path"], json!(["customer"]));
    assert!(error["message"].as_str().unwrap().contains("limits.key_bytes"), "{error}");
    assert_eq!(answer["data"]["weather"], "a in nowhere");
    assert_eq!(gateway.lines(), ["crm GET /weather"]);
    gateway.data(&asked_for(&customer_id(&long[..60]))).await;
}

#[tokio::test]
async fn a_record_with_a_key_that_is_too_long_fails_alone() {
    let gateway = deployment().start();
    gateway.world(|world| {
        world.customers[1]["email"] = json!(format!("{}@example.com", "y".repeat(60)));
    });
    let query = "{ customers(first: 3) { nodes { name tickets { subject } } } }";
    let answer = gateway.query(query).await;
    let errors = answer["errors"].as_array().expect("an error");
    assert_eq!(errors.len(), 1, "{answer:#}");
    assert_eq!(errors[0]["extensions"]["code"], "KEY_BYTES_LIMIT");
    assert_eq!(errors[0]["path"], json!(["customers", "nodes", 1, "tickets"]));
    assert_eq!(answer["data"]["customers"]["nodes"][2]["tickets"][0]["subject"], "Ticket 3");
}
