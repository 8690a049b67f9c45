//! A program that lives exactly as long as a test wants it to.
//!
//! It runs in a process group of its own below a small shell that waits on a pipe: when the pipe closes, because the
//! `Process` is dropped or because the test program dies in whatever way, the whole group is ended.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Starts "$@"; ends its whole group when standard input closes; notes in the log if the program ends by itself.
const GUARD: &str = r#"
("$@" </dev/null; echo "guard: the program ended with $?") &
read -r _
kill -KILL 0
"#;
const ENDED: &str = "guard: the program ended with";

pub(crate) struct Process {
    name: &'static str,
    guard: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `log`.
    pub(crate) fn start(name: &'static str, command: &Command, log: &Path) -> Self {
        let out = File::create(log).unwrap();
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(key, value),
                None => guard.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guard.current_dir(folder);
        }
        guard.stdin(Stdio::piped()).stdout(out.try_clone().unwrap()).stderr(out).process_group(0);
        let guard = guard.spawn().unwrap_or_else(|e| panic!("{name} cannot be started: {e}"));
        Self { name, guard, log: log.to_path_buf() }
    }

    /// Waits until `is_ready` says so: at most a minute, and not at all once the program has ended.
    pub(crate) async fn ready<F: Future<Output = bool>>(&self, is_ready: impl Fn() -> F) {
        for _ in 0..600 {
            if is_ready().await {
                return;
            }
            assert!(!self.has_ended(), "{} ended before it was ready:\n{}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} was not ready within a minute:\n{}", self.name, self.log());
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.log().contains(ENDED)
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().unwrap();
    }
}

/// Runs to the end; panics with its output if it failed.
pub(crate) fn run(command: &mut Command) {
    let out = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        out.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

/// An address on loopback that nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The repository's `target/` or wherever cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from)
}

/// A file of `tests/real/`.
pub(crate) fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name)
}

/// A new folder below `target/real/`, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = target().join("real").join(format!("{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).unwrap_or_default();
        }
    }
}
