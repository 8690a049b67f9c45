//! From a schema to types and fields by number.
//!
//! Takes: the schema; of an invalid one, what could be read.
//! Gives: every type but the introspection ones, fields with their wrappers, arguments and access rules, by number.
//! Never: knows roles or vendors: every field is `NotCovered` until the resolver files say otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::schema::{DirectiveList, ExtendedType, FieldDefinition, InterfaceType, Value};
use apollo_compiler::{Name, Schema, ast};
use rustc_hash::FxHashMap;

use crate::graph::{
    Access, Argument, Field, FieldId, Scalar, Source, Type, TypeId, TypeKind, TypeRef, Wrapper,
};

/// The types of a schema by number.
#[derive(Debug)]
pub(crate) struct SchemaTypes {
    pub(crate) types: Vec<Type>,
    pub(crate) names: FxHashMap<Arc<str>, TypeId>,
    /// `None` in an invalid schema alone.
    pub(crate) query: Option<TypeId>,
    pub(crate) mutation: Option<TypeId>,
}

/// Numbers the types in schema order: the files' own types as written, used built-in scalars where apollo-compiler puts them.
pub(crate) fn types(schema: &Schema) -> SchemaTypes {
    let numbers = Numbers::of(schema);
    let types =
        schema.types.values().filter(|ty| is_ours(ty)).map(|ty| numbers.ty(schema, ty)).collect();
    let root = |name: &Option<_>| {
        name.as_ref()
            .and_then(|name: &apollo_compiler::schema::ComponentName| numbers.id(&name.name))
    };
    SchemaTypes {
        types,
        query: root(&schema.schema_definition.query),
        mutation: root(&schema.schema_definition.mutation),
        names: numbers.names,
    }
}

fn is_ours(ty: &ExtendedType) -> bool {
    !ty.name().starts_with("__")
}

/// Types by name and, for abstract types, the object types that are possible, in schema order.
struct Numbers {
    names: FxHashMap<Arc<str>, TypeId>,
    implementers: FxHashMap<Name, Vec<TypeId>>,
}

impl Numbers {
    fn of(schema: &Schema) -> Self {
        let mut numbers = Self { names: FxHashMap::default(), implementers: FxHashMap::default() };
        for (id, ty) in (0_u32..).map(TypeId).zip(schema.types.values().filter(|ty| is_ours(ty))) {
            numbers.names.insert(Arc::from(ty.name().as_str()), id);
            if let ExtendedType::Object(object) = ty {
                for interface in &object.implements_interfaces {
                    numbers.implementers.entry(interface.name.clone()).or_default().push(id);
                }
            }
        }
        numbers
    }

    fn id(&self, name: &Name) -> Option<TypeId> {
        self.names.get(name.as_str()).copied()
    }

    fn ty(&self, schema: &Schema, ty: &ExtendedType) -> Type {
        let kind = match ty {
            ExtendedType::Scalar(scalar) => TypeKind::Scalar(scalar_named(&scalar.name)),
            ExtendedType::Object(_) => TypeKind::Object,
            ExtendedType::Interface(interface) => TypeKind::Interface {
                possible: self.implementers.get(&interface.name).cloned().unwrap_or_default(),
            },
            ExtendedType::Union(union) => {
                let mut possible: Vec<_> =
                    union.members.iter().filter_map(|member| self.id(&member.name)).collect();
                possible.sort_unstable();
                TypeKind::Union { possible }
            }
            ExtendedType::Enum(values) => TypeKind::Enum {
                values: values.values.keys().map(|value| Arc::from(value.as_str())).collect(),
            },
            ExtendedType::InputObject(_) => TypeKind::Input,
        };
        let fields = self.fields(schema, ty);
        let field_names = fields
            .iter()
            .zip(0_u16..)
            .map(|(field, id)| (Arc::clone(&field.name), FieldId(id)))
            .collect();
        Type {
            name: Arc::from(ty.name().as_str()),
            kind,
            fields,
            field_names,
            parts: Vec::new(),
            uncovered_roles: Vec::new(),
            access: type_access(ty),
        }
    }

    fn fields(&self, schema: &Schema, ty: &ExtendedType) -> Vec<Field> {
        let (fields, interfaces) = match ty {
            ExtendedType::Object(object) => (&object.fields, &object.implements_interfaces),
            ExtendedType::Interface(interface) => {
                (&interface.fields, &interface.implements_interfaces)
            }
            _ => return Vec::new(),
        };
        let interfaces: Vec<_> = interfaces
            .iter()
            .filter_map(|interface| schema.get_interface(&interface.name))
            .collect();
        fields
            .values()
            .filter_map(|field| {
                Some(Field {
                    name: Arc::from(field.name.as_str()),
                    coordinate: Arc::from(format!("{}.{}", ty.name(), field.name)),
                    ty: self.type_ref(&field.ty)?,
                    arguments: field
                        .arguments
                        .iter()
                        .map(|argument| Argument {
                            name: Arc::from(argument.name.as_str()),
                            id_of: None,
                        })
                        .collect(),
                    source: Source::NotCovered,
                    access: field_access(schema, ty, field, &interfaces),
                    backend: None,
                })
            })
            .collect()
    }

