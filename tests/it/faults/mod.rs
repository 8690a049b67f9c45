//! What goes wrong in the world, over real sockets: each backend in turn and in pairs, under load. Asserted is what clients saw (data,
//! codes, paths) and what backends received (requests, by path).

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use cyclorama::backend::figures::{Figures, Phase};
use cyclorama::demo::{self, Role};
use cyclorama::engine::{Engine, Request};
use cyclorama::principal::Principal;
use cyclorama::value::opaque_id;
use futures_util::future::join_all;
use serde_json::{Value, json};
use server::{Fault, FaultyServer};

use crate::site::{Setup, engine};

const QUERY: &str = "query ($id: ID!) { customer(id: $id) { displayName balance { amount } tickets { nodes { subject } } } }";

/// The fields of the query, and who fills them.
const FIELDS: [(Role, &str); 3] =
    [(Role::Crm, "displayName"), (Role::Billing, "balance"), (Role::Support, "tickets")];

/// Operations at once.
const LOAD: usize = 8;

/// Time enough for a loaded machine where an answer comes, and little where none does.
const PATIENT: &str =
    "timeout: 20s, retry: { base: 5ms, budget: { per_second: 100 } }, breaker: { enabled: false }";
const HURRIED: &str = "timeout: 400ms, retry: { base: 5ms, budget: { per_second: 100 } }, breaker: { enabled: false }";

/// The demo's backends behind servers that may fail, and a gateway before these.
struct Stage {
    _backends: Arc<demo::Backends>,
    servers: BTreeMap<Role, FaultyServer>,
    engine: Arc<Engine>,
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").split('/').next().unwrap().parse().unwrap()
}

impl Stage {
    /// Each role with the policy that suits what is wrong with it.
    async fn new(backends: &Arc<demo::Backends>, faults: &[(Role, Fault)]) -> Self {
        let is_held = |role: Role| {
            faults.contains(&(role, Fault::BlackHole)) || faults.contains(&(role, Fault::Dribble))
        };
        Self::with(backends, faults, |role| if is_held(role) { HURRIED } else { PATIENT }).await
    }

    async fn with(
        backends: &Arc<demo::Backends>,
        faults: &[(Role, Fault)],
        policy: impl Fn(Role) -> &'static str,
    ) -> Self {
        let mut servers = BTreeMap::new();
        let mut environment = BTreeMap::new();
        for (role, (name, url)) in Role::ALL.into_iter().zip(backends.environment()) {
            let fault = faults.iter().find(|(one, _)| *one == role);
            let fault = fault.map_or(Fault::None, |(_, fault)| *fault);
            let server = FaultyServer::before(address(&url), fault).await;
            environment.insert(name.to_owned(), server.url(&url));
            servers.insert(role, server);
        }
        let roles =
            Role::ALL.map(|role| format!("  {role}: {{ vendor: demo, {} }}\n", policy(role)));
        let config = "deadline: 30s\ncache: { enabled: false }\n".to_owned();
        let (engine, _) =
            engine(environment, &roles.concat(), &Setup { config, ..Setup::default() });
        Self { _backends: Arc::clone(backends), servers, engine }
    }

    async fn answer(&self, id: &str) -> Value {
        self.ask(QUERY, id).await
    }

    async fn ask(&self, query: &str, id: &str) -> Value {
        let variables = json!({ "id": id });
        let request = Request {
            query: query.to_owned(),
            variables: variables.as_object().unwrap().clone(),
            ..Request::default()
        };
        let response = self.engine.execute(request, &Principal::anonymous()).await;
        serde_json::from_slice(&response.body).unwrap()
    }

    async fn answers(&self, ids: &[String]) -> Vec<Value> {
        join_all(ids.iter().map(|id| self.answer(id))).await
    }

    fn figures(&self, role: Role) -> Figures {
        let all = self.engine.backends();
        all.into_iter().find(|one| *one.role == *role.as_str()).unwrap()
    }
}

async fn backends() -> Arc<demo::Backends> {
    Arc::new(
        demo::start(demo::Options { customers: 60, ..demo::Options::default() }).await.unwrap(),
    )
}

/// Customers who are one request to each backend, what is answered for them, and which requests that are.
struct Norm {
    ids: Vec<String>,
    answers: Vec<Value>,
    paths: BTreeMap<Role, BTreeMap<String, usize>>,
}

