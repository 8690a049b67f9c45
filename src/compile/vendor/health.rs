//! The call by which a backend's health is looked at: the deployment says whether, the vendor file may say how.

use std::sync::Arc;
use std::time::Duration;

use super::Vendor;
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Span};
use crate::graph::{CallId, Effect, HealthCheck, KeyMode};

const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_hours(24);

impl Vendor<'_, '_> {
    pub(super) fn compile_health(&mut self) {
        let deployment = self.file.settings.and_then(|settings| settings.node.get("health"));
        let (Some(node), own) = (deployment, self.node.get("health")) else { return };
        let setting = |key: &str| node.get(key).or_else(|| own?.get(key));
        let Some(name) = setting("call") else {
            let label = "neither here nor under `health` of the vendor file";
            self.error(Code::MissingKey, node.span, "`call` must stand here", label);
            return;
        };
        let Some(call) = self.call_named(name) else { return };
        let key = setting("key");
        self.check_health_call(call, name.span, key);
        let every = self.health_time(node.get("every"), Duration::from_secs(30), (OFTEN, SELDOM));
        let timeout = self.health_time(node.get("timeout"), Duration::from_secs(5), (OFTEN, every));
        let key = key.and_then(Node::filled).map(Arc::from);
        if let Some(backend) = self.out.backends.last_mut() {
            backend.health = Some(HealthCheck { call, key, every, timeout });
        }
    }

    /// It is made for nobody: it must read nothing of a request, and change nothing.
    fn check_health_call(&mut self, call: CallId, span: Span, key: Option<&Node>) {
        let Some(call) = self.out.calls.get(call.index()) else { return };
        let (is_write, reads) = (call.effect == Effect::Write, !call.inputs.is_empty());
        let takes_key = call.keys != KeyMode::None;
        if is_write {
            self.error(Code::MixedEffect, span, "a health check reads", "this call writes");
        }
        if reads {
            let label = "it reads an argument, a header or a claim";
            self.error(Code::ConflictingKeys, span, "a health check is made for no request", label);
        }
        match key {
            None if takes_key => {
                self.error(
                    Code::KeyMismatch,
                    span,
                    "`key` must stand beside it",
                    "this call takes a key",
                );
            }
            Some(key) if !takes_key => {
                self.error(
                    Code::KeyMismatch,
                    key.span,
                    "there is no use for a key",
                    "the call takes none",
                );
            }
            _ => {}
        }
    }

    fn health_time(
        &mut self,
        node: Option<&Node>,
        default: Duration,
        (least, most): (Duration, Duration),
    ) -> Duration {
        let time = node.and_then(Node::filled).and_then(units::duration).unwrap_or(default);
        if let Some(node) = node.filter(|_| !(least..=most).contains(&time)) {
            let message = format!("from {least:?} to {most:?}");
            self.error(Code::OutOfRange, node.span, message, "is outside of that");
        }
        time.clamp(least, most)
    }
}
