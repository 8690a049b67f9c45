//! What the system tells the process: to stop, and to read its files anew.

use crate::http;

/// Which signal tells the process to stop.
enum Told {
    /// Ctrl-C: somebody waits.
    Interrupt,
    /// SIGTERM: whatever sends requests here may take a while to see that it should not.
    Terminate,
}

/// Ready when no more connections are to be taken: at once after Ctrl-C, after the deployment's `http.notice` after SIGTERM, in
/// which `/readyz` says it already. Another signal ends that time.
pub(super) async fn stop(server: http::Server) {
    let told = told().await;
    server.leave();
    let notice = server.notice();
    if matches!(told, Told::Terminate) && !notice.is_zero() {
        tracing::info!(
            notice_ms = notice.as_millis(),
            "stopping soon: /readyz says so, and connections are still taken"
        );
        tokio::select! {
            () = tokio::time::sleep(notice) => {}
            _ = self::told() => {}
        }
    }
}

/// Ready when the process is told to stop, in whichever way.
pub(super) async fn asked_to_stop() {
    told().await;
}

async fn told() -> Told {
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
        () = interrupt => Told::Interrupt,
        () = terminate => Told::Terminate,
    }
}

/// SIGHUP, where there is one.
pub(super) struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        if let Err(error) = &signal {
            tracing::error!(%error, "SIGHUP cannot be heard");
        }
        Self { signal: signal.ok() }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Self {}
    }

    /// Ready when the signal came since the last time.
    pub(super) async fn heard(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
