//! Begins a reference: objects that are known by their key. It makes no call.

use crate::execute::key::{ObjectKey, argument_key, argument_keys};
use crate::execute::state::number;
use crate::execute::{Begun, Failure, Link, NullBy, Object, PartState, Run};
use crate::graph::{KeySource, Normalizer, TypeId};
use crate::plan::{ReferenceStep, Step, StepId};
use crate::value::Key;

type Arguments = serde_json::Map<String, serde_json::Value>;

impl Run<'_> {
    pub(super) fn begin_reference(
        &mut self,
        id: StepId,
        step: &Step,
        work: &ReferenceStep,
    ) -> Begun {
        if let Err(failure) = self.reference(step, work) {
            let failure = self.arena.failure(failure);
            self.fail_step(id, failure);
        }
        Begun::Done
    }

    fn reference(&mut self, step: &Step, work: &ReferenceStep) -> Result<(), Failure> {
        let Some(target) = self.plan.sites.get(work.child.index()).map(|site| site.ty) else {
            return Ok(());
        };
        let normalizer = self.reference_normalizer(target, work);
        let arguments = match &work.key {
            KeySource::Arguments(_) => self.arguments(&work.field)?,
            KeySource::None | KeySource::Slots { .. } | KeySource::Represented { .. } => {
                Arguments::new()
            }
        };
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for parent in parents {
            let link = match &work.key {
                KeySource::Arguments(paths) if work.many => {
                    let keys = paths.first().map_or(Ok(Vec::new()), |path| {
                        argument_keys(self.graph, &arguments, path)
                    })?;
                    if self.has_room(keys.len()) {
                        self.many_references(work, target, parent, keys)
                    } else {
                        Link::Failed(self.too_many())
                    }
                }
                _ if !self.has_room(1) => Link::Failed(self.too_many()),
                KeySource::Arguments(paths) => match argument_key(self.graph, &arguments, paths)? {
                    Some(key) => Link::One(self.referenced(work, target, parent, key)),
                    None => Link::Null { by: NullBy::NoKey },
                },
                source => match self.object_key(step.site, parent, step.ty, source, normalizer) {
                    ObjectKey::Known(key) if self.is_blocked(target, work, &key) => {
                        Link::Null { by: NullBy::NotLinked }
                    }
                    ObjectKey::Known(key) => {
                        let key = Key::new(&key);
                        Link::One(self.referenced(work, target, parent, key))
                    }
                    ObjectKey::None(link) => link,
                    ObjectKey::Fails(failure) => Link::Failed(self.arena.failure(failure)),
                },
            };
            self.link(work.child, parent, link);
        }
        Ok(())
    }

    fn reference_normalizer(&self, target: TypeId, work: &ReferenceStep) -> Normalizer {
        let part = self.graph.ty(target).parts.get(usize::from(work.part.0));
        part.and_then(|part| part.keys.get(usize::from(work.key_kind)))
            .map_or(Normalizer::Exact, |key| key.normalizer)
    }

    /// A shared mailbox leads from a record to nobody. Ids are the backend's own word, and are followed whatever they are.
    fn is_blocked(&self, target: TypeId, work: &ReferenceStep, key: &str) -> bool {
        let part = self.graph.ty(target).parts.get(usize::from(work.part.0));
        let of = part.and_then(|part| part.keys.get(usize::from(work.key_kind)));
        of.is_some_and(|of| {
            let is_id = matches!(of.normalizer, Normalizer::Exact | Normalizer::CaseInsensitive);
            !is_id && of.blocked.as_ref().is_some_and(|blocked| blocked.holds(key))
        })
    }

    fn many_references(
        &mut self,
        work: &ReferenceStep,
        target: TypeId,
        parent: u32,
        keys: Vec<Option<Key>>,
    ) -> Link {
        let start = self.site(work.child).map_or(0, |site| number(site.objects.len()));
        for key in keys {
            match key {
                Some(key) => {
                    self.referenced(work, target, parent, key);
                }
                None => self.add_null(work.child, parent),
            }
        }
        let end = self.site(work.child).map_or(0, |site| number(site.objects.len()));
        Link::Many { start, end, answer: None }
    }

    fn referenced(&mut self, work: &ReferenceStep, target: TypeId, parent: u32, key: Key) -> u32 {
        self.objects += 1;
        let Some(site) = self.site_mut(work.child) else { return 0 };
        let object = site.add(Object { ty: Some(target), parent });
        site.given.insert(object, (work.part, work.key_kind, key.clone()));
        site.set_part(object, work.part, PartState::Key { kind: work.key_kind, key });
        object
    }
}
