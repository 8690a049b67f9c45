//! Random operations over a schema, with their variables; some of them with slips that make them invalid.

use std::collections::BTreeMap;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, FieldDefinition, InputValueDefinition};
use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::document::{Document, Fragment, Kind, Selection, Variable};
use super::subject::Subject;

const ALIASES: [&str; 4] = ["a", "b", "name", "kind"];
const DEPTH_MAX: usize = 5;
const SELECTIONS_MAX: usize = 40;

/// An operation and the types of its variables, for which values are still to be chosen.
pub(super) struct Generated {
    pub(super) document: Document,
    types: Vec<(String, Type, bool)>,
}

pub(super) struct Generator<'a> {
    subject: &'a Subject,
    schema: &'a Schema,
    pub(super) dice: Dice,
    /// In a thousand.
    slips: u64,
    types: Vec<(String, Type, bool)>,
    defaults: BTreeMap<String, String>,
    fragments: Vec<Fragment>,
    open_fragments: usize,
    left: usize,
}

impl<'a> Generator<'a> {
    pub(super) fn new(subject: &'a Subject, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let slips = *dice.pick(&[0, 0, 10, 30]);
        Self {
            subject,
            schema: &subject.graph.schema,
            dice,
            slips,
            types: Vec::new(),
            defaults: BTreeMap::new(),
            fragments: Vec::new(),
            open_fragments: 0,
            left: SELECTIONS_MAX,
        }
    }

    fn slips(&mut self) -> bool {
        self.slips > 0 && self.dice.next() % 1000 < self.slips
    }

    pub(super) fn operation(mut self) -> Generated {
        let mutation = self.schema.schema_definition.mutation.clone();
        let query = self.schema.schema_definition.query.clone().expect("a query type");
        let root = mutation.filter(|_| self.dice.chance(8));
        let is_mutation = root.is_some();
        let root = root.unwrap_or(query);
        let selections = self.set(root.as_str(), 0);
        if self.slips() && !self.fragments.is_empty() {
            // a fragment that nothing spreads, or two of a name
            let mut fragment = self.dice.pick(&self.fragments.clone()).clone();
            if self.dice.chance(50) {
                fragment.name = "Unused".to_owned();
            }
            self.fragments.push(fragment);
        }
        if self.slips() {
            self.variable(&apollo_compiler::ty!(Int));
        }
        let mut variables: Vec<Variable> = Vec::new();
        for (name, ty, _) in &self.types {
            let default = self.defaults.get(name).cloned().into_iter().collect();
            variables.push(Variable { name: name.clone(), ty: ty.to_string(), default });
        }
        if !variables.is_empty() && self.slips() {
            let at = self.dice.below(variables.len());
            variables.remove(at);
        }
        let document = Document { is_mutation, variables, selections, fragments: self.fragments };
        Generated { document, types: self.types }
    }

    fn fields(&self, ty: &str) -> Vec<(String, &'a FieldDefinition)> {
        let fields = match self.schema.types.get(ty) {
            Some(ExtendedType::Object(ty)) => &ty.fields,
            Some(ExtendedType::Interface(ty)) => &ty.fields,
            _ => return Vec::new(),
        };
        let used = fields.iter().filter(|(name, _)| !self.subject.leaves_out(ty, name));
        used.map(|(name, field)| (name.to_string(), &***field)).collect()
    }

    fn set(&mut self, ty: &str, depth: usize) -> Vec<Selection> {
        let count = 1 + self.dice.below(if depth == 0 { 4 } else { 5 });
        (0..count)
            .filter_map(|index| {
                if index > 0 && self.left == 0 {
                    return None;
                }
                Some(self.selection(ty, depth))
            })
            .collect()
    }

    fn selection(&mut self, ty: &str, depth: usize) -> Selection {
        self.left = self.left.saturating_sub(1);
        if depth < DEPTH_MAX && self.left > 0 {
            match self.dice.below(10) {
                0 => return self.inline(ty, depth),
                1 => return self.spread(ty, depth),
                _ => {}
            }
        }
        self.field(ty, depth)
    }

