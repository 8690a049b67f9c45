//! The load: so many connections, each with one request under way, for so long.
//!
//! Takes: an address, an operation, a number of clients, a time.
//! Gives: how many answers came and how long each took. Answers with errors end the measurement. The connection that it is made with.
//! Never: sends to anything but loopback, or longer than it was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::operations::Operation;

/// What came of one load.
pub(crate) struct Outcome {
    pub(crate) answers: usize,
    pub(crate) took: Duration,
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies
            .get(at.min(self.latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

pub(crate) async fn load(
    address: &str,
    operation: &Operation,
    clients: usize,
    time: Duration,
) -> Result<Outcome, String> {
    assert!(address.starts_with("127.0.0.1:"), "the load stays on this machine");
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..clients {
        let (address, operation, next) = (address.to_owned(), operation.clone(), Arc::clone(&next));
        tasks.push(tokio::spawn(
            async move { client(&address, &operation, &next, begin + time).await },
        ));
    }
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.map_err(|e| e.to_string())??);
    }
    let took = begin.elapsed();
    latencies.sort_unstable();
    Ok(Outcome { answers: latencies.len(), took, latencies })
}

async fn client(
    address: &str,
    operation: &Operation,
    next: &AtomicUsize,
    end: Instant,
) -> Result<Vec<Duration>, String> {
    let mut connection = Connection::open(address).await?;
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let body = operation.body(number);
        connection.header = operation.trace(number).map(|trace| format!("traceparent: {trace}"));
        let start = Instant::now();
        let answer = connection.ask(&body).await?;
        latencies.push(start.elapsed());
        if !answer.starts_with(br#"{"data":{"#) {
            return Err(format!(
                "not an answer: {}",
                String::from_utf8_lossy(&answer[..answer.len().min(400)])
            ));
        }
    }
    Ok(latencies)
}

/// One answer, for comparing.
pub(crate) async fn ask(address: &str, body: &str) -> Result<Vec<u8>, String> {
    Connection::open(address).await?.ask(body).await.map(<[u8]>::to_vec)
}

pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    pub(crate) body: &'c [u8],
}

/// A connection with one request at a time: HTTP/1.1 with lengths or chunks, nothing else.
pub(crate) struct Connection {
    stream: TcpStream,
    address: String,
    buffer: Vec<u8>,
    chunks: Vec<u8>,
    /// A line that the next request sends besides.
    pub(crate) header: Option<String>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Self {
            stream,
            address: address.to_owned(),
            buffer: Vec::with_capacity(256 * 1024),
            chunks: Vec::new(),
            header: None,
        })
    }

    pub(crate) async fn ask(&mut self, body: &str) -> Result<&[u8], String> {
        Ok(self.post("/graphql", "application/json", body).await?.body)
    }

    pub(crate) async fn post(
        &mut self,
        target: &str,
        accept: &str,
        body: &str,
    ) -> Result<Answer<'_>, String> {
        self.send(target, accept, body).await?;
        self.read().await
    }

    /// Sends a request, and leaves it to the caller whether the answer is read.
    pub(crate) async fn send(
        &mut self,
        target: &str,
        accept: &str,
        body: &str,
    ) -> Result<(), String> {
        let header = self.header.take().map(|line| format!("{line}\r\n"));
        let request = format!(
            "POST {target} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: {accept}\r\n{}content-length: {}\r\n\r\n{body}",
            self.address,
            header.unwrap_or_default(),
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())
    }

    pub(crate) async fn get(&mut self, target: &str) -> Result<Answer<'_>, String> {
        let request = format!("GET {target} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address);
        self.stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
        self.read().await
    }

    async fn read(&mut self) -> Result<Answer<'_>, String> {
        self.buffer.clear();
        let head = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|text| text.parse().ok()).ok_or("no status")?;
        if let Some(length) = text.split("content-length:").nth(1) {
            let length: usize = length
                .split("\r\n")
                .next()
                .and_then(|text| text.trim().parse().ok())
                .ok_or("no length")?;
            while self.buffer.len() < head + length {
                self.more().await?;
            }
            return Ok(Answer { status, body: &self.buffer[head..head + length] });
        }
        Ok(Answer { status, body: self.read_chunks(head).await? })
    }

    async fn read_chunks(&mut self, mut at: usize) -> Result<&[u8], String> {
        self.chunks.clear();
        loop {
            let line = loop {
                if let Some(end) = find(&self.buffer[at..], b"\r\n") {
                    break at + end;
                }
                self.more().await?;
            };
            let size = std::str::from_utf8(&self.buffer[at..line]).map_err(|e| e.to_string())?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(|e| e.to_string())?;
            while self.buffer.len() < line + 2 + size + 2 {
                self.more().await?;
            }
            self.chunks.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            at = line + 2 + size + 2;
            if size == 0 {
                return Ok(&self.chunks);
            }
        }
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the connection was closed".to_owned()),
            Ok(_) => Ok(()),
            Err(e) => Err(e.to_string()),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
