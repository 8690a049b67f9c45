//! The policy around a backend's calls: what the vendor file says, key by key overridden by the deployment.

use std::sync::Arc;
use std::time::Duration;

use super::Vendor;
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{
    BreakerPolicy, BudgetPolicy, ConcurrencyPolicy, GroupPolicy, HedgePolicy, Policy, QuotaHeaders,
    QuotaPolicy, Rate, RetryPolicy, SlowPolicy,
};
use crate::nearest::suggestion;
use crate::template::forbidden_header;

/// One section as two files have it: what the first says goes before what the second says.
#[derive(Clone, Copy, Default)]
struct Section<'a> {
    over: Option<&'a Node>,
    under: Option<&'a Node>,
}

impl<'a> Section<'a> {
    fn get(self, key: &str) -> Option<&'a Node> {
        let own = |node: Option<&'a Node>| node.and_then(|node| node.get(key));
        own(self.over).or_else(|| own(self.under))
    }

    fn below(self, key: &str) -> Self {
        let own = |node: Option<&'a Node>| node.and_then(|node| node.get(key));
        Self { over: own(self.over), under: own(self.under) }
    }

    fn is_there(self) -> bool {
        self.over.is_some() || self.under.is_some()
    }

    fn duration(self, key: &str, default: Duration) -> Duration {
        self.get(key).and_then(Node::filled).and_then(units::duration).unwrap_or(default)
    }

    fn number<T: std::str::FromStr>(self, key: &str, default: T) -> T {
        self.get(key).and_then(Node::filled).and_then(|text| text.parse().ok()).unwrap_or(default)
    }

    fn flag(self, key: &str, default: bool) -> bool {
        self.get(key).and_then(Node::filled).and_then(units::boolean).unwrap_or(default)
    }

    fn name(self, key: &str) -> Option<Arc<str>> {
        let name = self.get(key)?.filled()?;
        Some(Arc::from(name.to_ascii_lowercase()))
    }
}

