//! Computed fields: what follows from others of the same record, checked against the schema and the contract.
//!
//! Takes: the files that cross roles; later the sources of all fields.
//! Gives: what each reads and how it is computed, and its source where the vendor covers all of that.
//! Never: reads another record, or another role's part of the object.

use std::sync::Arc;

use super::context::{Class, Context, RoleId};
use super::metrics::filters;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    Computed, FieldId, Filter, Gives, PartId, Scalar, Source, Test, Type, TypeId, TypeKind,
};

/// A computed field, whoever fills what it reads.
pub(super) struct Declared {
    pub(super) ty: TypeId,
    pub(super) field: FieldId,
    /// Whose part holds what is read.
    pub(super) role: RoleId,
    pub(super) reads: Vec<FieldId>,
    tests: Vec<Filter>,
    gives: Gives,
}

/// Where computed fields stand.
pub(super) fn coordinates(roots: &[Node]) -> impl Iterator<Item = &str> {
    entries(roots).map(|entry| &*entry.key)
}

fn entries(roots: &[Node]) -> impl Iterator<Item = &Entry> {
    roots.iter().flat_map(|root| root.get("computed").map(Node::entries).unwrap_or_default())
}

pub(super) fn read(
    cx: &Context<'_>,
    roots: &[Node],
    problems: &mut Vec<Diagnostic>,
) -> Vec<Declared> {
    let mut seen: Vec<&Entry> = Vec::new();
    let mut found = Vec::new();
    for entry in entries(roots) {
        if let Some(first) = seen.iter().find(|other| other.key == entry.key) {
            let message = format!("`{}` is computed twice", entry.key);
            problems.push(
                Diagnostic::error(Code::DuplicateOwner, message)
                    .at(entry.key_span, "the second")
                    .at(first.key_span, "the first")
                    .help("one of them says what it is; remove the other"),
            );
            continue;
        }
        seen.push(entry);
        found.extend(declared(cx, entry, problems));
    }
    found
}

/// Gives the fields their sources: those of which something is not covered stay without.
pub(super) fn link(all: &[Declared], types: &mut [Type]) {
    for Declared { ty, field, reads, tests, gives, .. } in all {
        let (reads, tests, gives) = (reads.clone(), tests.clone(), *gives);
        let Some(of) = types.get_mut(ty.index()) else { continue };
        let part = |read: &FieldId| match of.fields.get(read.index())?.source {
            Source::Slot { part } => Some(part),
            _ => None,
        };
        let parts: Option<Vec<PartId>> = reads.iter().map(part).collect();
        let Some(part) = parts.and_then(|parts| parts.first().copied()) else { continue };
        let backend = reads.first().and_then(|read| of.fields.get(read.index())?.backend);
        if let Some(field) = of.fields.get_mut(field.index()) {
            field.source = Source::Computed(Arc::new(Computed { part, reads, tests, gives }));
            field.backend = backend;
        }
    }
}

fn declared(cx: &Context<'_>, entry: &Entry, problems: &mut Vec<Diagnostic>) -> Option<Declared> {
    let (ty, field) = cx.coordinate(entry, problems)?;
    let node = &entry.value;
    let since = node.get("days_since");
    let (kind, name) =
        if since.is_some() { (Scalar::Int, "Int") } else { (Scalar::Boolean, "Boolean") };
    let of = &cx.field(ty, field).ty;
    let is_fit = cx.ty(of.named).kind == TypeKind::Scalar(kind)
        && matches!(of.wrappers.as_slice(), [wrapper] if !wrapper.list && !wrapper.non_null);
    let reason = if cx.class(ty) != Class::Entity {
        "computed fields stand on types that a role has a part of".to_owned()
    } else if cx.contract.roles.iter().any(|role| role.owns(ty, field)) {
        "a role answers for this field already".to_owned()
    } else if !is_fit {
        format!("its type is to be `{name}`, which may be null: something may not be known")
    } else {
        let mut reader = Reader { cx, ty, problems, role: None, reads: Vec::new() };
        let tests = reader.tests(node.get("holds").or_else(|| node.get("where")));
        let gives = match since {
            Some(since) => Gives::Days { since: reader.moment(since.filled()?, since.span)? },
            None => Gives::Truth,
        };
        let Reader { role, reads, .. } = reader;
        return Some(Declared { ty, field, role: role?, reads, tests: tests?, gives });
    };
    let problem =
        Diagnostic::error(Code::InvalidMetric, format!("`{}` cannot be computed", entry.key));
    problems.push(problem.at(entry.key_span, reason).also(cx.field_span(ty, field), "the field"));
    None
}

