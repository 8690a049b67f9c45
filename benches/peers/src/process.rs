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
    pub(crate) async fn start(command: Command) -> Result<Self, String> {
        Ok(Self::start_all(command, 1).await?.0)
    }

    /// Starts it and waits until it has named so many addresses.
    pub(crate) async fn start_all(
        mut command: Command,
        count: usize,
    ) -> Result<(Self, Vec<String>), String> {
        let shown = format!("{:?}", command.as_std().get_program());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| format!("{shown}: {e}"))?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut addresses: Vec<String> = Vec::new();
        let named = tokio::time::timeout(Duration::from_secs(60), async {
            while let Some(line) = lines.next_line().await.map_err(|e| e.to_string())? {
                addresses.extend(address_in(&line).filter(|address| !addresses.contains(address)));
                if addresses.len() >= count {
                    return Ok(());
                }
            }
            Err("it ended without saying where it listens".to_owned())
        });
        let named = named.await.map_err(|_| format!("{shown}: no address within 60 s"))?;
        named.map_err(|problem| format!("{shown}: {problem}"))?;
        // what it goes on printing is read, so that it never waits for a reader
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = addresses.first().cloned().unwrap_or_default();
        Ok((Self { child, address }, addresses))
    }

    /// Starts what listens where it is told to, and waits until it does.
    pub(crate) async fn start_at(mut command: Command, address: String) -> Result<Self, String> {
        command.stderr(Stdio::inherit());
        Self::wait_for(command, address, |_| {}).await
    }

    /// The same; each line of its log is handed on.
    pub(crate) async fn start_logged(
        mut command: Command,
        address: String,
        mut see: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, String> {
        command.stderr(Stdio::piped());
        Self::wait_for(command, address, |child| {
            let Some(log) = child.stderr.take() else { return };
            let mut lines = BufReader::new(log).lines();
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    see(&line);
                }
            });
        })
        .await
    }

    async fn wait_for(
        mut command: Command,
        address: String,
        begun: impl FnOnce(&mut Child),
    ) -> Result<Self, String> {
        let shown = format!("{:?}", command.as_std().get_program());
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| format!("{shown}: {e}"))?;
        begun(&mut child);
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

    /// Files and sockets that are open now.
    pub(crate) fn descriptors(&self) -> u64 {
        let id = self.child.id().unwrap_or(0);
        std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, |entries| entries.count() as u64)
    }

    fn proc(&self, what: &str) -> String {
        let id = self.child.id().unwrap_or(0);
        std::fs::read_to_string(format!("/proc/{id}/{what}")).unwrap_or_default()
    }

    /// Asks it to end, and waits for as long as it may take.
    pub(crate) async fn stop(mut self, within: Duration) -> Result<(), String> {
        let id = self.child.id().ok_or("it has ended by itself")?;
        let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        asked.map_err(|e| format!("kill: {e}"))?;
        match tokio::time::timeout(within, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("it ended with {status}")),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err(format!("it still ran {within:?} after SIGTERM")),
        }
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
