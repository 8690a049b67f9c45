//! `filter` and `orderBy` of lists: what each member means, and whether the call asks the backend for it.
//!
//! Takes: the arguments of a field that gives a list, the fields of its items, what the call reads, the call's `pushes`.
//! Gives: a rule for each value that can be given; a problem for each that nobody can do.
//! Never: knows a vendor. A member of `filter` is called like the field that it tests; an order like the field that it goes by.

mod columns;
mod orders;

use std::sync::Arc;

use apollo_compiler::ast::InputValueDefinition;
use apollo_compiler::schema::ExtendedType;

use super::Vendor;
use super::arguments::{arguments_of, enums};
use super::yielded::Yielded;
use crate::compile::context::Class;
use crate::config::yaml::{Entry, Node};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::graph::{
    CallId, Column, FieldId, FilterRule, KeySource, ListRules, ListTest, Named, Pushed, ShapeId,
    TypeId, ValueKind, Yields,
};
use crate::template::Read;

const FILTER: &str = "filter";
const ORDER: &str = "orderBy";
/// Of a range: its members, and what each means.
const BOUNDS: [(&str, ListTest); 4] = [
    ("since", ListTest::From),
    ("until", ListTest::Before),
    ("min", ListTest::From),
    ("max", ListTest::UpTo),
];
/// Input objects inside each other, and fields inside each other, that are followed.
const DEPTH: usize = 4;

/// One list, as a vendor file answers it.
struct List<'n> {
    coordinate: Arc<str>,
    element: TypeId,
    /// The records: those of the call, or those that it names, where a lookup loads them. `None`: nobody does.
    shape: Option<ShapeId>,
    call: &'n Entry,
    /// Where the vendor file says which call it is.
    span: Span,
    /// The arguments that the request reads.
    reads: Vec<Vec<Arc<str>>>,
}

impl List<'_> {
    /// The very value is read: whoever reads an object around it may only ask whether there is one.
    fn is_read(&self, path: &[Arc<str>]) -> bool {
        self.reads.iter().any(|read| **read == *path)
    }

    /// It is read, alone or with what is around it.
    fn is_known(&self, path: &[Arc<str>]) -> bool {
        self.reads.iter().any(|read| path.starts_with(read))
    }

    fn pushes(&self, key: &str) -> Option<&Node> {
        self.call.value.get("pushes")?.get(key)
    }
}

impl Vendor<'_, '_> {
    /// What the list of a field can be narrowed and ordered by.
    pub(super) fn list_rules(
        &mut self,
        (ty, field): (TypeId, FieldId),
        (call, span): (CallId, Span),
        key: &KeySource,
        yielded: &Yielded,
    ) -> Option<Arc<ListRules>> {
        let named = self.cx.field(ty, field).ty.named;
        let element = match yielded.yields {
            Yields::Connection { element } => element,
            Yields::Many => named,
            Yields::One | Yields::Value => return None,
        };
        if self.cx.class(ty) == Class::Mutation || self.broken.contains(&call) {
            return None;
        }
        let compiled = self.out.calls.get(call.index())?;
        let name = Arc::clone(&compiled.name);
        let reads = compiled.request.reads().into_iter().filter_map(|read| match read {
            Read::Argument { path, .. } => Some(path),
            _ => None,
        });
        let list = List {
            coordinate: Arc::clone(&self.cx.field(ty, field).coordinate),
            element,
            shape: match yielded.names {
                None => Some(yielded.shape),
                Some(named) => self.looked_up(element, named),
            },
            call: self.node.get("calls")?.entry(&name)?,
            span,
            reads: reads.collect(),
        };
        let sdl = self.cx.sdl;
        let (owner, field) = (&self.cx.ty(ty).name, &self.cx.field(ty, field).name);
        let arguments = sdl.schema().type_field(owner, field).ok()?.arguments.clone();
        let is_key = |argument: &InputValueDefinition| match key {
            KeySource::Arguments(paths) => paths
                .iter()
                .any(|path| path.path.first().is_some_and(|name| **name == *argument.name)),
            _ => false,
        };
        let mut rules = ListRules::default();
        for argument in arguments.iter().filter(|argument| !is_key(argument)) {
            self.argument_rules(&list, argument, &mut rules);
        }
        self.check_pushes(&list, &rules);
        self.check_sources(&list, &rules);
        let is_empty = rules.filters.is_empty() && rules.order.is_none();
        (!is_empty).then(|| Arc::new(rules))
    }