impl<'a> Vendor<'a, '_> {
    pub(super) fn policy(&mut self) -> Policy {
        let all = self.section();
        self.check_timeout(all);
        if let Some((node, name)) =
            self.node.get("idempotency_header").and_then(|node| Some((node, node.filled()?)))
        {
            self.check_header(node, name);
        }
        Policy {
            retry: self.retry(all.below("retry")),
            concurrency: self.concurrency_policy(all.below("concurrency")),
            hedge: hedge(all.below("hedge")),
            slow: self.slow(all.below("slow")),
            deadline_header: self.deadline_header(all),
            groups: self.groups(all),
        }
    }

    fn slow(&mut self, section: Section<'a>) -> SlowPolicy {
        let usual = SlowPolicy::default();
        let factor = section.number("factor", f64::NAN);
        if let Some(node) = section.get("factor").filter(|_| !(1.5..=100.0).contains(&factor)) {
            let (message, help) =
                ("a number from 1.5 to 100 must stand here", "`3` is three times the usual");
            self.error(Code::OutOfRange, node.span, message, help);
        }
        SlowPolicy {
            enabled: section.flag("enabled", usual.enabled),
            factor: if (1.5..=100.0).contains(&factor) { factor } else { usual.factor },
            samples: section.number("samples", usual.samples),
            least: section.duration("least", usual.least),
        }
    }

    /// The most attempts at once: the number, or `most` of the section.
    pub(super) fn concurrency_most(&self) -> usize {
        let Section { over, under } = self.section().below("concurrency");
        let most = |node: Option<&Node>| {
            let node = node?;
            node.get("most").unwrap_or(node).filled()?.parse().ok()
        };
        most(over).or_else(|| most(under)).unwrap_or(64)
    }

    /// The place of a call's group.
    pub(super) fn group_of(&mut self, call: &Node) -> usize {
        let Some((node, name)) = call.get("group").and_then(|node| Some((node, node.filled()?)))
        else {
            return 0;
        };
        let names = self.group_names();
        let found = names.iter().position(|known| **known == *name);
        if found.is_none() {
            let near = suggestion(name, names.iter().map(|name| &**name));
            self.problem(
                Diagnostic::error(Code::UnknownGroup, format!("there is no group `{name}`"))
                    .at(node.span, "not under `groups` of this file")
                    .help(near.unwrap_or_else(|| {
                        format!("declare it: `groups: {{ {name}: {{ breaker: … }} }}`")
                    })),
            );
        }
        found.map_or(0, |place| place + 1)
    }

    /// The header that names a write of a call.
    pub(super) fn idempotency_header(&mut self, call: &Node) -> Option<Arc<str>> {
        let own = call.get("idempotency_header");
        let node = own.or_else(|| self.node.get("idempotency_header"))?;
        let name = node.filled()?;
        if own.is_some() && name != "none" {
            self.check_header(node, name);
        }
        (name != "none").then(|| Arc::from(name.to_ascii_lowercase()))
    }

    fn section(&self) -> Section<'a> {
        Section { over: self.file.settings.map(|settings| settings.node), under: Some(self.node) }
    }

    fn group_names(&self) -> Vec<Arc<str>> {
        let groups = self.node.get("groups").map(Node::entries).unwrap_or_default();
        groups.iter().map(|entry| Arc::clone(&entry.key)).collect()
    }

    fn check_header(&mut self, node: &Node, name: &str) {
        let reason = forbidden_header(name).or_else(|| {
            let is_token = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
            (!is_token).then_some("a header's name is letters, digits and dashes")
        });
        if let Some(reason) = reason {
            let message = format!("the header `{name}` cannot be set");
            self.error(Code::InvalidTemplate, node.span, message, reason);
        }
    }

    fn deadline_header(&mut self, all: Section<'a>) -> Option<Arc<str>> {
        let Some(node) = all.get("deadline_header") else {
            return Policy::default().deadline_header;
        };
        let name = node.filled()?;
        self.check_header(node, name);
        all.name("deadline_header").filter(|name| **name != *"none")
    }

    /// A time that never comes: the operation ends before it.
    fn check_timeout(&mut self, all: Section<'a>) {
        let deadline = self.file.deadline;
        let Some(node) = all.get("timeout").filter(|_| self.file.settings.is_some()) else {
            return;
        };
        if node.filled().and_then(units::duration).is_some_and(|timeout| timeout > deadline) {
            self.problem(late(node, deadline));
        }
    }

    /// The longest that an attempt of a call may take: less than the operation, so that it is told before everything ends.
    pub(super) fn timeout_of(&mut self, call: &Node) -> Duration {
        let own = call.get("timeout");
        let declared = own.and_then(Node::filled).and_then(units::duration);
        let deadline = self.file.deadline;
        if let (Some(node), Some(timeout)) = (own, declared)
            && self.file.settings.is_some()
            && timeout > deadline
        {
            self.problem(late(node, deadline));
        }
        let timeout = declared.unwrap_or_else(|| self.duration("timeout", Duration::from_secs(10)));
        timeout.min(deadline * 9 / 10)
    }

    fn retry(&mut self, section: Section<'a>) -> RetryPolicy {
        let usual = RetryPolicy::default();
        let budget = section.below("budget");
        let retry = RetryPolicy {
            attempts: section.number("attempts", usual.attempts),
            base: section.duration("base", usual.base),
            throttled_base: section.duration("throttled_base", usual.throttled_base),
            cap: section.duration("cap", usual.cap),
            retry_after_cap: section.duration("retry_after_cap", usual.retry_after_cap),
            budget: BudgetPolicy {
                percent: budget.number("percent", usual.budget.percent),
                per_second: budget.number("per_second", usual.budget.per_second),
            },
        };
        for (key, base) in [("base", retry.base), ("throttled_base", retry.throttled_base)] {
            if let Some(node) = section.get(key).or_else(|| section.get("cap"))
                && base > retry.cap
            {
                let message =
                    format!("the first wait (`{key}`) is longer than the longest (`cap`)");
                let cap = section.get("cap").map(|node| node.span);
                self.problem(
                    Diagnostic::error(Code::OutOfRange, message)
                        .at(node.span, "here")
                        .also(cap.filter(|span| *span != node.span), "the longest")
                        .help(format!("make `{key}` smaller, or `cap` larger")),
                );
            }
        }
        retry
    }

    fn concurrency_policy(&mut self, section: Section<'a>) -> ConcurrencyPolicy {
        let usual = ConcurrencyPolicy::default();
        let least = section.number("least", usual.least);
        let most = self.concurrency_most();
        if let Some(node) = section.get("least").filter(|_| least > most) {
            self.problem(
                Diagnostic::error(Code::OutOfRange, "`least` is more than `most`")
                    .at(node.span, format!("of at most {most} calls at once"))
                    .help("make `least` smaller, or `most` larger"),
            );
        }
        ConcurrencyPolicy {
            adaptive: section.flag("adaptive", usual.adaptive),
            least,
            queue: section.number("queue", usual.queue),
        }
    }

    /// The group of all calls first, then those that are declared.
    fn groups(&mut self, all: Section<'a>) -> Vec<GroupPolicy> {
        let usual = GroupPolicy::default();
        let breaker = self.breaker(all.below("breaker"), usual.breaker);
        let quota = Some(self.quota(all.below("quota")));
        let mut groups = vec![GroupPolicy { breaker, quota, ..usual }];
        for name in self.group_names() {
            let section = all.below("groups").below(&name);
            let own = section.below("quota");
            groups.push(GroupPolicy {
                breaker: self.breaker(section.below("breaker"), breaker),
                quota: own.is_there().then(|| self.quota(own)),
                name,
            });
        }
        self.check_groups();
        groups
    }

    /// Groups are those of the vendor file, and some call is in each of them.
    fn check_groups(&mut self) {
        let names = self.group_names();
        let deployment = self.file.settings.and_then(|settings| settings.node.get("groups"));
        for entry in deployment.map(Node::entries).unwrap_or_default() {
            if !names.contains(&entry.key) {
                let message = format!("there is no group `{}`", entry.key);
                self.problem(
                    Diagnostic::error(Code::UnknownGroup, message)
                        .at(entry.key_span, "not under `groups` of the vendor file")
                        .suggest(&entry.key, names.iter().map(|name| &**name)),
                );
            }
        }
        let calls = self.node.get("calls").map(Node::entries).unwrap_or_default();
        for entry in self.node.get("groups").map(Node::entries).unwrap_or_default() {
            let is_used = calls.iter().any(|call| call.value.get_text("group") == Some(&entry.key));
            if !is_used {
                let message = format!("no call is in the group `{}`", entry.key);
                self.problem(
                    Diagnostic::warning(Code::UnknownGroup, message)
                        .at(entry.key_span, "declared here")
                        .help(format!("write `group: {}` in a call, or leave it out", entry.key)),
                );
            }
        }
    }

    fn breaker(&mut self, section: Section<'a>, usual: BreakerPolicy) -> BreakerPolicy {
        BreakerPolicy {
            enabled: section.flag("enabled", usual.enabled),
            failures: section.number("failures", usual.failures),
            percent: section.number("percent", usual.percent),
            volume: section.number("volume", usual.volume),
            window: self.positive(section, "window", usual.window),
            open: self.positive(section, "open", usual.open),
            probes: section.number("probes", usual.probes),
        }
    }

    fn quota(&mut self, section: Section<'a>) -> QuotaPolicy {
        let headers = section.below("headers");
        let headers = QuotaHeaders {
            limit: headers.name("limit"),
            remaining: headers.name("remaining"),
            reset: headers.name("reset"),
            usage: headers.name("usage"),
        };
        let calls = section.number("calls", 0_u32);
        if calls == 0 {
            for key in ["per", "burst"] {
                if let Some(node) = section.get(key) {
                    let message = format!("`{key}` says nothing without `calls`");
                    self.error(Code::MissingKey, node.span, message, "how many calls?");
                }
            }
            return QuotaPolicy { rate: None, headers };
        }
        let per = self.positive(section, "per", Duration::from_secs(1));
        let burst = section.number("burst", (calls / 10).max(1));
        if let Some(node) = section.get("burst").filter(|_| burst > calls) {
            self.problem(
                Diagnostic::error(Code::OutOfRange, "more may leave at once than in all")
                    .at(node.span, format!("of {calls} calls"))
                    .help("make `burst` smaller than `calls`"),
            );
        }
        let burst = burst.clamp(1, calls);
        QuotaPolicy { rate: Some(Rate { calls, per, burst }), headers }
    }

    fn positive(&mut self, section: Section<'a>, key: &str, usual: Duration) -> Duration {
        let duration = section.duration(key, usual);
        match section.get(key) {
            Some(node) if duration.is_zero() => {
                let message = format!("`{key}` must be longer than nothing");
                self.error(Code::OutOfRange, node.span, message, "no time at all");
                usual
            }
            _ => duration,
        }
    }
}

fn late(node: &Node, deadline: Duration) -> Diagnostic {
    let message = "this timeout is longer than the whole operation";
    Diagnostic::warning(Code::OutOfRange, message)
        .at(node.span, format!("`deadline` is {deadline:?}"))
        .help("an attempt ends at nine tenths of `deadline`: make the timeout shorter, so that there is time for another one, or `deadline` longer")
}

fn hedge(section: Section<'_>) -> HedgePolicy {
    let usual = HedgePolicy::default();
    HedgePolicy {
        enabled: section.flag("enabled", usual.enabled),
        percentile: section.number("percentile", usual.percentile),
        after: section.duration("after", usual.after),
        percent: section.number("percent", usual.percent),
    }
}
