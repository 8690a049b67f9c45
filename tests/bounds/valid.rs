//! Documents that the shipped schema accepts, grown by a seed: fields with their arguments, fragments, conditions.

use std::fmt::Write as _;

use apollo_compiler::ast::Type;
use apollo_compiler::schema::ExtendedType;
use cyclorama::graph::{TypeId, TypeKind};

use crate::GRAPH;
use crate::mutations::Numbers;

/// What is grown of one document.
struct Growing<'a> {
    numbers: &'a mut Numbers,
    fragments: Vec<(TypeId, String)>,
    aliases: usize,
    left: usize,
}

/// A valid document of up to a few hundred selections.
pub(crate) fn document(numbers: &mut Numbers) -> String {
    let left = 5 + numbers.below(250);
    let mut growing = Growing { numbers, fragments: Vec::new(), aliases: 0, left };
    let root = growing.set(GRAPH.query, 0);
    let mut text = format!(
        "query($yes: Boolean! = true) {{ a: __typename @skip(if: $yes) ...on Query {root} }}"
    );
    for (index, (ty, set)) in growing.fragments.iter().enumerate() {
        write!(text, " fragment G{index} on {} {set}", GRAPH.ty(*ty).name).unwrap();
    }
    text
}

impl Growing<'_> {
    fn set(&mut self, ty: TypeId, depth: usize) -> String {
        let mut text = "{ __typename ".to_owned();
        for _ in 0..=self.numbers.below(5) {
            text.push_str(&self.selection(ty, depth));
            text.push(' ');
        }
        text + "}"
    }

    fn selection(&mut self, ty: TypeId, depth: usize) -> String {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || depth > 7 {
            return "__typename".to_owned();
        }
        let conditions = ["", "", "", " @include(if: $yes)", " @skip(if: false)"];
        let condition =
            if self.numbers.below(9) == 0 { self.numbers.pick(&conditions) } else { "" };
        match self.numbers.below(8) {
            0 => {
                let possible = match &GRAPH.ty(ty).kind {
                    TypeKind::Interface { possible } | TypeKind::Union { possible } => {
                        possible.clone()
                    }
                    _ => vec![ty],
                };
                let on = possible[self.numbers.below(possible.len())];
                format!("... on {}{condition} {}", GRAPH.ty(on).name, self.set(on, depth + 1))
            }
            1 => {
                let known: Vec<_> = (0..self.fragments.len())
                    .filter(|index| self.fragments[*index].0 == ty)
                    .collect();
                let index = if known.is_empty() {
                    // one that is there spreads only those before it
                    let set = self.set(ty, depth + 1);
                    self.fragments.push((ty, set));
                    self.fragments.len() - 1
                } else {
                    known[self.numbers.below(known.len())]
                };
                format!("...G{index}{condition}")
            }
            _ => self.field(ty, depth, condition),
        }
    }

    fn field(&mut self, ty: TypeId, depth: usize, condition: &str) -> String {
        let fields = &GRAPH.ty(ty).fields;
        if fields.is_empty() {
            return "__typename".to_owned();
        }
        let field = &fields[self.numbers.below(fields.len())];
        if field.name.starts_with('_') {
            return "__typename".to_owned();
        }
        let definition = GRAPH.schema.type_field(&GRAPH.ty(ty).name, &field.name).unwrap();
        let mut arguments = String::new();
        for argument in &definition.arguments {
            if argument.is_required() || self.numbers.below(3) == 0 {
                write!(arguments, "{}: {} ", argument.name, self.literal(&argument.ty, 0)).unwrap();
            }
        }
        let mut text = String::new();
        if !definition.arguments.is_empty() {
            self.aliases += 1;
            write!(text, "f{}: ", self.aliases).unwrap();
        }
        text.push_str(&field.name);
        if !arguments.is_empty() {
            write!(text, "({arguments})").unwrap();
        }
        text.push_str(condition);
        if GRAPH.ty(field.ty.named).is_composite() {
            write!(text, " {}", self.set(field.ty.named, depth + 1)).unwrap();
        }
        text
    }

    fn literal(&mut self, ty: &Type, depth: usize) -> String {
        if ty.is_list() {
            return format!("[{}]", self.literal(ty.item_type(), depth + 1));
        }
        let name = ty.inner_named_type().as_str();
        match (name, GRAPH.schema.types.get(name)) {
            ("Int", _) => (1 + self.numbers.below(50)).to_string(),
            ("Float", _) => "1.5".to_owned(),
            ("Boolean", _) => "true".to_owned(),
            ("Decimal", _) => "\"12.50\"".to_owned(),
            ("Date", _) => "\"2026-11-21\"".to_owned(),
            ("DateTime", _) => "\"2026-11-21T10:00:00Z\"".to_owned(),
            ("CurrencyCode", _) => "\"EUR\"".to_owned(),
            (_, Some(ExtendedType::Enum(words))) => {
                let words: Vec<&str> =
                    words.values.keys().map(apollo_compiler::Name::as_str).collect();
                self.numbers.pick(&words).to_owned()
            }
            (_, Some(ExtendedType::InputObject(input))) => {
                let mut text = "{".to_owned();
                if input.directives.has("oneOf") {
                    let fields: Vec<_> = input.fields.values().collect();
                    let field = self.numbers.pick(&fields);
                    let value = self.literal(&field.ty.as_ref().clone().non_null(), depth + 1);
                    return format!("{{{}: {value}}}", field.name);
                }
                for field in input.fields.values() {
                    if field.is_required() || (depth < 2 && self.numbers.below(3) == 0) {
                        let value = self.literal(&field.ty, depth + 1);
                        write!(text, "{}: {value} ", field.name).unwrap();
                    }
                }
                text + "}"
            }
            _ => "\"x\"".to_owned(),
        }
    }
}
