//! A small HTTP/1.1 server for the backends and the limit: hyper with nothing above it.
//!
//! Takes: a function from request and body to answer.
//! Gives: a listener on loopback, its address printed for whoever started it.

use std::future::Future;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A request whose body has arrived.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Bytes,
}

/// An answer: its kind, its bytes.
pub(crate) struct Told {
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
}

pub(crate) fn json(body: impl Into<Bytes>) -> Told {
    Told { kind: "application/json", body: body.into() }
}

/// Serves until the process is ended. The first line on standard output is the address.
pub(crate) async fn serve<F, A>(answer: F) -> Result<(), String>
where
    F: Fn(Asked) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Told> + Send,
{
    let listener = listen().await?;
    loop {
        let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(request, answer.clone()));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // a client that goes away is no error here
            connection.await.unwrap_or_default();
        });
    }
}

/// A loopback port, told on standard output.
pub(crate) async fn listen() -> Result<TcpListener, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
    println!("{}", listener.local_addr().map_err(|e| e.to_string())?);
    Ok(listener)
}

async fn respond<F, A>(
    request: Request<Incoming>,
    answer: F,
) -> Result<Response<Full<Bytes>>, hyper::Error>
where
    F: Fn(Asked) -> A,
    A: Future<Output = Told>,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let asked = Asked {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body,
    };
    let told = answer(asked).await;
    let mut response = Response::new(Full::new(told.body));
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(told.kind));
    Ok(response)
}
