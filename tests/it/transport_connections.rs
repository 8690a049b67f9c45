//! Connections to backends: which way they go, and what becomes of a request over one that the backend closes.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use cyclorama::backend::{Backends, Page};
use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::coop::poll_proceed;

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
    /// In chunks, all at once.
    Chunks,
    /// And closes the connection when it is idle.
    Closes,
    /// It takes the request, and closes the connection in the place of an answer.
    Breaks,
    /// It takes the request and says so, and says so again when the other side has closed the connection.
    Waits,
}

struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
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
        let connections = Arc::<AtomicUsize>::default();
        let accepted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, does, Arc::clone(&seen), Arc::clone(&notify)));
            }
        });
        Self { url, requests, connections, closed }
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
        match does {
            Does::Breaks => return,
            Does::Waits => {
                closed.notify_one();
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
                closed.notify_one();
                return;
            }
            Does::Answers | Does::Chunks | Does::Closes => {}
        }
        let whole = "content-length: 11\r\n\r\n{\"data\":[]}";
        let chunks = "transfer-encoding: chunked\r\n\r\n4\r\n{\"da\r\n7\r\nta\":[]}\r\n0\r\n\r\n";
        let body = if matches!(does, Does::Chunks) { chunks } else { whole };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{body}");
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
async fn what_is_asked_one_after_the_other_goes_over_one_connection_and_what_is_asked_at_once_over_several()
 {
    let server = Server::start(&[]).await;
    let backends = server.backends();
    let connections = || server.connections.load(Ordering::Relaxed);
    for _ in 0..50 {
        ask(&backends, Effect::Read).await.unwrap();
    }
    assert_eq!((server.count(), connections()), (50, 1));
    for _ in 0..5 {
        let all = (0..10).map(|_| ask(&backends, Effect::Read));
        for page in futures_util::future::join_all(all).await {
            page.unwrap();
        }
    }
    assert_eq!(server.count(), 100);
    assert!((2..=10).contains(&connections()), "{}", connections());
}

#[tokio::test]
async fn an_answer_is_seen_however_much_else_its_task_has_done() {
    let server = Server::start(&[Does::Chunks; 200]).await;
    let backends = server.backends();
    ask(&backends, Effect::Read).await.unwrap();
    // a task has 128 units each time that it is gone on with
    for spent in 100..=127 {
        let mut asked = pin!(ask(&backends, Effect::Read));
        let answered = poll_fn(|context| {
            for _ in 0..spent {
                let Poll::Ready(unit) = poll_proceed(context) else { break };
                unit.made_progress();
            }
            asked.as_mut().poll(context)
        });
        let answered = tokio::time::timeout(Duration::from_secs(10), answered).await;
        answered.unwrap_or_else(|_| panic!("{spent} units")).unwrap();
    }
    // none of them was given up and sent again
    assert_eq!(server.count(), 1 + 28);
}

#[tokio::test]
async fn a_connection_whose_answer_nobody_waits_for_is_closed_and_not_used_again() {
    let server = Server::start(&[Does::Answers, Does::Waits]).await;
    let backends = server.backends();
    ask(&backends, Effect::Read).await.unwrap();
    {
        let given = Given::default();
        let call = post(Effect::Read);
        let asked = backends.call(&call, given.inputs(), later());
        tokio::select! {
            biased;
            page = asked => panic!("{page:?}"),
            () = server.closed.notified() => {}
        }
    }
    // the backend sees that it was given up
    server.closed.notified().await;
    ask(&backends, Effect::Read).await.unwrap();
    assert_eq!((server.count(), server.connections.load(Ordering::Relaxed)), (3, 2));
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
