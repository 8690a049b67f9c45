//! The forms of a mapping, one function each.

use std::sync::Arc;

use super::Vendor;
use super::mapping::{Goal, GoalKind};
use super::shapes::{field_slots, id_role};
use crate::compile::context::Class;
use crate::config::units;
use crate::config::yaml::Node;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Scalar, Shape, ShapeId, Slot, TypeId, TypeKind};
use crate::mapping::{CurrencySource, JqProgram, Leaf, Mapping, Path, TimeForm};

/// Vendor's words with ours, and ours for every other.
type Words = (Vec<(Arc<str>, Arc<str>)>, Option<Arc<str>>);

/// Before a path that begins at the record that the call gave.
const OF_RECORD: &str = "$record";

const TEXTS: &[Scalar] = &[Scalar::String, Scalar::Id, Scalar::CurrencyCode];

impl Vendor<'_, '_> {
    /// The path under the form's own key.
    pub(super) fn own_path(&mut self, node: &Node, key: &str, goal: &Goal) -> Option<Path> {
        let at = node.get(key)?;
        let path = self.path(at)?;
        if path.has_each() {
            self.mismatch(
                at,
                goal,
                "`[]` makes a list, and this form takes one value",
                "use `each`, or take one element: `[0]`",
            );
            return None;
        }
        Some(path)
    }

    pub(super) fn enum_form(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.own_path(node, "enum", goal)?;
        if !matches!(goal.kind, GoalKind::Enum(_)) && !goal.takes(TEXTS) {
            self.mismatch(node, goal, "`enum` makes a word of an enum, or text", "");
            return None;
        }
        let (values, otherwise) = self.words_for(node, "values", goal);
        Some(Mapping::Enum { path, values, otherwise })
    }

    /// The map under a key, and `else`: our words, checked.
    pub(super) fn words_for(&mut self, node: &Node, key: &str, goal: &Goal) -> Words {
        let mut words = Vec::new();
        for entry in node.get(key).map(Node::entries).unwrap_or_default() {
            let Some(word) = entry.value.filled() else { continue };
            self.check_word(&entry.value, word, goal);
            words.push((Arc::clone(&entry.key), Arc::from(word)));
        }
        let otherwise = node.get("else").and_then(|word| {
            let text = word.filled()?;
            self.check_word(word, text, goal);
            Some(Arc::from(text))
        });
        (words, otherwise)
    }

    fn check_word(&mut self, node: &Node, word: &str, goal: &Goal) {
        let GoalKind::Enum(values) = &goal.kind else { return };
        if !goal.is_doubtful && !values.iter().any(|value| &**value == word) {
            let problem = Diagnostic::error(
                Code::UnknownEnumValue,
                format!("`{word}` is no value of the enum of `{}`", goal.what),
            )
            .at(node.span, "not in the schema")
            .also(goal.sdl, "the field's type")
            .suggest(word, values.iter().map(|value| &**value));
            self.problem(problem);
        }
    }

    pub(super) fn money(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let amount = self.own_path(node, "money", goal)?;
        let currency = self.currency(node, goal)?;
        let GoalKind::Composite(ty) = goal.kind else {
            self.mismatch(
                node,
                goal,
                "`money` makes an object with `amount` and `currency`",
                "for an amount alone write `{ number: .path }`",
            );
            return None;
        };
        let shape = self.money_shape(ty, node, goal)?;
        let is_minor = node.get_text("minor").and_then(units::boolean) == Some(true);
        let own_digits = Arc::clone(&self.minor_digits);
        Some(Mapping::Money { amount, currency, is_minor, own_digits, shape })
    }

    /// Where the currency of an amount comes from.
    fn currency(&mut self, node: &Node, goal: &Goal) -> Option<CurrencySource> {
        let at = node.get("currency")?;
        let otherwise = match node.get("else") {
            Some(code) => Some(self.currency_code(code, goal)?),
            None => None,
        };
        match at.filled()? {
            path if path.starts_with('.') => {
                let path = self.own_path(node, "currency", goal)?;
                Some(match otherwise {
                    Some(code) => CurrencySource::PathOr(path, code),
                    None => CurrencySource::Path(path),
                })
            }
            text if text.starts_with(OF_RECORD) => {
                let path = text.trim_start_matches(OF_RECORD);
                let Some(path) = Path::parse(path).ok().filter(|path| !path.has_each()) else {
                    self.mismatch(
                        at,
                        goal,
                        "not a path of the record",
                        "write a path to one value behind it: `$record.currency`",
                    );
                    return None;
                };
                Some(CurrencySource::OfRecord(path, otherwise))
            }
            code if is_currency(code) => Some(CurrencySource::Constant(Arc::from(code))),
            _ => {
                self.mismatch(
                    at,
                    goal,
                    "neither a path nor a currency code",
                    "write a path, or three capital letters: `EUR`",
                );
                None
            }
        }
    }

