//! `@defer` and `@stream` while fields are merged: which usage each occurrence of a field is deferred by.

use std::sync::Arc;

use apollo_compiler::Node as Shared;
use apollo_compiler::executable::{Directive, DirectiveList, Field};

use super::Normalizer;
use super::groups::{Deferred, Occurs};
use crate::error::RequestError;
use crate::operation::document::located;
use crate::operation::literal::refused;
use crate::operation::parts::{Occurrence, Stream, Usage};
use crate::operation::{ArgumentValue, OccurrencesId, StreamId, UsageId};

impl<'a> Normalizer<'a> {
    /// The usage that a fragment's fields have, inside of one that has `around`.
    pub(super) fn deferred(
        &mut self,
        directives: &'a DirectiveList,
        around: Option<UsageId>,
        depth: usize,
    ) -> Result<Option<UsageId>, RequestError> {
        let Some(directive) = self.directive(directives, "defer") else { return Ok(around) };
        let switch = self.argument(directive, "if")?;
        Ok(Some(self.usage(directive, None, around, switch, depth)))
    }

    /// What a fragment would be deferred by.
    pub(super) fn deferred_by(
        &self,
        directives: &'a DirectiveList,
        around: Option<UsageId>,
    ) -> Deferred {
        match self.directive(directives, "defer") {
            Some(directive) => Some(place(directive)),
            None => self.usages.get(&around?).copied(),
        }
    }

    /// Numbers the occurrences of a field, if any of them is deferred.
    pub(super) fn occurrences(&mut self, all: &[Occurs<'a>]) -> Option<OccurrencesId> {
        if all.iter().all(|occurs| occurs.usage.is_none()) {
            return None;
        }
        let occurrences =
            all.iter().map(|occurs| Occurrence { when: occurs.when, usage: occurs.usage });
        self.deferrals.occurrences.push(occurrences.collect());
        Some(OccurrencesId(number(self.deferrals.occurrences.len() - 1)))
    }

    /// The stream that a list is, at `depth` response keys from the root. A field that is streamed may not be merged with another.
    pub(super) fn streamed(
        &mut self,
        all: &[Occurs<'a>],
        depth: usize,
    ) -> Result<Option<StreamId>, RequestError> {
        let Some(first) = all.first().map(|occurs| occurs.field) else { return Ok(None) };
        let streams = |field: &Field| {
            self.graph.incremental_enabled && field.directives.get("stream").is_some()
        };
        for other in all.iter().skip(1).map(|occurs| occurs.field) {
            // one that is reached in two ways is one all the same
            if !first.ptr_eq(other) && (streams(first) || streams(other)) {
                return Err(self.streams_conflict(first, other));
            }
        }
        let stream = self.directive(&first.directives, "stream");
        let Some(directive) = stream else { return Ok(None) };
        let id = StreamId(number(self.deferrals.streams.len()));
        let count = self.argument(directive, "initialCount")?;
        let switch = self.argument(directive, "if")?;
        let mut usage = None;
        let mut around: Vec<Option<UsageId>> = all.iter().map(|occurs| occurs.usage).collect();
        around.sort_unstable();
        around.dedup();
        for around in around {
            let made = self.usage(directive, Some((id, first)), around, switch.clone(), depth);
            usage.get_or_insert(made);
        }
        if let Some(usage) = usage {
            self.deferrals.streams.push(Stream { usage, count });
        }
        Ok(Some(id))
    }

    /// What the fields of a list's items are deferred by.
    pub(super) fn items_of(
        &self,
        stream: Option<StreamId>,
        around: Option<UsageId>,
    ) -> Option<UsageId> {
        let Some(stream) = stream else { return around };
        // they were made last
        let usages = self.deferrals.usages.iter().enumerate().rev();
        let mut own = usages.take_while(|(_, usage)| usage.stream == Some(stream));
        own.find(|(_, usage)| usage.parent == around).map(|(index, _)| UsageId(number(index)))
    }

    fn usage(
        &mut self,
        directive: &'a Shared<Directive>,
        streamed: Option<(StreamId, &Field)>,
        parent: Option<UsageId>,
        switch: ArgumentValue,
        depth: usize,
    ) -> UsageId {
        let id = UsageId(number(self.deferrals.usages.len()));
        let (stream, field) = streamed.unzip();
        let label = directive.specified_argument_by_name("label").and_then(|label| label.as_str());
        let location =
            directive.location().map(|span| self.lines.location(span.offset())).unwrap_or_default();
        self.usages.insert(id, place(directive));
        let own = field.map(|field| field.response_key().as_str());
        let path: Vec<&str> = self.path.iter().map(|key| &**key).chain(own).collect();
        self.deferrals.usages.push(Usage {
            stream,
            parent,
            switch,
            label: label.map(Arc::from),
            path: Arc::from(path.join(".")),
            depth,
            location,
        });
        id
    }

    fn argument(
        &self,
        directive: &Shared<Directive>,
        name: &str,
    ) -> Result<ArgumentValue, RequestError> {
        self.literals.of_directive(directive, name).map_err(|refusal| {
            located(
                refused(&format!("Argument \"{name}\""), &refusal),
                directive.location(),
                self.lines,
            )
        })
    }

    fn directive(
        &self,
        directives: &'a DirectiveList,
        name: &str,
    ) -> Option<&'a Shared<Directive>> {
        let directive = directives.get(name).filter(|_| self.graph.incremental_enabled)?;
        let switch = directive.specified_argument_by_name("if");
        (switch.and_then(|switch| switch.to_bool()) != Some(false)).then_some(directive)
    }

    fn streams_conflict(&self, first: &Shared<Field>, other: &Shared<Field>) -> RequestError {
        let message = format!(
            "Fields \"{}\" conflict because they have overlapping stream directives. Use different aliases on the fields \
             to fetch both if this was intentional.",
            first.response_key()
        );
        self.conflicting(message, first, other)
    }
}

fn place(directive: &Shared<Directive>) -> usize {
    std::ptr::from_ref::<Directive>(directive).addr()
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
