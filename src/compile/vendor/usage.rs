//! What a call reads against what its uses give.

use std::sync::Arc;

use super::{Use, UsedBy, Vendor};
use crate::compile::context::Class;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Call, CallId, Effect, Input, KeyMode, RequestTemplate};
use crate::template::Read;

impl Vendor<'_, '_> {
    pub(super) fn check_uses(&mut self) {
        for entry in self.node.get("calls").map(Node::entries).unwrap_or_default() {
            let Some((id, _)) = self.calls.get(&entry.key).copied() else { continue };
            let uses = self.uses.remove(&id).unwrap_or_default();
            if uses.is_empty() {
                self.problem(
                    Diagnostic::warning(
                        Code::UnusedCall,
                        format!("nothing uses the call `{}`", entry.key),
                    )
                    .at(entry.key_span, "neither `lookups` nor `fields` name it"),
                );
            }
            self.check_effect(id, &uses);
            if self.broken.contains(&id) {
                continue;
            }
            let Some(reads) = self.out.calls.get(id.index()).map(|call| call.request.reads())
            else {
                continue;
            };
            self.check_keys(entry, id, &reads, &uses);
            self.check_variables(entry, id, &reads);
            self.check_arguments(entry, id, &reads, &uses);
            self.check_words(entry, &uses);
        }
    }

    fn check_effect(&mut self, id: CallId, uses: &[Use]) {
        let is_write = |one: &&Use| matches!(one.by, UsedBy::Field(ty, _) if self.cx.class(ty) == Class::Mutation);
        let write = uses.iter().find(is_write);
        let read = uses.iter().find(|one| !is_write(one));
        if let (Some(write), Some(read)) = (write, read) {
            self.problem(
                Diagnostic::error(Code::MixedEffect, "one call both reads and writes")
                    .at(read.span, "a read")
                    .at(write.span, "a mutation")
                    .help("write the call twice, under two names"),
            );
        }
        let (drops, effect) = match self.out.calls.get(id.index()) {
            Some(call) => (call.drops.len(), call.effect),
            None => return,
        };
        if drops > 0
            && effect == Effect::Read
            && let Some(one) = uses.iter().find(|one| one.by != UsedBy::Fill)
        {
            self.error(
                Code::MixedEffect,
                one.span,
                "a call with `drops` must be used by a mutation",
                "this is a read",
            );
        }
    }

    fn check_keys(&mut self, entry: &Entry, id: CallId, reads: &[Read], uses: &[Use]) {
        let Some((keys, answers)) =
            self.out.calls.get(id.index()).map(|call| (call.keys.clone(), call.answers.len()))
        else {
            return;
        };
        let is_batch = matches!(keys, KeyMode::Batch { .. });
        if is_batch && answers == 0 {
            let at = entry.value.entry("batch").map_or(entry.key_span, |batch| batch.key_span);
            self.problem(
                Diagnostic::error(Code::MissingAnswers, "a batch must say which key each record answers")
                    .at(at, "many keys in one call")
                    .help("add `answers: .path` to the call: records are matched by key, never by position"),
            );
        }
        if is_batch && reads.contains(&Read::Key) {
            self.problem(
                Diagnostic::error(Code::KeyMismatch, "a batch has many keys and reads one")
                    .at(entry.key_span, "this call")
                    .help("use `$keys`, `{ each_key: … }`, or `{% for key in keys %}` in an envelope; or make it `per_key`"),
            );
        }
        let takes_key = keys != KeyMode::None;
        if takes_key && !reads.iter().any(|read| matches!(read, Read::Key | Read::Keys)) {
            self.problem(
                Diagnostic::error(Code::KeyMismatch, "this call takes a key and never reads it")
                    .at(entry.key_span, "every key would get the same answer")
                    .help("put `$key` or `$keys` into the request"),
            );
        }
        for one in uses {
            let is_object = matches!(one.by, UsedBy::Field(ty, _) if !matches!(self.cx.class(ty), Class::Query | Class::Mutation));
            let problem = match (one.by, takes_key, one.key_parts) {
                (UsedBy::Fill, ..) => continue,
                (_, true, None) => ("this call needs a key", "no `from` here"),
                (_, false, Some(_)) => {
                    ("this call takes no key", "the key given here is never read")
                }
                (_, false, None) if is_object => (
                    "a call for a field of an object needs a key",
                    "every object would get the same answer",
                ),
                (_, true, Some(parts)) if answers > 0 && parts != answers => {
                    ("the key and `answers` have different numbers of parts", "the key given here")
                }
                _ => continue,
            };
            self.problem(
                Diagnostic::error(Code::KeyMismatch, problem.0)
                    .at(one.span, problem.1)
                    .at(entry.key_span, "the call"),
            );
        }
    }

