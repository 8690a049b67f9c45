//! How long the schema says that values stay fresh: `@cacheControl(maxAge:)`.
//!
//! Takes: the schema, types with their sources, the vendor files' shapes, calls and lookups.
//! Gives: the longest time that each call's answers and each slot of a shape may be kept.
//! Never: decides who may share an entry (`scope` is not read: sharing follows from what a request reads).

use std::time::Duration;

use apollo_compiler::schema::{ExtendedType, Schema};
use apollo_compiler::{Node, ast};

use super::vendor::Output;
use crate::graph::{Field, SchemaAges, Shape, Source, Type, TypeId, TypeKind};

/// The ages of everything that can be cached, by number.
pub(super) fn ages(schema: &Schema, types: &[Type], out: &Output) -> SchemaAges {
    let ages = Ages { schema, types };
    let mut calls = vec![None; out.calls.len()];
    let mut narrow = |call: usize, age: Option<Duration>| {
        if let Some(slot) = calls.get_mut(call) {
            *slot = least(*slot, age);
        }
    };
    for ty in types {
        for field in &ty.fields {
            for source in field.source.all() {
                if let Source::Call(answer) = source {
                    let shape = out.shapes.get(answer.shape.index());
                    narrow(answer.call.index(), ages.of_answer(ty, field, shape));
                }
            }
        }
    }
    for ((_, ty, _), call) in &out.lookups {
        narrow(call.index(), ages.of_type(*ty));
    }
    let slots = out.shapes.iter().map(|shape| ages.of_slots(shape)).collect();
    SchemaAges { calls, slots }
}

struct Ages<'a> {
    schema: &'a Schema,
    types: &'a [Type],
}

impl Ages<'_> {
    fn of_type(&self, ty: TypeId) -> Option<Duration> {
        let declared = self.schema.types.get(&*self.types.get(ty.index())?.name)?;
        max_age(declared.directives().iter().map(|directive| &**directive))
    }

    /// A field's own word goes before that of the type which it returns.
    fn of_field(&self, ty: &Type, field: &Field) -> Option<Duration> {
        let declared = match self.schema.types.get(&*ty.name)? {
            ExtendedType::Object(object) => object.fields.get(&*field.name),
            ExtendedType::Interface(interface) => interface.fields.get(&*field.name),
            _ => None,
        };
        declared
            .and_then(|field| max_age(field.directives.iter()))
            .or_else(|| self.of_type(field.ty.named))
    }

    /// What a call's field says of the answer besides its slots: the field, its type, or the type of the records.
    fn of_answer(&self, ty: &Type, field: &Field, shape: Option<&Shape>) -> Option<Duration> {
        let records = shape.map(|shape| shape.ty);
        let own = self.of_field(ty, field).or_else(|| records.and_then(|ty| self.of_type(ty)));
        // an abstract record and a bare value have no slots by field
        let is_whole = shape.is_none_or(|shape| shape.field_slots.iter().all(Option::is_none));
        if is_whole { least(own, self.within(field.ty.named, &mut Vec::new())) } else { own }
    }

    fn of_slots(&self, shape: &Shape) -> Vec<Option<Duration>> {
        let mut slots = vec![None; shape.slots.len()];
        let Some(ty) = self.types.get(shape.ty.index()) else { return slots };
        for (field, slot) in ty.fields.iter().zip(&shape.field_slots) {
            if let Some(age) = slot.and_then(|slot| slots.get_mut(slot.index())) {
                let inner = self.within(field.ty.named, &mut Vec::new());
                *age = least(self.of_field(ty, field), inner);
            }
        }
        slots
    }

    /// The least of what stands inside a value: fields of the record itself, not those that lead elsewhere.
    fn within(&self, id: TypeId, seen: &mut Vec<TypeId>) -> Option<Duration> {
        let ty = self.types.get(id.index()).filter(|_| !seen.contains(&id))?;
        seen.push(id);
        if let TypeKind::Interface { possible } | TypeKind::Union { possible } = &ty.kind {
            return possible.iter().fold(None, |age, ty| {
                least(least(age, self.of_type(*ty)), self.within(*ty, seen))
            });
        }
        let is_inside = |source: &Source| {
            matches!(source, Source::Slot { .. } | Source::Survivor(_) | Source::OfBackend(_))
        };
        let fields = ty.fields.iter().filter(|field| is_inside(&field.source));
        fields.fold(None, |age, field| {
            least(least(age, self.of_field(ty, field)), self.within(field.ty.named, seen))
        })
    }
}

fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Less than nothing is nothing.
fn max_age<'a>(directives: impl Iterator<Item = &'a Node<ast::Directive>>) -> Option<Duration> {
    let ages = directives
        .filter(|directive| directive.name == "cacheControl")
        .filter_map(|directive| directive.specified_argument_by_name("maxAge")?.to_i32());
    ages.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))).min()
}
