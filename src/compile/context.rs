//! What every stage of the compilation knows: the schema by number, what each type is for, the contract, who plays.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::contract::{Contract, PartContract, Role};
use super::schema::Sdl;
use super::vendor::Schemas;
use crate::config::yaml::Entry;
use crate::diagnostic::{Code, Diagnostic, Sources, Span};
use crate::graph::{Account, Field, FieldId, PartId, Type, TypeId, TypeKind};

/// A role by its place in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RoleId(pub(super) usize);

/// What a type of the schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Query,
    Mutation,
    /// At least one role has a part of it.
    Entity,
    Connection {
        element: TypeId,
    },
    Edge,
    PageInfo,
    SourceStatus,
    /// `IdentityMatch`, `SourceRef`, `FieldProvenance`.
    Account(Account),
    /// An object that is only ever part of a record.
    Value,
    Abstract,
    Leaf,
    Input,
}

pub(super) struct Context<'a> {
    pub(super) sources: &'a Sources,
    pub(super) sdl: &'a Sdl,
    /// What answers may be held against.
    pub(super) schemas: &'a Schemas,
    pub(super) types: &'a [Type],
    pub(super) names: &'a FxHashMap<Arc<str>, TypeId>,
    pub(super) classes: &'a [Class],
    pub(super) contract: &'a Contract,
    /// For each type, the roles whose parts it has, anchor first: of the roles that are played. Empty if the anchor's is not.
    pub(super) parts: FxHashMap<TypeId, Vec<RoleId>>,
}

impl<'a> Context<'a> {
    /// The same schema and contract with other roles played.
    pub(super) fn playing(&self, is_played: impl Fn(RoleId) -> bool) -> Self {
        let mut parts = FxHashMap::default();
        for (ty, roles) in self.contract.parts_by_type() {
            let anchored = roles.first().is_some_and(|anchor| is_played(*anchor));
            if anchored {
                parts.insert(ty, roles.into_iter().filter(|role| is_played(*role)).collect());
            }
        }
        Self { parts, ..*self }
    }