    /// Names that templates use are given, and names that are given are used.
    fn check_variables(&mut self, entry: &Entry, id: CallId, reads: &[Read]) {
        let Some(call) = self.out.calls.get(id.index()) else { return };
        let pages: Vec<Arc<str>> =
            call.pages.as_ref().map(crate::graph::Pages::variables).unwrap_or_default();
        let with: Vec<Arc<str>> = with(call);
        let mut problems = Vec::new();
        for read in reads {
            let Read::Variable(name) = read else { continue };
            if !pages.contains(name) && !with.contains(name) {
                let known = pages.iter().chain(&with).map(|name| &**name).chain(["key"]);
                problems.push(
                    Diagnostic::error(
                        Code::UnknownVariable,
                        format!("nothing gives the variable `{name}`"),
                    )
                    .at(self.mention(entry, name), "read here")
                    .suggest(name, known),
                );
            }
        }
        let is_read = |name: &Arc<str>| reads.contains(&Read::Variable(Arc::clone(name)));
        for name in with.iter().filter(|name| !is_read(name)) {
            let at = entry.value.get("with").and_then(|with| with.entry(name));
            let at = at.map_or(entry.key_span, |entry| entry.key_span);
            problems.push(
                Diagnostic::warning(
                    Code::UnusedVariable,
                    format!("the variable `{name}` is never read"),
                )
                .at(at, "given here")
                .help(format!(
                    "write `{{?{name}}}` in the URL template, or `$vars.{name}` elsewhere"
                )),
            );
        }
        for name in pages.iter().filter(|name| !is_read(name)) {
            let at = entry.value.entry("pages").map_or(entry.key_span, |pages| pages.key_span);
            problems.push(
                Diagnostic::error(
                    Code::UnusedVariable,
                    format!("the page variable `{name}` is never sent"),
                )
                .at(at, "every page would be the first")
                .help(format!(
                    "write `{{?{name}}}` in the URL template, or `$vars.{name}` elsewhere"
                )),
            );
        }
        self.problems.extend(problems);
    }

    /// The place in the call that names a variable, as near as it can be told.
    fn mention(&self, entry: &Entry, name: &str) -> crate::diagnostic::Span {
        fn find<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
            if let Some(text) = node.text() {
                text.contains(name).then_some(node)
            } else {
                let members = node
                    .entries()
                    .iter()
                    .filter(|entry| &*entry.key != "pages")
                    .map(|entry| &entry.value);
                members.chain(node.list().unwrap_or_default()).find_map(|node| find(node, name))
            }
        }
        let Some(node) = find(&entry.value, name) else { return entry.key_span };
        let offset = node.text().and_then(|text| text.find(name)).unwrap_or(0);
        let place = node.place_of(self.cx.sources, offset);
        if place == node.span {
            place
        } else {
            crate::diagnostic::Span {
                end: place.start + u32::try_from(name.len()).unwrap_or(1),
                ..place
            }
        }
    }

    /// Arguments exist for every coordinate that uses the call; ids say whose they are; headers are forwarded.
    fn check_arguments(&mut self, entry: &Entry, id: CallId, reads: &[Read], uses: &[Use]) {
        for read in reads {
            match read {
                Read::Header(name) => self.check_forwarded(name, self.mention(entry, name)),
                Read::Argument { path, id_of } => {
                    let mut implied = *id_of;
                    for one in uses {
                        if let Some(found) = self.check_argument(entry, path, implied, one) {
                            implied = Some(found);
                        }
                    }
                    let inputs = self.out.calls.get_mut(id.index()).map(|call| &mut call.inputs);
                    for input in inputs.into_iter().flatten() {
                        if let Input::Argument(argument) = input
                            && argument.path == *path
                            && argument.id_of.is_none()
                        {
                            argument.id_of = implied;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn check_argument(
        &mut self,
        entry: &Entry,
        path: &[Arc<str>],
        id_of: Option<crate::graph::TypeId>,
        one: &Use,
    ) -> Option<crate::graph::TypeId> {
        let place = self.mention(entry, &path.join("."));
        match one.by {
            UsedBy::Fill => None,
            UsedBy::Lookup(ty) => {
                let name = &self.cx.ty(ty).name;
                let message =
                    format!("a lookup has no arguments, and this reads `{}`", path.join("."));
                self.problem(
                    Diagnostic::error(Code::UnknownArgument, message)
                        .at(place, "read here")
                        .at(one.span, format!("loads `{name}` by key"))
                        .help("write a second call without the argument"),
                );
                None
            }
            UsedBy::Field(ty, field) => {
                if path.is_empty() {
                    return None;
                }
                let (is_id, _) = self.argument_kind(ty, field, path, place)?;
                self.check_whole(ty, field, path, place);
                if is_id && id_of.is_none() { self.implied_id(ty, field, place) } else { None }
            }
        }
    }
}

fn with(call: &Call) -> Vec<Arc<str>> {
    let variables = match &call.request {
        RequestTemplate::Rest(rest) => &rest.variables,
        RequestTemplate::Soap(soap) => &soap.variables,
    };
    variables.iter().map(|(name, _)| Arc::clone(name)).collect()
}
