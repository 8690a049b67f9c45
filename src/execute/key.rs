//! Keys of objects: from arguments, from slots of part records, or none.

use std::borrow::Cow;

use crate::error::ErrorCode;
use crate::execute::{Failure, Link, NullBy, PartState, Run};
use crate::graph::{ArgumentPath, Graph, KeySource, Normalizer, PartId, SlotId, TypeId};
use crate::plan::SiteId;
use crate::value::{Answer, Cell, KEY_SEPARATOR, Key, normalize, remote_key};

type Arguments = serde_json::Map<String, serde_json::Value>;

/// One object's key, or why it has none.
pub(super) enum ObjectKey<'a> {
    Known(Cow<'a, str>),
    None(Link),
    Fails(Failure),
}

impl Run<'_> {
    /// The key of one object for a call or a reference.
    pub(super) fn object_key<'s>(
        &'s self,
        site: SiteId,
        object: u32,
        ty: TypeId,
        source: &KeySource,
        normalizer: Normalizer,
    ) -> ObjectKey<'s> {
        match source {
            KeySource::None | KeySource::Arguments(_) => ObjectKey::Known(Cow::Borrowed("")),
            KeySource::Slots { part, slots } => match self.slot_key(site, object, ty, *part, slots)
            {
                ObjectKey::Known(key) => normalized(self.graph, key, normalizer),
                other => other,
            },
            KeySource::Represented { part, of } => {
                match self.represented_key(site, object, ty, *part, of) {
                    ObjectKey::Known(key) => normalized(self.graph, key, normalizer),
                    other => other,
                }
            }
        }
    }

    /// The key that some slots of one part spell.
    pub(super) fn slot_key(
        &self,
        site: SiteId,
        object: u32,
        ty: TypeId,
        part: PartId,
        slots: &[SlotId],
    ) -> ObjectKey<'_> {
        match self.part(site, object, part) {
            PartState::Row { answer, record } => {
                let Some(loaded) = self.arena.loaded(*answer) else {
                    return ObjectKey::None(Link::Unset);
                };
                let key = record_key(self.graph, &loaded.answer, *record, slots);
                key.map_or(ObjectKey::None(Link::Null { by: NullBy::NoKey }), ObjectKey::Known)
            }
            PartState::Key { kind, key } => {
                match key_slots(self.graph, ty, part, *kind, key, slots) {
                    Some(text) => ObjectKey::Known(text),
                    None => ObjectKey::None(Link::Unset),
                }
            }
            PartState::Missing { .. } | PartState::NotLinked => {
                ObjectKey::None(Link::Null { by: NullBy::NotLinked })
            }
            PartState::Unset => ObjectKey::None(Link::Unset),
            PartState::Ambiguous { .. } => ObjectKey::Fails(self.ambiguous_part(ty, part)),
            // several records say one thing, or it is not known which is meant
            PartState::Several { .. } => {
                let mut keys = self.several_keys(site, object, part, slots).unwrap_or_default();
                match (keys.pop(), keys.pop()) {
                    (Some(key), None) => ObjectKey::Known(Cow::Owned(key)),
                    (Some(_), Some(_)) => ObjectKey::Fails(self.ambiguous_part(ty, part)),
                    (None, _) => ObjectKey::None(Link::Null { by: NullBy::NoKey }),
                }
            }
            PartState::Failed(failure) => ObjectKey::None(Link::Failed(*failure)),
        }
    }
}

/// The key that some slots of a record spell.
pub(super) fn record_key<'a>(
    graph: &Graph,
    answer: &'a Answer,
    record: Cell,
    slots: &[SlotId],
) -> Option<Cow<'a, str>> {
    let text = |slot: &SlotId| answer.key_text(graph, record, *slot);
    let slots = slots_in(graph, record, slots)?;
    match &*slots {
        [slot] => text(slot).filter(|text| !text.chars().all(char::is_whitespace)),
        slots => slots.iter().map(text).collect::<Option<Vec<_>>>().and_then(|texts| {
            Key::composite(texts.iter().map(|text| &**text))
                .map(|key| Cow::Owned(key.as_str().to_owned()))
        }),
    }
}

/// The slots by which this very record holds what is in `slots` of its type's own shape.
fn slots_in<'s>(graph: &Graph, record: Cell, slots: &'s [SlotId]) -> Option<Cow<'s, [SlotId]>> {
    let Cell::Record { shape, .. } = record else { return Some(Cow::Borrowed(slots)) };
    let named = &graph.shape(shape).named_slots;
    if named.is_empty() {
        return Some(Cow::Borrowed(slots));
    }
    let slots = slots.iter().map(|slot| named.get(slot.index()).copied().flatten());
    slots.collect::<Option<Vec<_>>>().map(Cow::Owned)
}

/// The key as its call knows it; none if nothing is left of it.
pub(super) fn normalized<'k>(
    graph: &Graph,
    key: Cow<'k, str>,
    normalizer: Normalizer,
) -> ObjectKey<'k> {
    let key = match normalize(normalizer, &key) {
        Cow::Borrowed(text) if text.len() == key.len() => key,
        other => Cow::Owned(other.into_owned()),
    };
    match key.len() {
        0 => ObjectKey::None(Link::Null { by: NullBy::NoKey }),
        length if length > graph.limits.key_bytes => ObjectKey::Fails(too_long(graph, length)),
        _ => ObjectKey::Known(key),
    }
}