    fn type_ref(&self, ty: &ast::Type) -> Option<TypeRef> {
        let named = self.id(ty.inner_named_type())?;
        let mut wrappers = Vec::new();
        let mut ty = ty;
        loop {
            let non_null = ty.is_non_null();
            match ty {
                ast::Type::List(inner) | ast::Type::NonNullList(inner) => {
                    wrappers.push(Wrapper { list: true, non_null });
                    ty = inner;
                }
                ast::Type::Named(_) | ast::Type::NonNullNamed(_) => {
                    wrappers.push(Wrapper { list: false, non_null });
                    return Some(TypeRef { named, wrappers });
                }
            }
        }
    }
}

fn scalar_named(name: &str) -> Scalar {
    match name {
        "Int" => Scalar::Int,
        "Float" => Scalar::Float,
        "String" => Scalar::String,
        "Boolean" => Scalar::Boolean,
        "ID" => Scalar::Id,
        "Decimal" => Scalar::Decimal,
        "DateTime" => Scalar::DateTime,
        "Date" => Scalar::Date,
        "CurrencyCode" => Scalar::CurrencyCode,
        _ => Scalar::Any,
    }
}

/// What a caller must have for a field: what the field, the type it stands in, the type that it returns, and the same field
/// of each interface ask for, all of it. So a rule holds whichever way a query reaches the field.
fn field_access(
    schema: &Schema,
    ty: &ExtendedType,
    field: &FieldDefinition,
    interfaces: &[&apollo_compiler::Node<InterfaceType>],
) -> Option<Access> {
    let mut access = directives_access(field.directives.iter().map(|directive| &**directive));
    access = both(access, type_access(ty));
    access = both(access, schema.types.get(field.ty.inner_named_type()).and_then(type_access));
    for interface in interfaces {
        let declared = interface.fields.get(&field.name);
        access = both(
            access,
            declared.and_then(|field| {
                directives_access(field.directives.iter().map(|directive| &**directive))
            }),
        );
    }
    access
}

fn type_access(ty: &ExtendedType) -> Option<Access> {
    let directives: &DirectiveList = ty.directives();
    directives_access(directives.iter().map(|directive| &***directive))
}

fn directives_access<'a>(directives: impl Iterator<Item = &'a ast::Directive>) -> Option<Access> {
    let mut access: Option<Access> = None;
    for directive in directives {
        match directive.name.as_str() {
            "authenticated" => access.get_or_insert_default().authenticated = true,
            "requiresScopes" => {
                access.get_or_insert_default().scopes = alternatives(directive, "scopes");
            }
            "policy" => {
                access.get_or_insert_default().policies = alternatives(directive, "policies");
            }
            _ => {}
        }
    }
    access
}

/// The `[[String!]!]!` of a directive. No alternative at all can be met by nobody, which one empty name says: an empty list
/// would mean "no requirement".
fn alternatives(directive: &ast::Directive, argument: &str) -> Vec<Vec<Arc<str>>> {
    let list = |value: &Value| value.as_list().map(<[_]>::to_vec);
    let value = directive.specified_argument_by_name(argument);
    let sets: Vec<Vec<Arc<str>>> = value
        .and_then(|value| list(value))
        .unwrap_or_default()
        .iter()
        // list coercion: one value stands for a list of it
        .map(|set| list(set).unwrap_or_else(|| vec![set.clone()]))
        .map(|set| set.iter().filter_map(|name| name.as_str()).map(Arc::from).collect())
        .collect();
    if sets.is_empty() { vec![vec![Arc::from("")]] } else { sets }
}

/// The requirement that is met when both are.
fn both(one: Option<Access>, other: Option<Access>) -> Option<Access> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Access {
            authenticated: one.authenticated || other.authenticated,
            scopes: product(&one.scopes, &other.scopes),
            policies: product(&one.policies, &other.policies),
        }),
        (access, None) | (None, access) => access,
    }
}

fn product(one: &[Vec<Arc<str>>], other: &[Vec<Arc<str>>]) -> Vec<Vec<Arc<str>>> {
    if one.is_empty() || one == other {
        return other.to_vec();
    }
    if other.is_empty() {
        return one.to_vec();
    }
    let mut sets: Vec<Vec<Arc<str>>> = Vec::new();
    for left in one {
        for right in other {
            let set: BTreeSet<_> = left.iter().chain(right).cloned().collect();
            let set: Vec<_> = set.into_iter().collect();
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
    }
    sets
}

#[cfg(test)]
mod tests;
