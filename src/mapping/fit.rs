//! Can an answer be what a call says it is? A wrong shape is told from an answer without records.

use super::path::{Path, PathStep, one_step};
use super::payload::{At, Kind, Payload, ROOT};
use crate::graph::Call;

/// How a path and a value go together.
enum Fit {
    /// The path leads to something, to null, or to a list without elements.
    Holds,
    /// The value before this step is a filled object without such a member, or is null.
    LeftOut(usize),
    /// The value before this step is of a kind that has no such step.
    Misfit(usize, Kind),
}

impl Payload {
    /// Is what stands on the way of `path` of the kind that the path walks through? A missing member or a null is; text
    /// where the path asks for a member or an element is not. The error says where.
    pub fn fits(&self, path: &Path) -> Result<(), String> {
        match fit(self, ROOT, &path.steps, 0) {
            Fit::Misfit(step, found) => Err(path.misfit(step, found)),
            Fit::Holds | Fit::LeftOut(_) => Ok(()),
        }
    }

    /// Can this be an answer of the call, with or without records?
    ///
    /// In XML an empty list is not written. In JSON records that are nowhere mean "none" only where something says that the
    /// answer is one: it is empty otherwise, counts none, or has passed the call's own test (which is the caller's to do).
    pub fn answers(&self, call: &Call) -> Result<(), String> {
        if let Some(records) = &call.records {
            match fit(self, ROOT, &records.steps, 0) {
                Fit::Misfit(step, found) => return Err(records.misfit(step, found)),
                Fit::LeftOut(step) if !self.may_leave_out(call) => {
                    return Err(records.left_out(step));
                }
                Fit::Holds | Fit::LeftOut(_) => {}
            }
        }
        self.has_objects(call)
    }

    /// What the body is, in a word, if it is JSON but no object: nothing that has members can be read from it.
    pub fn other_than_object(&self) -> Option<&'static str> {
        let kind = self.node(ROOT).kind;
        (!self.is_xml() && kind != Kind::Object).then(|| kind.noun())
    }

    fn may_leave_out(&self, call: &Call) -> bool {
        let total = call.pages.as_ref().and_then(|pages| pages.total.as_ref());
        self.is_xml()
            || call.success.is_some()
            || total.and_then(|total| self.text_at(total)).is_some_and(|total| total == "0")
    }

    /// Records that say which key they answer are objects.
    fn has_objects(&self, call: &Call) -> Result<(), String> {
        let Some(PathStep::Member(_)) = call.answers.first().and_then(|path| path.steps.first())
        else {
            return Ok(());
        };
        if self.is_xml() {
            // an empty element reads as blank text
            return Ok(());
        }
        let mut odd = None;
        self.each_record(call.records.as_ref(), &mut |at| {
            let kind = self.node(at).kind;
            odd = odd.or((kind != Kind::Object).then_some(kind));
        });
        odd.map_or(Ok(()), |kind| {
            Err(format!("expected objects as records, found {}", kind.noun()))
        })
    }
}

/// `skipped`: how many steps of the whole path are before `steps`.
fn fit(payload: &Payload, from: At, steps: &[PathStep], skipped: usize) -> Fit {
    let mut at = from;
    for (number, step) in steps.iter().enumerate() {
        let node = payload.node(at);
        let rest = steps.get(number + 1..).unwrap_or_default();
        if *step == PathStep::Each && node.kind == Kind::List {
            return fit_elements(payload, at, rest, skipped + number + 1);
        }
        match one_step(payload, at, step, &mut None) {
            Ok(Some(next)) => at = next,
            Err(found) => return Fit::Misfit(skipped + number, found),
            Ok(None) => {
                let is_left_out = match node.kind {
                    Kind::Null => {
                        let remaining = steps.get(number..).unwrap_or_default();
                        remaining.iter().any(|step| matches!(step, PathStep::Member(_)))
                    }
                    Kind::Object => node.start > 0,
                    _ => false,
                };
                return if is_left_out { Fit::LeftOut(skipped + number) } else { Fit::Holds };
            }
        }
    }
    Fit::Holds
}

/// What one element leaves out another may have.
fn fit_elements(payload: &Payload, list: At, steps: &[PathStep], skipped: usize) -> Fit {
    if steps.is_empty() {
        return Fit::Holds;
    }
    let (mut left_out, mut holds) = (None, false);
    for element in payload.elements(list) {
        match fit(payload, element, steps, skipped) {
            Fit::Holds => holds = true,
            Fit::LeftOut(step) => left_out = Some(step),
            misfit @ Fit::Misfit(..) => return misfit,
        }
    }
    left_out.filter(|_| !holds).map_or(Fit::Holds, Fit::LeftOut)
}
