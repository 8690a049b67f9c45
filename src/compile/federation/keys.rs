//! `@key` and its kin against the types: which lookup resolves each key, and what stands in no field set.

use std::sync::Arc;

use apollo_compiler::ast;
use apollo_compiler::schema::ExtendedType;
use rustc_hash::FxHashMap;

use super::super::context::{Class, Context};
use super::super::contract::{KeyContract, PartContract};
use super::super::vendor::Output;
use super::fields::{self, FieldSet};
use super::{ENTITIES, SERVICE, is_resolvable};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    Access, ArgumentPath, EntityKey, Federation, Scalar, Shape, Source, Type, TypeId, TypeKind,
};
use crate::mapping::Mapping;

/// Gives the fields for routers their sources, and each entity its keys. `None` if this is no subgraph.
pub(in crate::compile) fn link(
    cx: &Context<'_>,
    types: &mut [Type],
    out: &Output,
    problems: &mut Vec<Diagnostic>,
) -> Option<Federation> {
    let sdl = Arc::clone(cx.sdl.federation.as_ref()?);
    let mut keys = Keys { cx, types, out, problems };
    let (mut entities, mut interfaces) = (FxHashMap::default(), FxHashMap::default());
    for (id, ty) in (0_u32..).map(TypeId).zip(cx.types) {
        let Some(defined) = cx.sdl.schema().types.get(&*ty.name) else { continue };
        keys.field_sets(id, defined);
        if let TypeKind::Interface { possible } = &ty.kind {
            let mut of_type = defined.directives().get_all("key");
            if of_type.any(|key| keys.interface_key(id, possible, key)) {
                interfaces.insert(id, possible.clone());
            }
            continue;
        }
        let found: Vec<Vec<EntityKey>> = defined
            .directives()
            .get_all("key")
            .filter_map(|key| keys.key(id, defined, key))
            .collect();
        if !found.is_empty() {
            entities.insert(id, found.into_iter().flatten().collect());
        }
    }
    for field in types.iter_mut().flat_map(|ty| &mut ty.fields) {
        match &*field.coordinate {
            "_Service.sdl" => field.source = Source::ServiceSdl,
            name => match name.split_once('.') {
                Some((ty, SERVICE)) if cx.sdl.is_service(ty, SERVICE) => {
                    field.source = Source::Service;
                }
                Some((ty, ENTITIES)) if cx.sdl.is_service(ty, ENTITIES) => {
                    field.source = Source::Entities;
                }
                _ => {}
            },
        }
    }
    Some(Federation { sdl, entities, interfaces, required: required(types) })
}

/// The fields of representations that keys read, by type.
fn required(types: &[Type]) -> FxHashMap<TypeId, Vec<Arc<str>>> {
    let mut required: FxHashMap<TypeId, Vec<Arc<str>>> = FxHashMap::default();
    for (id, ty) in (0_u32..).map(TypeId).zip(types) {
        for source in ty.fields.iter().flat_map(|field| field.source.all()) {
            let key = match source {
                Source::Call(call) => &call.key,
                Source::Reference(reference) => &reference.key,
                _ => continue,
            };
            for name in key.required().filter_map(|value| value.path.path.first()) {
                let names = required.entry(id).or_default();
                if !names.contains(name) {
                    names.push(Arc::clone(name));
                }
            }
        }
    }
    required
}

struct Keys<'a, 'p> {
    cx: &'a Context<'a>,
    types: &'p [Type],
    out: &'a Output,
    problems: &'p mut Vec<Diagnostic>,
}

