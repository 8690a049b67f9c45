//! Servers as processes of their own: started, told apart, ended; what they cost, as the system counts it.
//!
//! Takes: a program and its words; the first line that it prints is (or ends with) its address.
//! Gives: its address, the processor time and the memory that it has used.
//! Never: ends what it did not start.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl Process {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(mut command: Command) -> Result<Self, String> {
        let shown = format!("{:?}", command.as_std().get_program());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| format!("{shown}: {e}"))?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let address = tokio::time::timeout(Duration::from_secs(60), async {
            while let Some(line) = lines.next_line().await.map_err(|e| e.to_string())? {
                if let Some(address) = address_in(&line) {
                    return Ok(address);
                }
            }
            Err("it ended without saying where it listens".to_owned())
        });
        let address = address.await.map_err(|_| format!("{shown}: no address within 60 s"))?;
        let address = address.map_err(|problem| format!("{shown}: {problem}"))?;
        // what it goes on printing is read, so that it never waits for a reader
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, address })
    }

    /// Starts what listens where it is told to, and waits until it does.
    pub(crate) async fn start_at(mut command: Command, address: String) -> Result<Self, String> {
        let shown = format!("{:?}", command.as_std().get_program());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| format!("{shown}: {e}"))?;
        for _ in 0..600 {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                return Err(format!("{shown}: {status} before it listened"));
            }
            if tokio::net::TcpStream::connect(&address).await.is_ok() {
                return Ok(Self { child, address });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{shown}: it does not listen within 60 s"))
    }

    /// Processor time in user and system mode of the process and its threads.
    pub(crate) fn time(&self) -> Duration {
        let stat = self.proc("stat");
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // fields 14 and 15 of proc(5), counted from the state, which is the third; a hundred ticks a second on Linux
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Memory that is resident now, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) * 1024
    }

    fn proc(&self, what: &str) -> String {
        let id = self.child.id().unwrap_or(0);
        std::fs::read_to_string(format!("/proc/{id}/{what}")).unwrap_or_default()
    }

    pub(crate) async fn end(mut self) {
        // gone already is ended too
        self.child.kill().await.unwrap_or_default();
    }
}

/// A loopback address that nobody listens on at this moment.
pub(crate) fn free_address() -> Result<String, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    Ok(listener.local_addr().map_err(|e| e.to_string())?.to_string())
}

fn address_in(line: &str) -> Option<String> {
    let at = line.find("127.0.0.1:")?;
    let rest = &line[at..];
    let end = rest[10..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| end + 10);
    (end > 10).then(|| rest[..end].to_owned())
}
