//! An explanation as text, JSON and a Mermaid diagram.

use super::{
    CostPart, ExplainedCall, ExplainedPart, ExplainedStep, Explanation, More, PartKind, Placed,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

impl Explanation {
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let name = self.name.as_deref().unwrap_or("(anonymous)");
        line(
            &mut text,
            format_args!(
                "{} {name}: {}, {}",
                self.kind,
                count(self.steps.len() as u64, "step"),
                self.cost()
            ),
        );
        let (planned, worst) = (self.calls_planned, self.calls_at_most);
        line(&mut text, format_args!("calls: {}", calls(planned, worst, &self.more_when)));
        if self.retries {
            line(
                &mut text,
                format_args!(
                    "       retries of failed calls come on top, within each backend's budget"
                ),
            );
        }
        for step in &self.steps {
            let path = if step.path.is_empty() { "(root)" } else { &step.path };
            line(&mut text, format_args!("\n{:>3}. {} at {path}", step.number, step.brings));
            if let Some(call) = &step.call {
                line(&mut text, format_args!("     backend  {} ({})", call.backend, call.vendor));
                line(
                    &mut text,
                    format_args!("     call     {}: {}", call.names.join(" or "), call.mode),
                );
            } else if step.key.is_empty() {
                line(
                    &mut text,
                    format_args!("     call     none: it brings into order what there is"),
                );
            } else {
                line(&mut text, format_args!("     call     none: its key is all that is needed"));
            }
            if let Some(call) = &step.records {
                let name = call.names.join(" or ");
                line(&mut text, format_args!("     records  {name}: {}", call.mode));
            }
            if !step.key.is_empty() {
                line(&mut text, format_args!("     key      {}", step.key));
            }
            let after: Vec<String> = step.after.iter().map(|step| format!("step {step}")).collect();
            let after = if after.is_empty() {
                "nothing: starts at once".to_owned()
            } else {
                after.join(", ")
            };
            for placed in &step.lists {
                let Placed { what, place, is_given } = placed;
                let given = if *is_given { "" } else { ", if it is given" };
                line(&mut text, format_args!("     list     {what}: {}{given}", place.words()));
            }
            if let Some(only) = &step.only {
                line(&mut text, format_args!("     only     {only}"));
            }
            line(&mut text, format_args!("     waits    {after}"));
            if !step.reason.is_empty() {
                line(&mut text, format_args!("     why      {}", step.reason));
            }
            if step.call.is_some() {
                step_calls(&mut text, step);
            }
        }
        self.parts_text(&mut text);
        self.cost_text(&mut text);
        text
    }

    /// What leaves when which steps are done.
    fn parts_text(&self, text: &mut String) {
        if self.parts.is_empty() {
            return;
        }
        line(text, format_args!("\nthe answer comes in parts"));
        for (number, part) in (1..).zip(&self.parts) {
            let around = match part.inside {
                0 => String::new(),
                inside => format!(", in part {}", inside + 1),
            };
            line(text, format_args!("{number:>3}. {}{around}", part.named()));
            line(text, format_args!("     leaves   {}", part.leaves()));
        }
    }

    fn cost(&self) -> String {
        match self.cost_at_most {
            Some(cost) => format!("cost at most {cost}"),
            None => "cost by its variables".to_owned(),
        }
    }

    /// What makes up the cost: each field that costs something, and how often it is there.
    fn cost_text(&self, text: &mut String) {
        if self.cost_parts.is_empty() {
            return;
        }
        line(text, format_args!("\n{}", self.cost()));
        for part in &self.cost_parts {
            let times = shown(part.times);
            let arguments = match part.arguments {
                0.0 => String::new(),
                cost => format!(", arguments {}", shown(cost)),
            };
            let CostPart { path, weight, .. } = part;
            line(text, format_args!("     {times} × {weight}  {path}{arguments}"));
        }
    }

    pub fn to_json(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(step_json).collect();
        json!({
            "kind": self.kind, "name": self.name.as_deref(), "callsPlanned": self.calls_planned, "callsAtMost": self.calls_at_most,
            "callsMoreWhen": names(&self.more_when), "retriesOnTop": self.retries, "costAtMost": self.cost_at_most,
            "cost": self.cost_parts.iter().map(cost_json).collect::<Vec<_>>(), "steps": steps,
            "parts": (1..).zip(&self.parts).map(part_json).collect::<Vec<_>>(),
        })
    }

    /// A Mermaid flow chart: one box a step, arrows from what it waits for.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for step in &self.steps {
            let what = quoted(&step.brings);
            let label = match &step.call {
                Some(call) => format!(
                    "{what}<br/>{}: {}<br/>{}",
                    call.backend,
                    step.call_names(call),
                    calls(step.calls_planned, step.calls_at_most, &[])
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
        self.parts_mermaid(&mut text);
        text
    }

    /// Rounded boxes, with dotted arrows from the last steps that they wait for.
    fn parts_mermaid(&self, text: &mut String) {
        for (number, part) in (1..).zip(&self.parts) {
            line(text, format_args!("  p{number}([\"{}\"])", quoted(&part.named())));
            let is_before = |step: &usize| {
                let mut others = part.after.iter().filter_map(|other| self.steps.get(other - 1));
                others.any(|other| other.after.contains(step))
            };
            for step in part.after.iter().filter(|step| !is_before(step)) {
                line(text, format_args!("  s{step} -.-> p{number}"));
            }
            if part.kind != PartKind::First {
                line(text, format_args!("  p{} -.-> p{number}", part.inside + 1));
            }
        }
    }
}

impl ExplainedStep {
    /// The calls, and what looks up the records that they name.
    fn call_names(&self, call: &ExplainedCall) -> String {
        let own = call.names.join(" or ");
        match &self.records {
            Some(records) => format!("{own}, then {}", records.names.join(" or ")),
            None => own,
        }
    }
}

impl ExplainedPart {
    fn named(&self) -> String {
        let label = self.label.as_ref().map_or_else(String::new, |label| format!(" \"{label}\""));
        let at = if self.path.is_empty() { "(root)" } else { &self.path };
        match self.kind {
            PartKind::First => "first".to_owned(),
            PartKind::Defer => format!("@defer{label} at {at}"),
            PartKind::Stream => format!("@stream{label} at {at}"),
        }
    }

    fn leaves(&self) -> String {
        let lacking = match self.lacking.as_slice() {
            [] => String::new(),
            [step] => format!(", and step {step} where a value is lacking"),
            steps => format!(", and steps {} where a value is lacking", listed(steps)),
        };
        let too = if self.kind == PartKind::First { "" } else { "also " };
        let after = match self.after.as_slice() {
            [] if self.kind == PartKind::First => "at once".to_owned(),
            [] => "with what is before it: nothing more is loaded for it".to_owned(),
            [step] => format!("when step {step} is {too}done"),
            steps => format!("when steps {} are {too}done", listed(steps)),
        };
        format!("{after}{lacking}")
    }
}

fn listed(steps: &[usize]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Text inside a box of a diagram.
fn quoted(text: &str) -> String {
    text.replace('"', "'").replace('<', "&lt;").replace('\n', " ")
}

fn part_json((number, part): (usize, &ExplainedPart)) -> Value {
    let kind = match part.kind {
        PartKind::First => "first",
        PartKind::Defer => "defer",
        PartKind::Stream => "stream",
    };
    let inside = (part.kind != PartKind::First).then_some(part.inside + 1);
    json!({
        "part": number, "kind": kind, "label": part.label.as_deref(), "path": &*part.path, "announcedBy": inside,
        "after": part.after, "lacking": part.lacking,
    })
}

/// Numbers without a bound are null.
fn cost_json(part: &CostPart) -> Value {
    json!({
        "path": part.path, "coordinate": &*part.coordinate, "times": part.times, "weight": part.weight,
        "arguments": part.arguments,
    })
}

fn shown(number: f64) -> String {
    if number.is_finite() { number.to_string() } else { "?".to_owned() }
}

fn step_json(step: &ExplainedStep) -> Value {
    let (call, records) = (step.call.as_ref().map(call_json), step.records.as_ref().map(call_json));
    let lists = step.lists.iter().map(|placed| {
        json!({ "what": placed.what, "done": placed.place.name(), "given": placed.is_given.then_some(true) })
    });
    json!({
        "step": step.number, "path": step.path, "brings": step.brings, "call": call, "key": step.key,
        "lists": lists.collect::<Vec<_>>(), "records": records,
        "after": step.after, "only": step.only, "reason": step.reason, "objectsPlanned": step.objects_planned, "objectsAtMost": step.objects_at_most,
        "callsPlanned": step.calls_planned, "callsAtMost": step.calls_at_most, "callsMoreWhen": names(&step.more_when),
    })
}

fn call_json(call: &ExplainedCall) -> Value {
    let names: Vec<&str> = call.names.iter().map(|name| &**name).collect();
    json!({
        "backend": &*call.backend, "vendor": &*call.vendor, "calls": names, "mode": call.mode,
        "keysAtMost": call.keys_at_most, "pagesAtMost": call.pages_at_most,
    })
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(text, "{line}").unwrap_or_default();
}

/// What is planned, and what it can come to.
fn calls(planned: Option<u64>, at_most: u64, more: &[More]) -> String {
    let when: Vec<&str> = more.iter().map(|more| more.words()).collect();
    let when =
        if when.is_empty() { String::new() } else { format!(" when {}", when.join(", or ")) };
    match planned {
        Some(planned) if planned == at_most => format!("{planned} planned, never more"),
        Some(planned) => format!("{planned} planned; at most {at_most}{when}"),
        None => format!("as many as lists are long; at most {at_most}{when}"),
    }
}

fn step_calls(text: &mut String, step: &ExplainedStep) {
    let most = step.objects_at_most;
    let objects = match step.objects_planned {
        Some(objects) if objects == most => objects.to_string(),
        Some(objects) => format!("{objects}; at most {most}"),
        None => format!("as many as lists are long; at most {most}"),
    };
    let (planned, at_most) = (step.calls_planned, step.calls_at_most);
    line(text, format_args!("     objects  {objects}"));
    line(text, format_args!("     calls    {}", calls(planned, at_most, &step.more_when)));
}

fn names(more: &[More]) -> Vec<&'static str> {
    more.iter().map(|more| more.name()).collect()
}

fn count(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
