//! The demo's graph served in this process: real sockets on both sides, ports that the system chose.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use cyclorama::compile::{Files, compile};
use cyclorama::config::settings::Settings;
use cyclorama::demo::{self, Backends};
use cyclorama::engine::{Clock, Engine, EngineSettings};
use cyclorama::http;
use cyclorama::value::opaque_id;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A gateway over the demo's backends. Both stop when this is dropped.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) backends: Backends,
    pub(crate) client: reqwest::Client,
    /// What serves, for its figures.
    pub(crate) gateway: http::Server,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<std::io::Result<()>>,
}

/// What is not as usual.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) demo: demo::Options,
    /// More lines for `cyclorama.yaml`.
    pub(crate) config: String,
    /// Where the CRM is, if it is not the demo's.
    pub(crate) crm: Option<String>,
    /// Who may use a WebSocket.
    pub(crate) admit_socket: Option<http::AdmitSocket>,
    /// More files.
    pub(crate) files: Vec<(&'static str, String)>,
    /// The time of day; `None`: the real one.
    pub(crate) present: Option<jiff::Timestamp>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let options = demo::Options { customers: 30, ..setup.demo.clone() };
        let backends = demo::start(options).await.unwrap();
        let addresses = backends.environment().into_iter();
        let addresses = addresses.map(|(name, url)| (name.to_owned(), url)).collect();
        let (engine, settings) = engine(addresses, ROLES, &setup);
        let (email, ticket) = backends.first_customer();
        let ticket_id = opaque_id("Ticket", "support", &ticket.unwrap().to_string());
        let examples = http::Examples { email, ticket_id };
        let (graphiql, http) = (settings.graphiql_enabled, settings.http);
        let mut edge = http::Settings { graphiql, http, examples, ..http::Settings::default() };
        if let Some(admit) = setup.admit_socket {
            edge.admit_socket = admit;
        }
        let gateway = http::Server::new(engine, edge);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let server = tokio::spawn(http::serve(listener, gateway.clone(), stopped));
        let client = reqwest::Client::builder().build().unwrap();
        Self { address, backends, client, gateway, stop: Some(stop), server }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An operation by POST, as most clients send it.
    pub(crate) async fn post(&self, query: &str) -> reqwest::Response {
        let request = self.client.post(self.url("/graphql")).json_body(&json!({ "query": query }));
        request.send().await.unwrap()
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    /// Ready when the server has ended.
    pub(crate) async fn ended(self) -> std::io::Result<()> {
        self.server.await.unwrap()
    }
}

const ROLES: &str =
    "  crm: { vendor: demo }\n  billing: { vendor: demo }\n  support: { vendor: demo }\n";

/// The graph of the shipped files over the backends at these addresses; `crm` of the setup is another one for the CRM.
pub(crate) fn engine(
    mut environment: BTreeMap<String, String>,
    roles: &str,
    setup: &Setup,
) -> (Arc<Engine>, Settings) {
    let texts = demo::files().iter().filter(|(name, _)| *name != "cyclorama.yaml").copied();
    let texts = texts.chain(setup.files.iter().map(|(name, text)| (*name, text.as_str())));
    let more = &setup.config;
    let config = format!("schema: schema\nresolvers: resolvers\nroles:\n{roles}{more}");
    if let Some(crm) = &setup.crm {
        environment.insert("DEMO_CRM_URL".to_owned(), crm.clone());
    }
    let files =
        Files::in_memory("cyclorama.yaml", texts.chain([("cyclorama.yaml", config.as_str())]));
    let compiled = compile(&files.with_environment(environment, BTreeMap::new()));
    let graph = compiled.graph.unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    let known = compiled.settings.known.clone();
    let clock = setup.present.map_or_else(Clock::default, |present| Clock::new(move || present));
    let engine_settings = EngineSettings { known, clock, ..EngineSettings::default() };
    let engine = Engine::new(Arc::new(graph), engine_settings).unwrap();
    (engine, compiled.settings)
}

/// JSON bodies without reqwest's own feature for them.
pub(crate) trait JsonBody {
    fn json_body(self, body: &Value) -> Self;
}

impl JsonBody for reqwest::RequestBuilder {
    fn json_body(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }
}

/// The body as JSON.
pub(crate) async fn json_of(response: reqwest::Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
