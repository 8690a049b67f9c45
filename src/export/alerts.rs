//! Alerts: a backend that became slow, or is left alone by its breaker, and the end of it, for a webhook.
//!
//! One task looks at the figures every second, so that nothing of it is on the way of a call; another one tells. What cannot be told
//! in time is dropped and counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::delivery::{self, News, Trouble, deliver};
use crate::config::settings::Receiver;
use crate::engine::figures::{Figures, GroupFigures, Phase};
use crate::error::BackendError;
use crate::http::Server;
use crate::telemetry::counts::{AlertEnd, ExportCounts};
use crate::transport::{Post, Posted};

const LOOK: Duration = Duration::from_secs(1);
/// Alerts that wait to be told; one more is dropped.
const ROOM: usize = 64;
/// With waits of 1, 2, 4 and 8 seconds between them.
const ATTEMPTS: u32 = 5;
const MEDIA: &str = "application/json";

/// Begins to look, and to tell, until it is finished.
pub(super) fn start(
    webhook: &Receiver,
    server: &Server,
    counts: &Arc<ExportCounts>,
    (tasks, finished): (&mut JoinSet<()>, &watch::Receiver<bool>),
) -> Result<(), BackendError> {
    let post = delivery::post(webhook, "", MEDIA)?;
    let (queue, alerts) = mpsc::channel(ROOM);
    tasks.spawn(look(server.clone(), queue, Arc::clone(counts), finished.clone()));
    tasks.spawn(tell(post, alerts, Arc::clone(counts)));
    Ok(())
}

async fn look(
    server: Server,
    queue: mpsc::Sender<Alert>,
    counts: Arc<ExportCounts>,
    mut finished: watch::Receiver<bool>,
) {
    let (mut known, mut looks) = (Known::default(), interval(LOOK));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_over = tokio::select! {
            _ = looks.tick() => false,
            _ = finished.wait_for(|is_finished| *is_finished) => true,
        };
        for alert in known.changes(&server.engine().backends()) {
            if queue.try_send(alert).is_err() {
                counts.alert(AlertEnd::Dropped);
            }
        }
        if is_over {
            return;
        }
    }
}

async fn tell(post: Post, mut alerts: mpsc::Receiver<Alert>, counts: Arc<ExportCounts>) {
    let mut trouble = Trouble::default();
    while let Some(alert) = alerts.recv().await {
        let went = deliver(&post, Bytes::from(alert.to_json().to_string()), ATTEMPTS).await;
        let is_taken = went.as_ref().is_ok_and(Posted::is_taken);
        counts.alert(if is_taken { AlertEnd::Sent } else { AlertEnd::Failed });
        match trouble.note(&went, Instant::now()) {
            Some(News::Failed { times, reason }) => {
                tracing::warn!(times, error = reason, "the webhook does not take alerts");
            }
            Some(News::Well) => tracing::info!("the webhook takes alerts again"),
            None => {}
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Slow,
    Breaker,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Breaker => "breaker",
        }
    }
}

/// Something that began, or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alert {
    kind: Kind,
    began: bool,
    backend: Arc<str>,
    vendor: Arc<str>,
    group: Arc<str>,
    /// When it was seen.
    at: Timestamp,
    /// The median of the last minute, and the usual one.
    median: Option<Duration>,
    norm: Option<Duration>,
}

impl Alert {
    fn to_json(&self) -> Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        json!({
            "kind": self.kind.as_str(),
            "state": if self.began { "began" } else { "ended" },
            "at": self.at.to_string(),
            "backend": &*self.backend,
            "vendor": &*self.vendor,
            "group": &*self.group,
            "medianSeconds": seconds(self.median),
            "normSeconds": seconds(self.norm),
            "text": self.text(),
        })
    }

    /// For people.
    fn text(&self) -> String {
        let who = format!("{} ({}, group {})", self.backend, self.vendor, self.group);
        let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
        match (self.kind, self.began) {
            (Kind::Slow, true) => format!(
                "{who} is slow: half of the calls take longer than {:.3} s, where {:.3} s are usual",
                seconds(self.median),
                seconds(self.norm)
            ),
            (Kind::Slow, false) => format!("{who} is as fast as usual again"),
            (Kind::Breaker, true) => {
                format!("{who} fails: its breaker opened, and calls are answered without it")
            }
            (Kind::Breaker, false) => format!("{who} answers again: its breaker closed"),
        }
    }
}

/// What was the case when it was last looked at.
#[derive(Debug, Default)]
struct Known(BTreeMap<(Arc<str>, Arc<str>), Seen>);

#[derive(Clone, Debug)]
struct Seen {
    vendor: Arc<str>,
    /// Times that the breaker opened.
    opened: u64,
    is_open: bool,
    is_slow: bool,
}

