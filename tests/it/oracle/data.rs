//! Random worlds: what the backend holds, with nulls, values of wrong kinds and failing calls at random places.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::subject::Replies;

pub(super) const KEYS: [&str; 8] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
const WORDS: [&str; 6] =
    ["", "plain", "with \"quotes\"", "line\nbreak", "zażółć 🦀", "back\\slash\u{1}"];

/// How much of a world is not as the schema has it, in percent.
#[derive(Clone, Copy)]
pub(super) struct Wrong {
    pub(super) nulls: u32,
    pub(super) kinds: u32,
    pub(super) calls: u32,
}

pub(super) const DEGREES: [Wrong; 4] = [
    Wrong { nulls: 0, kinds: 0, calls: 0 },
    Wrong { nulls: 12, kinds: 0, calls: 0 },
    Wrong { nulls: 4, kinds: 4, calls: 10 },
    Wrong { nulls: 10, kinds: 8, calls: 25 },
];

/// The data of one world, the same for both sides.
pub(super) fn world(seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let wrong = *dice.pick(&DEGREES);
    let mut maker = Maker { dice, wrong };
    let mut records = Map::new();
    let mut lists = Map::new();
    for key in KEYS {
        if !maker.dice.chance(wrong.calls / 2) {
            records.insert(key.to_owned(), maker.called(|maker| maker.given(2)));
        }
        lists.insert(key.to_owned(), maker.called(|maker| maker.list(3, |maker| maker.given(1))));
    }
    let fails: Vec<&str> =
        ["echo", "measure"].into_iter().filter(|_| maker.dice.chance(wrong.calls)).collect();
    json!({ "records": records, "lists": lists, "fails": fails })
}

struct Maker {
    dice: Dice,
    wrong: Wrong,
}

impl Maker {
    fn called(&mut self, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.dice.chance(self.wrong.calls) { json!({ "$fail": 500 }) } else { make(self) }
    }

    fn list(&mut self, longest: usize, mut item: impl FnMut(&mut Self) -> Value) -> Value {
        let length = self.dice.below(longest + 1);
        Value::Array((0..length).map(|_| item(self)).collect())
    }

    /// What stands where a call answers a record: now and then something else.
    fn given(&mut self, depth: usize) -> Value {
        if self.dice.chance(self.wrong.kinds / 2) {
            anything(&mut self.dice)
        } else if self.dice.chance(self.wrong.nulls / 2) {
            Value::Null
        } else {
            self.record(None, depth)
        }
    }

    /// A record of one of these kinds, with records inside of it to a depth.
    fn record(&mut self, kinds: Option<&[&str]>, depth: usize) -> Value {
        let all = ["Thing", "Thing", "Thing", "Item", "Leaf", "Box"];
        let kind = *self.dice.pick(kinds.unwrap_or(&all));
        let mut record = Map::new();
        let told = if self.dice.chance(self.wrong.kinds) { "Stranger" } else { kind };
        if !self.dice.chance(self.wrong.nulls) {
            record.insert("kind".to_owned(), Value::from(told));
        }
        let fields: &[&str] = match kind {
            "Thing" => &[
                "id", "name", "twin", "color", "colors", "note", "count", "size", "ok", "tags",
                "matrix", "sparse", "flags", "raw", "raws", "day", "amount", "child", "must",
                "children", "cells", "rows", "grid", "cube", "peer", "picks", "old", "ref",
            ],
            "Box" => &["id", "name", "twin:Box", "color", "inside"],
            "Cell" => &["value", "label", "next"],
            "Item" => &["id", "weight", "owner", "size:Int"],
            _ => &["text", "color:String", "size:List", "node"],
        };
        for field in fields {
            if self.dice.chance(self.wrong.nulls) {
                if self.dice.chance(50) {
                    record.insert(name(field).to_owned(), Value::Null);
                }
                continue;
            }
            let value = if self.dice.chance(self.wrong.kinds) && *field != "ref" {
                anything(&mut self.dice)
            } else {
                self.value(field, depth)
            };
            record.insert(name(field).to_owned(), value);
        }
        Value::Object(record)
    }

    fn inner(&mut self, kinds: &[&str], depth: usize) -> Value {
        if depth == 0 || self.dice.chance(35) {
            return if kinds == ["Leaf"] { self.record(Some(kinds), 0) } else { Value::Null };
        }
        self.record(Some(kinds), depth - 1)
    }

    fn inners(&mut self, kinds: &[&str], depth: usize) -> Value {
        if depth == 0 {
            return json!([]);
        }
        self.list(2, |maker| match maker.dice.below(100) {
            0..=4 if maker.wrong.nulls > 0 => Value::Null,
            5..=7 if maker.wrong.kinds > 0 => anything(&mut maker.dice),
            _ => maker.record(Some(kinds), depth - 1),
        })
    }

