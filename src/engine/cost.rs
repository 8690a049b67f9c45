//! What one request costs, held against the deployment's limits before a backend is called.
//!
//! Takes: a plan, the request's variables and caller, whether the client wants to know.
//! Gives: nothing, the cost for `extensions.cost`, or the request's refusal.
//! Never: reckons calls that nobody needs: a plan that cannot reach a limit, whatever its variables are, passes at once.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::error::{ErrorCode, RequestError};
use crate::graph::Graph;
use crate::graph::{CostMode, CostSettings};
use crate::operation::{Cost, Variables};
use crate::plan::{self, Calls, Plan};
use crate::principal::Principal;

/// A request's cost, for the client that asked for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    cost: Cost,
    calls: Calls,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    mode: CostMode,
    cost: u32,
    calls: u32,
}

/// What became of a request.
pub(super) struct Checked {
    /// What it costs by the schema's weights.
    pub(super) total: f64,
    /// If the client asked for it.
    pub(super) told: Option<Told>,
    pub(super) refused: Option<RequestError>,
    /// It is over a limit, which is told to the log alone.
    pub(super) is_over: bool,
}

/// Whether the request's `extensions` ask for its cost.
pub(super) fn is_asked(extensions: &Map<String, Value>) -> bool {
    extensions.get("cost") == Some(&Value::Bool(true))
}

pub(super) fn check(
    graph: &Graph,
    plan: &Plan,
    variables: &Variables,
    principal: &Principal,
    is_asked: bool,
) -> Checked {
    let settings = &graph.cost;
    let is_within = !is_over(settings, plan.operation.cost.bound(), plan.calls_bound);
    let has_required = settings.mode == CostMode::Enforce && plan.operation.cost.has_required();
    let cost = plan.operation.cost(graph, variables);
    if settings.mode == CostMode::Off || (is_within && !is_asked && !has_required) {
        return Checked { total: cost.total, told: None, refused: None, is_over: false };
    }
    let calls = plan::calls(graph, plan, variables, principal);
    let limits = Limits { mode: settings.mode, cost: settings.limit, calls: settings.calls_limit };
    let told = Told { cost, calls, limits };
    let refused = match settings.mode {
        CostMode::Enforce => {
            plan.operation.check_slicing(graph, variables).err().or_else(|| told.refusal())
        }
        _ => None,
    };
    let is_over =
        settings.mode == CostMode::Measure && is_over(settings, cost.total, calls.planned);
    if is_over {
        let (cost, calls) = (cost.total, calls.planned);
        tracing::info!(cost, calls, "an operation is over a limit of `cost`");
    }
    Checked { total: cost.total, told: is_asked.then_some(told), refused, is_over }
}

/// What some requests cost and call together: within the limits of one, or the error with which none of them runs. Those that are
/// refused for another reason cost nothing.
pub(super) fn check_together<'a>(
    graph: &Graph,
    principal: &Principal,
    requests: impl Iterator<Item = (&'a Plan, Variables)>,
) -> Result<(), RequestError> {
    let settings = &graph.cost;
    if settings.mode == CostMode::Off {
        return Ok(());
    }
    let (mut cost, mut calls) = (0.0, 0_u64);
    for (plan, variables) in requests {
        cost += plan.operation.cost(graph, &variables).total;
        let planned = plan::calls(graph, plan, &variables, principal).planned;
        calls = calls.saturating_add(planned);
    }
    if !is_over(settings, cost, calls) {
        return Ok(());
    }
    if settings.mode == CostMode::Measure {
        tracing::info!(cost, calls, "a batch is over a limit of `cost`");
        return Ok(());
    }
    let (code, message) = if cost > f64::from(settings.limit) {
        let message = format!("The batch costs {cost}; cost.limit allows {}.", settings.limit);
        (ErrorCode::CostEstimatedTooExpensive, message)
    } else {
        let most = settings.calls_limit;
        let message =
            format!("The batch needs {calls} backend calls; cost.calls_limit allows {most}.");
        (ErrorCode::CostCallsLimit, message)
    };
    Err(RequestError::new(code, message))
}

fn is_over(settings: &CostSettings, cost: f64, calls: u64) -> bool {
    cost > f64::from(settings.limit) || calls > u64::from(settings.calls_limit)
}

impl Told {
    fn refusal(&self) -> Option<RequestError> {
        let (cost, calls) = (self.cost, self.calls);
        let (code, message, place) = if cost.total > f64::from(self.limits.cost) {
            let message = format!(
                "The operation costs {}; cost.limit allows {}. Ask for shorter lists, or for less in them.",
                cost.total, self.limits.cost
            );
            (ErrorCode::CostEstimatedTooExpensive, message, cost.dearest)
        } else if calls.planned > u64::from(self.limits.calls) {
            let message = format!(
                "The operation needs up to {} backend calls; cost.calls_limit allows {}. Ask for shorter lists, or for \
                 less in them.",
                calls.planned, self.limits.calls
            );
            (ErrorCode::CostCallsLimit, message, calls.dearest)
        } else {
            return None;
        };
        let error = RequestError::new(code, message);
        Some(match place {
            Some(place) => error.at(place),
            None => error,
        })
    }
}

/// The answer with `extensions.cost` at its end, if the client asked for it.
pub(super) fn told(body: Bytes, told: Option<Told>) -> Bytes {
    let (Some(told), Some(open)) = (told, body.strip_suffix(b"}")) else { return body };
    let mode = if told.limits.mode == CostMode::Enforce { "enforce" } else { "measure" };
    let cost = json!({
        "cost": {
            "estimated": number(told.cost.total), "limit": told.limits.cost,
            "callsPlanned": told.calls.planned, "callsAtMost": told.calls.at_most, "callsLimit": told.limits.calls, "mode": mode,
        },
    });
    let mut whole = open.to_vec();
    whole.extend_from_slice(b",\"extensions\":");
    whole.extend_from_slice(cost.to_string().as_bytes());
    whole.push(b'}');
    Bytes::from(whole)
}

/// Integers are written as such.
fn number(cost: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "a cost ends far below")]
    if cost.fract() == 0.0 { json!(cost as i64) } else { json!(cost) }
}
