//! The lists that metrics read, and their columns.

use std::sync::Arc;

use super::Reader;
use crate::compile::context::Class;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{FieldId, TypeId, TypeKind};

/// A list in the making.
pub(super) struct ListOf {
    pub(super) name: Arc<str>,
    /// The field with its arguments, as it is written.
    text: Arc<str>,
    element: TypeId,
    is_connection: bool,
    pub(super) columns: Vec<Vec<Arc<str>>>,
    pub(super) is_enough: bool,
}

impl ListOf {
    pub(super) fn element(&self) -> TypeId {
        self.element
    }

    /// The list with some of its columns as a query has it.
    pub(super) fn selection(&self, columns: impl Iterator<Item = usize>) -> String {
        let columns = columns.filter_map(|column| self.columns.get(column));
        let mut fields: Vec<String> = columns.map(|path| nested(path)).collect();
        if fields.is_empty() {
            fields.push("__typename".to_owned());
        }
        let (name, text, fields) = (&self.name, &self.text, fields.join(" "));
        if self.is_connection {
            format!("{name}: {text} {{ nodes {{ {fields} }} pageInfo {{ hasNextPage }} }}")
        } else {
            format!("{name}: {text} {{ {fields} }}")
        }
    }

    fn column(&mut self, path: Vec<Arc<str>>) -> usize {
        let known = self.columns.iter().position(|known| *known == path);
        known.unwrap_or_else(|| {
            self.columns.push(path);
            self.columns.len() - 1
        })
    }
}

/// `a { b }`
fn nested(path: &[Arc<str>]) -> String {
    let Some((first, rest)) = path.split_first() else { return String::new() };
    if rest.is_empty() { first.to_string() } else { format!("{first} {{ {} }}", nested(rest)) }
}

/// What stands at the end of a path.
enum Leaf {
    /// The two columns of an amount.
    Money,
    One,
}

impl Reader<'_, '_> {
    /// `invoices: invoices(first: 500)`
    pub(super) fn list(&mut self, entry: &Entry) -> Option<ListOf> {
        let value = entry.value.get("read").unwrap_or(&entry.value);
        let is_enough = entry.value.get_text("enough") == Some("true");
        let text = value.filled()?;
        if apollo_compiler::Name::new(&entry.key).is_err() {
            self.problem(
                format!("`{}` is no name", entry.key),
                entry.key_span,
                "letters, digits and `_` are",
            )?;
        }
        let field_name = text.split('(').next().unwrap_or_default().trim();
        let ty = self.cx.ty(self.parent);
        let Some(field) = ty.field_names.get(field_name).copied() else {
            if !self.cx.sdl.is_doubtful_field(&ty.name, field_name) {
                self.problems.push(
                    Diagnostic::error(
                        Code::UnknownField,
                        format!("`{}` has no field `{field_name}`", ty.name),
                    )
                    .at(value.span, "not in the schema")
                    .also(self.cx.type_span(self.parent), "the type")
                    .suggest(field_name, ty.fields.iter().map(|field| &*field.name)),
                );
            }
            return None;
        };
        let field = self.cx.field(self.parent, field);
        let (element, is_connection) = match self.cx.class(field.ty.named) {
            Class::Connection { element } => (element, true),
            _ => (field.ty.named, false),
        };
        let is_list = is_connection || field.ty.wrappers.len() == 2;
        let is_read =
            matches!(self.cx.ty(element).kind, TypeKind::Object | TypeKind::Interface { .. });
        if !is_list || !is_read {
            let label = "metrics read lists and connections of an object type or interface";
            self.problem(format!("`{}` is no such list", field.coordinate), value.span, label);
            return None;
        }
        let (name, text) = (Arc::clone(&entry.key), Arc::from(text));
        Some(ListOf { name, text, element, is_connection, columns: Vec::new(), is_enough })
    }

    /// The place of the list that a name stands for.
    pub(super) fn list_named(&mut self, name: &str, node: &Node, is_whole: bool) -> Option<usize> {
        let place = self.lists.iter().position(|list| *list.name == *name);
        // a list with a problem of its own may be the one that is meant
        if place.is_none() && is_whole {
            let names: Vec<Arc<str>> =
                self.lists.iter().map(|list| Arc::clone(&list.name)).collect();
            self.problems.push(
                Diagnostic::error(Code::InvalidMetric, format!("there is no list `{name}`"))
                    .at(node.span, "not under `lists`")
                    .suggest(name, names.iter().map(|name| &**name)),
            );
        }
        place
    }

