//! Where two values differ, for people.

use serde_json::Value;

use super::text::shortened;

const VALUE_CHARACTERS: usize = 160;

/// One place at which a value is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `data.customer.invoices[0].total`; empty for the whole.
    pub place: String,
    /// `None`: nothing was expected here.
    pub expected: Option<Value>,
    /// `None`: nothing is here.
    pub found: Option<Value>,
}

impl Change {
    /// The value on one line.
    pub fn shown(value: Option<&Value>) -> String {
        match value {
            None => "nothing".to_owned(),
            Some(value) => shortened(&value.to_string(), VALUE_CHARACTERS),
        }
    }

    pub fn to_json(&self) -> Value {
        let mut members = serde_json::Map::new();
        members.insert("place".to_owned(), Value::from(self.place.as_str()));
        members.extend(self.expected.clone().map(|value| ("expected".to_owned(), value)));
        members.extend(self.found.clone().map(|value| ("found".to_owned(), value)));
        Value::Object(members)
    }
}

/// Every place at which the two differ, in the order of the expected value. The order of members counts nothing, the digits of
/// numbers do.
pub fn changes(expected: &Value, found: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(String::new(), expected, found, &mut changes);
    changes
}

fn compare(place: String, expected: &Value, found: &Value, changes: &mut Vec<Change>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                let place = member(&place, name);
                match found.get(name) {
                    Some(found) => compare(place, value, found, changes),
                    None => {
                        changes.push(Change { place, expected: Some(value.clone()), found: None });
                    }
                }
            }
            for (name, value) in found.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                let place = member(&place, name);
                changes.push(Change { place, expected: None, found: Some(value.clone()) });
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            for at in 0..expected.len().max(found.len()) {
                let place = format!("{place}[{at}]");
                match (expected.get(at), found.get(at)) {
                    (Some(expected), Some(found)) => compare(place, expected, found, changes),
                    (expected, found) => changes.push(Change {
                        place,
                        expected: expected.cloned(),
                        found: found.cloned(),
                    }),
                }
            }
        }
        _ if expected == found => {}
        _ => {
            let (expected, found) = (Some(expected.clone()), Some(found.clone()));
            changes.push(Change { place, expected, found });
        }
    }
}

fn member(place: &str, name: &str) -> String {
    let is_plain = name.chars().all(|letter| letter.is_alphanumeric() || "_@#-".contains(letter));
    match (place.is_empty(), is_plain && !name.is_empty()) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{place}.{name}"),
        (_, false) => format!("{place}[{}]", Value::from(name)),
    }
}
