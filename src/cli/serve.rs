//! `cyclorama serve`

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::files::{self, Config, Deployment};
use super::reload::Reloader;
use super::{Exit, Failure, runtime, signals};
use crate::compile::{insecure, open_to_all};
use crate::config::settings::{Admin, KnownOperations, LogFormat, Settings};
use crate::diagnostic::Diagnostic;
use crate::engine::{Engine, EngineSettings};
use crate::error::chain;
use crate::export::{self, Export};
use crate::{admin, http, telemetry};

/// What is to be exported has so long at the end, however long requests took.
const FLUSH_LEAST: Duration = Duration::from_secs(1);

/// Serve the graph over HTTP
///
/// Reads the deployment's file and the folders that it names, refuses to start if `cyclorama check` has errors, and serves
/// `/graphql`, the query page at `/`, `/schema.graphql`, `/livez` and `/readyz` until it gets SIGTERM or Ctrl-C. Requests that
/// are running then are finished first. Files that change are read anew, also on SIGHUP; while they have errors, what served
/// before goes on.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cyclorama serve
  cyclorama serve --config deploy/cyclorama.yaml
  cyclorama serve --listen 127.0.0.1:0     # a free port; the log says which")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,
    /// Where to listen, instead of `listen` in the deployment's file
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where the admin listener is, instead of `admin.listen` in the deployment's file
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<SocketAddr>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let files = files::read(&arguments.config.config)?;
    let deployment = files::deployment(&files)?;
    let began = deployment.settings.clone();
    let mut settings = began.clone();
    let listen = arguments.listen.unwrap_or(settings.listen);
    if let Some(listen) = arguments.admin_listen {
        settings.admin = Some(Admin { listen, ..settings.admin.take().unwrap_or_default() });
    }
    refuse(insecure(listen))?;
    if let Some(Admin { listen, token }) = &settings.admin {
        refuse(open_to_all(*listen, token.is_some()))?;
    }
    start_logs(&settings)?;
    runtime()?.block_on(async {
        let listener = bind(listen, "--listen").await?;
        let exports = Arc::default();
        let otlp = settings.otlp.as_ref();
        let (recorder, ended) = export::recorder(otlp, &exports);
        let engine = engine_with(&deployment, engine_settings(&deployment.settings))?;
        let edge = edge(&deployment.settings, http::Examples::default());
        let server = http::Server::recorded(engine, edge, recorder, Arc::clone(&exports));
        let backends = deployment.graph.backends.len();
        // the server alone keeps the graph, and gives it up
        drop(deployment);
        let config = arguments.config.config.clone();
        let reloader = Reloader::new(config, &files, began, server.clone()).start();
        let admin = administrate(&settings, &server, reloader).await?;
        tracing::info!(address = %address(&listener)?, backends, "serving");
        let told = export::Told { otlp, ended, webhook: settings.webhook.as_ref() };
        let export = Export::start(told, &server, &exports).map_err(|error| {
            let help = "it is `telemetry` or `alerts` in the deployment's file";
            Failure::new(chain(&error)).help(help)
        })?;
        let checks = tokio::spawn(http::check_backends(server.clone()));
        let stopped = Arc::new(OnceLock::new());
        let stop = noted(signals::stop(server.clone()), Arc::clone(&stopped));
        let ended = finish(http::serve(listener, server, stop).await);
        checks.abort();
        // what requests left of the time for them
        let spent = stopped.get().map_or(Duration::ZERO, Instant::elapsed);
        export.finish(settings.http.grace.saturating_sub(spent).max(FLUSH_LEAST)).await;
        admin.abort();
        ended
    })
}

/// When it is ready, that is noted.
async fn noted(stop: impl Future<Output = ()>, at: Arc<OnceLock<Instant>>) {
    stop.await;
    at.get_or_init(Instant::now);
}

fn refuse(problem: Option<Diagnostic>) -> Result<(), Failure> {
    let Some(diagnostic) = problem else { return Ok(()) };
    let failure = Failure::new(diagnostic.message);
    Err(diagnostic.help.into_iter().fold(failure, Failure::help))
}

/// Serves the admin listener, if there is one, until the task is ended.
async fn administrate(
    settings: &Settings,
    server: &http::Server,
    reloader: admin::Reloader,
) -> Result<JoinHandle<()>, Failure> {
    let Some(Admin { listen, token }) = &settings.admin else {
        return Ok(tokio::spawn(std::future::ready(())));
    };
    let listener = bind(*listen, "--admin-listen").await?;
    tracing::info!(address = %address(&listener)?, "the admin listener serves");
    let routes = admin::routes(server, reloader, token.as_ref());
    Ok(tokio::spawn(http::serve_beside(listener, routes, server.clone())))
}

/// The engine and its HTTP edge, as a deployment wants them.
pub(super) fn server(
    deployment: &Deployment,
    examples: http::Examples,
) -> Result<http::Server, Failure> {
    let engine = engine_with(deployment, engine_settings(&deployment.settings))?;
    Ok(http::Server::new(engine, edge(&deployment.settings, examples)))
}

pub(super) fn edge(settings: &Settings, examples: http::Examples) -> http::Settings {
    http::Settings {
        graphiql: settings.graphiql_enabled,
        http: settings.http.clone(),
        examples,
        ..http::Settings::default()
    }
}

pub(super) fn engine_settings(settings: &Settings) -> EngineSettings {
    EngineSettings {
        cursor_secret: settings.cursor_secret.clone(),
        known: settings.known.clone(),
        ..EngineSettings::default()
    }
}

/// An engine for whoever has the files: any operation runs.
pub(super) fn engine(deployment: &Deployment) -> Result<Arc<Engine>, Failure> {
    let known = KnownOperations::default();
    engine_with(deployment, EngineSettings { known, ..engine_settings(&deployment.settings) })
}

fn engine_with(deployment: &Deployment, settings: EngineSettings) -> Result<Arc<Engine>, Failure> {
    Engine::new(Arc::clone(&deployment.graph), settings)
        .map_err(|error| Failure::new(chain(&error)))
}

pub(super) fn start_logs(settings: &Settings) -> Result<(), Failure> {
    let format = match settings.log.format {
        LogFormat::Auto => telemetry::Format::Auto,
        LogFormat::Human => telemetry::Format::Human,
        LogFormat::Json => telemetry::Format::Json,
    };
    telemetry::start(&settings.log.level, format).map_err(|error| {
        Failure::new(error.to_string()).help("it is `log.level` in the deployment's file")
    })
}

/// `flag` says where else.
pub(super) async fn bind(listen: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        let failure = Failure::new(format!("cannot listen on {listen}: {error}"));
        match error.kind() {
            std::io::ErrorKind::AddrInUse => failure
                .help(format!("another program listens there; choose another port with `{flag}`")),
            std::io::ErrorKind::PermissionDenied => {
                failure.help(format!("choose a port above 1023 with `{flag}`"))
            }
            _ => failure,
        }
    })
}

pub(super) fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener
        .local_addr()
        .map_err(|error| Failure::new(format!("the listener has no address: {error}")))
}

pub(super) fn finish(result: std::io::Result<()>) -> Result<Exit, Failure> {
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(Failure::new(format!("the server ended: {error}"))),
    }
}