    /// `invoices.dueAt`: a list and one column of it.
    pub(super) fn column(&mut self, node: &Node, is_whole: bool) -> Option<(usize, usize)> {
        let (list, path) = self.path(node, is_whole)?;
        match self.leaf(list, &path, node)? {
            Leaf::One => Some((list, self.lists.get_mut(list)?.column(path))),
            Leaf::Money => {
                let label = "an amount of money, which `sum` and `buckets` alone take";
                self.problem(format!("`{}` cannot stand here", node.shown()), node.span, label);
                None
            }
        }
    }

    /// A column of a list that is known already.
    pub(super) fn column_of(&mut self, list: usize, name: &str, node: &Node) -> Option<usize> {
        let path: Vec<Arc<str>> = name.split('.').map(Arc::from).collect();
        match self.leaf(list, &path, node)? {
            Leaf::One => Some(self.lists.get_mut(list)?.column(path)),
            Leaf::Money => {
                self.problem(format!("`{name}` cannot be tested"), node.span, "an amount of money");
                None
            }
        }
    }

    /// `invoices.balance`: a list, and the columns of amount and currency.
    pub(super) fn money(&mut self, node: &Node, is_whole: bool) -> Option<(usize, usize, usize)> {
        let (list, path) = self.path(node, is_whole)?;
        if !matches!(self.leaf(list, &path, node)?, Leaf::Money) {
            let label = "no amount of money: an object with `amount` and `currency`";
            self.problem(format!("`{}` cannot be added up", node.shown()), node.span, label);
            return None;
        }
        let of = self.lists.get_mut(list)?;
        let inside = |name: &str| path.iter().cloned().chain([Arc::from(name)]).collect();
        let (amount, currency) = (of.column(inside("amount")), of.column(inside("currency")));
        Some((list, amount, currency))
    }

    fn path(&mut self, node: &Node, is_whole: bool) -> Option<(usize, Vec<Arc<str>>)> {
        let text = node.filled()?;
        let Some((list, path)) = text.split_once('.') else {
            self.problem(
                format!("`{text}` names no field of a list"),
                node.span,
                "written `list.field`",
            );
            return None;
        };
        let list = self.list_named(list, node, is_whole)?;
        Some((list, path.split('.').map(Arc::from).collect()))
    }

    /// Follows field names from an item of a list on.
    fn leaf(&mut self, list: usize, path: &[Arc<str>], node: &Node) -> Option<Leaf> {
        let mut ty = self.lists.get(list)?.element;
        let mut is_money = false;
        for (index, name) in path.iter().enumerate() {
            let field = self.item_field(ty, name, node)?;
            if self.cx.contract.survivorship_of(ty, field).is_some() {
                let label = "metrics read the records of a list as they stand; take a field that one role fills";
                let name = &self.cx.field(ty, field).coordinate;
                self.problem(format!("`{name}` has several sources"), node.span, label);
                return None;
            }
            let field = self.cx.field(ty, field);
            ty = field.ty.named;
            let is_last = index + 1 == path.len();
            let of = self.cx.ty(ty);
            is_money =
                of.field_names.contains_key("amount") && of.field_names.contains_key("currency");
            let is_leaf = matches!(of.kind, TypeKind::Scalar(_) | TypeKind::Enum { .. });
            if field.ty.wrappers.len() > 1
                || (is_last && !is_leaf && !is_money)
                || (!is_last && is_leaf)
            {
                let label = "a path leads to one scalar, enum or amount of money";
                self.problem(format!("`{}` is none", field.coordinate), node.span, label);
                return None;
            }
        }
        Some(if is_money { Leaf::Money } else { Leaf::One })
    }

    fn item_field(&mut self, ty: TypeId, name: &str, node: &Node) -> Option<FieldId> {
        let of = self.cx.ty(ty);
        let known = of.field_names.get(name).copied();
        if known.is_none() && !self.cx.sdl.is_doubtful_field(&of.name, name) {
            self.problems.push(
                Diagnostic::error(
                    Code::UnknownField,
                    format!("`{}` has no field `{name}`", of.name),
                )
                .at(node.span, "not in the schema")
                .also(self.cx.type_span(ty), "the type")
                .suggest(name, of.fields.iter().map(|field| &*field.name)),
            );
        }
        known
    }
}
