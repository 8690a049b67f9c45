//! What stands before each backend and misbehaves when it is told to: one loopback port for each.
//!
//! Takes: the backend's address, a mood that may change at any time.
//! Gives: the backend's own answers, late ones, refusals, broken connections, or what is no answer at all.
//! Never: asks anything but the backend that it stands before.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Every answer takes this long more.
    Slow,
    /// Longer than anybody waits.
    Hanging,
    Failing,
    Throttling,
    /// Every second connection is reset instead of answered.
    Resetting,
    /// Well and failing by turns.
    Flapping,
    /// The connection is reset in the middle of the answer.
    Cutting,
    /// A page for people, and status 200.
    Babbling,
}

impl Mood {
    /// In this order; it is well again after each of them.
    pub(crate) const TURNS: [Self; 8] = [
        Self::Slow,
        Self::Failing,
        Self::Throttling,
        Self::Resetting,
        Self::Flapping,
        Self::Hanging,
        Self::Cutting,
        Self::Babbling,
    ];
}

const LATE: Duration = Duration::from_millis(250);
const TOO_LATE: Duration = Duration::from_secs(5);
const FLAP: Duration = Duration::from_millis(300);

/// A backend as the product sees it.
pub(crate) struct Front {
    pub(crate) address: String,
    site: Arc<Site>,
}

struct Site {
    upstream: String,
    pool: Pool<HttpConnector, Full<Bytes>>,
    mood: Mutex<Mood>,
    asked: AtomicU64,
    began: Instant,
}

impl Front {
    pub(crate) async fn start(upstream: String) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        let address = listener.local_addr().map_err(|e| e.to_string())?.to_string();
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let site = Arc::new(Site {
            upstream,
            pool: Pool::builder(TokioExecutor::new()).build(connector),
            mood: Mutex::new(Mood::Well),
            asked: AtomicU64::new(0),
            began: Instant::now(),
        });
        tokio::spawn(accept(listener, Arc::clone(&site)));
        Ok(Self { address, site })
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.site.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Requests that came so far.
    pub(crate) fn asked(&self) -> u64 {
        self.site.asked.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    while let Ok((stream, _)) = listener.accept().await {
        // what is closed without an answer is reset, as by a process that has died
        let ready = stream.set_nodelay(true).and_then(|()| stream.set_zero_linger());
        if ready.is_err() {
            continue;
        }
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&site, request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // whoever goes away, or is sent away, is no error here
            connection.await.unwrap_or_default();
        });
    }
}

type Failure = Box<dyn Error + Send + Sync>;

async fn answer(site: &Site, request: Request<Incoming>) -> Result<Response<Told>, Failure> {
    let number = site.asked.fetch_add(1, Ordering::Relaxed);
    let mood = *site.mood.lock().unwrap_or_else(PoisonError::into_inner);
    match mood {
        Mood::Well => {}
        Mood::Slow => tokio::time::sleep(LATE).await,
        Mood::Hanging => tokio::time::sleep(TOO_LATE).await,
        Mood::Failing => return Ok(refusal(StatusCode::SERVICE_UNAVAILABLE)),
        Mood::Throttling => return Ok(refusal(StatusCode::TOO_MANY_REQUESTS)),
        Mood::Resetting if number.is_multiple_of(2) => return Err("reset".into()),
        Mood::Flapping
            if (site.began.elapsed().as_millis() / FLAP.as_millis()).is_multiple_of(2) =>
        {
            return Ok(refusal(StatusCode::BAD_GATEWAY));
        }
        Mood::Babbling => return Ok(page(StatusCode::OK)),
        Mood::Resetting | Mood::Flapping | Mood::Cutting => {}
    }
    let response = forward(site, request).await?;
    Ok(if mood == Mood::Cutting { cut(response) } else { response.map(Told::Whole) })
}

async fn forward(
    site: &Site,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Failure> {
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    head.uri = format!("http://{}{target}", site.upstream).parse()?;
    head.headers.remove(HOST);
    let body = body.collect().await?.to_bytes();
    let response = site.pool.request(Request::from_parts(head, Full::new(body))).await?;
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
}

fn page(status: StatusCode) -> Response<Told> {
    let text = Bytes::from_static(b"<html><body><h1>It works, or does it?</h1></body></html>");
    let mut response = Response::new(Told::Whole(Full::new(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

fn refusal(status: StatusCode) -> Response<Told> {
    let mut response = page(status);
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The head says how long it is; the body breaks off at half of it.
fn cut(response: Response<Full<Bytes>>) -> Response<Told> {
    let (mut head, body) = response.into_parts();
    let length = body.size_hint().exact().unwrap_or(0);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Response::from_parts(head, Told::Cut { left: length / 2 })
}

/// A body that comes whole, or breaks off.
enum Told {
    Whole(Full<Bytes>),
    Cut { left: u64 },
}

impl Body for Told {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Cut { left: 0 } => Poll::Ready(Some(Err("cut off".into()))),
            Self::Cut { left } => {
                let half = vec![b' '; usize::try_from(std::mem::take(left)).unwrap_or(1)];
                Poll::Ready(Some(Ok(Frame::data(half.into()))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Cut { .. } => SizeHint::default(),
        }
    }
}
