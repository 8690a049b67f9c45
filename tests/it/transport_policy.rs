//! The policy around one call: deadlines, permits, timeouts, writes, on a clock that stands still until it is moved.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cyclorama::backend::Backends;
use cyclorama::error::{BackendError, ErrorCode};
use cyclorama::graph::*;
use cyclorama::transport::{MemoryWire, WireResponse};
use futures_util::FutureExt;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::Instant;

use crate::transport::{Given, backend, call, get, graph, later, rest};

fn ok() -> WireResponse {
    WireResponse {
        status: 200,
        body: r#"{"data":[]}"#.to_owned().into(),
        ..WireResponse::default()
    }
}

fn hang() -> MemoryWire {
    Arc::new(|_| std::future::pending().boxed())
}

fn write() -> Call {
    let mut call = call(RequestTemplate::Rest(rest(Method::Post, "/v1/notes")));
    call.effect = Effect::Write;
    call
}

fn backends(concurrency: usize, wire: &MemoryWire) -> Arc<Backends> {
    let backend = Backend { concurrency, ..backend("http://billing.example") };
    Arc::new(Backends::in_memory(graph(backend), wire))
}

#[tokio::test(start_paused = true)]
async fn a_hang_is_a_timeout_after_the_calls_own_time() {
    let began = Instant::now();
    let error = backends(1, &hang())
        .call(&get("/v1"), Given::default().inputs(), later())
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::Timeout { after } if after == Duration::from_secs(20)));
    assert_eq!(began.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn the_operations_deadline_goes_before_the_calls_timeout() {
    let began = Instant::now();
    let deadline = began + Duration::from_secs(3);
    let error = backends(1, &hang())
        .call(&get("/v1"), Given::default().inputs(), deadline)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), began.elapsed()),
        (ErrorCode::DeadlineExceeded, Duration::from_secs(3))
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nothing_is_sent() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let wire: MemoryWire = Arc::new(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(ok()) }.boxed()
    });
    let backends = backends(1, &wire);
    for call in [get("/v1"), write()] {
        let error =
            backends.call(&call, Given::default().inputs(), Instant::now()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
    }
    assert_eq!(sent.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_the_backend_takes() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, peak) = (Arc::clone(&now), Arc::clone(&most));
    let wire: MemoryWire = Arc::new(move |_| {
        let counter = Arc::clone(&counter);
        peak.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            counter.fetch_sub(1, Ordering::SeqCst);
            Ok(ok())
        }
        .boxed()
    });
    let backends = backends(3, &wire);
    let began = Instant::now();
    let calls = (0..10).map(|_| {
        let backends = Arc::clone(&backends);
        async move { backends.call(&get("/v1"), Given::default().inputs(), later()).await }
    });
    let results = futures_util::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!((most.load(Ordering::SeqCst), began.elapsed()), (3, Duration::from_millis(400)));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_permit_ends_at_the_deadline() {
    let backends = backends(1, &hang());
    let holder = Arc::clone(&backends);
    tokio::spawn(async move { holder.call(&get("/v1"), Given::default().inputs(), later()).await });
    tokio::task::yield_now().await;
    let began = Instant::now();
    let deadline = began + Duration::from_secs(1);
    let error = backends.call(&get("/v1"), Given::default().inputs(), deadline).await.unwrap_err();
    assert_eq!(
        (error.code(), began.elapsed()),
        (ErrorCode::DeadlineExceeded, Duration::from_secs(1))
    );
}

#[tokio::test]
async fn a_read_ends_when_its_caller_goes_away_and_gives_its_permit_back() {
    let (sender, receiver) = oneshot::channel::<()>();
    let sender = Mutex::new(Some(sender));
    let begun = Arc::new(Notify::new());
    let signal = Arc::clone(&begun);
    let wire: MemoryWire = Arc::new(move |_| {
        // Dropped with the request's future, which the receiver sees.
        let guard = sender.lock().unwrap().take();
        signal.notify_one();
        async move {
            if let Some(_guard) = guard {
                std::future::pending::<()>().await;
            }
            Ok(ok())
        }
        .boxed()
    });
    let backends = backends(1, &wire);
    let own = Arc::clone(&backends);
    let caller =
        tokio::spawn(
            async move { own.call(&get("/v1"), Given::default().inputs(), later()).await },
        );
    begun.notified().await;
    caller.abort();
    assert!(receiver.await.is_err());
    backends.call(&get("/v1"), Given::default().inputs(), later()).await.unwrap();
}