    /// A type whose fragments may stand where objects of `ty` are selected; with a slip any.
    fn overlapping(&mut self, ty: &str) -> String {
        if self.slips() {
            return (*self.dice.pick(&["Query", "Leaf", "In", "Int", "Nothing", "One"])).to_owned();
        }
        let possible = |name: &str| -> Vec<String> {
            match self.schema.types.get(name) {
                Some(ExtendedType::Union(ty)) => {
                    ty.members.iter().map(ToString::to_string).collect()
                }
                Some(ExtendedType::Interface(interface)) => {
                    let types = self.schema.types.values();
                    let objects = types.filter_map(|ty| ty.as_object());
                    objects
                        .filter(|ty| ty.implements_interfaces.contains(&interface.name))
                        .map(|ty| ty.name.to_string())
                        .collect()
                }
                Some(ExtendedType::Object(_)) => vec![name.to_owned()],
                _ => Vec::new(),
            }
        };
        let here = possible(ty);
        let names = self
            .schema
            .types
            .keys()
            .map(apollo_compiler::Name::as_str)
            .filter(|name| !name.starts_with("__"));
        let choices: Vec<String> = names
            .filter(|name| possible(name).iter().any(|one| here.contains(one)))
            .map(str::to_owned)
            .collect();
        if choices.is_empty() { ty.to_owned() } else { self.dice.pick(&choices).clone() }
    }

    fn inline(&mut self, ty: &str, depth: usize) -> Selection {
        let name = if self.dice.chance(20) { String::new() } else { self.overlapping(ty) };
        let inner = if name.is_empty() { ty.to_owned() } else { name.clone() };
        let directives = self.directives("INLINE_FRAGMENT");
        let selections = self.set(&inner, depth + 1);
        Selection {
            kind: Kind::Inline,
            alias: Vec::new(),
            name,
            arguments: Vec::new(),
            directives,
            selections,
        }
    }

    fn spread(&mut self, ty: &str, depth: usize) -> Selection {
        let directives = self.directives("FRAGMENT_SPREAD");
        let known: Vec<String> = self
            .fragments
            .iter()
            .filter(|fragment| fragment.on == ty)
            .map(|fragment| fragment.name.clone())
            .collect();
        let name = if !known.is_empty() && self.dice.chance(60) {
            self.dice.pick(&known).clone()
        } else if self.slips() {
            (*self.dice.pick(&["Missing", "F0"])).to_owned()
        } else {
            let on = self.overlapping(ty);
            let name = format!("F{}", self.fragments.len() + self.open_fragments);
            self.open_fragments += 1;
            let selections = self.set(&on, depth + 1);
            self.open_fragments -= 1;
            // inner fragments have taken names in between
            let name = if self.fragments.iter().any(|fragment| fragment.name == name) {
                format!("G{}", self.fragments.len())
            } else {
                name
            };
            self.fragments.push(Fragment { name: name.clone(), on, selections });
            name
        };
        Selection {
            kind: Kind::Spread,
            alias: Vec::new(),
            name,
            arguments: Vec::new(),
            directives,
            selections: Vec::new(),
        }
    }

    fn field(&mut self, ty: &str, depth: usize) -> Selection {
        let mut fields = self.fields(ty);
        if depth + 1 >= DEPTH_MAX || self.left == 0 {
            let leaves: Vec<_> =
                fields.iter().filter(|(_, field)| !self.is_composite(&field.ty)).cloned().collect();
            if !leaves.is_empty() {
                fields = leaves;
            }
        }
        let directives = self.directives("FIELD");
        if fields.is_empty() || self.dice.chance(8) {
            let selections = Vec::new();
            return Selection {
                kind: Kind::Field,
                alias: Vec::new(),
                name: "__typename".to_owned(),
                arguments: Vec::new(),
                directives,
                selections,
            };
        }
        let (mut name, field) = self.dice.pick(&fields).clone();
        let mut arguments = Vec::new();
        let used = |name: &str| !self.subject.leaves_out(ty, name);
        for argument in field.arguments.iter().filter(|argument| used(&argument.name)) {
            if argument.is_required() != self.slips() || self.dice.chance(45) {
                arguments.push((argument.name.to_string(), self.given(argument)));
            }
        }
        if self.slips() {
            match self.dice.below(3) {
                0 => arguments.push(("nothing".to_owned(), "1".to_owned())),
                1 => arguments.extend(arguments.first().cloned()),
                _ => name = (*self.dice.pick(&["nothing", "id", "size", "text"])).to_owned(),
            }
        }
        let alias = self.alias(ty, &name, !arguments.is_empty());
        let returned = field.ty.inner_named_type().to_string();
        let is_composite = self.is_composite(&field.ty) != self.slips();
        let selections = if is_composite { self.set(&returned, depth + 1) } else { Vec::new() };
        Selection { kind: Kind::Field, alias, name, arguments, directives, selections }
    }

