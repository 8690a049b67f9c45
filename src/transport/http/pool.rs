//! Connections: opened at need, kept while nobody uses them, and of HTTP/1.1 driven by whoever waits for an answer.
//!
//! Takes: a request with its whole URI.
//! Gives: the head of the answer, and its body as it comes.
//! Never: sends again what may have been sent; has a task for each connection that one request at a time goes over.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2;
use hyper::header::HOST;
use hyper::http::response::Parts;
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tower::{BoxError, ServiceExt as _};

use super::exchange;
use super::own::{Origin, Own};
use super::tls::is_untrusted;
use crate::error::BackendError;

/// A connection that nobody uses stays open so long.
const IDLE: Duration = Duration::from_mins(1);

pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What is sent.
/// Boxed: it is handed on many times before it goes.
pub(super) type Sending = Box<Request<Full<Bytes>>>;

/// Why there is no answer, with the request if nothing of it was sent.
pub(super) type Unsent = TrySendError<Request<Full<Bytes>>>;

/// Those of one client.
pub(super) struct Pool {
    connector: HttpsConnector<HttpConnector>,
    connect_timeout: Duration,
    /// So many are kept while nobody uses them.
    most: usize,
    kept: Mutex<Kept>,
    /// Whoever waits for a new connection may have one that has become free.
    freed: Notify,
    /// Something came over a connection that nobody uses.
    rung: Arc<Notify>,
}

#[derive(Default)]
struct Kept {
    /// The last one used is the last one here.
    idle: Vec<Idle>,
    shared: Vec<Shared>,
    is_swept: bool,
}

struct Idle {
    own: Box<Own>,
    since: Instant,
}

/// HTTP/2: for all requests at once.
struct Shared {
    origin: Origin,
    sender: http2::SendRequest<Full<Bytes>>,
    used: Instant,
}

/// What a request goes over.
enum Held {
    Own(Box<Own>),
    Shared(http2::SendRequest<Full<Bytes>>),
}

/// An answer whose head is there.
pub(super) struct Answer {
    pub(super) head: Parts,
    body: Incoming,
    /// Its connection, unless others go over it too.
    own: Option<Box<Own>>,
}

impl Pool {
    pub(super) fn new(
        connector: HttpsConnector<HttpConnector>,
        connect_timeout: Duration,
        most: usize,
    ) -> Arc<Self> {
        let (kept, freed, rung) = (Mutex::default(), Notify::new(), Arc::default());
        Arc::new(Self { connector, connect_timeout, most, kept, freed, rung })
    }

    /// Sends a request. One over which nothing was sent, because its connection had been closed meanwhile, goes over another.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Sending,
    ) -> Result<Answer, BackendError> {
        let uri = request.uri().clone();
        loop {
            let (held, is_new) = match self.take(&uri) {
                Some(held) => (held, false),
                // boxed: most requests find one, and carry the room for a new one
                None => Box::pin(self.wait(&uri)).await?,
            };
            let mut error = match held.send(request, &uri).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match error.take_message().filter(|_| !is_new) {
                Some(unsent) => {
                    request = Box::new(unsent);
                    *request.uri_mut() = uri.clone();
                    // over HTTP/2 the authority stands elsewhere
                    request.headers_mut().remove(HOST);
                }
                None => return Err(exchange(Box::new(error.into_error()))),
            }
        }
    }

    /// The answer was read to its end: its connection may be used again.
    pub(super) fn give_back(self: &Arc<Self>, answer: Answer) -> Parts {
        let Answer { head, body, own } = answer;
        drop(body);
        if let Some(own) = own {
            self.keep_free(own);
        }
        head
    }

    fn keep_free(self: &Arc<Self>, mut own: Box<Own>) {
        if !own.is_free() {
            return;
        }
        let mut kept = self.kept();
        if kept.idle.len() < self.most {
            kept.idle.push(Idle { own, since: Instant::now() });
            self.sweep_later(&mut kept);
        }
        drop(kept);
        self.freed.notify_one();
    }

    /// A connection that is there.
    fn take(&self, uri: &Uri) -> Option<Held> {
        let now = Instant::now();
        let mut kept = self.kept();
        if let Some(shared) = kept.shared.iter_mut().find(|shared| shared.is_for(uri)) {
            shared.used = now;
            return Some(Held::Shared(shared.sender.clone()));
        }
        let at = kept.idle.iter().rposition(|idle| idle.own.origin.is_of(uri))?;
        let idle = kept.idle.remove(at);
        (idle.since + IDLE > now).then_some(Held::Own(idle.own))
    }

    /// A new connection, or one that is free before that is there; whether it is new.
    async fn wait(self: &Arc<Self>, uri: &Uri) -> Result<(Held, bool), BackendError> {
        let mut opened = Box::pin(Arc::clone(self).open(uri.clone()));
        loop {
            tokio::select! {
                biased;
                opened = &mut opened => return Ok((opened?, true)),
                () = self.freed.notified() => {
                    if let Some(held) = self.take(uri) {
                        // what was begun is for the next one
                        let pool = Arc::clone(self);
                        tokio::spawn(async move {
                            if let Ok(Held::Own(own)) = opened.await {
                                pool.keep_free(own);
                            }
                        });
                        return Ok((held, false));
                    }
                }
            }
        }
    }

    async fn open(self: Arc<Self>, uri: Uri) -> Result<Held, BackendError> {
        let origin = Origin::of(&uri)?;
        let connecting = self.connector.clone().oneshot(uri.clone());
        let connected = timeout(self.connect_timeout, connecting).await;
        let late = |_| Err(BoxError::from(io::Error::from(io::ErrorKind::TimedOut)));
        let stream = connected.unwrap_or_else(late).map_err(unconnected)?;
        if !stream.connected().is_negotiated_h2() {
            let own = Own::over(stream, origin, Arc::clone(&self.rung)).await;
            return own.map(|own| Held::Own(Box::new(own))).map_err(|e| exchange(Box::new(e)));
        }
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let connected = builder.timer(TokioTimer::new()).handshake(stream).await;
        let (sender, connection) = connected.map_err(|error| exchange(Box::new(error)))?;
        // it ends with its last request; what goes wrong with it is told to those
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        Ok(Held::Shared(self.share(origin, &uri, sender)))
    }

    /// For all requests from now on, unless another one has been opened meanwhile.
    fn share(
        self: &Arc<Self>,
        origin: Origin,
        uri: &Uri,
        sender: http2::SendRequest<Full<Bytes>>,
    ) -> http2::SendRequest<Full<Bytes>> {
        let mut kept = self.kept();
        kept.shared.retain(|shared| !shared.sender.is_closed());
        if let Some(shared) = kept.shared.iter().find(|shared| shared.is_for(uri)) {
            return shared.sender.clone();
        }
        kept.shared.push(Shared { origin, sender: sender.clone(), used: Instant::now() });
        self.sweep_later(&mut kept);
        drop(kept);
        self.freed.notify_waiters();
        sender
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One task for all connections of a pool, for as long as there are any.
    fn sweep_later(self: &Arc<Self>, kept: &mut Kept) {
        if !std::mem::replace(&mut kept.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), Arc::clone(&self.rung)));
        }
    }
}

