//! `cyclorama serve`

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::files::{Config, Deployment};
use super::{Exit, Failure, runtime};
use crate::compile::insecure;
use crate::config::settings::{LogFormat, Settings};
use crate::engine::{Engine, EngineSettings};
use crate::error::chain;
use crate::{http, telemetry};

/// Serve the graph over HTTP
///
/// Reads the deployment's file and the folders that it names, refuses to start if `cyclorama check` has errors, and serves
/// `/graphql`, the query page at `/`, `/schema.graphql`, `/livez` and `/readyz` until it gets SIGTERM or Ctrl-C. Requests that
/// are running then are finished first.
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
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let deployment = arguments.config.deployment()?;
    let listen = arguments.listen.unwrap_or(deployment.settings.listen);
    if let Some(diagnostic) = insecure(listen) {
        let failure = Failure::new(diagnostic.message);
        return Err(diagnostic.help.into_iter().fold(failure, Failure::help));
    }
    start_logs(&deployment.settings)?;
    runtime()?.block_on(async {
        let listener = bind(listen).await?;
        let gateway = gateway(&deployment, http::Examples::default())?;
        tracing::info!(address = %address(&listener)?, backends = deployment.graph.backends.len(), "serving");
        finish(http::serve(listener, gateway, stop_signal()).await)
    })
}

/// The engine and its HTTP edge, as a deployment wants them.
pub(super) fn gateway(
    deployment: &Deployment,
    examples: http::Examples,
) -> Result<Arc<http::Gateway>, Failure> {
    let settings = http::Settings {
        graphiql: deployment.settings.graphiql_enabled,
        http: deployment.settings.http,
        examples,
    };
    Ok(http::Gateway::new(engine(deployment)?, settings))
}

pub(super) fn engine(deployment: &Deployment) -> Result<Arc<Engine>, Failure> {
    let settings = EngineSettings { cursor_secret: deployment.settings.cursor_secret.clone() };
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

pub(super) async fn bind(listen: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        let failure = Failure::new(format!("cannot listen on {listen}: {error}"));
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                failure.help("another program listens there; choose another port with `--listen`")
            }
            std::io::ErrorKind::PermissionDenied => {
                failure.help("choose a port above 1023 with `--listen`")
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

/// Ready when the process is told to stop.
pub(super) async fn stop_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C cannot be heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "SIGTERM cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