impl<'a> Keys<'a, '_> {
    /// One `@key`: `None` if nobody may ask for it, or if it is wrong; empty if this deployment cannot load it.
    fn key(
        &mut self,
        id: TypeId,
        defined: &ExtendedType,
        directive: &ast::Directive,
    ) -> Option<Vec<EntityKey>> {
        let text = directive.specified_argument_by_name("fields")?.as_str()?;
        let name = &self.cx.ty(id).name;
        let span = self.cx.sdl.span(directive.name.location());
        let set = self.field_set(id, text, "key", span)?;
        if !is_resolvable(directive) {
            return None;
        }
        let is_object = matches!(defined, ExtendedType::Object(_));
        let anchor = self.cx.contract.anchor_of(id);
        let Some(anchor) = anchor.filter(|_| is_object && self.cx.class(id) == Class::Entity)
        else {
            self.unresolvable(text, name, span, "no role has a part of this type", None);
            return None;
        };
        let part = self.cx.part(anchor, id)?;
        let Some((kind, key)) = key_of(part, &set.paths()) else {
            let known = known_keys(part);
            let role = &self.cx.role(anchor).name;
            let why = format!("it is no key of the anchor, `{role}`'s part");
            self.unresolvable(text, name, span, &why, Some((&known, part.span)));
            return None;
        };
        Some(self.entity_key(id, kind, key, (text, span)).into_iter().collect())
    }

    /// The key of an interface can be resolved if it is the opaque id, which says whose it is.
    fn interface_key(
        &mut self,
        id: TypeId,
        possible: &[TypeId],
        directive: &ast::Directive,
    ) -> bool {
        let fields = directive.specified_argument_by_name("fields");
        let Some(text) = fields.and_then(|text| text.as_str()) else { return false };
        let name = &self.cx.ty(id).name;
        let span = self.cx.sdl.span(directive.name.location());
        if self.field_set(id, text, "key", span).is_none() || !is_resolvable(directive) {
            return false;
        }
        let is_entity = |ty: &TypeId| self.cx.class(*ty) == Class::Entity;
        let is_id = text.trim() == "id" && possible.iter().all(is_entity);
        if !is_id {
            let why =
                "that of an interface is the `id` of its types, all of which roles have parts of";
            self.unresolvable(text, name, span, why, None);
        }
        is_id
    }

    /// The key as this deployment's vendor looks it up.
    fn entity_key(
        &mut self,
        id: TypeId,
        kind: u8,
        key: &KeyContract,
        (text, span): (&str, Option<Span>),
    ) -> Option<EntityKey> {
        let ty = self.types.get(id.index())?;
        let anchor = ty.anchor()?;
        let part = ty.parts.get(usize::from(anchor.0))?;
        if part.keys.get(usize::from(kind)).is_none_or(|key| key.call.is_none()) {
            self.problems.push(
                Diagnostic::warning(
                    Code::InvalidFederation,
                    format!("this deployment cannot find a `{}` by `{text}`", ty.name),
                )
                .also(span, "other subgraphs may ask for it by this key")
                .help(format!(
                    "name a call under `lookups: {{ {}: {{ {}: … }} }}` of the vendor file of `{}`",
                    ty.name, key.kind, part.role
                )),
            );
            return None;
        }
        let shape = self.out.shapes.get(part.shape.index())?;
        let mut access = Vec::new();
        let fields = key.paths.iter().map(|path| self.field(ty, shape, path, key, &mut access));
        let (paths, scalars) = fields.collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some(EntityKey { part: anchor, key_kind: kind, paths, scalars, access })
    }

    /// One field of a key: what it is, and whose id, if it is an opaque one. Adds what callers need to read it.
    fn field(
        &self,
        ty: &Type,
        shape: &Shape,
        path: &[Arc<str>],
        key: &KeyContract,
        access: &mut Vec<Access>,
    ) -> Option<(ArgumentPath, Scalar)> {
        let (mut ty, mut shape) = (ty, Some(shape));
        let (mut scalar, mut id_of) = (Scalar::String, None);
        for name in path {
            let number = ty.field_names.get(name)?;
            let field = ty.fields.get(number.index())?;
            access.extend(field.access.clone());
            let slot = shape.and_then(|shape| shape.field_slots.get(number.index()).copied()?);
            let mapping = slot.and_then(|slot| Some(&shape?.slots.get(slot.index())?.mapping));
            shape = None;
            match mapping {
                Some(Mapping::Id { of, .. }) => id_of = Some(*of),
                Some(Mapping::Record { shape: inner, .. }) => {
                    shape = self.out.shapes.get(inner.index());
                }
                _ => {}
            }
            ty = self.types.get(field.ty.named.index())?;
            access.extend(ty.access.clone());
            if let TypeKind::Scalar(found) = ty.kind {
                scalar = found;
            }
        }
        let path = path.to_vec();
        Some((ArgumentPath { path, id_of, normalizer: key.normalizer }, scalar))
    }

    fn unresolvable(
        &mut self,
        text: &str,
        ty: &str,
        span: Option<Span>,
        why: &str,
        known: Option<(&str, Span)>,
    ) {
        let keys = known.map_or_else(String::new, |(known, _)| format!("; its keys are: {known}"));
        self.problems.push(
            Diagnostic::error(
                Code::InvalidFederation,
                format!("`@key(fields: \"{text}\")` of `{ty}` cannot be resolved: {why}{keys}"),
            )
            .also(span, "this key")
            .also(known.map(|(_, span)| span), "the anchor")
            .help("write `resolvable: false` if this subgraph only refers to such objects"),
        );
    }

    /// The field sets of the fields' own directives.
    fn field_sets(&mut self, id: TypeId, defined: &ExtendedType) {
        let fields = match defined {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            _ => return,
        };
        for field in fields.values() {
            let coordinate = format!("{}.{}", defined.name(), field.name);
            for directive in &field.directives {
                let span = self.cx.sdl.span(directive.name.location());
                let of = match directive.name.as_str() {
                    "requires" => Some(id),
                    "provides" => self.cx.names.get(field.ty.inner_named_type().as_str()).copied(),
                    _ => None,
                };
                let text = directive.specified_argument_by_name("fields");
                if let (Some(of), Some(text)) = (of, text.and_then(|text| text.as_str()))
                    && let Some(set) = self.field_set(of, text, &directive.name, span)
                    && directive.name == "requires"
                {
                    self.all_external(id, &set, &coordinate, span);
                }
            }
        }
    }

    /// What this subgraph has itself need not be required, and routers would not send it.
    fn all_external(
        &mut self,
        id: TypeId,
        set: &FieldSet<'_>,
        coordinate: &str,
        span: Option<Span>,
    ) {
        let ty = &self.cx.ty(id).name;
        for field in set.0.iter().filter(|field| !self.cx.sdl.is_external(ty, field.name)) {
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidFederation,
                    format!("`{coordinate}` requires `{}`, which is of this subgraph", field.name),
                )
                .also(span, "in the set of fields of this directive")
                .help(format!("mark `{ty}.{}` as `@external`, or read it as a slot", field.name)),
            );
        }
    }

    /// A set whose fields are all there.
    fn field_set<'t>(
        &mut self,
        id: TypeId,
        text: &'t str,
        directive: &str,
        span: Option<Span>,
    ) -> Option<FieldSet<'t>> {
        let Some(set) = fields::parse(text) else {
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidFederation,
                    format!("`{text}` is no set of fields"),
                )
                .also(span, format!("the `fields` of this `@{directive}`"))
                .help("write names with spaces between, and braces after a field that has fields: `id owner { email }`"),
            );
            return None;
        };
        self.known(id, &set, span).then_some(set)
    }

    fn known(&mut self, id: TypeId, set: &FieldSet<'_>, span: Option<Span>) -> bool {
        let cx: &'a Context<'a> = self.cx;
        let ty = cx.ty(id);
        let mut is_known = true;
        for field in &set.0 {
            let number = ty.field_names.get(field.name);
            let defined = number.and_then(|number| ty.fields.get(number.index()));
            let message = match (defined, &field.inside) {
                (None, _) => {
                    let problem = Diagnostic::error(
                        Code::UnknownField,
                        format!("`{}` has no field `{}`", ty.name, field.name),
                    );
                    let names = ty.fields.iter().map(|field| &*field.name);
                    let problem = problem.also(span, "in the set of fields of this directive");
                    self.problems.push(problem.suggest(field.name, names));
                    is_known = false;
                    continue;
                }
                (Some(defined), Some(inside)) if cx.ty(defined.ty.named).is_composite() => {
                    is_known &= self.known(defined.ty.named, inside, span);
                    continue;
                }
                (Some(defined), None) if !cx.ty(defined.ty.named).is_composite() => continue,
                (Some(_), Some(_)) => "it has no fields: remove the braces",
                (Some(_), None) => "say which of its fields, in braces",
            };
            is_known = false;
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidFederation,
                    format!("`{}.{}` in a set of fields", ty.name, field.name),
                )
                .also(span, "in the set of fields of this directive")
                .help(message),
            );
        }
        is_known
    }
}

/// The key of a part that these fields hold, in any order.
fn key_of<'c>(part: &'c PartContract, paths: &[Vec<Arc<str>>]) -> Option<(u8, &'c KeyContract)> {
    (0_u8..).zip(&part.keys).find(|(_, key)| {
        key.paths.len() == paths.len() && key.paths.iter().all(|path| paths.contains(path))
    })
}

fn known_keys(part: &PartContract) -> String {
    let sets = part.keys.iter().map(|key| {
        let fields: Vec<String> = key.paths.iter().map(|path| path.join(".")).collect();
        format!("`{}`", fields.join(" "))
    });
    sets.collect::<Vec<_>>().join(", ")
}