    fn currency_code(&mut self, node: &Node, goal: &Goal) -> Option<Arc<str>> {
        let code = node.filled()?;
        if !is_currency(code) {
            self.mismatch(node, goal, "not a currency code", "write three capital letters: `EUR`");
            return None;
        }
        Some(Arc::from(code))
    }

    /// The type must be `{ amount: Decimal, currency: CurrencyCode }`, and may have nothing else that is non-null.
    fn money_shape(&mut self, ty: TypeId, node: &Node, goal: &Goal) -> Option<ShapeId> {
        if let Some(shape) = self.out.money.get(&(self.role, ty)) {
            return Some(*shape);
        }
        let definition = self.cx.ty(ty);
        let is = |name: &str, scalars: &[Scalar]| {
            definition.fields.iter().any(|field| {
                &*field.name == name
                    && matches!(&self.cx.ty(field.ty.named).kind, TypeKind::Scalar(scalar) if scalars.contains(scalar))
            })
        };
        let fits = is("amount", &[Scalar::Decimal, Scalar::String, Scalar::Any])
            && is("currency", &[Scalar::CurrencyCode, Scalar::String, Scalar::Any]);
        if !fits || self.cx.class(ty) != Class::Value {
            self.mismatch(
                node,
                goal,
                "`money` makes an object with `amount: Decimal` and `currency: CurrencyCode`",
                "",
            );
            return None;
        }
        let names: Vec<Arc<str>> = vec![Arc::from("amount"), Arc::from("currency")];
        let id = self.shape_id();
        self.out.shapes.push(Shape {
            name: Arc::clone(&definition.name),
            ty,
            field_slots: field_slots(self.cx, ty, &names, |_| true),
            slots: names.into_iter().map(unmapped).collect(),
            named_slots: Vec::new(),
            id_slot: None,
            url: None,
            pick: None,
        });
        self.out.money.insert((self.role, ty), id);
        self.in_place.push((id, node.span));
        Some(id)
    }

    pub(super) fn time(&mut self, node: &Node, goal: &Goal, form: &str) -> Option<Mapping> {
        let is_date = form == "date";
        let path = self.own_path(node, form, goal)?;
        let expected = if is_date { Scalar::Date } else { Scalar::DateTime };
        if !goal.takes(&[expected, Scalar::String]) {
            self.mismatch(node, goal, &format!("`{form}` makes a `{expected:?}`"), "");
            return None;
        }
        let time = match (node.get_text("unix"), node.get_text("format")) {
            (Some("ms"), _) => TimeForm::UnixMillis,
            (Some(_), _) => TimeForm::UnixSeconds,
            (None, Some(pattern)) => TimeForm::Pattern {
                pattern: Arc::from(pattern),
                zone: Arc::from(node.get_text("zone").unwrap_or("UTC")),
            },
            (None, None) => TimeForm::Auto,
        };
        if let Err(reason) = time.check() {
            let place =
                node.get("zone").filter(|_| reason.contains("zone")).or_else(|| node.get("format"));
            let span = place.map_or(node.span, |node| node.span);
            self.error(Code::InvalidZone, span, "this time cannot be read", &reason);
            return None;
        }
        Some(Mapping::Time { path, form: time, unset: Self::words(node.get("unset")), is_date })
    }

    pub(super) fn join(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        if !goal.takes(TEXTS) {
            self.mismatch(node, goal, "`join` makes text", "");
            return None;
        }
        let part = Goal { kind: GoalKind::Scalar(Scalar::String), ..goal.clone() };
        let parts = node.get("join")?.items();
        let parts: Vec<_> = parts.iter().map(|node| self.mapping(node, &part)).collect();
        let with = node.entry("with").and_then(|entry| entry.value.text()).unwrap_or(" ");
        Some(Mapping::Join {
            parts: parts.into_iter().collect::<Option<_>>()?,
            with: Arc::from(with),
        })
    }

    pub(super) fn split(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let item = goal.item();
        if goal.lists != 1 || !item.takes(TEXTS) {
            self.mismatch(node, goal, "`split` makes a list of texts", "");
            return None;
        }
        let paths: Vec<_> = node.get("split")?.items().iter().map(|path| self.path(path)).collect();
        let on = node.entry("on")?.value.text().filter(|on| !on.is_empty())?;
        let paths = paths.into_iter().collect::<Option<Vec<_>>>()?;
        Some(Mapping::Split { paths, on: Arc::from(on) })
    }

    pub(super) fn first(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let choices = node.get("first")?.items();
        let choices: Vec<_> = choices.iter().map(|node| self.mapping(node, goal)).collect();
        Some(Mapping::First { choices: choices.into_iter().collect::<Option<_>>()? })
    }

