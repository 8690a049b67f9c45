//! Connections: how many there are, what the head of a request may hold, and how long a client may take.

mod pace;

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use self::pace::{Answered, Pace, Paced};
use super::Server;
use super::edge::Edge;
use crate::config::settings::Connections;

/// Below this, a head of ordinary requests would not fit, and the library panics.
const HEAD_BYTES_MIN: usize = 8 * 1024;

/// After an error of the listener itself, such as too many open files.
const BREATH: Duration = Duration::from_millis(200);

/// Accepts until the gateway drains, then waits for every connection to end.
pub(super) async fn serve(
    listener: TcpListener,
    edge: Arc<Edge>,
    server: Server,
    mut draining: watch::Receiver<bool>,
) {
    let bounds = || server.current().settings.http.connections;
    let most = u32::try_from(bounds().most).unwrap_or(u32::MAX).max(1);
    let places = Arc::new(Semaphore::new(most as usize));
    loop {
        let accepted = tokio::select! {
            biased;
            _ = draining.wait_for(|is_draining| *is_draining) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let (edge, draining) = (Arc::clone(&edge), draining.clone());
        tokio::spawn(connection(stream, peer, place, edge, bounds(), draining));
    }
    drop(listener);
    // an error would mean that nobody can come back
    drop(places.acquire_many(most).await);
}

type Place = tokio::sync::OwnedSemaphorePermit;

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY could not be set");
            }
            Some((stream, peer, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}

/// Drives one connection until it ends or its client is given up. A WebSocket takes its place along.
async fn connection<S, T>(
    stream: S,
    peer: SocketAddr,
    kept: T,
    edge: Arc<Edge>,
    bounds: Connections,
    mut draining: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Unpin + Send + 'static,
{
    let pace = Pace::new();
    let io = TokioIo::new(Paced::new(stream, Arc::clone(&pace), kept));
    let service = service_fn({
        let pace = Arc::clone(&pace);
        move |request: Request<Incoming>| {
            let running = pace.begin(request.version());
            let request = request.map(Body::new);
            let edge = Arc::clone(&edge);
            // boxed: the server moves it about before it is polled
            Box::pin(async move {
                let response = edge.pass(request, Some(peer.ip())).await;
                Ok::<_, Infallible>(response.map(|body| Answered::new(body, running)))
            })
        }
    });
    let server = builder(bounds);
    let mut connection = pin!(server.serve_connection_with_upgrades(io, service));
    let mut stop = pin!(draining.wait_for(|is_draining| *is_draining));
    let mut alarm = pin!(tokio::time::sleep(Duration::MAX));
    let mut is_stopping = false;
    let ended = poll_fn(|context| {
        pace.driver.register(context.waker());
        if !is_stopping && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(result) = pace.drive(|| connection.as_mut().poll(context)) {
            return Poll::Ready(result.map_err(|error| error.to_string()));
        }
        let Some(end) = pace.end(&bounds) else { return Poll::Pending };
        // One that goes off too early costs less than to set it anew with each request.
        while alarm.deadline() > end || alarm.as_mut().poll(context).is_ready() {
            if alarm.deadline() == end {
                return Poll::Ready(Err("the client took too long".to_owned()));
            }
            alarm.as_mut().reset(end);
        }
        Poll::Pending
    });
    if let Err(error) = ended.await {
        tracing::debug!(%peer, error, "a connection was closed");
    }
}

fn builder(bounds: Connections) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let head_bytes = bounds.head_bytes.max(HEAD_BYTES_MIN);
    builder
        .http1()
        // ours says more, and also knows what is idle
        .header_read_timeout(None)
        .max_headers(bounds.headers)
        .max_buf_size(head_bytes);
    builder.http2().max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX));
    builder
}

#[cfg(test)]
mod tests;
