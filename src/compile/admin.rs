//! The `admin` and `reload` sections of `cyclorama.yaml`.

use std::net::SocketAddr;
use std::time::Duration;

use super::deployment::{address, duration};
use crate::config::settings::{Admin, Reload, Secret};
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};

/// Shorter ones can be guessed.
const TOKEN_CHARACTERS_MIN: usize = 16;

pub(super) fn admin(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> Option<Admin> {
    let node = node?;
    let defaults = Admin::default();
    let token = node.get("token").filter(|token| token.filled().is_some());
    if let Some(token) = token
        && token.filled().is_some_and(|text| text.chars().count() < TOKEN_CHARACTERS_MIN)
    {
        let message = format!("a token has at least {TOKEN_CHARACTERS_MIN} characters");
        problems.push(
            Diagnostic::error(Code::OutOfRange, message)
                .at(token.span, "is shorter")
                .help("for example the output of `openssl rand -hex 24`, as `${env.ADMIN_TOKEN}`"),
        );
    }
    let token = token.and_then(Node::filled).map(Secret::new);
    let listen = node.get("listen").and_then(|listen| address(listen, problems));
    let listen = listen.unwrap_or(defaults.listen);
    if let Some(problem) = open_to_all(listen, token.is_some()) {
        let place = node.get("listen").map_or(node.span, |listen| listen.span);
        problems.push(problem.at(place, "reachable from other machines"));
    }
    Some(Admin { listen, token })
}

/// The problem of an admin listener that others can reach, and use.
pub fn open_to_all(address: SocketAddr, has_token: bool) -> Option<Diagnostic> {
    (!address.ip().is_loopback() && !has_token).then(|| {
        Diagnostic::error(
            Code::InsecureListen,
            format!("the admin listener at {address} would obey everyone"),
        )
        .help("set `admin.token`, or listen at 127.0.0.1")
    })
}

pub(super) fn reload(node: Option<&Node>, problems: &mut Vec<Diagnostic>) -> Reload {
    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_hours(1);
    let defaults = Reload::default();
    let every = duration(node, "every", defaults.every);
    if let Some(place) = node.and_then(|node| node.get("every"))
        && !(SHORTEST..=LONGEST).contains(&every)
    {
        problems.push(
            Diagnostic::error(Code::OutOfRange, "the files are looked at every 100ms to 1h")
                .at(place.span, "is outside of that")
                .help("to look at them never, set `watch: false`"),
        );
    }
    let watch = node.and_then(|node| node.get_text("watch")).and_then(units::boolean);
    Reload { watch: watch.unwrap_or(defaults.watch), every: every.clamp(SHORTEST, LONGEST) }
}