/// What one computed field reads.
struct Reader<'a, 'c> {
    cx: &'a Context<'c>,
    ty: TypeId,
    problems: &'a mut Vec<Diagnostic>,
    role: Option<RoleId>,
    reads: Vec<FieldId>,
}

impl<'c> Reader<'_, 'c> {
    fn tests(&mut self, node: Option<&Node>) -> Option<Vec<Filter>> {
        let mut tests = Vec::new();
        for entry in node.map(Node::entries).unwrap_or_default() {
            let column = self.column(&entry.key, entry.key_span)?;
            let values = match &self.type_of(column)?.kind {
                TypeKind::Enum { values } => Some(values.as_slice()),
                _ => None,
            };
            let own = filters::tests(column, &entry.value, values, self.problems)?;
            if own.iter().any(|own| !matches!(own.test, Test::Is(_) | Test::IsNot(_))) {
                self.moment(&entry.key, entry.key_span)?;
            }
            tests.extend(own);
        }
        Some(tests)
    }

    /// A field that says a time.
    fn moment(&mut self, name: &str, span: Span) -> Option<usize> {
        let column = self.column(name, span)?;
        match self.type_of(column)?.kind {
            TypeKind::Scalar(Scalar::DateTime | Scalar::Date) => Some(column),
            _ => {
                self.problem(format!("`{name}` says no time"), span, "a `DateTime` or `Date` does")
            }
        }
    }

    fn type_of(&self, column: usize) -> Option<&'c Type> {
        let field = self.reads.get(column)?;
        Some(self.cx.ty(self.cx.field(self.ty, *field).ty.named))
    }

    /// The place of a field among those that are read: a single value of the one record.
    fn column(&mut self, name: &str, span: Span) -> Option<usize> {
        let (cx, ty) = (self.cx, self.ty);
        let field = cx.field_named(ty, name, span, self.problems)?;
        if let Some(column) = self.reads.iter().position(|read| *read == field) {
            return Some(column);
        }
        let of = &cx.field(ty, field).ty;
        if of.wrappers.len() != 1 || cx.class(of.named) != Class::Leaf {
            return self.problem(format!("`{name}` cannot be read"), span, "no single value");
        }
        let is_of_record = |role: &super::contract::Role| {
            role.parts
                .iter()
                .flat_map(|part| &part.fields)
                .any(|one| (one.ty, one.field) == (ty, field))
        };
        if let Some(rule) = cx.contract.survivorship_of(ty, field) {
            let problem =
                Diagnostic::error(Code::InvalidMetric, format!("`{name}` cannot be read"));
            let problem = problem.at(span, "it has several sources").at(rule.span, "these");
            self.problems.push(problem.help("take a field that one role fills"));
            return None;
        }
        let Some(role) = cx.contract.roles.iter().position(is_of_record).map(RoleId) else {
            return self.problem(
                format!("`{name}` cannot be read"),
                span,
                "it is in no role's record",
            );
        };
        if *self.role.get_or_insert(role) != role {
            let label =
                format!("this is in the record of `{}`, others are not", cx.role(role).name);
            return self.problem("what is computed is of one record".to_owned(), span, &label);
        }
        self.reads.push(field);
        Some(self.reads.len() - 1)
    }

    fn problem<T>(&mut self, message: String, at: Span, label: &str) -> Option<T> {
        self.problems.push(Diagnostic::error(Code::InvalidMetric, message).at(at, label));
        None
    }
}