    /// Mostly names that nothing else has taken for something different, so that most documents are valid.
    fn alias(&mut self, ty: &str, name: &str, has_arguments: bool) -> Vec<String> {
        if self.dice.chance(2) {
            return vec![(*self.dice.pick(&ALIASES)).to_owned()];
        }
        if has_arguments && self.dice.chance(95) {
            return vec![format!("{name}{}", self.left)];
        }
        let differs = self.subject.differing.contains(name);
        if self.dice.chance(if differs { 95 } else { 8 }) {
            return vec![format!("{ty}_{name}")];
        }
        Vec::new()
    }

    fn is_composite(&self, ty: &Type) -> bool {
        matches!(
            self.schema.types.get(ty.inner_named_type()),
            Some(ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_))
        )
    }

    fn directives(&mut self, place: &str) -> Vec<String> {
        let mut directives = Vec::new();
        if self.dice.chance(10) {
            let condition = if self.dice.chance(60) {
                let ty = apollo_compiler::ty!(Boolean!);
                format!("${}", self.variable(&ty))
            } else {
                self.dice.chance(50).to_string()
            };
            let name = if self.dice.chance(50) { "skip" } else { "include" };
            directives.push(format!("@{name}(if: {condition})"));
            if self.slips() {
                directives.push(format!("@{name}(if: true)"));
            }
        }
        let note = self.schema.directive_definitions.get("note").cloned();
        if let Some(note) = note.filter(|_| self.dice.chance(4)) {
            let arguments: Vec<String> = note
                .arguments
                .iter()
                .filter(|_| self.dice.chance(50))
                .cloned()
                .collect::<Vec<_>>()
                .iter()
                .map(|argument| format!("{}: {}", argument.name, self.given(argument)))
                .collect();
            let arguments = if arguments.is_empty() {
                String::new()
            } else {
                format!("({})", arguments.join(", "))
            };
            directives.push(format!("@note{arguments}"));
        }
        if self.slips() {
            let wrong = if place == "FIELD" { "@deprecated" } else { "@unknown" };
            directives.push(
                (*self.dice.pick(&[wrong, "@include", "@skip(if: \"yes\")", "@oneOf"])).to_owned(),
            );
        }
        directives
    }

    // ---- input values ------------------------------------------------------------------------------------------------

    fn given(&mut self, definition: &InputValueDefinition) -> String {
        let has_default = definition.default_value.is_some();
        self.literal(&definition.ty, has_default, 0)
    }

    /// A literal of this type, perhaps with variables in it.
    #[expect(clippy::too_many_lines, reason = "a case for each kind of type")]
    fn literal(&mut self, ty: &Type, has_default: bool, depth: usize) -> String {
        if self.slips() {
            return (*self.dice.pick(&[
                "null",
                "1",
                "1.5",
                "\"text\"",
                "true",
                "RED",
                "[1]",
                "{ int: 1 }",
                "{}",
                "[]",
                "PURPLE",
                "3000000000",
                "$nothing",
                "{ text: \"a\", int: 2 }",
                "{ text: null }",
                "[null]",
                "{ int: $nothing }",
                "\"RED\"",
            ]))
            .to_owned();
        }
        if self.dice.chance(22) {
            return format!("${}", self.fitting_variable(ty, has_default));
        }
        if !ty.is_non_null() && self.dice.chance(8) {
            return "null".to_owned();
        }
        if ty.is_list() {
            // `graphql` 16 does not look at what stands for a list of one such input
            let is_one_of = self
                .schema
                .get_input_object(ty.inner_named_type())
                .is_some_and(|input| input.directives.has("oneOf"));
            if self.dice.chance(15) && !is_one_of {
                let item = ty.item_type();
                return self.literal(item, false, depth + 1);
            }
            let items: Vec<String> = (0..self.dice.below(3))
                .map(|_| self.literal(ty.item_type(), false, depth + 1))
                .collect();
            return format!("[{}]", items.join(", "));
        }
        let name = ty.inner_named_type();
        match self.schema.types.get(name) {
            Some(ExtendedType::Enum(ty)) => {
                let values: Vec<_> = ty.values.keys().collect();
                (**self.dice.pick(&values)).to_string()
            }
            Some(ExtendedType::InputObject(object)) => {
                let mut fields: Vec<_> =
                    object.fields.values().map(|field| (***field).clone()).collect();
                let is_one_of = object.directives.has("oneOf");
                if is_one_of {
                    fields = vec![self.dice.pick(&fields).clone()];
                }
                let mut entries = Vec::new();
                for field in fields {
                    let wanted =
                        field.is_required() || is_one_of || (depth < 3 && self.dice.chance(30));
                    if !wanted {
                        continue;
                    }
                    let ty = if is_one_of {
                        (*field.ty).clone().non_null()
                    } else {
                        (*field.ty).clone()
                    };
                    let value = if is_one_of && depth > 3 {
                        "1".to_owned()
                    } else {
                        self.literal(&ty, field.default_value.is_some(), depth + 1)
                    };
                    entries.push(format!("{}: {value}", field.name));
                }
                if self.dice.chance(30) {
                    entries.reverse();
                }
                format!("{{{}}}", entries.join(", "))
            }
            _ => self.scalar(name.as_str()),
        }
    }

    /// JSON texts of scalars that are literals too.
    fn scalar(&mut self, name: &str) -> String {
        if let Some(values) = (self.subject.scalars)(name) {
            return self.dice.pick(&values).to_string();
        }
        let texts: &[&'static str] = match name {
            "Int" => &["0", "1", "-5", "2147483647"],
            "Float" => &["0", "1", "-0.5", "1e3", "2.50"],
            "Boolean" => &["true", "false"],
            "String" => &["\"\"", "\"some text\"", "\"\\u00e9 \\\"q\\\" \\n\"", "\"null\""],
            "ID" => &["\"x1\"", "7", "\"7\""],
            "Date" => &["\"2026-01-31\"", "\"2024-02-29\""],
            "Decimal" => &["\"1.50\"", "\"-3\"", "12"],
            _ => &["1", "\"any\"", "true", "[1, 2]", "[[\"x\"], null]", "1.5"],
        };
        (*self.dice.pick(texts)).to_owned()
    }

    /// A variable of a type that may stand at a place of this type.
    fn fitting_variable(&mut self, ty: &Type, has_default: bool) -> String {
        let mut ty = ty.clone();
        if ty.is_non_null() && has_default && self.dice.chance(40) {
            ty = ty.nullable();
        } else if !ty.is_non_null() && self.dice.chance(30) {
            ty = ty.non_null();
        } else if ty.is_non_null() && self.dice.chance(25) {
            // nullable with a default of its own
            let name = self.variable(&ty.nullable());
            if !self.defaults.contains_key(&name) {
                let ty = self
                    .types
                    .iter()
                    .find(|(other, ..)| *other == name)
                    .expect("a variable")
                    .1
                    .clone();
                let constant = self.constant(&ty.non_null());
                self.defaults.insert(name.clone(), constant);
            }
            return name;
        }
        if self.slips() {
            ty = self
                .dice
                .pick(&[
                    ty.clone().nullable(),
                    ty.clone().list(),
                    apollo_compiler::ty!(String),
                    apollo_compiler::ty!(Thing),
                ])
                .clone();
        }
        self.variable(&ty)
    }

    fn variable(&mut self, ty: &Type) -> String {
        let known: Vec<String> = self
            .types
            .iter()
            .filter(|(_, other, _)| other == ty)
            .map(|(name, ..)| name.clone())
            .collect();
        if !known.is_empty() && self.dice.chance(60) {
            return self.dice.pick(&known).clone();
        }
        let name = format!("v{}", self.types.len());
        self.types.push((name.clone(), ty.clone(), false));
        if self.dice.chance(25) {
            let default = self.constant(ty);
            self.defaults.insert(name.clone(), default);
            self.types.last_mut().expect("just added").2 = true;
        }
        name
    }

    /// A literal without variables.
    fn constant(&mut self, ty: &Type) -> String {
        let value = if self.slips() {
            json!("wrong")
        } else {
            value(self.subject, &mut self.dice, ty, 0, 0)
        };
        self.written(ty, &value)
    }

    fn written(&self, ty: &Type, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let item = if ty.is_list() { ty.item_type() } else { ty };
                let items: Vec<String> =
                    items.iter().map(|value| self.written(item, value)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(entries) => {
                let object = self.schema.get_input_object(ty.inner_named_type());
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(name, value)| {
                        let field = object.and_then(|object| object.fields.get(name.as_str()));
                        let ty = field.map_or(ty, |field| &field.ty);
                        format!("{name}: {}", self.written(ty, value))
                    })
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }
            Value::String(text) if self.schema.get_enum(ty.inner_named_type()).is_some() => {
                text.clone()
            }
            other => other.to_string(),
        }
    }
}

