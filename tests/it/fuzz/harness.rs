//! What must hold for any bytes at all: of documents, and of variables.
//!
//! The fuzz targets run these on bytes that a fuzzer chooses, the tests on seeds and on what a fuzzer once found.

use std::cell::RefCell;
use std::time::Duration;

use apollo_compiler::ast;
use cyclorama::engine::{Outcome, Request};
use cyclorama::graph::Graph;
use cyclorama::operation::{self, Operation, Variables, syntax};
use cyclorama::plan;
use cyclorama::principal::Principal;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::testkit::{Deployment, Gateway};

/// Thread time of one document, in a build that counts what it reaches: the bound itself is that of `tests/bounds`.
const MOST: Duration = Duration::from_secs(1);

struct Ground {
    gateway: Gateway,
    runtime: Runtime,
}

thread_local! {
    static GROUND: RefCell<Option<Ground>> = const { RefCell::new(None) };
}

fn on_ground(check: impl FnOnce(&Ground)) {
    GROUND.with_borrow_mut(|ground| {
        check(ground.get_or_insert_with(|| {
            Ground {
                gateway: Deployment::new()
                    .change(
                        "cyclorama.yaml",
                        "deadline: 10s",
                        "deadline: 10s\ncache: { enabled: false }",
                    )
                    .start(),
                runtime: tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .unwrap(),
            }
        }));
    });
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The verdict on a document, as a client reads it.
fn verdict(graph: &Graph, text: &str) -> Result<Operation, Vec<String>> {
    let begin = thread_time();
    let verdict = operation::prepare(graph, text, None);
    let spent = thread_time().saturating_sub(begin);
    assert!(spent < MOST, "{spent:?} of thread time");
    verdict.map_err(|errors| {
        assert!(!errors.is_empty() && errors.len() <= 100, "{} errors", errors.len());
        errors
            .iter()
            .map(|error| {
                assert!(error.message.len() < 4_096, "{}", error.message);
                format!("{} {} {:?}", error.code.as_str(), error.message, error.locations)
            })
            .collect()
    })
}

/// A document is accepted or refused, always in the same way and in time. One that is accepted can be printed and read again, costs
/// no more than its bound, and is executed: its answer is JSON with data, the same again, of no more calls than reckoned.
pub(crate) fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    on_ground(|Ground { gateway, runtime }| {
        let graph = gateway.engine.graph();
        let first = verdict(graph, text);
        match (&first, verdict(graph, text)) {
            (Ok(_), Ok(_)) => {}
            (Err(one), Err(other)) => assert_eq!(*one, other),
            (first, _) => panic!("accepted once alone: {}", first.is_ok()),
        }
        let Ok(operation) = first else { return };
        printed(graph, text, &operation);
        drop(plan::plan(graph, operation));
        let one = runtime.block_on(answered(gateway, text));
        assert_eq!(one, runtime.block_on(answered(gateway, text)));
    });
}

/// What is printed of a document means the same.
fn printed(graph: &Graph, text: &str, operation: &Operation) {
    let text = syntax::read(text).expect("it was accepted");
    let document = ast::Document::parse(text, "operation.graphql").expect("it was accepted");
    let text = document.to_string();
    if text.len() > graph.limits.document_bytes {
        return;
    }
    match operation::prepare(graph, &text, None) {
        Ok(again) => {
            assert_eq!(again.kind, operation.kind, "{text}");
            assert_eq!(again.cost.bound().to_bits(), operation.cost.bound().to_bits(), "{text}");
        }
        Err(errors) => panic!("{text}: {errors:?}"),
    }
}

