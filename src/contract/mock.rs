//! Recorded exchanges served over sockets: a stand-in for backends that are not there yet.
//!
//! Each backend is a path of the one address, so that a deployment needs nothing but another `url`.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, to_bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::asked::{Asked, Difference, nearest};
use super::case::{Case, Reply};
use super::replay::{Book, written};
use super::text::pairs;

const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Before every answer.
    pub latency: Duration,
}

/// A request that was answered, or not.
#[derive(Clone, Debug)]
pub struct Served {
    /// `billing GET /invoices?customer=17`
    pub line: String,
    pub status: u16,
    /// Where the answer was recorded; `None`: nothing fits.
    pub case: Option<String>,
}

type Tell = Box<dyn Fn(&Served) + Send + Sync>;

/// The exchanges of all cases.
pub struct Mock {
    books: Vec<(String, Book)>,
    options: Options,
    tell: Tell,
}

impl std::fmt::Debug for Mock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Mock({} cases)", self.books.len())
    }
}

impl Mock {
    /// `tell` hears of every request.
    pub fn new(
        cases: Vec<(String, Case)>,
        options: Options,
        tell: impl Fn(&Served) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let books = cases.into_iter().map(|(name, case)| (name, Book::new(case))).collect();
        Arc::new(Self { books, options, tell: Box::new(tell) })
    }

    /// The backends that anything was recorded of.
    pub fn backends(&self) -> BTreeSet<String> {
        let cases = self.books.iter().map(|(_, book)| &book.case);
        cases.flat_map(|case| case.exchanges.iter()).map(|one| one.backend.clone()).collect()
    }

    /// Where a deployment finds a backend.
    pub fn url(address: SocketAddr, backend: &str) -> String {
        format!("http://{address}/{backend}")
    }

    /// Serves until `stop` is ready.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let app = axum::Router::new().fallback(handle).with_state(self);
        axum::serve(listener, app).with_graceful_shutdown(stop).await
    }

    /// The first case that has the request answers it.
    fn find(&self, asked: &Asked) -> Option<(&str, &Reply)> {
        self.books.iter().find_map(|(name, book)| {
            let reply = &book.case.exchanges.get(book.find(asked)?)?.reply;
            Some((name.as_str(), reply))
        })
    }

    /// The recorded request that is most like this one, of all cases.
    fn nearest(&self, asked: &Asked) -> Option<(String, String, Vec<Difference>)> {
        let found = self.books.iter().filter_map(|(name, book)| {
            let (at, differences) = nearest(&book.case, asked)?;
            Some((name.clone(), book.case.exchanges.get(at)?.line(), differences))
        });
        found.min_by_key(|(_, _, differences)| Difference::distance(differences))
    }

    fn unmatched(&self, asked: &Asked) -> Value {
        let nearest = self.nearest(asked).map(|(case, request, differences)| {
            let differences: Vec<Value> = differences.iter().map(Difference::to_json).collect();
            json!({ "case": case, "request": request, "differences": differences })
        });
        let message = match &nearest {
            Some(nearest) => format!(
                "no recorded exchange fits; the nearest is {} of {}",
                nearest["request"].as_str().unwrap_or_default(),
                nearest["case"].as_str().unwrap_or_default()
            ),
            None => format!(
                "no exchange of a backend `{}` was recorded; there are: {}",
                asked.backend,
                self.backends().into_iter().collect::<Vec<_>>().join(", ")
            ),
        };
        json!({ "error": { "code": "NOT_RECORDED", "message": message, "asked": asked.line(), "nearest": nearest } })
    }
}

async fn handle(State(mock): State<Arc<Mock>>, request: Request<HttpBody>) -> Response<HttpBody> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return answer(413, Some("text/plain"), "the body is too large".to_owned());
    };
    let path = head.uri.path().trim_start_matches('/');
    let (backend, path) = path.split_once('/').unwrap_or((path, ""));
    let asked = Asked {
        backend: backend.to_owned(),
        method: head.method.as_str().to_owned(),
        path: format!("/{path}"),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    if !mock.options.latency.is_zero() {
        tokio::time::sleep(mock.options.latency).await;
    }
    let found = mock.find(&asked).map(|(case, reply)| (case.to_owned(), reply.clone()));
    let (case, response) = match found {
        Some((case, reply)) => (Some(case), replied(&reply)),
        None => (None, not_recorded(&mock, &asked)),
    };
    let status = response.status().as_u16();
    (mock.tell)(&Served { line: asked.line(), status, case });
    response
}

/// A backend that could not be reached when it was recorded is one that is not available now.
fn replied(reply: &Reply) -> Response<HttpBody> {
    let Reply::Answer { status, headers, body } = reply else {
        return answer(503, Some("text/plain"), "recorded without an answer".to_owned());
    };
    let (media, text) = written(body.as_ref());
    let mut response = answer(*status, media, text);
    for (name, value) in headers {
        let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
        if let (Ok(name), Ok(value)) = pair {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// In the words of the request: XML for XML, JSON for everything else.
fn not_recorded(mock: &Mock, asked: &Asked) -> Response<HttpBody> {
    let error = mock.unmatched(asked);
    if !asked.body.trim_start().starts_with('<') {
        return answer(404, Some("application/json"), format!("{error:#}\n"));
    }
    let message = error.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    let fault = format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault>\
         <faultcode>soap:Client.NotRecorded</faultcode><faultstring>{message}</faultstring>\
         </soap:Fault></soap:Body></soap:Envelope>"
    );
    answer(404, Some("text/xml; charset=utf-8"), fault)
}

fn answer(status: u16, media: Option<&'static str>, body: String) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(media) = media {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    response
}