impl Generated {
    /// Values for the variables: some left out, some null, some of a wrong kind.
    pub(super) fn variables(&self, subject: &Subject, dice: &mut Dice) -> Map<String, Value> {
        let wrong = *dice.pick(&[0, 0, 0, 0, 3, 10]);
        let mut values = Map::new();
        for (name, ty, has_default) in &self.types {
            let may_be_absent = !ty.is_non_null() || *has_default;
            // null for a condition is an error of the request here, and of the operation as a whole there
            let is_condition = *ty.inner_named_type() == *"Boolean";
            if (may_be_absent && dice.chance(30)) || (wrong > 0 && dice.chance(2)) {
                continue;
            }
            let mut value = value(subject, dice, ty, wrong, 0);
            if value.is_null() && is_condition {
                value = json!(true);
            }
            values.insert(name.clone(), value);
        }
        if wrong > 0 && dice.chance(10) {
            values.insert("undeclared".to_owned(), json!([1]));
        }
        values
    }
}

/// A value as JSON of an input type, wrong in `wrong` of a hundred places.
fn value(subject: &Subject, dice: &mut Dice, ty: &Type, wrong: u32, depth: usize) -> Value {
    if wrong > 0 && dice.chance(wrong) {
        return dice
            .pick(&[
                json!(null),
                json!(1),
                json!(1.5),
                json!("text"),
                json!(true),
                json!("PURPLE"),
                json!([]),
                json!([null]),
                json!({}),
                json!({ "int": 1, "text": "x" }),
                json!({ "int": null }),
                json!({ "unknown": 1 }),
                json!(3_000_000_000_u32),
                json!([[1]]),
                json!("RED"),
                json!("2"),
                json!("1"),
            ])
            .clone();
    }
    if !ty.is_non_null() && dice.chance(10) {
        return Value::Null;
    }
    if ty.is_list() {
        if dice.chance(15) {
            return value(subject, dice, ty.item_type(), wrong, depth + 1);
        }
        return (0..dice.below(3))
            .map(|_| value(subject, dice, ty.item_type(), wrong, depth + 1))
            .collect();
    }
    let name = ty.inner_named_type();
    match subject.graph.schema.types.get(name) {
        Some(ExtendedType::Enum(ty)) => {
            let values: Vec<_> = ty.values.keys().collect();
            json!(dice.pick(&values).as_str())
        }
        Some(ExtendedType::InputObject(object)) => {
            let is_one_of = object.directives.has("oneOf");
            let mut fields: Vec<_> = object.fields.values().collect();
            if is_one_of {
                fields = vec![if depth > 3 { fields[0] } else { *dice.pick(&fields) }];
            }
            let mut entries = Map::new();
            for field in fields {
                if is_one_of || field.is_required() || (depth < 3 && dice.chance(30)) {
                    let ty = if is_one_of {
                        (*field.ty).clone().non_null()
                    } else {
                        (*field.ty).clone()
                    };
                    entries.insert(
                        field.name.to_string(),
                        value(subject, dice, &ty, wrong, depth + 1),
                    );
                }
            }
            Value::Object(entries)
        }
        _ => match (subject.scalars)(name) {
            Some(values) => dice.pick(&values).clone(),
            None => scalar(dice, name.as_str()),
        },
    }
}

fn scalar(dice: &mut Dice, name: &str) -> Value {
    dice.pick(&match name {
        "Int" => vec![json!(0), json!(3), json!(-7), json!(4.0)],
        "Float" => vec![json!(0), json!(1.5), json!(-2.25), json!(10)],
        "Boolean" => vec![json!(true), json!(false)],
        "ID" => vec![json!("x"), json!(5), json!("")],
        "Date" => vec![json!("2026-01-31")],
        "Decimal" => vec![json!("1.50"), json!("7"), json!(3)],
        "String" => vec![json!("k1"), json!("k2"), json!("k5"), json!("é \"q\"\n"), json!("k3")],
        _ => vec![json!(1), json!("any"), json!([1, null]), json!([["x"]]), json!(false)],
    })
    .clone()
}
