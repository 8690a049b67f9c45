//! Begins `_entities`: each representation of a federation's router becomes an object known by its key.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::ErrorCode;
use crate::execute::key::{ObjectKey, argument_key, key_text};
use crate::execute::state::number;
use crate::execute::{Begun, Failure, Link, NullBy, Object, PartState, Run};
use crate::graph::{EntityKey, Graph, KeyPart, PartId, RequiredValue, TypeId};
use crate::operation::coerce_scalar;
use crate::plan::{By, EntitiesStep, SiteId, Step, StepId, is_visible};
use crate::principal::Principal;
use crate::value::{Key, remote_key};

/// Longer names are a client's, not a router's.
const NAME_MAX: usize = 100;

/// What a representation names.
enum Named<'a> {
    One(TypeId, &'a EntityKey, Key),
    /// A blank key, which nothing has.
    Nothing,
}

impl Run<'_> {
    pub(super) fn begin_entities(&mut self, id: StepId, step: &Step, work: &EntitiesStep) -> Begun {
        match self.arguments(&work.field) {
            Ok(arguments) if !matches!(work.by, By::Representations) => {
                self.named_objects(step, work, &arguments);
            }
            Ok(arguments) => {
                let list = arguments.get("representations").and_then(Value::as_array);
                self.entities(step, work, list.map(Vec::as_slice).unwrap_or_default());
            }
            Err(failure) => {
                let failure = self.arena.failure(failure);
                self.fail_step(id, failure);
            }
        }
        Begun::Done
    }

    fn entities(&mut self, step: &Step, work: &EntitiesStep, representations: &[Value]) {
        let parents: Vec<u32> =
            self.site(step.site).into_iter().flat_map(|site| site.of_type(step.ty)).collect();
        for parent in parents {
            if self.objects.saturating_add(representations.len()) > self.graph.limits.objects {
                let failure = self.too_many();
                self.link(work.child, parent, Link::Failed(failure));
                continue;
            }
            let start = self.site(work.child).map_or(0, |site| number(site.objects.len()));
            for representation in representations {
                match named(self.graph, self.context.principal, representation) {
                    Ok(Named::One(ty, entity, key)) => {
                        let key = (entity.part, entity.key_kind, key);
                        let object = self.entity(work.child, parent, ty, key);
                        self.keep_required(work.child, object, ty, representation);
                    }
                    Ok(Named::Nothing) => self.add_null(work.child, parent),
                    Err(failure) => self.add_failed(work.child, parent, failure),
                }
            }
            let end = self.site(work.child).map_or(0, |site| number(site.objects.len()));
            self.link(work.child, parent, Link::Many { start, end, answer: None });
        }
    }

    pub(super) fn entity(
        &mut self,
        child: SiteId,
        parent: u32,
        ty: TypeId,
        (part, kind, key): (PartId, u8, Key),
    ) -> u32 {
        self.objects += 1;
        let Some(site) = self.site_mut(child) else { return 0 };
        let object = site.add(Object { ty: Some(ty), parent });
        site.given.insert(object, (part, kind, key.clone()));
        site.set_part(object, part, PartState::Key { kind, key });
        object
    }

    /// Keeps what calls read of a representation besides its key.
    fn keep_required(&mut self, child: SiteId, object: u32, ty: TypeId, representation: &Value) {
        let federation = self.graph.federation.as_ref();
        let Some(names) = federation.and_then(|federation| federation.required.get(&ty)) else {
            return;
        };
        let Some(site) = self.site_mut(child) else { return };
        let kept = names
            .iter()
            .filter_map(|name| Some((name.to_string(), representation.get(&**name)?.clone())));
        site.represented.insert(object, kept.collect());
    }

    /// A key of slots and of values that the object's representation brings.
    pub(super) fn represented_key(
        &self,
        site: SiteId,
        object: u32,
        ty: TypeId,
        part: PartId,
        of: &[KeyPart],
    ) -> ObjectKey<'_> {
        let represented = self.site(site).and_then(|site| site.represented.get(&object));
        let mut texts: Vec<Cow<'_, str>> = Vec::with_capacity(of.len());
        for one in of {
            match one {
                KeyPart::Slot(slot) => match self.slot_key(site, object, ty, part, &[*slot]) {
                    ObjectKey::Known(text) => texts.push(text),
                    other => return other,
                },
                KeyPart::Required(value) => match required_text(self.graph, represented, value) {
                    Ok(Some(text)) => texts.push(Cow::Owned(text)),
                    Ok(None) => return ObjectKey::None(Link::Null { by: NullBy::NoKey }),
                    Err(failure) => return ObjectKey::Fails(failure),
                },
            }
        }
        let key = Key::composite(texts.iter().map(|text| &**text));
        key.map_or(ObjectKey::None(Link::Null { by: NullBy::NoKey }), |key| {
            ObjectKey::Known(Cow::Owned(key.as_str().to_owned()))
        })
    }

    /// One that is wrong is an error at its own place, and the others are answered.
    pub(super) fn add_failed(&mut self, child: SiteId, parent: u32, failure: Failure) {
        let failure = self.arena.failure(failure);
        if let Some(site) = self.site_mut(child) {
            let object = site.add(Object { ty: None, parent });
            site.set_part(object, PartId(0), PartState::Failed(failure));
        }
    }
}

