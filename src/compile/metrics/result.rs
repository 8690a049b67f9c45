//! What a metric's value looks like in the schema.

use rustc_hash::FxHashSet;

use super::{Reader, source_of};
use crate::compile::context::{Class, Context};
use crate::config::yaml::Entry;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{DerivedId, FieldId, Formula, Metric, Scalar, Source, Type, TypeId, TypeKind};

/// The field's own source, those of the metrics, and those of everything inside of them.
pub(super) fn give_sources(
    cx: &Context<'_>,
    types: &mut [Type],
    (parent, field): (TypeId, FieldId),
    ty: TypeId,
    metrics: &[Option<Metric>],
    id: DerivedId,
) {
    let fields = types.get_mut(parent.index()).map(|ty| &mut ty.fields);
    if let Some(field) = fields.and_then(|fields| fields.get_mut(field.index())) {
        field.source = Source::Derived(id);
    }
    let mut inside: Vec<TypeId> = Vec::new();
    if let Some(of) = types.get_mut(ty.index()) {
        for (field, number) in of.fields.iter_mut().zip((0_u16..).map(FieldId)) {
            field.source = source_of(metrics, number, id);
            inside.push(field.ty.named);
        }
    }
    let mut seen = FxHashSet::default();
    while let Some(ty) = inside.pop() {
        // amounts of money are records of backends, too
        let is_money = cx.ty(ty).field_names.contains_key("currency");
        if cx.class(ty) != Class::Value || is_money || !seen.insert(ty) {
            continue;
        }
        for field in types.get_mut(ty.index()).map(|ty| &mut ty.fields).into_iter().flatten() {
            field.source = Source::Metric(id);
            inside.push(field.ty.named);
        }
    }
}

impl Reader<'_, '_> {
    /// Does the type of a metric's field have what the metric gives?
    pub(super) fn check_result(
        &mut self,
        ty: TypeId,
        field: FieldId,
        entry: &Entry,
        formula: &Formula,
    ) {
        let of = self.cx.field(ty, field);
        let result = self.cx.ty(of.ty.named);
        let has = |name: &str| result.field_names.contains_key(name);
        let (wanted, fits): (&str, bool) = match formula {
            Formula::Sum(_) => (
                "a list of `amount` and `currency`",
                self.is_list(of.ty.named, &["amount", "currency"]),
            ),
            Formula::Buckets(_) => {
                ("a list of `name` and `totals`", self.is_list(of.ty.named, &["name", "totals"]))
            }
            Formula::Flags(_) => ("a list of texts", self.is_list(of.ty.named, &[])),
            Formula::Mean { .. } => ("a Decimal", self.is_scalar(of.ty.named, Scalar::Decimal)),
            Formula::Instant { .. } => {
                ("a DateTime", self.is_scalar(of.ty.named, Scalar::DateTime))
            }
            Formula::Count { .. }
            | Formula::MeanSeconds { .. }
            | Formula::Age { .. }
            | Formula::Score(_) => ("an Int", self.is_scalar(of.ty.named, Scalar::Int)),
        };
        if of.ty.wrappers.len() == 1 && fits && has("complete") && has("missingSources") {
            return;
        }
        self.problems.push(
            Diagnostic::error(
                Code::TypeMismatch,
                format!("`{}` cannot show this metric", of.coordinate),
            )
            .at(entry.key_span, format!("its `value` is {wanted}"))
            .also(self.cx.field_span(ty, field), "the field")
            .help("an object type with `value`, `complete` and `missingSources`, and `asOf` if you like"),
        );
    }

    fn value_field(&self, ty: TypeId) -> Option<&crate::graph::Field> {
        let value = self.cx.ty(ty).field_names.get("value").copied()?;
        Some(self.cx.field(ty, value))
    }

    fn is_scalar(&self, ty: TypeId, scalar: Scalar) -> bool {
        self.value_field(ty).is_some_and(|value| {
            value.ty.wrappers.len() == 1
                && self.cx.ty(value.ty.named).kind == TypeKind::Scalar(scalar)
        })
    }

    /// A list of texts, or of objects with these fields.
    fn is_list(&self, ty: TypeId, fields: &[&str]) -> bool {
        self.value_field(ty).is_some_and(|value| {
            let item = self.cx.ty(value.ty.named);
            value.ty.wrappers.len() == 2
                && if fields.is_empty() {
                    item.kind == TypeKind::Scalar(Scalar::String)
                } else {
                    fields.iter().all(|name| item.field_names.contains_key(*name))
                }
        })
    }
}
