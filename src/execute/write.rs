//! A mutation's call: sent once, awaited even if the client leaves, and then whatever it made stale is dropped.

use std::sync::Arc;

use futures_util::future::FutureExt;

use crate::cache::Tag;
use crate::error::{BackendError, BackendFailure};
use crate::execute::begin::Reach;
use crate::execute::landed::Landed;
use crate::execute::slice::Slice;
use crate::execute::{Begun, Run};
use crate::graph::{Drop, Graph, TypeId};
use crate::load::{self, Load, Loader};
use crate::plan::{Step, StepId};
use crate::template::{Inputs, Scope};
use crate::value::{Key, remote_key};

impl Run<'_> {
    pub(super) fn begin_write(
        &mut self,
        id: StepId,
        step: &Step,
        mut load: Load,
        key: Option<Key>,
        slice: Slice,
    ) -> Begun {
        let count = self.site(step.site).map_or(0, |site| site.objects.len());
        let reaches = vec![Reach::Open; count];
        let loader = Arc::clone(self.context.loader);
        let role = Arc::clone(&self.graph.backend(self.graph.call(load.call).backend).role);
        let vendor = Arc::clone(&self.graph.backend(self.graph.call(load.call).backend).vendor);
        let name = Arc::clone(&self.graph.call(load.call).name);
        // A task of its own: what was sent is seen to its end, and what it made stale is dropped, whoever is still there.
        let task = tokio::spawn(async move {
            let key = key.unwrap_or_else(Key::unit);
            let written = load::write(&loader, &mut load, &key).await;
            if written.as_ref().map_or_else(|failure| failure.error.may_be_done(), |_| true) {
                loader.cache.drop_tags(&tags(&loader, &load, &key));
            }
            written
        });
        Begun::Waiting(
            async move {
                let written = task.await.unwrap_or_else(|_| {
                    Err(Arc::new(BackendFailure {
                        role,
                        vendor,
                        call: name,
                        error: BackendError::OutcomeUnknown,
                    }))
                });
                let landed = Landed::new(id, reaches, Vec::new());
                Landed { slice, written: Some(written), ..landed }
            }
            .boxed(),
        )
    }
}

/// What the call says that it makes stale. An id that cannot be found drops its whole type.
fn tags(loader: &Loader, load: &Load, key: &Key) -> Vec<Tag> {
    let graph: &Graph = &loader.graph;
    let keys = std::slice::from_ref(key);
    let inputs = Inputs {
        keys,
        arguments: &load.arguments,
        fields: &[],
        page: None,
        page_size: None,
        principal: &load.principal,
        known: None,
    };
    let scope = Scope::new(inputs, &[], None);
    let mut tags = Vec::new();
    for drop in &graph.call(load.call).drops {
        let (ty, id) = match drop {
            Drop::Type(ty) => (*ty, None),
            Drop::Entity { ty, id } => match id.evaluate(&scope) {
                Ok(serde_json::Value::String(id)) => (*ty, Some(remote(graph, *ty, id))),
                Ok(serde_json::Value::Number(id)) => (*ty, Some(id.to_string())),
                _ => (*ty, None),
            },
        };
        match id {
            Some(id) => tags.extend([Tag::of_entity(ty, &id), Tag::of_search(ty)]),
            None => tags.push(Tag::of_type(ty)),
        }
    }
    tags
}

/// The remote key, of an id that only this reads and that therefore nobody has decoded.
fn remote(graph: &Graph, ty: TypeId, id: String) -> String {
    match remote_key(&id) {
        Some(remote) if *remote.ty == *graph.ty(ty).name => remote.key,
        _ => id,
    }
}
