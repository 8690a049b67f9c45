//! All that was compiled, put together: types with their sources and parts.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::context::{Class, Context, RoleId};
use super::guards::Guards;
use super::identity::Rule;
use super::vendor::Output;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    BackendId, ConnectionField, FieldId, IdentityRule, Part, PartId, PartKey, Said, Shape, SlotId,
    Source, StatusField, Survivorship, Type, TypeId,
};
use crate::mapping::Mapping;

pub(super) struct Assembler<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) backends: &'a FxHashMap<RoleId, BackendId>,
    pub(super) rules: &'a [Rule],
    pub(super) blocked: Guards,
    /// Where the deployment names each role's vendor.
    pub(super) vendors: &'a FxHashMap<RoleId, Span>,
    pub(super) problems: &'a mut Vec<Diagnostic>,
}

impl Assembler<'_> {
    /// Gives every field its source and every type its parts.
    pub(super) fn finish(&mut self, types: &mut [Type], out: &mut Output) {
        for (ty, id) in types.iter_mut().zip((0_u32..).map(TypeId)) {
            ty.parts = self.parts(id, out);
            ty.uncovered_roles = self.uncovered_roles(id);
            for (field, number) in ty.fields.iter_mut().zip((0_u16..).map(FieldId)) {
                field.source = self.simple_source(id, number, out);
                let owner = self.owner(id, number);
                field.backend = owner.and_then(|role| self.backends.get(&role).copied());
            }
        }
        for source in std::mem::take(&mut out.sources) {
            let field = types
                .get_mut(source.ty.index())
                .and_then(|ty| ty.fields.get_mut(source.field.index()));
            if let Some(field) = field {
                if matches!(
                    field.source,
                    Source::Slot { .. } | Source::Survivor(_) | Source::OfBackend(_)
                ) && out.filled.contains(&(source.role, source.ty, source.field))
                {
                    self.problems.push(
                        Diagnostic::error(
                            Code::DuplicateOwner,
                            format!("`{}` is mapped twice", field.coordinate),
                        )
                        .at(
                            source.span,
                            "here by a call or a reference, and under `types` from the record",
                        )
                        .help("keep one of them"),
                    );
                }
                let backend = self.backends.get(&source.role).copied();
                match (&mut field.source, backend) {
                    (Source::OfBackend(sources), Some(backend)) => {
                        sources.push((backend, source.source));
                    }
                    (before, Some(backend)) if self.cx.class(source.ty) == Class::Value => {
                        *before = Source::OfBackend(vec![(backend, source.source)]);
                    }
                    (before, _) => {
                        *before = source.source;
                        field.backend = backend;
                    }
                }
            }
        }
        for (ty, field, name, of) in std::mem::take(&mut out.id_arguments) {
            let field = types.get_mut(ty.index()).and_then(|ty| ty.fields.get_mut(field.index()));
            let argument =
                field.and_then(|field| field.arguments.iter_mut().find(|one| one.name == name));
            if let Some(argument) = argument {
                argument.id_of = Some(of);
            }
        }
        self.uncovered_non_null(types, out);
    }

    fn owner(&self, ty: TypeId, field: FieldId) -> Option<RoleId> {
        self.cx.contract.roles.iter().position(|role| role.owns(ty, field)).map(RoleId)
    }

    fn simple_source(&self, ty: TypeId, number: FieldId, out: &Output) -> Source {
        let field = self.cx.field(ty, number);
        match self.cx.class(ty) {
            Class::Connection { .. } => connection_field(&field.name),
            Class::Edge => match &*field.name {
                "node" => Source::Connection(ConnectionField::Node),
                "cursor" => Source::Connection(ConnectionField::Cursor),
                _ => Source::NotCovered,
            },
            Class::PageInfo => page_info_field(&field.name),
            Class::SourceStatus => status_field(&field.name),
            Class::Account(_) => {
                Said::of_field(&field.name).map_or(Source::NotCovered, Source::Said)
            }
            Class::Entity if self.cx.class(field.ty.named) == Class::SourceStatus => {
                Source::SourceStatus
            }
            Class::Entity => match self.cx.class(field.ty.named) {
                Class::Account(account) => Source::Account(account),
                _ => self.slot_source(ty, number, out),
            },
            Class::Value => Source::Slot { part: PartId(0) },
            _ => Source::NotCovered,
        }
    }

    /// The record of the part that is to fill a field, if its vendor does; or those of several parts.
    fn slot_source(&self, ty: TypeId, number: FieldId, out: &Output) -> Source {
        let rule = self.cx.contract.survivorship_of(ty, number);
        let owners = rule.map_or_else(
            || self.owner(ty, number).into_iter().collect(),
            |rule| rule.roles.clone(),
        );
        let filled = owners.into_iter().filter(|role| out.filled.contains(&(*role, ty, number)));
        let parts: Vec<(RoleId, PartId)> =
            filled.filter_map(|role| Some((role, self.cx.part_id(role, ty)?))).collect();
        let (rule, parts) = match (parts.as_slice(), rule) {
            ([], _) => return Source::NotCovered,
            ([(_, part)], _) | ([(_, part), ..], None) => return Source::Slot { part: *part },
            (parts, Some(rule)) => (rule, parts),
        };
        let time = |role: RoleId| {
            let (_, name, _) = rule.times.iter().find(|(of, ..)| *of == role)?;
            mapped_slot(out.shapes.get(out.shape_of.get(&(role, ty))?.index())?, name)
        };
        let times = parts.iter().map(|(role, _)| time(*role)).collect();
        Source::Survivor(Arc::new(Survivorship {
            parts: parts.iter().map(|(_, part)| *part).collect(),
            times: (!rule.times.is_empty()).then_some(times),
        }))
    }

    fn parts(&self, ty: TypeId, out: &Output) -> Vec<Part> {
        let roles = self.cx.parts.get(&ty).cloned().unwrap_or_default();
        roles
            .iter()
            .enumerate()
            .filter_map(|(index, role)| self.part(ty, *role, index == 0, out))
            .collect()
    }

    fn part(&self, ty: TypeId, role: RoleId, is_anchor: bool, out: &Output) -> Option<Part> {
        let contract = self.cx.part(role, ty)?;
        let shape_id = *out.shape_of.get(&(role, ty))?;
        let shape = out.shapes.get(shape_id.index())?;
        let rules = self.rules.iter().filter(|rule| rule.ty == ty && rule.role == role);
        let rules: Vec<IdentityRule> = rules.filter_map(|rule| self.rule(rule, out)).collect();
        let has_rules = self.rules.iter().any(|rule| rule.ty == ty);
        let keys = contract.keys.iter().zip(0_u8..).map(|(key, kind)| PartKey {
            kind: Arc::clone(&key.kind),
            slots: key.slots.iter().filter_map(|name| slot_named(shape, name)).collect(),
            normalizer: key.normalizer,
            blocked: has_rules.then(|| self.blocked.of(&key.kind, key.normalizer)).flatten(),
            call: out.lookups.get(&(role, ty, kind)).copied(),
        });
        let keys: Vec<PartKey> = keys.collect();
        let merged = contract.merged.as_ref().and_then(|name| mapped_slot(shape, name));
        let mut always: Vec<SlotId> = merged.into_iter().collect();
        if merged.is_some() || rules.iter().any(|rule| rule.at_most > 1) {
            always.extend(keys.first().into_iter().flat_map(|key| &key.slots));
        }
        Some(Part {
            role: Arc::clone(&self.cx.role(role).name),
            backend: *self.backends.get(&role)?,
            shape: shape_id,
            is_anchor,
            keys,
            rules,
            merged,
            always,
        })
    }

    /// `None` for a rule from a role that nobody plays.
    fn rule(&self, rule: &Rule, out: &Output) -> Option<IdentityRule> {
        let from = self.cx.part_id(rule.from, rule.ty)?;
        let shape = out.shapes.get(out.shape_of.get(&(rule.from, rule.ty))?.index())?;
        let slots: Option<Vec<SlotId>> =
            rule.slots.iter().map(|name| slot_named(shape, name)).collect();
        Some(IdentityRule {
            name: Arc::clone(&rule.name),
            at_most: rule.at_most,
            key_kind: rule.key_kind,
            from,
            slots: slots?,
            equivalent: rule.is_equivalent,
            table: rule.table.clone(),
        })
    }

    fn uncovered_roles(&self, ty: TypeId) -> Vec<Arc<str>> {
        if self.cx.class(ty) != Class::Entity {
            return Vec::new();
        }
        let roles = self.cx.contract.roles.iter().enumerate();
        let concerned = roles.filter(|(index, role)| {
            !self.backends.contains_key(&RoleId(*index))
                && (role.parts.iter().any(|part| part.ty == ty)
                    || role.coordinates().any(|one| one.ty == ty))
        });
        concerned.map(|(_, role)| Arc::clone(&role.name)).collect()
    }

    /// A coordinate that must not be null and that nobody covers, of a type that this deployment can make an object of.
    fn uncovered_non_null(&mut self, types: &[Type], out: &Output) {
        let returned: FxHashSet<TypeId> = types
            .iter()
            .flat_map(|ty| &ty.fields)
            .filter(|field| {
                let mut sources = field.source.all();
                sources.any(|source| matches!(source, Source::Call(_) | Source::Reference(_)))
            })
            .map(|field| field.ty.named)
            .collect();
        let is_made = |id| returned.contains(&id) || out.filled.iter().any(|(_, ty, _)| *ty == id);
        for (ty, id) in types.iter().zip((0_u32..).map(TypeId)) {
            let is_reached = match self.cx.class(id) {
                Class::Query | Class::Mutation => true,
                Class::Entity => self.cx.is_live(id) && is_made(id),
                _ => false,
            };
            for (field, number) in ty.fields.iter().zip((0_u16..).map(FieldId)) {
                let is_non_null = field.ty.wrappers.first().is_some_and(|outer| outer.non_null);
                let is_tried = out.mapped.contains(&(id, number));
                let is_elsewhere = self.cx.sdl.is_external(&ty.name, &field.name)
                    || self.cx.sdl.is_service(&ty.name, &field.name);
                let is_covered =
                    is_tried || is_elsewhere || !matches!(field.source, Source::NotCovered);
                if !is_reached || !is_non_null || is_covered {
                    continue;
                }
                let owner = self.owner(id, number);
                let vendor = owner.and_then(|role| self.vendors.get(&role).copied());
                let name = owner
                    .map_or_else(|| Arc::from(""), |role| Arc::clone(&self.cx.role(role).name));
                self.problems.push(
                    Diagnostic::error(
                        Code::NotCovered,
                        format!(
                            "`{}` is non-null, and this deployment does not cover it",
                            field.coordinate
                        ),
                    )
                    .also(self.cx.field_span(id, number), "non-null here")
                    .also(vendor, format!("`{name}` is to fill it"))
                    .help("map it in the vendor file, or remove the `!`"),
                );
            }
        }
    }
}

