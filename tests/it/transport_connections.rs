//! Connections to backends: which way they go, and what becomes of a request over one that the backend closes.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cyclorama::backend::{Backends, Page};
use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::program::{self, Served, customer_query, deployment};
use crate::transport::{Given, backend, call, graph, later, rest};

#[tokio::test]
async fn a_proxy_that_the_environment_names_is_not_asked() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let backend = program::Backend::start().await;
    let folder = deployment("proxies", &backend, "reload: { watch: false }\n");
    let mut command = program::program();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
    {
        command.env(name, &url);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    let served = Served::start_by(command, &folder.path("cyclorama.yaml")).await;
    let answer = served.query(&customer_query("a")).await;
    assert_eq!(answer["data"]["customer"]["name"], "Customer a", "{answer}");
    assert_eq!(backend.asked(), 1);
    assert_eq!(proxy.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// What a backend does with a request.
#[derive(Clone, Copy)]
enum Does {
    Answers,
    /// And closes the connection when it is idle.
    Closes,
    /// It takes the request, and closes the connection in the place of an answer.
    Breaks,
}

struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
    /// Both sides of a connection that was idle are closed.
    closed: Arc<Notify>,
}

impl Server {
    /// It does this with its requests, in their order, and answers what comes later.
    async fn start(does: &'static [Does]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, closed) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
        let (seen, notify) = (Arc::clone(&requests), Arc::clone(&closed));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, does, Arc::clone(&seen), Arc::clone(&notify)));
            }
        });
        Self { url, requests, closed }
    }

    fn backends(&self) -> Backends {
        let policy = Policy::default();
        Backends::new(graph(Backend { policy, ..backend(&self.url) })).unwrap()
    }

    fn count(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn serve(
    mut stream: TcpStream,
    does: &'static [Does],
    seen: Arc<AtomicUsize>,
    closed: Arc<Notify>,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let number = seen.fetch_add(1, Ordering::Relaxed);
        let does = does.get(number).copied().unwrap_or(Does::Answers);
        if matches!(does, Does::Breaks) {
            return;
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"data\":[]}";
        stream.write_all(answer.as_bytes()).await.unwrap();
        if matches!(does, Does::Closes) {
            stream.shutdown().await.unwrap();
            // the other side has seen it when it closes, too
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
            closed.notify_one();
            return;
        }
    }
}

fn post(effect: Effect) -> Call {
    Call { effect, ..call(RequestTemplate::Rest(rest(Method::Post, "/v1/search"))) }
}

async fn ask(backends: &Backends, effect: Effect) -> Result<Page, BackendError> {
    backends.call(&post(effect), Given::default().inputs(), later()).await
}

#[tokio::test]
async fn a_connection_that_the_backend_closed_while_nobody_used_it_is_not_used_again() {
    for effect in [Effect::Read, Effect::Write] {
        let server = Server::start(&[Does::Closes]).await;
        let backends = server.backends();
        ask(&backends, effect).await.unwrap();
        server.closed.notified().await;
        ask(&backends, effect).await.unwrap();
        let figures = backends.figures().remove(0);
        assert_eq!((server.count(), figures.attempts, figures.retries), (2, 2, 0), "{effect:?}");
    }
}

#[tokio::test]
async fn over_a_connection_that_breaks_off_a_read_is_sent_again_and_a_mutation_is_not() {
    let does = &[Does::Answers, Does::Breaks];
    let server = Server::start(does).await;
    let backends = server.backends();
    for _ in 0..2 {
        ask(&backends, Effect::Read).await.unwrap();
    }
    assert_eq!((server.count(), backends.figures()[0].retries), (3, 1));
    let server = Server::start(does).await;
    let backends = server.backends();
    ask(&backends, Effect::Write).await.unwrap();
    let error = ask(&backends, Effect::Write).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    assert_eq!((server.count(), backends.figures()[0].retries), (2, 0));
    // and it is not sent later either
    ask(&backends, Effect::Write).await.unwrap();
    assert_eq!(server.count(), 3);
}