/// The type and the key of a representation. What the caller may not read is refused here, before anything is loaded.
fn named<'g>(
    graph: &'g Graph,
    principal: &Principal,
    representation: &Value,
) -> Result<Named<'g>, Failure> {
    let Value::Object(members) = representation else {
        return Err(wrong(
            "a representation is an object with `__typename` and the fields of a key",
        ));
    };
    let Some(Value::String(name)) = members.get("__typename") else {
        return Err(wrong("a representation says its type as `__typename`, a string"));
    };
    let federation = graph.federation.as_ref();
    let ty = graph.type_named(name);
    let ty = match ty.and_then(|ty| federation?.interfaces.get(&ty)) {
        Some(possible) => Some(of_interface(graph, possible, name, members)?),
        None => ty,
    };
    let entity = ty.and_then(|ty| Some((ty, federation?.entities.get(&ty)?)));
    let Some((ty, keys)) = entity else {
        let name: String = name.chars().take(NAME_MAX).collect();
        return Err(wrong(format!("`{name}` is no entity of this subgraph")));
    };
    if keys.is_empty() {
        let message = format!("no backend of this deployment finds a `{name}` by its key");
        return Err(Failure::Input { code: ErrorCode::NotCovered, message });
    }
    let is_given = |key: &&EntityKey| {
        let mut values = key.paths.iter().map(|path| path.value_in(members));
        values.all(|value| value.is_some_and(|value| !value.is_null()))
    };
    let Some(key) = keys.iter().find(is_given) else {
        let known: Vec<String> = keys.iter().map(spelled).collect();
        let known = known.join(" or ");
        return Err(wrong(format!(
            "a representation of `{name}` has the fields of a key: {known}"
        )));
    };
    let of_type = graph.ty(ty).access.as_slice();
    if !is_visible(of_type, principal) || !is_visible(&key.access, principal) {
        let message = format!("not authorized to read `{name}` by {}", spelled(key));
        return Err(Failure::Input { code: ErrorCode::UnauthorizedFieldOrType, message });
    }
    for (path, scalar) in key.paths.iter().zip(&key.scalars) {
        let value = path.value_in(members).unwrap_or(&Value::Null);
        coerce_scalar(*scalar, value)
            .ok()
            .filter(|value| !value.is_object() && !value.is_array())
            .ok_or_else(|| {
                wrong(format!("`{}` of a `{name}` is of another type", path.path.join(".")))
            })?;
    }
    Ok(match argument_key(graph, members, &key.paths)? {
        Some(value) => Named::One(ty, key, value),
        None => Named::Nothing,
    })
}

/// `None` where the other subgraph has no value.
fn required_text(
    graph: &Graph,
    represented: Option<&Map<String, Value>>,
    required: &RequiredValue,
) -> Result<Option<String>, Failure> {
    let name = || required.path.path.join(".");
    let (first, rest) = required.path.path.split_first().ok_or_else(|| wrong("no field"))?;
    let mut value = represented.and_then(|members| members.get(&**first));
    for inner in rest {
        if value.is_some_and(Value::is_null) {
            return Ok(None);
        }
        value = value.and_then(|value| value.get(&**inner));
    }
    let Some(value) = value else {
        return Err(wrong(format!(
            "`{}` of another subgraph is required: ask for this field through the federation's router",
            name()
        )));
    };
    if value.is_null() {
        return Ok(None);
    }
    let coerced = coerce_scalar(required.scalar, value).ok();
    let coerced = coerced.filter(|value| !value.is_object() && !value.is_array());
    let value = coerced.ok_or_else(|| wrong(format!("`{}` is of another type", name())))?;
    key_text(graph, &required.path, &value).map(Some)
}

/// Which of an interface's types an id is of.
fn of_interface(
    graph: &Graph,
    possible: &[TypeId],
    name: &str,
    members: &Map<String, Value>,
) -> Result<TypeId, Failure> {
    let id = members.get("id").and_then(Value::as_str).and_then(remote_key);
    let ty = id.and_then(|id| graph.type_named(&id.ty)).filter(|ty| possible.contains(ty));
    ty.ok_or_else(|| {
        wrong(format!("`id` is not the id of a {name}: pass an `id` as this graph gave it"))
    })
}

fn spelled(key: &EntityKey) -> String {
    let names: Vec<String> = key.paths.iter().map(|path| path.path.join(".")).collect();
    format!("`{}`", names.join(" "))
}

pub(super) fn wrong(message: impl Into<String>) -> Failure {
    Failure::Input { code: ErrorCode::BadUserInput, message: message.into() }
}
