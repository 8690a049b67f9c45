//! Values of a file as JSON: what is written plain is a number, a boolean or null if it looks so; what is quoted is text.

use serde_json::{Number, Value as Json};

use super::{Node, Style, Value};

impl Node {
    /// Numbers keep every digit that is written. Only JSON's own spellings count: `true`, `null`, `-1.50`; `yes` and `0x1f` are text.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) if scalar.style == Style::Plain && !scalar.is_expanded => {
                plain(&scalar.text)
            }
            Value::Scalar(scalar) => Json::from(&*scalar.text),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect()
            }
        }
    }

    /// The value at a JSON pointer, or the nearest one around it.
    pub(crate) fn at_pointer(&self, pointer: &str) -> &Self {
        let mut node = self;
        for segment in pointer.split('/').skip(1) {
            let name = segment.replace("~1", "/").replace("~0", "~");
            let found = match &node.value {
                Value::Map(_) => node.entry(&name).map(|entry| &entry.value),
                Value::List(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
                Value::Scalar(_) => None,
            };
            let Some(found) = found else { break };
            node = found;
        }
        node
    }
}

fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" => Json::Null,
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        _ => {
            let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
            let number = is_number.then(|| serde_json::from_str::<Number>(text).ok()).flatten();
            number.map_or_else(|| Json::from(text), Json::Number)
        }
    }
}