/// Where a chunk ends depends on its keys: how many calls can be made is only known if none is too long.
fn too_long(graph: &Graph, length: usize) -> Failure {
    let most = graph.limits.key_bytes;
    let message = format!("a key has {length} bytes; limits.key_bytes allows {most}");
    Failure::Input { code: ErrorCode::KeyBytesLimit, message }
}

fn key_of<'t>(graph: &Graph, texts: impl Iterator<Item = &'t str>) -> Result<Option<Key>, Failure> {
    match Key::composite(texts) {
        Some(key) if key.as_str().len() > graph.limits.key_bytes => {
            Err(too_long(graph, key.as_str().len()))
        }
        key => Ok(key),
    }
}

/// The values of `slots`, taken from a key that holds them.
fn key_slots<'k>(
    graph: &Graph,
    ty: TypeId,
    part: PartId,
    kind: u8,
    key: &'k Key,
    slots: &[SlotId],
) -> Option<Cow<'k, str>> {
    let part_key = graph.ty(ty).parts.get(usize::from(part.0))?.keys.get(usize::from(kind))?;
    if part_key.slots == slots {
        return Some(Cow::Borrowed(key.as_str()));
    }
    let parts: Vec<&str> = key.parts().collect();
    let texts = slots.iter().map(|slot| {
        let place = part_key.slots.iter().position(|candidate| candidate == slot)?;
        parts.get(place).copied()
    });
    let key = Key::composite(texts.collect::<Option<Vec<_>>>()?)?;
    Some(Cow::Owned(key.as_str().to_owned()))
}

/// A key from the field's arguments: `None` when an argument is null or missing.
pub(super) fn argument_key(
    graph: &Graph,
    arguments: &Arguments,
    paths: &[ArgumentPath],
) -> Result<Option<Key>, Failure> {
    let mut texts = Vec::with_capacity(paths.len());
    for path in paths {
        match path.value_in(arguments) {
            None | Some(serde_json::Value::Null) => return Ok(None),
            Some(value) => texts.push(key_text(graph, path, value)?),
        }
    }
    key_of(graph, texts.iter().map(String::as_str))
}

/// The keys of a list argument, in its order: `None` for a null item.
pub(super) fn argument_keys(
    graph: &Graph,
    arguments: &Arguments,
    path: &ArgumentPath,
) -> Result<Vec<Option<Key>>, Failure> {
    match path.value_in(arguments) {
        None | Some(serde_json::Value::Null) => Ok(Vec::new()),
        Some(serde_json::Value::Array(items)) => items
            .iter()
            .map(|item| match item {
                serde_json::Value::Null => Ok(None),
                item => key_of(graph, [key_text(graph, path, item)?.as_str()].into_iter()),
            })
            .collect(),
        Some(item) => Ok(vec![key_of(graph, [key_text(graph, path, item)?.as_str()].into_iter())?]),
    }
}

pub(super) fn key_text(
    graph: &Graph,
    path: &ArgumentPath,
    value: &serde_json::Value,
) -> Result<String, Failure> {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match path.id_of {
        Some(ty) => remote_id(graph, ty, &text).ok_or_else(|| wrong_id(graph, path, ty))?,
        None => text,
    };
    let given = text;
    let text = normalize(path.normalizer, &given).into_owned();
    if text.is_empty()
        && !given.trim().is_empty()
        && matches!(path.normalizer, Normalizer::Phone(_))
    {
        let name = path.path.join(".");
        let message = format!("`{name}` is no telephone number with its country's code");
        return Err(Failure::Input { code: ErrorCode::BadUserInput, message });
    }
    if text.contains(KEY_SEPARATOR) {
        let name = path.path.join(".");
        return Err(Failure::Input {
            code: ErrorCode::BadUserInput,
            message: format!("`{name}` holds a control character"),
        });
    }
    Ok(text)
}

fn remote_id(graph: &Graph, ty: TypeId, id: &str) -> Option<String> {
    let remote = remote_key(id)?;
    (remote.ty == *graph.ty(ty).name).then_some(remote.key)
}

fn wrong_id(graph: &Graph, path: &ArgumentPath, ty: TypeId) -> Failure {
    let name = path.path.join(".");
    let message = format!(
        "`{name}` is not the id of a {}: pass an `id` as this graph gave it",
        graph.ty(ty).name
    );
    Failure::Input { code: ErrorCode::BadUserInput, message }
}

/// Puts remote keys in place of the opaque ids that a call reads from its arguments.
pub(super) fn with_remote_ids(
    graph: &Graph,
    arguments: &mut Arguments,
    paths: &[&ArgumentPath],
) -> Result<(), Failure> {
    for path in paths {
        let Some(ty) = path.id_of else { continue };
        let Some(value) = value_mut(arguments, path) else { continue };
        let ids = match value {
            serde_json::Value::Array(items) => items.as_mut_slice(),
            single => std::slice::from_mut(single),
        };
        for id in ids {
            if let serde_json::Value::String(id) = id {
                *id = remote_id(graph, ty, id).ok_or_else(|| wrong_id(graph, path, ty))?;
            }
        }
    }
    Ok(())
}

fn value_mut<'a>(
    arguments: &'a mut Arguments,
    path: &ArgumentPath,
) -> Option<&'a mut serde_json::Value> {
    let (first, rest) = path.path.split_first()?;
    rest.iter().try_fold(arguments.get_mut(&**first)?, |value, name| value.get_mut(&**name))
}
