//! An explanation as text, JSON and a Mermaid diagram.

use super::{ExplainedStep, Explanation};
use serde_json::{Value, json};
use std::fmt::Write as _;

impl Explanation {
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let name = self.name.as_deref().unwrap_or("(anonymous)");
        line(
            &mut text,
            format_args!(
                "{} {name}: {} steps, {}",
                self.kind,
                self.steps.len(),
                at_most(self.calls_at_most, "backend call")
            ),
        );
        for step in &self.steps {
            let path = if step.path.is_empty() { "(root)" } else { &step.path };
            line(&mut text, format_args!("\n{:>3}. {} at {path}", step.number, step.brings));
            if let Some(call) = &step.call {
                line(&mut text, format_args!("     backend  {} ({})", call.backend, call.vendor));
                line(
                    &mut text,
                    format_args!("     call     {}: {}", call.names.join(" or "), call.mode),
                );
            } else {
                line(&mut text, format_args!("     call     none: its key is all that is needed"));
            }
            line(&mut text, format_args!("     key      {}", step.key));
            let after: Vec<String> = step.after.iter().map(|step| format!("step {step}")).collect();
            let after = if after.is_empty() {
                "nothing: starts at once".to_owned()
            } else {
                after.join(", ")
            };
            line(&mut text, format_args!("     waits    {after}"));
            if !step.reason.is_empty() {
                line(&mut text, format_args!("     why      {}", step.reason));
            }
            if step.call.is_some() {
                let calls = at_most(step.calls_at_most, "call");
                line(
                    &mut text,
                    format_args!(
                        "     worst    {calls} for {}",
                        at_most(step.objects_at_most, "object")
                    ),
                );
            }
        }
        text
    }

    pub fn to_json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(step_json).collect();
        json!({ "kind": self.kind, "name": self.name.as_deref(), "callsAtMost": self.calls_at_most, "steps": steps })
    }

    /// A Mermaid flow chart: one box a step, arrows from what it waits for.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for step in &self.steps {
            let what = step.brings.replace('"', "'");
            let label = match &step.call {
                Some(call) => format!(
                    "{what}<br/>{}: {}<br/>{}",
                    call.backend,
                    call.names.join(" or "),
                    at_most(step.calls_at_most, "call")
                ),
                None => what,
            };
            line(&mut text, format_args!("  s{}[\"{label}\"]", step.number));
        }
        for step in &self.steps {
            for before in &step.after {
                line(&mut text, format_args!("  s{before} --> s{}", step.number));
            }
        }
        text
    }
}

fn step_json(step: &ExplainedStep) -> Value {
    let call = step.call.as_ref().map(|call| {
        let names: Vec<&str> = call.names.iter().map(|name| &**name).collect();
        json!({
            "backend": &*call.backend, "vendor": &*call.vendor, "calls": names, "mode": call.mode,
            "keysAtMost": call.keys_at_most, "pagesAtMost": call.pages_at_most,
        })
    });
    json!({
        "step": step.number, "path": step.path, "brings": step.brings, "call": call, "key": step.key,
        "after": step.after, "reason": step.reason, "objectsAtMost": step.objects_at_most, "callsAtMost": step.calls_at_most,
    })
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(text, "{line}").unwrap_or_default();
}

fn at_most(count: Option<u64>, what: &str) -> String {
    match count {
        Some(1) => format!("at most 1 {what}"),
        Some(count) => format!("at most {count} {what}s"),
        None => format!("{what}s without a bound"),
    }
}