#[tokio::test]
async fn a_write_that_was_sent_is_finished_when_its_caller_goes_away() {
    let begun = Arc::new(Notify::new());
    let (gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let (signal, pass, finish) = (Arc::clone(&begun), Arc::clone(&gate), Arc::clone(&done));
    let wire: MemoryWire = Arc::new(move |_| {
        let (signal, pass, finish) = (Arc::clone(&signal), Arc::clone(&pass), Arc::clone(&finish));
        async move {
            signal.notify_one();
            pass.acquire().await.unwrap().forget();
            finish.notify_one();
            Ok(ok())
        }
        .boxed()
    });
    let backends = backends(1, &wire);
    let caller =
        tokio::spawn(
            async move { backends.call(&write(), Given::default().inputs(), later()).await },
        );
    begun.notified().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    done.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_has_an_unknown_outcome() {
    let error =
        backends(1, &hang()).call(&write(), Given::default().inputs(), later()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    let deadline = Instant::now() + Duration::from_secs(1);
    let error =
        backends(1, &hang()).call(&write(), Given::default().inputs(), deadline).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
    let broken: MemoryWire =
        Arc::new(|_| async { Err(BackendError::Exchange { source: "reset".into() }) }.boxed());
    let error =
        backends(1, &broken).call(&write(), Given::default().inputs(), later()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test]
async fn a_write_that_never_left_is_known_not_to_be_done() {
    let refused: MemoryWire =
        Arc::new(|_| async { Err(BackendError::Connect { source: "refused".into() }) }.boxed());
    let error =
        backends(1, &refused).call(&write(), Given::default().inputs(), later()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackendUnavailable);
}

#[tokio::test]
async fn a_refused_write_says_why() {
    let wire: MemoryWire = Arc::new(|_| {
        let body = r#"{"error":{"code":"locked"}}"#.to_owned().into();
        async { Ok(WireResponse { status: 409, body, ..WireResponse::default() }) }.boxed()
    });
    let error =
        backends(1, &wire).call(&write(), Given::default().inputs(), later()).await.unwrap_err();
    assert_eq!((error.code(), error.backend_code()), (ErrorCode::BackendRejected, Some("locked")));
}

// ---- the log

/// What is logged while `run` runs.
///
/// Whether a log line is wanted is remembered for the whole process. With one subscriber alive, a
/// thread of another test that reaches a line first answers for itself ("never"); with two, every
/// subscriber is asked. The second one wants nothing and is there for that alone.
async fn logged(run: impl Future<Output = ()>) -> String {
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&lines);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Lines(Arc::clone(&writer)))
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    run.await;
    drop(guard);
    let bytes = lines.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_failed_call_is_logged_once_without_secrets() {
    for (call, code) in [(get("/v1/{key}"), "BACKEND_REJECTED"), (write(), "BACKEND_REJECTED")] {
        let text = logged(async {
            let wire: MemoryWire = Arc::new(|_| {
                let body =
                    format!(r#"{{"error":{{"code":"locked","message":"{}"}}}}"#, "m".repeat(900));
                async {
                    Ok(WireResponse { status: 409, body: body.into(), ..WireResponse::default() })
                }
                .boxed()
            });
            let mut backend = backend("http://billing.example");
            backend.auth = Auth::Query { name: Arc::from("api_key"), value: Arc::from("hunter2") };
            let backends = Backends::in_memory(graph(backend), &wire);
            backends
                .call(&call, Given::keys(&["ada@example.org"]).inputs(), later())
                .await
                .unwrap_err();
        })
        .await;
        assert_eq!(text.lines().count(), 1, "{text}");
        for word in ["WARN", "billing", "invoices", code, "locked", "status 409"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(
            !text.contains("hunter2") && !text.contains("ada@") && !text.contains(&"m".repeat(301)),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_write_without_an_answer_is_logged_once_with_its_cause() {
    let text = logged(async {
        let broken: MemoryWire = Arc::new(|_| {
            async { Err(BackendError::Exchange { source: "reset by peer".into() }) }.boxed()
        });
        let (backends, call, given) = (backends(1, &broken), write(), Given::default());
        Box::pin(backends.call(&call, given.inputs(), later())).await.unwrap_err();
    })
    .await;
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("reset by peer"), "{text}");
}
