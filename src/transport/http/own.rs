//! An HTTP/1.1 connection that one request at a time goes over, driven by whoever waits for its answer.
//!
//! Takes: a stream that is connected; requests, one after the other.
//! Gives: their answers.
//! Never: does anything while nobody waits, but tell when its other side closes it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::Uri;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use tokio::sync::Notify;
use tokio::task::unconstrained;

use super::pool::{Sending, Stream, Unsent};
use crate::error::BackendError;

/// Whom a connection leads to.
pub(super) struct Origin {
    scheme: Scheme,
    authority: Authority,
    /// As requests name it.
    host: HeaderValue,
}

/// Rings when something comes over a connection that nobody uses: mostly its end.
struct Bell {
    is_idle: AtomicBool,
    rung: Arc<Notify>,
}

pub(super) struct Own {
    pub(super) origin: Origin,
    bell: Arc<Bell>,
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None`: it is over.
    connection: Option<http1::Connection<Stream, Full<Bytes>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_idle.load(Ordering::Relaxed) {
            self.rung.notify_one();
        }
    }
}

impl Origin {
    pub(super) fn of(uri: &Uri) -> Result<Self, BackendError> {
        let nowhere = || BackendError::Build { reason: "the URL names no host".to_owned() };
        let scheme = uri.scheme().ok_or_else(nowhere)?.clone();
        let authority = uri.authority().ok_or_else(nowhere)?.clone();
        let usual = if scheme == Scheme::HTTPS { 443 } else { 80 };
        // without a user, and without the port that it has anyway (RFC 9110, section 7.2)
        let host = match authority.port_u16().filter(|port| *port != usual) {
            Some(port) => HeaderValue::try_from(format!("{}:{port}", authority.host())),
            None => HeaderValue::from_str(authority.host()),
        };
        let host = host.map_err(|_| nowhere())?;
        Ok(Self { scheme, authority, host })
    }

    /// Whether this URL leads there.
    pub(super) fn is_of(&self, uri: &Uri) -> bool {
        uri.authority() == Some(&self.authority) && uri.scheme() == Some(&self.scheme)
    }
}

impl Own {
    /// `rung`: who looks after connections that nobody uses.
    pub(super) async fn over(
        stream: Stream,
        origin: Origin,
        rung: Arc<Notify>,
    ) -> Result<Self, hyper::Error> {
        // most requests are a head, which is written as it is
        let mut builder = http1::Builder::new();
        let (sender, connection) = builder.writev(false).handshake(stream).await?;
        let bell = Arc::new(Bell { is_idle: AtomicBool::new(false), rung });
        Ok(Self { origin, bell, sender, connection: Some(connection) })
    }

    /// Sends a request to this URL; its answer's body is still to be read.
    pub(super) async fn send(
        &mut self,
        mut request: Sending,
        uri: &Uri,
    ) -> Result<Response<Incoming>, Unsent> {
        self.bell.is_idle.store(false, Ordering::Relaxed);
        let path = uri.path_and_query().cloned();
        *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
        request.headers_mut().entry(HOST).or_insert_with(|| self.origin.host.clone());
        let sent = self.sender.try_send_request(*request);
        self.drive(sent).await
    }

    /// Goes on with the connection until it gives this. What it gives is looked at right after it, so that the socket alone need wake
    /// anybody.
    pub(super) async fn drive<T>(&mut self, given: impl Future<Output = T>) -> T {
        // a task that has done much would have it wait until later, and wake nobody
        let mut given = pin!(unconstrained(given));
        std::future::poll_fn(|context| {
            let nobody = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(given) = given.as_mut().poll(nobody) {
                return Poll::Ready(given);
            }
            self.go_on(context);
            given.as_mut().poll(nobody)
        })
        .await
    }

    /// Whether the next request may go over it. From here on it wakes nobody who used it: the next request would wake them.
    pub(super) fn is_free(&mut self) -> bool {
        self.bell.is_idle.store(true, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.bell));
        self.go_on(&mut Context::from_waker(&waker));
        self.connection.is_some() && self.sender.is_ready()
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        let Some(connection) = &mut self.connection else { return };
        // dropped when it is over: whoever waits for something of it is told then
        if Pin::new(connection).poll(context).is_ready() {
            self.connection = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Result<Origin, BackendError> {
        Origin::of(&url.parse().unwrap())
    }

    #[test]
    fn a_host_is_named_without_what_everybody_knows_or_nobody_should() {
        for (url, host) in [
            ("http://crm.example/v1", "crm.example"),
            ("http://crm.example:80/v1", "crm.example"),
            ("https://crm.example:443/v1?a=b", "crm.example"),
            ("https://crm.example:80/v1", "crm.example:80"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080/v1", "[::1]:8080"),
            ("http://user:secret@crm.example:8080/v1", "crm.example:8080"),
        ] {
            assert_eq!(origin(url).unwrap().host, host, "{url}");
        }
        assert!(origin("/v1").is_err());
    }

    #[test]
    fn a_connection_is_for_its_own_origin_alone() {
        let own = origin("https://crm.example/v1").unwrap();
        for (url, is_its_own) in [
            ("https://crm.example/v2?a=b", true),
            ("https://CRM.example/v1", true),
            ("http://crm.example/v1", false),
            ("https://crm.example:444/v1", false),
            ("https://billing.example/v1", false),
        ] {
            assert_eq!(own.is_of(&url.parse().unwrap()), is_its_own, "{url}");
        }
    }
}
