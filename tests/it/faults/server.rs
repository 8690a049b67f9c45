//! A server in front of a backend, on a socket of its own, that does to requests what goes wrong in the world. It keeps what it received.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Nobody listens.
    Refused,
    /// The connection is reset while the request is read.
    Reset,
    /// The request is read and nothing comes.
    BlackHole,
    /// The answer comes a byte at a time and never ends.
    Dribble,
    /// The answer ends before its length.
    Truncated,
    MalformedChunks,
    /// The answer says that it is shorter than it is.
    WrongLength,
    /// A page for people, with status 200.
    WrongType,
    /// 429, always.
    Throttled,
    /// 503, always.
    Unavailable,
    /// Each request fails so often before it is answered.
    Flapping(usize),
    /// The answer begins late, but in time.
    SlowFirstByte,
    /// What should be encrypted is not.
    Tls,
    /// The name leads nowhere.
    Dns,
}

impl Fault {
    pub(crate) const ALL: [Self; 15] = [
        Self::Refused,
        Self::Reset,
        Self::BlackHole,
        Self::Dribble,
        Self::Truncated,
        Self::MalformedChunks,
        Self::WrongLength,
        Self::WrongType,
        Self::Throttled,
        Self::Unavailable,
        Self::Flapping(1),
        Self::Flapping(2),
        Self::SlowFirstByte,
        Self::Tls,
        Self::Dns,
    ];
}

/// What the server received: each request's line, and how often.
type Seen = Arc<Mutex<BTreeMap<String, usize>>>;

pub(crate) struct FaultyServer {
    address: SocketAddr,
    fault: Arc<Mutex<Fault>>,
    seen: Seen,
    /// A request has come.
    pub(crate) came: Arc<Notify>,
    /// A connection has ended that was not answered.
    pub(crate) left: Arc<Notify>,
    task: JoinHandle<()>,
}

impl FaultyServer {
    /// In front of the backend at this address, which it passes requests to when nothing is wrong.
    pub(crate) async fn before(backend: SocketAddr, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(fault));
        let (came, left, seen) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Seen::default());
        let each = Each {
            backend,
            fault: Arc::clone(&shared),
            seen: Arc::clone(&seen),
            tries: Seen::default(),
            came: Arc::clone(&came),
            left: Arc::clone(&left),
        };
        let is_deaf = fault == Fault::Refused;
        let task = tokio::spawn(async move {
            if is_deaf {
                drop(listener);
                return;
            }
            while let Ok((stream, _)) = listener.accept().await {
                let each = each.clone();
                tokio::spawn(async move { each.serve(stream).await.unwrap_or_default() });
            }
        });
        Self { address, fault: shared, seen, came, left, task }
    }

    /// The address of the backend behind this server: `url` with another host.
    pub(crate) fn url(&self, url: &str) -> String {
        let path = url.trim_start_matches("http://").split_once('/').map_or("", |(_, path)| path);
        let (scheme, host) = match *self.fault.lock().unwrap() {
            Fault::Tls => ("https", "127.0.0.1".to_owned()),
            // a label of a name has at most 63 letters: nobody is asked for this one
            Fault::Dns => ("http", format!("{}.test", "a".repeat(64))),
            _ => ("http", "127.0.0.1".to_owned()),
        };
        format!("{scheme}://{host}:{}/{path}", self.address.port()).trim_end_matches('/').to_owned()
    }

    pub(crate) fn becomes(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// What it received, `POST /path`, and how often.
    pub(crate) fn seen(&self) -> BTreeMap<String, usize> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().values().sum()
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Each {
    backend: SocketAddr,
    fault: Arc<Mutex<Fault>>,
    seen: Seen,
    /// How often each request came, body and all.
    tries: Seen,
    came: Arc<Notify>,
    left: Arc<Notify>,
}

impl Each {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let fault = *self.fault.lock().unwrap();
        if fault == Fault::Tls {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
            return Ok(());
        }
        if fault == Fault::Reset {
            // what nobody has read when it is closed resets the connection
            let mut start = [0; 4096];
            let length = stream.peek(&mut start).await?;
            self.note(&start[..length]);
            return Ok(());
        }
        let request = read(&mut stream).await?;
        let tries = self.note(&request);
        let body = r#"{"data":[],"results":[]}"#;
        let answer = match fault {
            Fault::BlackHole | Fault::Dribble => {
                let is_silent = fault == Fault::BlackHole;
                hold(&mut stream, is_silent).await.unwrap_or_default();
                self.left.notify_one();
                return Ok(());
            }
            Fault::Truncated => head(200, "application/json", 10_000) + body,
            Fault::MalformedChunks => {
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{\"data\":\r\n"
                    .to_owned()
            }
            Fault::WrongLength => head(200, "application/json", 9) + body,
            Fault::WrongType => page(200),
            Fault::Throttled => page(429).replacen("\r\n", "\r\nretry-after: 0\r\n", 1),
            Fault::Unavailable => page(503),
            Fault::Flapping(times) if tries <= times => page(503),
            Fault::SlowFirstByte => {
                let mut late = tokio::time::interval(Duration::from_millis(60));
                late.tick().await;
                late.tick().await;
                return self.pass(&mut stream, request).await;
            }
            _ => return self.pass(&mut stream, request).await,
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// Keeps a request; how often the very same came by now.
    fn note(&self, request: &[u8]) -> usize {
        let text = String::from_utf8_lossy(request).into_owned();
        let (first, body) =
            (text.lines().next().unwrap_or_default(), text.split("\r\n\r\n").nth(1));
        let line = first.split(['?', ' ']).take(2).collect::<Vec<_>>().join(" ");
        *self.seen.lock().unwrap().entry(line).or_default() += 1;
        let mut tries = self.tries.lock().unwrap();
        let count = tries.entry(format!("{first}{}", body.unwrap_or_default())).or_default();
        *count += 1;
        self.came.notify_one();
        *count
    }

    async fn pass(&self, stream: &mut TcpStream, request: Vec<u8>) -> std::io::Result<()> {
        let mut backend = TcpStream::connect(self.backend).await?;
        let end = request.windows(2).position(|pair| pair == b"\r\n").unwrap_or(0);
        backend.write_all(&request[..end]).await?;
        backend.write_all(b"\r\nconnection: close").await?;
        backend.write_all(&request[end..]).await?;
        let mut answer = Vec::new();
        backend.read_to_end(&mut answer).await?;
        stream.write_all(&answer).await?;
        stream.shutdown().await
    }
}

/// A request, head and body.
async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await?;
        request.extend_from_slice(&buffer[..count]);
        let end = request.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if request.len() >= end + 4 + length {
                return Ok(request);
            }
        }
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Holds a connection until the other side leaves; not in silence, a byte of an endless answer every few milliseconds.
async fn hold(stream: &mut TcpStream, is_silent: bool) -> std::io::Result<()> {
    if is_silent {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        return Ok(());
    }
    stream.write_all(head(200, "application/json", 1_000_000).as_bytes()).await?;
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    loop {
        pace.tick().await;
        stream.write_all(b" ").await?;
    }
}

fn head(status: u16, content_type: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

fn page(status: u16) -> String {
    let body = "<html><body>down for maintenance</body></html>";
    head(status, "text/html", body.len()) + body
}
