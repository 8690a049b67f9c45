//! Whether a key that the caller gave is one that leads nowhere, so that other rules have their turn.
//!
//! Takes: a step that may use a key from the arguments at once, and the variables.
//! Gives: whether any key of the argument is blocked.
//! Never: decides for single objects: if one key of a list is blocked, all wait.

use serde_json::Value;

use crate::graph::{Blocked, Graph, KeySource, PartKey};
use crate::operation::Variables;
use crate::plan::{PartStep, Plan, Step, Work};
use crate::value::{normalize, remote_key};

/// Without variables: whether it may be.
pub(super) fn is_blocked(
    graph: &Graph,
    plan: &Plan,
    (step, work): (&Step, &PartStep),
    variables: Option<&Variables>,
) -> bool {
    if work.others_after.is_empty() {
        return false;
    }
    let part = graph.ty(step.ty).parts.get(usize::from(work.part.0));
    let rule = part.zip(work.early_rule).and_then(|(part, rule)| part.rules.get(rule));
    let key = part.zip(rule).and_then(|(part, rule)| part.keys.get(usize::from(rule.key_kind)));
    let Some((key, blocked)) = key.and_then(|key| Some((key, key.blocked.as_deref()?))) else {
        return false;
    };
    let origin = plan.sites.get(step.site.index()).and_then(|site| site.origin);
    let Some(Work::Reference(reference)) =
        origin.and_then(|id| plan.steps.get(id.index())).map(|step| &step.work)
    else {
        return false;
    };
    let KeySource::Arguments(paths) = &reference.key else { return false };
    let Some(variables) = variables else { return true };
    // what is wrong with the arguments is said where they are used
    let Ok(arguments) = reference.field.arguments(variables) else { return false };
    paths.iter().filter_map(|path| path.value_in(&arguments).map(|value| (path, value))).any(
        |(path, value)| match value {
            Value::Array(items) => {
                items.iter().any(|item| holds((key, blocked), item, path.id_of.is_some()))
            }
            value => holds((key, blocked), value, path.id_of.is_some()),
        },
    )
}

fn holds((key, blocked): (&PartKey, &Blocked), value: &Value, is_id: bool) -> bool {
    let Value::String(text) = value else { return false };
    let remote = if is_id { remote_key(text).map(|remote| remote.key) } else { None };
    let text = remote.as_deref().unwrap_or(text);
    blocked.holds(&normalize(key.normalizer, text))
}
