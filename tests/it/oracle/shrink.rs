//! A failing case made smaller: parts of it are dropped as long as it still fails.

use serde_json::{Map, Value, json};

use super::document::Document;

/// One failing request with the data under it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) document: Value,
    pub(super) variables: Map<String, Value>,
    pub(super) world: Value,
}

/// Attempts; each asks both sides.
const ATTEMPTS: usize = 500;

impl Case {
    pub(super) fn query(&self) -> Option<String> {
        let document: Document = serde_json::from_value(self.document.clone()).ok()?;
        (!document.selections.is_empty()).then(|| document.text())
    }

    fn whole(&self) -> Value {
        json!({ "document": self.document, "variables": self.variables, "world": self.world })
    }

    fn of(whole: &Value) -> Option<Self> {
        Some(Self {
            document: whole["document"].clone(),
            variables: whole["variables"].as_object()?.clone(),
            world: whole["world"].clone(),
        })
    }
}

/// The smallest case found that `fails` too.
pub(super) fn shrunk(case: &Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case.whole();
    let mut attempts = ATTEMPTS;
    loop {
        let mut is_smaller = false;
        let mut places = places(&best);
        places.sort_by_key(|place| {
            std::cmp::Reverse(best.pointer(place).map_or(0, |value| value.to_string().len()))
        });
        for place in places {
            if best.pointer(&place).is_none() {
                continue;
            }
            let Some(smaller) = without(&best, &place) else { continue };
            if attempts == 0 {
                return Case::of(&best).expect("a case");
            }
            attempts -= 1;
            if Case::of(&smaller).is_some_and(|case| fails(&case)) {
                best = smaller;
                is_smaller = true;
            }
        }
        if !is_smaller {
            return Case::of(&best).expect("a case");
        }
    }
}

/// Items of lists anywhere, members of objects in variables and data.
fn places(whole: &Value) -> Vec<String> {
    let mut places = Vec::new();
    collect(whole, "", &mut places);
    places
}

fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let place = format!("{place}/{index}");
                places.push(place.clone());
                collect(item, &place, places);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                let is_fixed = place.starts_with("/document")
                    || matches!(
                        place.as_str(),
                        "/variables"
                            | "/world"
                            | "/world/records"
                            | "/world/lists"
                            | "/world/fails"
                    );
                if !is_fixed {
                    places.push(place.clone());
                }
                collect(member, &place, places);
            }
        }
        _ => {}
    }
}

fn without(whole: &Value, place: &str) -> Option<Value> {
    let mut smaller = whole.clone();
    let (parent, last) = place.rsplit_once('/')?;
    match smaller.pointer_mut(parent)? {
        // a pair of name and value stays a pair
        Value::Array(items) if parent.contains("/arguments/") && items.len() == 2 => None,
        Value::Array(items) => {
            let index: usize = last.parse().ok()?;
            (index < items.len()).then(|| drop(items.remove(index)))
        }
        Value::Object(members) => {
            members.shift_remove(&last.replace("~1", "/").replace("~0", "~")).map(drop)
        }
        _ => None,
    }?;
    Some(smaller)
}

#[test]
fn a_failing_case_is_reduced_to_what_makes_it_fail() {
    let case = Case {
        document: json!({ "selections": [1, 2, [3, 4]] }),
        variables: Map::new(),
        world: json!({ "records": { "k0": { "a": 1, "b": [1, 2] } } }),
    };
    let small = shrunk(&case, |case| {
        case.document.to_string().contains('4') && case.world.to_string().contains("\"b\"")
    });
    assert_eq!(small.document, json!({ "selections": [[4]] }));
    assert_eq!(small.world, json!({ "records": { "k0": { "b": [] } } }));
}