/// A slot that this vendor fills.
fn mapped_slot(shape: &Shape, name: &str) -> Option<SlotId> {
    let slot = slot_named(shape, name)?;
    let mapping = &shape.slots.get(slot.index())?.mapping;
    (!matches!(mapping, Mapping::Constant { .. })).then_some(slot)
}

fn slot_named(shape: &Shape, name: &str) -> Option<SlotId> {
    let index = shape.slots.iter().position(|slot| &*slot.name == name)?;
    u16::try_from(index).ok().map(SlotId)
}

fn connection_field(name: &str) -> Source {
    Source::Connection(match name {
        "nodes" => ConnectionField::Nodes,
        "edges" => ConnectionField::Edges,
        "pageInfo" => ConnectionField::PageInfo,
        "totalCount" => ConnectionField::TotalCount,
        _ => return Source::NotCovered,
    })
}

fn page_info_field(name: &str) -> Source {
    Source::Connection(match name {
        "hasNextPage" => ConnectionField::HasNextPage,
        "hasPreviousPage" => ConnectionField::HasPreviousPage,
        "startCursor" => ConnectionField::StartCursor,
        "endCursor" => ConnectionField::EndCursor,
        _ => return Source::NotCovered,
    })
}

fn status_field(name: &str) -> Source {
    Source::Status(match name {
        "system" => StatusField::System,
        "state" => StatusField::State,
        "code" => StatusField::Code,
        "fetchedAt" => StatusField::FetchedAt,
        "ageSeconds" => StatusField::AgeSeconds,
        "fromCache" => StatusField::FromCache,
        "latencyMs" => StatusField::LatencyMs,
        _ => return Source::NotCovered,
    })
}