async fn norm(backends: &Arc<demo::Backends>) -> Norm {
    let (mut ids, mut number) = (Vec::new(), 1_001);
    let stage = Stage::new(backends, &[]).await;
    while ids.len() < LOAD {
        let id = opaque_id("Customer", "crm", &number.to_string());
        let before: Vec<usize> = stage.servers.values().map(FaultyServer::count).collect();
        let answer = stage.answer(&id).await;
        assert!(answer["data"]["customer"].is_object(), "too few are plain: {answer:#}");
        let mut counts = stage.servers.values().map(FaultyServer::count).zip(before);
        if answer["data"]["customer"]["balance"].is_object()
            && counts.all(|(now, before)| now == before + 1)
        {
            ids.push(id);
        }
        number += 1;
    }
    let stage = Stage::new(backends, &[]).await;
    let answers = stage.answers(&ids).await;
    let paths = stage.servers.iter().map(|(role, server)| (*role, server.seen())).collect();
    Norm { ids, answers, paths }
}

/// What clients see of a fault, if they see it, and how many requests it takes.
fn expected(fault: Fault) -> (Option<&'static str>, usize) {
    match fault {
        Fault::None | Fault::SlowFirstByte => (None, 1),
        Fault::Flapping(times) => (None, times + 1),
        Fault::BlackHole | Fault::Dribble => (Some("BACKEND_TIMEOUT"), 3),
        Fault::WrongLength | Fault::WrongType => (Some("BACKEND_INVALID_ANSWER"), 1),
        Fault::Throttled => (Some("BACKEND_RATE_LIMITED"), 3),
        Fault::Refused
        | Fault::Reset
        | Fault::Truncated
        | Fault::MalformedChunks
        | Fault::Unavailable
        | Fault::Tls
        | Fault::Dns => (Some("BACKEND_UNAVAILABLE"), 3),
    }
}

/// Whether requests reach the server at all.
fn is_heard(fault: Fault) -> bool {
    !matches!(fault, Fault::Refused | Fault::Tls | Fault::Dns)
}

async fn check(backends: &Arc<demo::Backends>, norm: &Norm, faults: &[(Role, Fault)]) {
    let stage = Stage::new(backends, faults).await;
    let answers = stage.answers(&norm.ids).await;
    let of = |role: Role| {
        let fault = faults.iter().find(|(one, _)| *one == role);
        expected(fault.map_or(Fault::None, |(_, fault)| *fault))
    };
    // billing and support are asked by what the CRM says
    let is_crm_dead = of(Role::Crm).0.is_some();
    for (answer, good) in answers.iter().zip(&norm.answers) {
        let mut codes = BTreeMap::new();
        for (role, field) in FIELDS {
            let code = match of(role).0 {
                _ if is_crm_dead && role != Role::Crm => Some("SOURCE_UNAVAILABLE"),
                code => code,
            };
            let value = &answer["data"]["customer"][field];
            match code {
                Some(code) => {
                    assert!(value.is_null(), "{faults:?}: {field}: {answer:#}");
                    codes.insert(format!("customer.{field}"), code);
                }
                None => assert_eq!(value, &good["data"]["customer"][field], "{faults:?}: {field}"),
            }
        }
        assert_eq!(
            told(answer),
            codes.into_iter().map(|(path, code)| (path, code.to_owned())).collect(),
            "{faults:?}"
        );
    }
    for role in Role::ALL {
        let fault = faults.iter().find(|(one, _)| *one == role).map_or(Fault::None, |one| one.1);
        let attempts = if is_crm_dead && role != Role::Crm { 0 } else { of(role).1 };
        let figures = stage.figures(role);
        let calls = if attempts == 0 { 0 } else { LOAD as u64 };
        assert_eq!(
            (figures.calls, figures.attempts),
            (calls, calls * attempts as u64),
            "{faults:?}: {role}"
        );
        let heard = if is_heard(fault) { attempts } else { 0 };
        let paths = norm.paths[&role].iter().map(|(path, count)| (path.clone(), count * heard));
        let paths: BTreeMap<String, usize> = paths.filter(|(_, count)| *count > 0).collect();
        assert_eq!(stage.servers[&role].seen(), paths, "{faults:?}: {role}");
        assert_eq!((figures.in_flight, figures.waiting), (0, 0), "{faults:?}: {role}");
    }
}

/// The errors of an answer, by their paths.
fn told(answer: &Value) -> BTreeMap<String, String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    let told = errors.map(|error| {
        let path = error["path"].as_array().unwrap().iter().map(|one| one.as_str().unwrap_or("#"));
        let code = error["extensions"]["code"].as_str().unwrap().to_owned();
        (path.collect::<Vec<_>>().join("."), code)
    });
    told.collect()
}