    #[expect(clippy::indexing_slicing, reason = "numbers are made from these very types")]
    pub(super) fn ty(&self, id: TypeId) -> &'a Type {
        &self.types[id.index()]
    }

    #[expect(clippy::indexing_slicing, reason = "numbers are made from these very types")]
    pub(super) fn field(&self, ty: TypeId, id: FieldId) -> &'a Field {
        &self.types[ty.index()].fields[id.index()]
    }

    pub(super) fn class(&self, id: TypeId) -> Class {
        self.classes.get(id.index()).copied().unwrap_or(Class::Input)
    }

    #[expect(clippy::indexing_slicing, reason = "numbers are made from this very contract")]
    pub(super) fn role(&self, id: RoleId) -> &'a Role {
        &self.contract.roles[id.0]
    }

    pub(super) fn part(&self, role: RoleId, ty: TypeId) -> Option<&'a PartContract> {
        self.role(role).parts.iter().find(|part| part.ty == ty)
    }

    /// The number of a role's part of a type, if both are played.
    pub(super) fn part_id(&self, role: RoleId, ty: TypeId) -> Option<PartId> {
        let index = self.parts.get(&ty)?.iter().position(|other| *other == role)?;
        u8::try_from(index).ok().map(PartId)
    }

    /// A type that has parts in this deployment.
    pub(super) fn is_live(&self, ty: TypeId) -> bool {
        self.parts.contains_key(&ty)
    }

    pub(super) fn type_span(&self, ty: TypeId) -> Option<Span> {
        self.sdl.type_span(&self.ty(ty).name)
    }

    pub(super) fn field_span(&self, ty: TypeId, field: FieldId) -> Option<Span> {
        self.sdl.field_span(&self.ty(ty).name, &self.field(ty, field).name)
    }

    /// A type of the schema, or a problem.
    pub(super) fn type_named(
        &self,
        name: &str,
        span: Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<TypeId> {
        let found = self.names.get(name).copied();
        if found.is_none() && !self.sdl.is_doubtful(name) {
            let problem =
                Diagnostic::error(Code::UnknownType, format!("the schema has no type `{name}`"));
            let names = self.composite_names();
            problems.push(problem.at(span, "not in the schema").suggest(name, names));
        }
        found
    }

    /// A field of a type, or a problem.
    pub(super) fn field_named(
        &self,
        ty: TypeId,
        name: &str,
        span: Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<FieldId> {
        let of = self.ty(ty);
        let found = of.field_names.get(name).copied();
        if found.is_none() && !self.sdl.is_doubtful_field(&of.name, name) {
            let problem = Diagnostic::error(
                Code::UnknownField,
                format!("`{}` has no field `{name}`", of.name),
            );
            let names = of.fields.iter().map(|field| &*field.name);
            let problem = problem.at(span, "not in the schema").suggest(name, names);
            problems.push(problem.also(self.type_span(ty), "the type"));
        }
        found
    }

    /// `Type.field`, as the key of an entry.
    pub(super) fn coordinate(
        &self,
        entry: &Entry,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<(TypeId, FieldId)> {
        let (ty_name, field_name) = entry.key.split_once('.').unwrap_or((&entry.key, ""));
        let ty = self.type_named(ty_name, entry.key_span, problems)?;
        Some((ty, self.field_named(ty, field_name, entry.key_span, problems)?))
    }

    /// Names of the object and abstract types, for suggestions.
    pub(super) fn composite_names(&self) -> impl Iterator<Item = &'a str> {
        self.types.iter().filter(|ty| ty.is_composite()).map(|ty| &*ty.name)
    }
}

/// What each type is for, as far as the schema alone says; `Entity` follows from the contract.
pub(super) fn classes(
    types: &[Type],
    query: Option<TypeId>,
    mutation: Option<TypeId>,
) -> Vec<Class> {
    let mut classes: Vec<Class> = types
        .iter()
        .map(|ty| match &ty.kind {
            TypeKind::Object if &*ty.name == "SourceStatus" => Class::SourceStatus,
            TypeKind::Object => Account::of_type(&ty.name).map_or(Class::Value, Class::Account),
            TypeKind::Interface { .. } | TypeKind::Union { .. } => Class::Abstract,
            TypeKind::Scalar(_) | TypeKind::Enum { .. } => Class::Leaf,
            TypeKind::Input => Class::Input,
        })
        .collect();
    let mut set = |id: TypeId, class: Class| {
        if let Some(place) = classes.get_mut(id.index()) {
            *place = class;
        }
    };
    for (ty, id) in types.iter().zip((0_u32..).map(TypeId)) {
        let field = |name: &str| ty.fields.iter().find(|field| &*field.name == name);
        let is_connection = matches!(ty.kind, TypeKind::Object) && ty.name.ends_with("Connection");
        let (true, Some(page_info)) = (is_connection, field("pageInfo")) else { continue };
        let edge = field("edges").map(|field| field.ty.named);
        let node = edge.and_then(|edge| types.get(edge.index())).and_then(|edge| {
            edge.fields.iter().find(|field| &*field.name == "node").map(|field| field.ty.named)
        });
        let Some(element) = field("nodes").map(|field| field.ty.named).or(node) else { continue };
        set(id, Class::Connection { element });
        set(page_info.ty.named, Class::PageInfo);
        if let Some(edge) = edge {
            set(edge, Class::Edge);
        }
    }
    if let Some(query) = query {
        set(query, Class::Query);
    }
    if let Some(mutation) = mutation {
        set(mutation, Class::Mutation);
    }
    classes
}

/// Types that roles have parts of are entities.
pub(super) fn mark_entities(classes: &mut [Class], contract: &Contract) {
    for (ty, _) in contract.parts_by_type() {
        if let Some(class) = classes.get_mut(ty.index()) {
            *class = Class::Entity;
        }
    }
}