impl Known {
    /// What began and ended since the last look, also of a breaker that opened and closed between two.
    fn changes(&mut self, figures: &[Figures]) -> Vec<Alert> {
        let (mut changes, mut now) = (Vec::new(), BTreeMap::new());
        let groups =
            figures.iter().flat_map(|one| one.groups.iter().map(move |group| (one, group)));
        for (one, group) in groups {
            let place = (Arc::clone(&one.role), Arc::clone(&group.name));
            let before = self.0.remove(&place);
            let seen = Seen {
                vendor: Arc::clone(&one.vendor),
                opened: group.opened,
                is_open: group.breaker != Phase::Closed,
                is_slow: group.usual.is_slow,
            };
            seen.tell(&place, before.as_ref(), Some(group), &mut changes);
            now.insert(place, seen);
        }
        // what is no longer there is no longer wrong
        for (place, before) in std::mem::replace(&mut self.0, now) {
            let gone = Seen { is_open: false, is_slow: false, ..before.clone() };
            gone.tell(&place, Some(&before), None, &mut changes);
        }
        changes
    }
}

impl Seen {
    fn tell(
        &self,
        (backend, group): &(Arc<str>, Arc<str>),
        before: Option<&Self>,
        figures: Option<&GroupFigures>,
        changes: &mut Vec<Alert>,
    ) {
        let mut tell = |kind, began| {
            changes.push(Alert {
                kind,
                began,
                backend: Arc::clone(backend),
                vendor: Arc::clone(&self.vendor),
                group: Arc::clone(group),
                at: Timestamp::now(),
                median: figures.and_then(|group| group.usual.median),
                norm: figures.and_then(|group| group.usual.norm),
            });
        };
        let was_open = before.is_some_and(|before| before.is_open);
        let opened = self.is_open || self.opened > before.map_or(0, |before| before.opened);
        if opened && !was_open {
            tell(Kind::Breaker, true);
        }
        if !self.is_open && (was_open || opened) {
            tell(Kind::Breaker, false);
        }
        let was_slow = before.is_some_and(|before| before.is_slow);
        if self.is_slow != was_slow {
            tell(Kind::Slow, self.is_slow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::figures::Usual;

    fn figures(breaker: Phase, opened: u64, is_slow: bool) -> Vec<Figures> {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let usual = Usual { norm: seconds(1), median: seconds(4), is_slow };
        let name = Arc::from("default");
        let group = GroupFigures { name, breaker, opened, usual, ..GroupFigures::default() };
        let (role, vendor) = (Arc::from("crm"), Arc::from("acme"));
        vec![Figures { role, vendor, groups: vec![group], ..Figures::default() }]
    }

    fn told(changes: &[Alert]) -> Vec<(Kind, bool)> {
        changes.iter().map(|alert| (alert.kind, alert.began)).collect()
    }

    #[test]
    fn what_begins_and_ends_is_told_once_each() {
        let mut known = Known::default();
        let mut look = |figures: Vec<Figures>| told(&known.changes(&figures));
        assert_eq!(look(figures(Phase::Closed, 0, false)), []);
        assert_eq!(look(figures(Phase::Open, 1, false)), [(Kind::Breaker, true)]);
        assert_eq!(look(figures(Phase::HalfOpen, 1, true)), [(Kind::Slow, true)]);
        assert_eq!(look(figures(Phase::Open, 2, true)), []);
        assert_eq!(
            look(figures(Phase::Closed, 2, false)),
            [(Kind::Breaker, false), (Kind::Slow, false)]
        );
        let between = [(Kind::Breaker, true), (Kind::Breaker, false)];
        assert_eq!(look(figures(Phase::Closed, 3, false)), between);
        // another way to the backend has counts of its own
        assert_eq!(look(figures(Phase::Closed, 0, false)), []);
        assert_eq!(look(figures(Phase::Open, 1, true)).len(), 2);
        assert_eq!(look(Vec::new()), [(Kind::Breaker, false), (Kind::Slow, false)]);
        assert_eq!(look(Vec::new()), []);
    }

    #[test]
    fn an_alert_says_who_what_and_how_long_in_json_and_in_a_sentence() {
        let alert = Known::default().changes(&figures(Phase::Closed, 0, true)).remove(0);
        let json = alert.to_json();
        assert!(json["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{json}");
        let members =
            ["kind", "state", "backend", "vendor", "group", "medianSeconds", "normSeconds"];
        let wanted = json!(["slow", "began", "crm", "acme", "default", 4.0, 1.0]);
        assert_eq!(Value::from(members.map(|member| json[member].clone()).to_vec()), wanted);
        assert_eq!(
            json["text"],
            "crm (acme, group default) is slow: half of the calls take longer than 4.000 s, where 1.000 s are usual"
        );
    }
}