/// The answer without variables, and the calls that were made for it.
async fn answered(gateway: &Gateway, text: &str) -> (Value, Vec<String>) {
    let Value::Object(extensions) = json!({ "cost": true }) else { return Default::default() };
    let request = Request { query: text.to_owned(), extensions, ..Request::default() };
    let response = gateway.engine.execute(request, &Principal::anonymous()).await;
    let mut answer: Value = serde_json::from_slice(&response.body).expect("JSON");
    let lines = gateway.lines();
    let reckoned = answer["extensions"]["cost"]["callsAtMost"].take().as_u64();
    match response.outcome {
        Outcome::Data { has_errors } => {
            assert!(answer.get("data").is_some(), "{answer}");
            assert_eq!(has_errors, answer.get("errors").is_some(), "{answer}");
            let reckoned = reckoned.expect("the cost was asked for");
            assert!(lines.len() as u64 <= reckoned, "{} calls, {reckoned} reckoned", lines.len());
        }
        Outcome::Refused(_) => {
            assert!(answer.get("data").is_none(), "{answer}");
            assert_eq!(lines, Vec::<String>::new(), "a refused request called");
        }
    }
    (answer, lines)
}

/// Operations of every kind of input, and the names of their variables in order.
const OPERATIONS: &[(&str, &[&str])] = &[
    (
        "query($a: Int, $b: String, $c: InvoiceStatus) { customers(first: $a, after: $b) { nodes { invoices(first: $a, status: $c) { nodes { id } } } } }",
        &["a", "b", "c"],
    ),
    ("query($a: [ID!]!) { customersByIds(ids: $a) { id } }", &["a"]),
    (
        "query($a: ID! = \"x\", $b: Boolean! = true) { customer(id: $a) { id @include(if: $b) name @skip(if: $b) } }",
        &["a", "b"],
    ),
    ("mutation($a: RenameInput!) { rename(input: $a) { note } }", &["a"]),
    (
        "mutation($a: ID!, $b: String!) { rename(input: { id: $a, name: $b }) { note } }",
        &["a", "b"],
    ),
    (
        "query($a: String, $b: [ID!] = [\"y\"]) { recent(region: $a) { __typename } customersByIds(ids: $b) { id } }",
        &["a", "b"],
    ),
];

/// Variables are accepted or refused, always in the same way. What they are coerced to is coerced to itself, and what is accepted
/// can be executed. The first byte chooses the operation, the rest is the variables' JSON.
pub(crate) fn variables(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let Ok(Value::Object(raw)) = serde_json::from_slice(rest) else { return };
    let Some((text, names)) = OPERATIONS.get(usize::from(*choice) % OPERATIONS.len()) else {
        return;
    };
    on_ground(|Ground { gateway, runtime }| {
        let graph = gateway.engine.graph();
        let operation = operation::prepare(graph, text, None).expect("a good operation");
        let coerced = coerced(graph, &operation, &raw);
        assert_eq!(coerced, self::coerced(graph, &operation, &raw));
        let request = Request { query: (*text).to_owned(), variables: raw, ..Request::default() };
        let response = runtime.block_on(gateway.engine.execute(request, &Principal::anonymous()));
        let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
        let lines = gateway.lines();
        let Ok(values) = coerced else {
            assert!(matches!(response.outcome, Outcome::Refused(_)), "{answer}");
            assert_eq!(lines, Vec::<String>::new(), "a refused request called");
            return;
        };
        assert!(matches!(response.outcome, Outcome::Data { .. }), "{answer}");
        let again: Map<String, Value> = names
            .iter()
            .zip(&values)
            .filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)))
            .collect();
        assert_eq!(self::coerced(graph, &operation, &again).as_ref(), Ok(&values), "{again:?}");
        assert!(operation.cost(graph, &Variables(values)).total <= operation.cost.bound());
    });
}

type Coerced = Result<Vec<Option<Value>>, Vec<String>>;

fn coerced(graph: &Graph, operation: &Operation, raw: &Map<String, Value>) -> Coerced {
    let begin = thread_time();
    let coerced = operation::coerce_variables(graph, operation, raw);
    let spent = thread_time().saturating_sub(begin);
    assert!(spent < MOST, "{spent:?} of thread time");
    match coerced {
        Ok(Variables(values)) => Ok(values),
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= 100, "{} errors", errors.len());
            Err(errors.iter().map(ToString::to_string).collect())
        }
    }
}
