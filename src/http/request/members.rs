//! The members of a request's JSON object. JSON leaves open which of two members of one name counts; here neither does.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Those that mean something, whatever they hold. What else is there is left out.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) query: Option<Value>,
    pub(super) operation_name: Option<Value>,
    /// `documentId`, `doc_id`, `id`.
    pub(super) ids: [Option<Value>; 3],
    pub(super) variables: Option<Value>,
    pub(super) extensions: Option<Value>,
}

/// The names of the ids, in their order.
pub(super) const IDS: [&str; 3] = ["documentId", "doc_id", "id"];

impl Members {
    /// The place of a member.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Option<Value>> {
        let [document_id, doc_id, id] = &mut self.ids;
        Some(match name {
            "query" => &mut self.query,
            "operationName" => &mut self.operation_name,
            "documentId" => document_id,
            "doc_id" => doc_id,
            "id" => id,
            "variables" => &mut self.variables,
            "extensions" => &mut self.extensions,
            _ => return None,
        })
    }
}

impl From<Map<String, Value>> for Members {
    fn from(map: Map<String, Value>) -> Self {
        let mut members = Self::default();
        for (name, value) in map {
            if let Some(place) = members.get_mut(&name) {
                *place = Some(value);
            }
        }
        members
    }
}

/// Of an object in which one of them stands twice, an error. What is inside of them is as `serde_json` reads it: the last counts.
/// They are read to where they stay: moved once for each layer of the reader, they cost as much as they are read for.
impl<'de> DeserializeSeed<'de> for &mut Members {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Members {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = access.next_key()? {
            match self.get_mut(&name) {
                None => drop(access.next_value::<IgnoredAny>()?),
                Some(place @ None) => *place = Some(access.next_value()?),
                Some(Some(_)) => {
                    return Err(A::Error::custom(format_args!("`{name}` is there twice")));
                }
            }
        }
        Ok(())
    }
}

/// Borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