impl Kept {
    /// Leaves those that were used since and are still open. When the next of them will have been unused for too long, if there are any.
    fn leave(&mut self, since: Instant) -> Option<Instant> {
        self.idle.retain_mut(|idle| idle.since > since && idle.own.is_free());
        self.shared.retain(|shared| shared.used > since && !shared.sender.is_closed());
        let used = self.idle.iter().map(|idle| idle.since);
        let oldest = used.chain(self.shared.iter().map(|shared| shared.used)).min()?;
        Some(oldest + IDLE)
    }
}

/// Closes what nobody has used for a while, and what the other side has closed, until nothing is left.
async fn sweep(pool: Weak<Pool>, rung: Arc<Notify>) {
    let mut next = Instant::now() + IDLE;
    loop {
        tokio::select! {
            () = sleep_until(next) => {}
            () = rung.notified() => {}
        }
        let Some(pool) = pool.upgrade() else { return };
        let mut kept = pool.kept();
        let later = Instant::now().checked_sub(IDLE).and_then(|since| kept.leave(since));
        let Some(later) = later else {
            kept.is_swept = false;
            return;
        };
        next = later;
    }
}

impl Shared {
    fn is_for(&self, uri: &Uri) -> bool {
        !self.sender.is_closed() && self.origin.is_of(uri)
    }
}

impl Held {
    /// Sends; the answer's head.
    async fn send(self, request: Sending, uri: &Uri) -> Result<Answer, Unsent> {
        let (response, own) = match self {
            Self::Own(mut own) => (own.send(request, uri).await?, Some(own)),
            Self::Shared(mut sender) => (sender.try_send_request(*request).await?, None),
        };
        let (head, body) = response.into_parts();
        Ok(Answer { head, body, own })
    }
}

impl Answer {
    /// How many bytes the body will have, if that is said.
    pub(super) fn announced(&self) -> Option<usize> {
        self.body.size_hint().exact().and_then(|length| usize::try_from(length).ok())
    }

    /// Nothing is to come any more.
    pub(super) fn is_whole(&self) -> bool {
        self.body.is_end_stream()
    }

    /// What comes next of the body.
    pub(super) async fn frame(&mut self) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        match &mut self.own {
            Some(own) => own.drive(self.body.frame()).await,
            None => self.body.frame().await,
        }
    }
}

fn unconnected(error: BoxError) -> BackendError {
    if is_untrusted(&*error) {
        BackendError::Untrusted { source: error }
    } else {
        BackendError::Connect { source: error }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_nobody_used_for_a_while_is_closed_and_the_rest_is_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let uri: Uri = format!("http://{address}/records").parse().unwrap();
        let (mut kept, begin) = (Kept::default(), Instant::now());
        let mut accepted = Vec::new();
        for after in [0, 30] {
            let stream = TcpStream::connect(address).await.unwrap();
            accepted.push(listener.accept().await.unwrap().0);
            let stream = MaybeHttpsStream::Http(TokioIo::new(stream));
            let origin = Origin::of(&uri).unwrap();
            let own = Own::over(stream, origin, Arc::default()).await.unwrap();
            let since = begin + Duration::from_secs(after);
            kept.idle.push(Idle { own: Box::new(own), since });
        }
        let second = begin + Duration::from_secs(30);
        assert_eq!(kept.leave(begin), Some(second + IDLE));
        assert_eq!(kept.idle.len(), 1);
        assert_eq!(accepted[0].read(&mut [0; 8]).await.unwrap(), 0, "the first one is closed");
        assert_eq!(kept.leave(second), None);
        assert_eq!(accepted[1].read(&mut [0; 8]).await.unwrap(), 0);
    }
}