    /// The records of objects that are named by a key, if a lookup loads them by it.
    fn looked_up(&self, element: TypeId, named: Named) -> Option<ShapeId> {
        let key = (self.role, element, named.key_kind);
        self.out.lookups.get(&key)?;
        self.out.shape_of.get(&(self.role, element)).copied()
    }

    fn argument_rules(
        &mut self,
        list: &List<'_>,
        argument: &InputValueDefinition,
        rules: &mut ListRules,
    ) {
        let named = argument.ty.inner_named_type();
        if self.cx.sdl.is_doubtful(named) {
            return;
        }
        let path = vec![Arc::from(argument.name.as_str())];
        let input = self.cx.sdl.schema().get_input_object(named);
        match (argument.name.as_str(), input) {
            (FILTER, Some(_)) => {
                self.filter_rules(list, (list.element, &[]), named, &path, &mut rules.filters);
            }
            (ORDER, Some(_)) => rules.order = self.order_rule(list, argument),
            (_, None) => {
                // an argument of its own that is called like a field narrows the list by it
                let fits = self.column(list, &path).filter(|(_, ty)| **ty == *named.as_str());
                if let Some((column, _)) = fits {
                    let pushed = Self::pushed(list, &path);
                    let column = Some(column);
                    rules.filters.push(FilterRule { path, column, test: ListTest::OneOf, pushed });
                }
            }
            _ => {}
        }
    }

    /// The rules of an input object whose members are called like the fields of a type.
    fn filter_rules(
        &mut self,
        list: &List<'_>,
        (of, fields): (TypeId, &[Arc<str>]),
        input: &str,
        path: &[Arc<str>],
        rules: &mut Vec<FilterRule>,
    ) {
        let Some(definition) = self.cx.sdl.schema().get_input_object(input) else { return };
        for member in definition.fields.values().cloned().collect::<Vec<_>>() {
            let name: Arc<str> = Arc::from(member.name.as_str());
            let path = [path, &[Arc::clone(&name)]].concat();
            let fields = [fields, &[Arc::clone(&name)]].concat();
            let named = member.ty.inner_named_type().as_str();
            if self.cx.sdl.is_doubtful(named) || path.len() > DEPTH + 1 {
                continue;
            }
            let column = self.column(list, &fields);
            let inner = self.cx.sdl.schema().get_input_object(named).is_some();
            if !inner {
                let column = column.and_then(|(column, ty)| (*ty == *named).then_some(column));
                self.one_of(list, (of, input), path, column, rules);
                continue;
            }
            match column {
                Some((column, _)) => self.range(list, named, &path, &column, rules),
                None => match self.composite(of, &name) {
                    Some(inner) => self.filter_rules(list, (inner, &fields), named, &path, rules),
                    None => self.one_of(list, (of, input), path, None, rules),
                },
            }
        }
    }

    fn one_of(
        &mut self,
        list: &List<'_>,
        (of, input): (TypeId, &str),
        path: Vec<Arc<str>>,
        column: Option<Column>,
        rules: &mut Vec<FilterRule>,
    ) {
        if column.is_none() && !list.is_known(&path) {
            let (of, name) = (self.cx.ty(of), path.last().map_or("", |name| &**name));
            let known = of.fields.iter().map(|field| &*field.name);
            let why = if of.field_names.contains_key(name) {
                format!("`{input}.{name}` has another type than `{}.{name}`", of.name)
            } else {
                format!("`{input}.{name}` is no field of `{}`", of.name)
            };
            let problem = Self::unlisted(list, &why, self.cx.sdl.type_span(input));
            self.problem(problem.suggest(name, known.filter(|known| *known != name)));
            return;
        }
        let pushed = Self::pushed(list, &path);
        rules.push(FilterRule { path, column, test: ListTest::OneOf, pushed });
    }