async fn check_each_fault_of(role: Role) {
    let backends = backends().await;
    let norm = norm(&backends).await;
    for fault in Fault::ALL {
        check(&backends, &norm, &[(role, fault)]).await;
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_the_crm_is_told_as_it_is() {
    check_each_fault_of(Role::Crm).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_billing_leaves_the_others_as_they_are() {
    check_each_fault_of(Role::Billing).await;
}

#[tokio::test]
async fn whatever_is_wrong_with_support_leaves_the_others_as_they_are() {
    check_each_fault_of(Role::Support).await;
}

#[tokio::test]
async fn two_backends_that_fail_at_once_fail_each_in_its_own_way() {
    let backends = backends().await;
    let norm = norm(&backends).await;
    let pairs =
        [(Role::Billing, Role::Support), (Role::Crm, Role::Billing), (Role::Crm, Role::Support)];
    for (index, fault) in Fault::ALL.into_iter().enumerate() {
        // each fault meets another one in each pair
        let (one, other) = pairs[index % pairs.len()];
        let second = Fault::ALL[(index * 4 + 3) % Fault::ALL.len()];
        check(&backends, &norm, &[(one, fault), (other, second)]).await;
        check(&backends, &norm, &[(Role::Billing, second), (Role::Support, fault)]).await;
    }
}

/// One hung backend: its breaker opens, and from then on it costs nobody any time, until it is well again.
#[tokio::test]
async fn a_hung_backend_is_left_alone_after_a_few_timeouts_and_found_again_when_it_is_well() {
    let backends = backends().await;
    let norm = norm(&backends).await;
    let policy =
        "timeout: 20s, retry: { attempts: 1 }, breaker: { failures: 5, open: 20ms, probes: 1 }";
    let stage = Stage::with(&backends, &[(Role::Support, Fault::Unavailable)], |_| policy).await;
    let mut codes = BTreeSet::new();
    for id in norm.ids.iter().cycle().take(5) {
        codes.extend(told(&stage.answer(id).await));
    }
    assert_eq!(
        codes,
        BTreeSet::from([("customer.tickets".to_owned(), "BACKEND_UNAVAILABLE".to_owned())])
    );
    assert_eq!(
        (stage.servers[&Role::Support].count(), stage.figures(Role::Support).groups[0].opened),
        (5, 1)
    );
    stage.servers[&Role::Support].becomes(Fault::None);
    let mut asked = 0;
    loop {
        let answer = stage.answer(&norm.ids[0]).await;
        if answer == norm.answers[0] {
            break;
        }
        assert_eq!(told(&answer).into_values().collect::<Vec<_>>(), ["BACKEND_UNAVAILABLE"]);
        asked += 1;
    }
    let group = stage.figures(Role::Support).groups.remove(0);
    assert_eq!((group.breaker, group.closed), (Phase::Closed, 1));
    // those that were refused in between were refused without a request
    assert_eq!((stage.servers[&Role::Support].count(), group.short_circuits), (6, asked));
}

/// A client that leaves: the request that it waited for is given up, and nothing is sent in its place.
#[tokio::test]
async fn a_client_that_leaves_gives_up_its_request_and_its_retries() {
    let backends = backends().await;
    let norm = norm(&backends).await;
    let stage = Stage::with(&backends, &[(Role::Crm, Fault::BlackHole)], |_| PATIENT).await;
    let crm = &stage.servers[&Role::Crm];
    let operation = stage.answer(&norm.ids[0]);
    tokio::select! {
        answer = operation => panic!("{answer:#}"),
        () = crm.came.notified() => {}
    }
    crm.left.notified().await;
    let figures = stage.figures(Role::Crm);
    assert_eq!((crm.count(), figures.attempts, figures.retries, figures.in_flight), (1, 1, 0, 0));
    assert_eq!(figures.groups[0].breaker, Phase::Closed);
}

/// While one backend hangs under load, the others' fields are answered for everybody; what waits for it is bounded.
#[tokio::test]
async fn a_backend_that_hangs_under_load_keeps_nobody_from_the_others() {
    let backends = backends().await;
    let norm = norm(&backends).await;
    let policy = "timeout: 20s, concurrency: { most: 2, queue: 3 }, retry: { attempts: 1 }";
    let hung = [(Role::Support, Fault::BlackHole)];
    let stage =
        Stage::with(&backends, &hung, |role| if role == Role::Support { policy } else { PATIENT })
            .await;
    let mut held = Box::pin(stage.answers(&norm.ids));
    let counts = || {
        let figures = stage.figures(Role::Support);
        (figures.attempts, figures.in_flight, figures.waiting, figures.refused_by_queue)
    };
    // two are sent, three wait, three are refused at once
    while counts() != (2, 2, 3, 3) {
        tokio::select! {
            answers = held.as_mut() => panic!("{answers:#?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    let names = "query ($id: ID!) { customer(id: $id) { displayName balance { amount } } }";
    for (id, good) in norm.ids.iter().zip(&norm.answers) {
        let answer = stage.ask(names, id).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        assert_eq!(answer["data"]["customer"]["balance"], good["data"]["customer"]["balance"]);
    }
    assert_eq!(counts(), (2, 2, 3, 3));
    drop(held);
    assert_eq!(counts(), (2, 0, 0, 3));
}
