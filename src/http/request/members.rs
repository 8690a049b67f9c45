//! The members of a request's JSON object. JSON leaves open which of two members of one name counts; here neither does.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// A JSON object in which no name stands twice. Those inside it are as `serde_json` reads them: the last counts.
#[derive(Debug)]
pub(super) struct Members(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(access.next_value()?);
                }
                Entry::Occupied(place) => {
                    return Err(A::Error::custom(format_args!("`{}` is there twice", place.key())));
                }
            }
        }
        Ok(members)
    }
}