    fn range(
        &mut self,
        list: &List<'_>,
        input: &str,
        path: &[Arc<str>],
        column: &Column,
        rules: &mut Vec<FilterRule>,
    ) {
        let sdl = self.cx.sdl;
        let Some(definition) = sdl.schema().get_input_object(input) else { return };
        for member in definition.fields.values() {
            let path = [path, &[Arc::from(member.name.as_str())]].concat();
            let bound = BOUNDS.iter().find(|(name, _)| *name == member.name.as_str());
            let is_comparable = !matches!(column.kind, ValueKind::Text | ValueKind::Words(_));
            let fits = is_comparable && self.is_of(column, member.ty.inner_named_type());
            let pushed = Self::pushed(list, &path);
            match bound {
                Some((_, test)) if fits => {
                    let (column, test) = (Some(column.clone()), *test);
                    rules.push(FilterRule { path, column, test, pushed });
                }
                _ if list.is_known(&path) => {
                    let (column, test) = (None, ListTest::OneOf);
                    rules.push(FilterRule { path, column, test, pushed });
                }
                _ => {
                    let name = &member.name;
                    let why = match bound {
                        Some(_) => {
                            format!("`{input}.{name}` cannot be compared with `{}`", column.name)
                        }
                        None => format!("`{input}.{name}` is no bound of a range"),
                    };
                    let problem = Self::unlisted(list, &why, sdl.type_span(input));
                    let known = BOUNDS.iter().map(|(name, _)| *name);
                    self.problem(match bound {
                        Some(_) => problem,
                        None => problem.suggest(name, known),
                    });
                }
            }
        }
    }

    /// Nobody can do this.
    fn unlisted(list: &List<'_>, why: &str, also: Option<Span>) -> Diagnostic {
        let call = &list.call.key;
        let message = format!("nobody can narrow or order `{}` by this: {why}", list.coordinate);
        Diagnostic::error(Code::InvalidList, message)
            .at(list.span, format!("the call `{call}` does not read it"))
            .also(also, "declared here")
    }

    /// Which values of a filter the call sends: it reads them, and has words for them.
    fn pushed(list: &List<'_>, path: &[Arc<str>]) -> Pushed {
        if !list.is_read(path) {
            return Pushed::No;
        }
        let name = path.join(".");
        let one = list.pushes("one").map(Node::items).unwrap_or_default();
        let is_one = one.iter().any(|item| item.filled() == Some(&*name));
        let mut words: Option<Vec<Arc<str>>> = None;
        let mut found = Vec::new();
        for key in ["with", "query", "body", "form"] {
            enums(list.call.value.get(key), &mut found);
        }
        let argument = format!("$args.{name}");
        let has_words =
            |form: &&&Node| form.get("else").is_none() && arguments_of(form).contains(&&*argument);
        for form in found.iter().filter(has_words) {
            let entries = form.get("values").map(Node::entries).unwrap_or_default();
            let known = |word: &Arc<str>| entries.iter().any(|entry| entry.key == *word);
            words = Some(match words.take() {
                None => entries.iter().map(|entry| Arc::clone(&entry.key)).collect(),
                Some(words) => words.into_iter().filter(known).collect(),
            });
        }
        Pushed::Yes { words, is_one }
    }

    /// What `pushes` names is there, and is read.
    fn check_pushes(&mut self, list: &List<'_>, rules: &ListRules) {
        for item in list.pushes("one").map(Node::items).unwrap_or_default() {
            let name = item.filled().unwrap_or_default();
            let names = rules.filters.iter().map(|rule| rule.path.join("."));
            let names: Vec<String> = names.collect();
            let found = rules.filters.iter().find(|rule| rule.path.join(".") == name);
            let why = match found {
                Some(rule) if rule.pushed != Pushed::No => continue,
                Some(_) => format!("the call does not read `{name}`"),
                None => format!("`{}` has no filter `{name}`", list.coordinate),
            };
            let problem = Diagnostic::error(Code::InvalidList, why)
                .at(item.span, "nothing is pushed here")
                .at(list.span, "the list");
            self.problem(match found {
                Some(_) => problem,
                None => problem.suggest(name, names.iter().map(String::as_str)),
            });
        }
    }

    fn is_enum(&self, name: &str) -> bool {
        matches!(self.cx.sdl.schema().types.get(name), Some(ExtendedType::Enum(_)))
    }
}
