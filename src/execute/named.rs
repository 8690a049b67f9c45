//! Begins `node`, `nodes` and lookups by keys of several kinds: each name becomes an object known by its key. A name that
//! is wrong is an error at its own place, and the others are answered.

use serde_json::{Map, Value};

use crate::error::ErrorCode;
use crate::execute::entities::wrong;
use crate::execute::key::key_text;
use crate::execute::state::number;
use crate::execute::{Failure, Link, NullBy, Run};
use crate::graph::{ByKey, Graph, KeyMember, PartId, TypeId, TypeKind};
use crate::plan::{By, EntitiesStep, Step, is_visible};
use crate::principal::Principal;
use crate::value::{Key, remote_key};

/// An object, and the key that it is known by; `None` for a blank key, which nothing has.
type Found = Option<(TypeId, (PartId, u8, Key))>;

impl Run<'_> {
    pub(super) fn named_objects(
        &mut self,
        step: &Step,
        work: &EntitiesStep,
        arguments: &Map<String, Value>,
    ) {
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        let names: &[Value] = match arguments.get(work.by.argument()) {
            Some(Value::Array(names)) if work.by.is_many() => names,
            Some(name) => std::slice::from_ref(name),
            None => &[],
        };
        for parent in parents {
            if !self.has_room(names.len()) {
                let failure = self.too_many();
                self.link(work.child, parent, Link::Failed(failure));
                continue;
            }
            let link = if work.by.is_many() {
                self.named_list(work, parent, names)
            } else {
                self.named_one(work, parent, names.first())
            };
            self.link(work.child, parent, link);
        }
    }

    fn named_list(&mut self, work: &EntitiesStep, parent: u32, names: &[Value]) -> Link {
        let start = self.site(work.child).map_or(0, |site| number(site.objects.len()));
        for name in names {
            match self.find(work, name) {
                Ok(Some((ty, key))) => {
                    self.entity(work.child, parent, ty, key);
                }
                Ok(None) => self.add_null(work.child, parent),
                Err(failure) => self.add_failed(work.child, parent, failure),
            }
        }
        let end = self.site(work.child).map_or(0, |site| number(site.objects.len()));
        Link::Many { start, end, answer: None }
    }

    fn named_one(&mut self, work: &EntitiesStep, parent: u32, name: Option<&Value>) -> Link {
        match name.map_or(Ok(None), |name| self.find(work, name)) {
            Ok(Some((ty, key))) => Link::One(self.entity(work.child, parent, ty, key)),
            Ok(None) => Link::Null { by: NullBy::NoKey },
            Err(failure) => Link::Failed(self.arena.failure(failure)),
        }
    }

    fn find(&self, work: &EntitiesStep, name: &Value) -> Result<Found, Failure> {
        let Some(target) = self.plan.sites.get(work.child.index()).map(|site| site.ty) else {
            return Ok(None);
        };
        match &work.by {
            By::Keys(keys) => by_key(self.graph, keys, target, name),
            By::Ids { .. } | By::Representations => {
                by_id(self.graph, self.context.principal, target, name).map(Some)
            }
        }
    }
}

/// An opaque id says itself what it is of.
fn by_id(
    graph: &Graph,
    principal: &Principal,
    target: TypeId,
    id: &Value,
) -> Result<(TypeId, (PartId, u8, Key)), Failure> {
    let no_id = || wrong("`id` is not an id of this graph: pass an `id` as this graph gave it");
    let remote = id.as_str().and_then(remote_key).ok_or_else(no_id)?;
    let ty = graph.type_named(&remote.ty).ok_or_else(no_id)?;
    let (TypeKind::Interface { possible } | TypeKind::Union { possible }) = &graph.ty(target).kind
    else {
        return Err(no_id());
    };
    let anchor = graph.ty(ty).anchor().and_then(|id| graph.ty(ty).parts.get(usize::from(id.0)));
    let is_of_anchor = anchor.is_some_and(|part| *part.role == *remote.role);
    if !possible.contains(&ty) || (anchor.is_some() && !is_of_anchor) {
        return Err(no_id());
    }
    let name = &graph.ty(ty).name;
    if !is_visible(graph.ty(ty).access.as_slice(), principal) {
        let message = format!("not authorized to read `{name}`");
        return Err(Failure::Input { code: ErrorCode::UnauthorizedFieldOrType, message });
    }
    let Some((part, kind)) = graph.node_key(ty) else {
        let message = format!("no backend of this deployment finds a `{name}` by its id");
        return Err(Failure::Input { code: ErrorCode::NotCovered, message });
    };
    let key = Key::composite([remote.key.as_str()]).ok_or_else(no_id)?;
    if key.as_str().len() > graph.limits.key_bytes {
        return Err(no_id());
    }
    Ok((ty, (part, kind, key)))
}

fn by_key(graph: &Graph, keys: &ByKey, target: TypeId, input: &Value) -> Result<Found, Failure> {
    let given =
        input.as_object().and_then(|members| members.iter().find(|(_, value)| !value.is_null()));
    let Some((name, value)) = given else { return Ok(None) };
    let system = value.get("system").and_then(Value::as_str);
    let is_meant = |member: &&KeyMember| {
        *member.name == **name && member.system.as_deref().is_none_or(|own| Some(own) == system)
    };
    let Some(member) = keys.members.iter().find(is_meant) else {
        let systems = keys.members.iter().filter(|member| *member.name == **name);
        let known: Vec<&str> = systems.filter_map(|member| member.system.as_deref()).collect();
        let known = known.join(", ");
        return Err(wrong(format!(
            "customers are not known by ids of this system; known: {known}"
        )));
    };
    let value =
        if member.system.is_some() { value.get("id").unwrap_or(&Value::Null) } else { value };
    let text = key_text(graph, &member.path, value)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let part = graph.ty(target).parts.get(usize::from(keys.part.0));
    let key = part.and_then(|part| part.keys.get(usize::from(member.key_kind)));
    if key.is_none_or(|key| key.call.is_none()) {
        let ty = &graph.ty(target).name;
        let message = format!("no backend of this deployment finds a `{ty}` by `{name}`");
        return Err(Failure::Input { code: ErrorCode::NotCovered, message });
    }
    if text.len() > graph.limits.key_bytes {
        let message = format!(
            "a key has {} bytes; limits.key_bytes allows {}",
            text.len(),
            graph.limits.key_bytes
        );
        return Err(Failure::Input { code: ErrorCode::KeyBytesLimit, message });
    }
    Ok(Key::composite([text.as_str()]).map(|key| (target, (keys.part, member.key_kind, key))))
}