    /// Lists of lists, now and then without one of the inner ones.
    fn rows(&mut self, kinds: &[&str], depth: usize) -> Value {
        self.list(2, |maker| {
            if maker.dice.chance(maker.wrong.nulls) {
                Value::Null
            } else {
                maker.inners(kinds, depth)
            }
        })
    }

    fn value(&mut self, field: &str, depth: usize) -> Value {
        match field {
            "id" => match self.dice.below(3) {
                0 => json!(self.dice.below(1000)),
                _ => json!(format!("id-{}", self.dice.below(9))),
            },
            "name" | "note" | "text" | "label" | "color:String" => json!(self.dice.pick(&WORDS)),
            "color" => json!(self.dice.pick(&["RED", "GREEN", "BLUE", "OLD"])),
            "colors" => self.list(3, |maker| maker.value("color", 0)),
            "count" | "old" | "size:Int" | "value" => self.int(),
            "size" | "weight" => self.float(),
            "ok" => json!(self.dice.chance(50)),
            "tags" => self.list(3, |maker| maker.optional(|maker| json!(maker.dice.pick(&WORDS)))),
            "flags" => self.list(3, |maker| maker.optional(|maker| json!(maker.dice.chance(50)))),
            "size:List" => self.list(3, |maker| maker.optional(Self::int)),
            "matrix" | "sparse" => {
                self.list(3, |maker| maker.list(3, |maker| maker.optional(Self::int)))
            }
            "raw" => anything(&mut self.dice),
            "raws" => self.list(3, |maker| maker.optional(|maker| anything(&mut maker.dice))),
            "day" => json!(self.dice.pick(&["2026-02-28", "2024-02-29", "1999-12-31"])),
            "amount" => json!(self.dice.pick(&["19.90", "-0.005", "0", "12345678901234567890.5"])),
            "child" | "must" => self.inner(&["Thing"], depth),
            "children" => self.inners(&["Thing"], depth),
            "cells" => self.rows(&["Cell"], depth.max(1)),
            "rows" => self.rows(&["Thing"], depth),
            "grid" => self.rows(&["Item", "Box", "Thing"], depth),
            "cube" => self.list(2, |maker| maker.rows(&["Leaf", "Item", "Thing"], depth)),
            "next" => self.inner(&["Cell"], depth),

            "peer" | "node" => self.inner(&["Item", "Box", "Thing"], depth),
            "picks" | "inside" => self.inners(&["Leaf", "Item", "Box", "Thing"], depth),
            "twin" | "owner" => self.inner(&["Thing", "Box"], depth),
            "twin:Box" => self.inner(&["Box"], depth),
            "ref" => match self.dice.below(10) {
                0 => Value::Null,
                1 => json!("unknown"),
                _ => json!(self.dice.pick(&KEYS)),
            },
            _ => unreachable!("a field without values: {field}"),
        }
    }

    fn optional(&mut self, make: impl FnOnce(&mut Self) -> Value) -> Value {
        match self.dice.below(100) {
            0..=4 if self.wrong.nulls > 0 => Value::Null,
            5..=7 if self.wrong.kinds > 0 => anything(&mut self.dice),
            _ => make(self),
        }
    }

    fn int(&mut self) -> Value {
        json!(self.dice.pick(&[0, 1, -1, 42, i32::MAX, i32::MIN + 1]))
    }

    fn float(&mut self) -> Value {
        json!(self.dice.pick(&[0.5, -1.25, 3.0, 1e-7, 123_456.789]))
    }
}

/// A value of any kind.
pub(super) fn anything(dice: &mut Dice) -> Value {
    match dice.below(12) {
        0 => json!(true),
        1 => json!(7),
        2 => json!(1.5),
        3 => json!("GREEN"),
        4 => json!("not this"),
        5 => json!([]),
        6 => json!([1, null, "x"]),
        7 => json!({}),
        8 => json!({ "kind": "Leaf", "text": "odd" }),
        9 => json!([[1], null]),
        10 => json!(3_000_000_000_u32),
        _ => json!({ "a": { "b": [1, { "c": null }] } }),
    }
}

fn name(field: &str) -> &str {
    field.split_once(':').map_or(field, |(name, _)| name)
}

/// What the backend answers to each request, as bytes.
pub(super) fn replies(world: &Value) -> Replies {
    let mut replies = BTreeMap::new();
    let entries = |part: &str| world[part].as_object().into_iter().flatten().collect::<Vec<_>>();
    for (key, record) in entries("records") {
        let reply = reply(record, record);
        replies.insert(format!("/records/{key}"), reply.clone());
        replies.insert(format!("/touch/{key}"), reply);
    }
    for (key, list) in entries("lists") {
        replies.insert(format!("/lists/{key}"), reply(list, &json!({ "items": list })));
    }
    replies
}

pub(super) fn reply(told: &Value, body: &Value) -> (u16, Vec<u8>) {
    if told.get("$fail").is_some() {
        return (500, b"{}".to_vec());
    }
    (200, body.to_string().into_bytes())
}
