//! Mappings, checked against the type of the field that they fill.

use std::sync::Arc;

use super::Vendor;
use super::shapes::{id_role, is_own_id};
use crate::compile::context::{Context, RoleId};
use crate::config::shape::check::mapping_form;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{FieldId, Scalar, TypeId, TypeKind};
use crate::mapping::{Leaf, Mapping};

/// What a mapping must make.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub(super) kind: GoalKind,
    /// Lists around it.
    pub(super) lists: usize,
    /// `Type.field`, for messages.
    pub(super) what: Arc<str>,
    /// Where the schema says so.
    pub(super) sdl: Option<Span>,
    /// The type has an error in the schema: it may not be what it seems.
    pub(super) is_doubtful: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GoalKind {
    /// A hidden slot: text.
    Hidden,
    Scalar(Scalar),
    Enum(Arc<[Arc<str>]>),
    /// The object's own id.
    OwnId {
        of: TypeId,
        role: Arc<str>,
    },
    Composite(TypeId),
}

impl Goal {
    pub(super) fn hidden(name: &str) -> Self {
        Self {
            kind: GoalKind::Hidden,
            lists: 0,
            what: Arc::from(name),
            sdl: None,
            is_doubtful: false,
        }
    }

    /// A hidden slot that says when its record changed.
    pub(super) fn hidden_time(name: &str) -> Self {
        Self { kind: GoalKind::Scalar(Scalar::DateTime), ..Self::hidden(name) }
    }

    pub(super) fn of_type(cx: &Context<'_>, ty: TypeId, what: &str) -> Self {
        Self {
            kind: kind_of(cx, ty),
            lists: 0,
            what: Arc::from(what),
            sdl: cx.type_span(ty),
            is_doubtful: cx.sdl.is_doubtful(&cx.ty(ty).name),
        }
    }

    pub(super) fn of_field(cx: &Context<'_>, role: RoleId, ty: TypeId, field: FieldId) -> Self {
        let definition = cx.field(ty, field);
        let kind = if is_own_id(cx, ty, field) {
            GoalKind::OwnId { of: ty, role: id_role(cx, ty, role) }
        } else {
            kind_of(cx, definition.ty.named)
        };
        Self {
            kind,
            lists: definition.ty.wrappers.iter().filter(|wrapper| wrapper.list).count(),
            what: Arc::clone(&definition.coordinate),
            sdl: cx.field_span(ty, field),
            is_doubtful: cx.sdl.is_doubtful(&cx.ty(definition.ty.named).name),
        }
    }

    pub(super) fn item(&self) -> Self {
        Self { lists: self.lists.saturating_sub(1), ..self.clone() }
    }

    /// The scalar that a value must become, without its lists.
    pub(super) fn leaf(&self) -> Option<Leaf> {
        match &self.kind {
            GoalKind::Hidden => Some(Leaf::Scalar(Scalar::String)),
            GoalKind::Scalar(scalar) => Some(Leaf::Scalar(*scalar)),
            GoalKind::Enum(values) => Some(Leaf::Enum(Arc::clone(values))),
            GoalKind::OwnId { .. } => Some(Leaf::Scalar(Scalar::Id)),
            GoalKind::Composite(_) => None,
        }
    }

    /// The same with its lists.
    pub(super) fn leaf_list(&self) -> Option<Leaf> {
        (0..self.lists).try_fold(self.leaf()?, |leaf, _| Some(Leaf::List(Box::new(leaf))))
    }

    /// Is it one of these scalars (any JSON takes all)?
    pub(super) fn takes(&self, scalars: &[Scalar]) -> bool {
        match &self.kind {
            GoalKind::Hidden => scalars.contains(&Scalar::String),
            GoalKind::Scalar(Scalar::Any) => true,
            GoalKind::Scalar(scalar) => scalars.contains(scalar),
            _ => false,
        }
    }
}

fn kind_of(cx: &Context<'_>, ty: TypeId) -> GoalKind {
    match &cx.ty(ty).kind {
        TypeKind::Scalar(scalar) => GoalKind::Scalar(*scalar),
        TypeKind::Enum { values } => GoalKind::Enum(Arc::from(values.as_slice())),
        _ => GoalKind::Composite(ty),
    }
}

impl Vendor<'_, '_> {
    /// Compiles one mapping; `None` when it has a problem, which is reported.
    pub(super) fn mapping(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        if node.text().is_some() {
            return self.plain(node, goal);
        }
        let form = mapping_form(node)?;
        if goal.lists > 0
            && !matches!(
                form.name,
                "each" | "jq" | "first" | "case" | "list" | "split" | "value" | "entries" | "find"
            )
        {
            self.mismatch(
                node,
                goal,
                &format!("`{}` makes one value, and this is a list", form.name),
                "write `{ each: .path, item: … }`",
            );
            return None;
        }
        match form.name {
            "enum" => self.enum_form(node, goal),
            "money" => self.money(node, goal),
            "time" | "date" => self.time(node, goal, form.name),
            "join" => self.join(node, goal),
            "split" => self.split(node, goal),
            "first" => self.first(node, goal),
            "case" => self.case(node, goal),
            "number" => self.number(node, goal),
            "bool" => self.boolean(node, goal),
            "text" => self.text_form(node, goal),
            "id" => self.id_form(node, goal),
            "other" => self.other(node, goal),
            "find" => self.find(node, goal),
            "each" => self.each(node, goal),
            "list" => self.items(node, goal),
            "entries" => self.entries(node, goal),
            "object" => self.object(node, goal),
            "record" => self.record(node, goal),
            "jq" => self.jq(node, goal),
            _ => self.constant(node, goal),
        }
    }

    /// A path alone.
    fn plain(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.path(node)?;
        if path.has_each() && goal.lists == 0 {
            self.mismatch(
                node,
                goal,
                "`[]` makes a list, and this is one value",
                "take one element: `[0]` or `[-1]`",
            );
            return None;
        }
        match &goal.kind {
            GoalKind::Hidden => Some(Mapping::Text { path }),
            GoalKind::OwnId { of, role } if goal.lists == 0 => {
                Some(Mapping::Id { parts: vec![path], of: *of, role: Arc::clone(role) })
            }
            GoalKind::Composite(ty) => {
                let name = &self.cx.ty(*ty).name;
                let help = if goal.lists > 0 {
                    format!(
                        "write `{{ each: {}, as: {name} }}`",
                        node.shown().trim_end_matches("[]")
                    )
                } else {
                    format!("write `{{ at: {}, as: {name} }}`", node.shown())
                };
                self.mismatch(node, goal, "a path makes a scalar, and this is an object", &help);
                None
            }
            _ => Some(Mapping::Path { path, to: goal.leaf_list()? }),
        }
    }

    pub(super) fn mismatch(&mut self, node: &Node, goal: &Goal, why: &str, help: &str) {
        self.mismatch_at(node.span, goal, why, help);
    }

    pub(super) fn mismatch_at(&mut self, span: Span, goal: &Goal, why: &str, help: &str) {
        if goal.is_doubtful {
            return;
        }
        let problem = Diagnostic::error(
            Code::TypeMismatch,
            format!("this mapping does not fit `{}`", goal.what),
        )
        .at(span, why)
        .also(goal.sdl, "the field's type");
        self.problem(if help.is_empty() { problem } else { problem.help(help) });
    }
}
