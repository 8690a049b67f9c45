//! The `admin` and `reload` sections of `cyclorama.yaml`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Secret;

/// A listener of its own, for whoever runs the process.
#[derive(Clone, Debug)]
pub struct Admin {
    pub listen: SocketAddr,
    /// What a caller must show; `None` only on an address of this machine.
    pub token: Option<Secret>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4001), token: None }
    }
}

/// When files that have changed are read anew without being told.
#[derive(Clone, Copy, Debug)]
pub struct Reload {
    pub watch: bool,
    /// How often the files are looked at.
    pub every: Duration,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: true, every: Duration::from_secs(2) }
    }
}
