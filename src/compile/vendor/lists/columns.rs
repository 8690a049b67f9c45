//! Values of a list's items: the fields that filters test and orders go by.

use std::sync::Arc;

use super::{FILTER, List, Vendor};
use crate::compile::context::Class;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Column, Field, ListRules, Scalar, ShapeId, TypeId, TypeKind, ValueKind};

impl Vendor<'_, '_> {
    /// The value that fields inside each other lead to, and the name of its type. `None`: there is none, or it is no scalar
    /// or enum.
    pub(super) fn column(&self, list: &List<'_>, path: &[Arc<str>]) -> Option<(Column, Arc<str>)> {
        let cx = self.cx;
        let mut of = list.element;
        let mut access = Vec::new();
        for (place, name) in path.iter().enumerate() {
            let field = self.field_named(of, name)?;
            // what is inside of a list is not one value
            if place + 1 < path.len() && is_list(field) {
                return None;
            }
            access.extend(field.access.iter().chain(&cx.ty(field.ty.named).access).cloned());
            of = field.ty.named;
        }
        let kind = match &cx.ty(of).kind {
            TypeKind::Enum { values } => ValueKind::Words(values.clone()),
            TypeKind::Scalar(scalar) => kind(*scalar)?,
            _ => return None,
        };
        let names: Vec<&str> = path.iter().map(|name| &**name).collect();
        let column = Column {
            name: Arc::from(format!("{}.{}", cx.ty(list.element).name, names.join("."))),
            path: path.to_vec(),
            kind,
            access,
            is_held: path.first().is_some_and(|name| self.is_held(list.shape, list.element, name)),
        };
        Some((column, Arc::clone(&cx.ty(of).name)))
    }

    /// The type inside of a field that is one object.
    pub(super) fn composite(&self, of: TypeId, name: &str) -> Option<TypeId> {
        let field = self.field_named(of, name)?;
        let is_value = matches!(self.cx.class(field.ty.named), Class::Value);
        (is_value && !is_list(field)).then_some(field.ty.named)
    }

    pub(super) fn is_of(&self, column: &Column, ty: &str) -> bool {
        let Some(ty) = self.cx.names.get(ty) else { return false };
        matches!(&self.cx.ty(*ty).kind, TypeKind::Scalar(scalar) if kind(*scalar).as_ref() == Some(&column.kind))
    }

    /// A list is narrowed by its own records, and ordered by them where those go before all others: what is shown of other roles
    /// is not known then.
    pub(super) fn check_sources(&mut self, list: &List<'_>, rules: &ListRules) {
        let filters = rules
            .filters
            .iter()
            .filter(|rule| rule.path.first().is_some_and(|name| **name == *FILTER));
        let filters = filters.filter_map(|rule| rule.column.as_ref()).map(|column| (column, false));
        let orders = rules.order.iter().flat_map(|order| &order.orders);
        let orders = orders.map(|order| (&order.column, true));
        for (column, is_order) in filters.chain(orders) {
            let of = self.cx.ty(list.element);
            let field = column.path.first().and_then(|name| of.field_names.get(name)).copied();
            let rule =
                field.and_then(|field| self.cx.contract.survivorship_of(list.element, field));
            let Some(rule) = rule else { continue };
            let is_first = rule.times.is_empty() && rule.roles.first() == Some(&self.role);
            if is_first && (is_order || rule.roles.len() == 1) {
                continue;
            }
            let verb = if is_order { "ordered" } else { "narrowed" };
            self.problems.push(
                Diagnostic::error(
                    Code::InvalidList,
                    format!("`{}` cannot be {verb} by `{}`, which has several sources", list.coordinate, column.name),
                )
                .at(list.span, "this list knows only the values of its own records")
                .at(rule.span, "its sources")
                .help(if is_order {
                    "take it out of the enum of orders, or prefer the role of the list to all others"
                } else {
                    "take it out of the filter's input type, or leave the field to one role"
                }),
            );
        }
    }

    fn field_named(&self, of: TypeId, name: &str) -> Option<&Field> {
        let id = self.cx.ty(of).field_names.get(name)?;
        Some(self.cx.field(of, *id))
    }

    /// Do records of this shape, or of one of those that it picks from, have the field?
    fn is_held(&self, shape: Option<ShapeId>, element: TypeId, name: &str) -> bool {
        let Some(shape) = shape.and_then(|id| self.out.shapes.get(id.index())) else {
            return false;
        };
        let holds = |ty: TypeId, id: ShapeId| {
            let slots = self.out.shapes.get(id.index()).map(|shape| &shape.field_slots);
            let field = self.cx.ty(ty).field_names.get(name);
            field.is_some_and(|field| {
                slots.is_some_and(|slots| slots.get(field.index()).copied().flatten().is_some())
            })
        };
        match &self.cx.ty(element).kind {
            TypeKind::Interface { possible } | TypeKind::Union { possible } => {
                possible.iter().any(|ty| {
                    let shape = self.out.shape_of.get(&(self.role, *ty));
                    shape.is_some_and(|shape| holds(*ty, *shape))
                })
            }
            _ => {
                let field = self.cx.ty(shape.ty).field_names.get(name);
                let slot = field.and_then(|field| shape.field_slots.get(field.index()));
                slot.copied().flatten().is_some()
            }
        }
    }
}

pub(super) fn is_list(field: &Field) -> bool {
    field.ty.wrappers.iter().any(|wrapper| wrapper.list)
}

fn kind(scalar: Scalar) -> Option<ValueKind> {
    match scalar {
        Scalar::Int | Scalar::Float | Scalar::Decimal => Some(ValueKind::Number),
        Scalar::DateTime => Some(ValueKind::Instant),
        Scalar::Date => Some(ValueKind::Day),
        Scalar::String | Scalar::Boolean | Scalar::Id | Scalar::CurrencyCode => {
            Some(ValueKind::Text)
        }
        Scalar::Any => None,
    }
}
