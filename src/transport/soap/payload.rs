//! The rule by which the Body of an envelope becomes a payload.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::envelope::Envelope;
use crate::graph::AnswerLimits;
use crate::mapping::{DecodeError, Payload, PayloadBuilder};

impl Envelope<'_> {
    /// The Body as a payload, by one rule:
    ///
    /// * Names are local names: prefixes and namespaces are left out.
    /// * An element without attributes and child elements is its text; an empty one is the empty text.
    /// * An element with `xsi:nil="true"` is null.
    /// * Any other element is an object: its attributes as `@name`, its child elements by name, and its own text, if it is not
    ///   blank, as `#text`.
    /// * Child elements of the same name become a list, in their order. Names that the vendor file gives under `lists` are lists
    ///   also when they occur once.
    /// * `xsi:type` is kept as `@type` (`@xsi:type` beside an attribute `type`), without its prefix. Namespace declarations and
    ///   other `xsi:` attributes are left out.
    /// * Comments and processing instructions are left out; CDATA is text.
    ///
    /// Paths begin inside the Body: `.getListResponse.readResponseList.readResponse[]`.
    pub(super) fn payload(
        &self,
        limits: AnswerLimits,
        lists: &[Arc<str>],
    ) -> Result<Payload, DecodeError> {
        // Lists of repeated elements are a level of their own; the elements' depth was bounded when they were read.
        let mut builder =
            PayloadBuilder::xml(AnswerLimits { depth: limits.depth * 2 + 2, ..limits });
        let lists: Vec<u32> = (0..)
            .zip(&self.names)
            .filter(|(_, name)| lists.iter().any(|list| **list == ***name))
            .map(|(n, _)| n)
            .collect();
        match self.body.filter(|body| self.children(*body).next().is_some()) {
            None => builder.null(),
            Some(body) => {
                builder.begin_object();
                self.write_children(body, &lists, &mut builder);
                builder.end();
            }
        }
        builder.finish()
    }

    /// Recursion is bounded by the depth that `read` allows.
    fn write(&self, at: usize, lists: &[u32], builder: &mut PayloadBuilder) {
        let Some(element) = self.elements.get(at) else { return };
        let attributes = self
            .attributes
            .get(element.attributes.0 as usize..element.attributes.1 as usize)
            .unwrap_or(&[]);
        if element.is_nil {
            builder.null();
        } else if attributes.is_empty() && element.first_child.is_none() {
            builder.text(&element.text);
        } else {
            builder.begin_object();
            for attribute in attributes {
                builder.member(&attribute.name);
                builder.text(&attribute.value);
            }
            self.write_children(at, lists, builder);
            if !element.text.trim().is_empty() {
                let text =
                    if element.first_child.is_some() { element.text.trim() } else { &element.text };
                builder.member("#text");
                builder.text(text);
            }
            builder.end();
        }
    }

    fn write_children(&self, at: usize, lists: &[u32], builder: &mut PayloadBuilder) {
        let mut groups: Vec<(u32, Vec<usize>)> = Vec::new();
        let mut places: FxHashMap<u32, usize> = FxHashMap::default();
        for child in self.children(at) {
            let Some(name) = self.elements.get(child).map(|element| element.name) else { continue };
            let place = *places.entry(name).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, group)) => group.push(child),
                None => groups.push((name, vec![child])),
            }
        }
        for (name, group) in groups {
            builder.member(self.names.get(name as usize).map_or("", |name| name));
            match group.as_slice() {
                [single] if !lists.contains(&name) => self.write(*single, lists, builder),
                many => {
                    builder.begin_list();
                    for child in many {
                        self.write(*child, lists, builder);
                    }
                    builder.end();
                }
            }
        }
    }
}
