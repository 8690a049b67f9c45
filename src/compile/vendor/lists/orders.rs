//! `orderBy`: an enum of fields, and a direction.

use std::sync::Arc;

use apollo_compiler::ast::InputValueDefinition;
use apollo_compiler::schema::ExtendedType;

use super::columns::is_list;
use super::{List, Vendor};
use crate::compile::context::Class;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{DIRECTION, FIELD, ListOrder, OrderRule, TypeId};

impl Vendor<'_, '_> {
    pub(super) fn order_rule(
        &mut self,
        list: &List<'_>,
        argument: &InputValueDefinition,
    ) -> Option<OrderRule> {
        let input = argument.ty.inner_named_type();
        let definition = self.cx.sdl.schema().get_input_object(input)?;
        let member = |name: &str| {
            let member = definition.fields.values().find(|member| member.name == name);
            member.map(|member| member.ty.inner_named_type().clone())
        };
        let field = member(FIELD).filter(|name| self.is_enum(name));
        let directions = member(DIRECTION).map(|name| self.words_of(&name)).unwrap_or_default();
        let has_directions =
            ["ASC", "DESC"].iter().all(|way| directions.iter().any(|one| **one == **way));
        let Some(field) = field.filter(|_| has_directions) else {
            let why = format!(
                "`{input}` needs `{FIELD}`, an enum of fields, and `{DIRECTION}`, an enum with `ASC` and `DESC`"
            );
            let problem = Self::unlisted(list, &why, self.cx.sdl.type_span(input));
            self.problem(problem);
            return None;
        };
        let known = self.spelled(list.element);
        let path = [Arc::from(argument.name.as_str())];
        let mut orders = Vec::new();
        for word in self.words_of(&field) {
            let found = known.iter().find(|(known, _)| **known == *word);
            let column = found.and_then(|(_, path)| self.column(list, path));
            let Some((column, _)) = column else {
                let of = &self.cx.ty(list.element).name;
                let why = format!("`{field}.{word}` is no field of `{of}` that can be compared");
                let problem = Self::unlisted(list, &why, self.cx.sdl.type_span(&field));
                self.problem(problem.suggest(&word, known.iter().map(|(known, _)| known.as_str())));
                continue;
            };
            let pushed = Self::pushed_ways(list, &word);
            let (ascending, descending) = (pushed.0, pushed.1);
            orders.push(ListOrder { word, column, ascending, descending });
        }
        self.check_orders(list, &orders, &path);
        Some(OrderRule { argument: Arc::from(argument.name.as_str()), orders })
    }

    fn pushed_ways(list: &List<'_>, word: &str) -> (bool, bool) {
        let ways = list.pushes("orders").and_then(|orders| orders.get(word));
        let ways: Vec<&str> =
            ways.map(Node::items).unwrap_or_default().iter().filter_map(Node::filled).collect();
        (ways.contains(&"ASC"), ways.contains(&"DESC"))
    }

    /// Orders that the call is said to give are there, and it is told which one is wanted.
    fn check_orders(&mut self, list: &List<'_>, orders: &[ListOrder], path: &[Arc<str>]) {
        let entries = list.pushes("orders").map(Node::entries).unwrap_or_default();
        for entry in entries {
            if orders.iter().all(|order| *order.word != *entry.key) {
                let message = format!("`{}` has no order `{}`", list.coordinate, entry.key);
                let problem = Diagnostic::error(Code::InvalidList, message)
                    .at(entry.key_span, "no client can ask for it")
                    .at(list.span, "the list")
                    .suggest(&entry.key, orders.iter().map(|order| &*order.word));
                self.problem(problem);
            }
        }
        let is_read = list.reads.iter().any(|read| read.first() == path.first());
        let count: usize = entries.iter().map(|entry| entry.value.items().len()).sum();
        if is_read && count == 0 {
            let problem = Diagnostic::error(
                Code::InvalidList,
                format!("the call `{}` reads `{}` and does not say which orders it can give", list.call.key, path.join(".")),
            )
            .at(list.call.key_span, "this call")
            .help("list them: `pushes: { orders: { CREATED_AT: [ASC, DESC] } }`; every other order is made over the list's pages");
            self.problem(problem);
        }
        if !is_read && count > 1 {
            let problem = Diagnostic::error(
                Code::InvalidList,
                format!("the call `{}` is said to give several orders and is never told which", list.call.key),
            )
            .at(list.call.key_span, "this call")
            .help("put `$args.orderBy.field` and `$args.orderBy.direction` into the request; an order that the backend always gives is listed alone");
            self.problem(problem);
        }
    }

    /// The values of an enum.
    fn words_of(&self, name: &str) -> Vec<Arc<str>> {
        match self.cx.sdl.schema().types.get(name) {
            Some(ExtendedType::Enum(found)) => {
                found.values.keys().map(|value| Arc::from(value.as_str())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The values of a type's records by the words that an order has for them: `ISSUED_AT`, `TOTAL`, `TOTAL_CURRENCY`.
    fn spelled(&self, of: TypeId) -> Vec<(String, Vec<Arc<str>>)> {
        let mut words = Vec::new();
        for field in self.cx.ty(of).fields.iter().filter(|field| !is_list(field)) {
            let own = vec![Arc::clone(&field.name)];
            match self.cx.class(field.ty.named) {
                Class::Leaf => words.push((word(&own), own)),
                Class::Value => {
                    let inner = &self.cx.ty(field.ty.named).fields;
                    let is_leaf = |ty| self.cx.class(ty) == Class::Leaf;
                    for inner in inner.iter().filter(|one| !is_list(one) && is_leaf(one.ty.named)) {
                        let path = vec![Arc::clone(&field.name), Arc::clone(&inner.name)];
                        // a sum of money is called like its field
                        let named = if &*inner.name == "amount" { &own } else { &path };
                        words.push((word(named), path));
                    }
                }
                _ => {}
            }
        }
        words
    }
}

/// `issuedAt` as `ISSUED_AT`.
fn word(path: &[Arc<str>]) -> String {
    let mut word = String::new();
    for name in path {
        if !word.is_empty() {
            word.push('_');
        }
        for character in name.chars() {
            if character.is_ascii_uppercase() {
                word.push('_');
            }
            word.push(character.to_ascii_uppercase());
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::word;

    #[test]
    fn an_order_is_called_like_the_field_in_capitals() {
        let path = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>();
        assert_eq!(word(&path(&["issuedAt"])), "ISSUED_AT");
        assert_eq!(word(&path(&["total", "currency"])), "TOTAL_CURRENCY");
        assert_eq!(word(&path(&["id"])), "ID");
    }
}