    pub(super) fn case(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.own_path(node, "case", goal);
        let entries = node.get("is").map(Node::entries).unwrap_or_default();
        let arms: Vec<_> = entries
            .iter()
            .map(|entry| Some((Arc::clone(&entry.key), self.mapping(&entry.value, goal)?)))
            .collect();
        let otherwise = match node.get("else") {
            Some(node) => Some(Box::new(self.mapping(node, goal)?)),
            None => None,
        };
        Some(Mapping::Case {
            path: path?,
            arms: arms.into_iter().collect::<Option<_>>()?,
            otherwise,
        })
    }

    pub(super) fn number(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.own_path(node, "number", goal)?;
        if !goal.takes(&[Scalar::Int, Scalar::Float, Scalar::Decimal])
            || goal.kind == GoalKind::Hidden
        {
            self.mismatch(node, goal, "`number` makes an `Int`, `Float` or `Decimal`", "");
            return None;
        }
        let over = node.get("over").and_then(Node::text).unwrap_or_default();
        let shift = over.bytes().filter(|digit| *digit == b'0').count();
        Some(Mapping::Number { path, shift: u32::try_from(shift).ok()?, to: goal.leaf()? })
    }

    pub(super) fn boolean(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.own_path(node, "bool", goal)?;
        if !goal.takes(&[Scalar::Boolean]) {
            self.mismatch(node, goal, "`bool` makes a `Boolean`", "");
            return None;
        }
        let either =
            |one: &str, other: &str| Self::words(node.get(one).or_else(|| node.get(other)));
        Some(Mapping::Bool { path, yes: either("yes", "true"), no: either("no", "false") })
    }

    pub(super) fn text_form(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.own_path(node, "text", goal)?;
        if !goal.takes(&[Scalar::String]) {
            self.mismatch(node, goal, "`text` makes a `String`", "");
            return None;
        }
        Some(Mapping::Text { path })
    }

    pub(super) fn other(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let path = self.own_path(node, "other", goal)?;
        let than = self.own_path(node, "than", goal)?;
        if !goal.takes(&[Scalar::String]) {
            self.mismatch(node, goal, "`other` makes a `String`", "");
            return None;
        }
        Some(Mapping::Other { path, than })
    }

    pub(super) fn id_form(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let parts: Vec<_> = node.get("id")?.items().iter().map(|node| self.path(node)).collect();
        let of = node.get("of")?;
        let of = self.type_named(of.filled()?, of.span)?;
        let is_id = goal.takes(&[Scalar::Id]) || matches!(goal.kind, GoalKind::OwnId { .. });
        if !is_id {
            self.mismatch(node, goal, "`id` makes an `ID`", "");
            return None;
        }
        let role = id_role(self.cx, of, self.role);
        Some(Mapping::Id { parts: parts.into_iter().collect::<Option<_>>()?, of, role })
    }

    pub(super) fn jq(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let filter = node.get("jq")?;
        let Some(to) = goal.leaf_list() else {
            self.mismatch(
                node,
                goal,
                "`jq` makes scalars and lists of them, and this is an object",
                "",
            );
            return None;
        };
        match JqProgram::compile(filter.filled()?) {
            Ok(program) => Some(Mapping::Jq { program: Arc::new(program), to }),
            Err(reason) => {
                self.error(Code::InvalidJq, filter.span, "this jq filter cannot be used", &reason);
                None
            }
        }
    }

    pub(super) fn constant(&mut self, node: &Node, goal: &Goal) -> Option<Mapping> {
        let value = &node.entry("value")?.value;
        if value.is_null() {
            return Some(Mapping::Constant { json: Box::from("null") });
        }
        if goal.lists > 0 {
            return self.misfit(value, goal, "a constant is a scalar, and this is a list");
        }
        let text = value.filled()?;
        let json = match goal.leaf() {
            Some(Leaf::Enum(_)) => {
                self.check_word(value, text, goal);
                serde_json::Value::from(text)
            }
            Some(Leaf::Scalar(Scalar::Boolean)) => match units::boolean(text) {
                Some(value) => value.into(),
                None => return self.misfit(value, goal, "not a `Boolean`"),
            },
            Some(Leaf::Scalar(Scalar::Int)) => match text.parse::<i32>() {
                Ok(number) => number.into(),
                Err(_) => return self.misfit(value, goal, "not an `Int`"),
            },
            Some(Leaf::Scalar(Scalar::Float)) => match text.parse::<f64>() {
                Ok(number) => serde_json::Number::from_f64(number)?.into(),
                Err(_) => return self.misfit(value, goal, "not a `Float`"),
            },
            Some(_) => serde_json::Value::from(text),
            None => {
                return self.misfit(value, goal, "a constant is a scalar, and this is an object");
            }
        };
        Some(Mapping::Constant { json: json.to_string().into_boxed_str() })
    }

    fn misfit(&mut self, node: &Node, goal: &Goal, why: &str) -> Option<Mapping> {
        self.mismatch(node, goal, why, "");
        None
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn unmapped(name: Arc<str>) -> Slot {
    Slot { name, mapping: Mapping::Constant { json: Box::from("null") }, needs: Vec::new() }
}
