//! The fields of a span as JSON, each written once: the library's own writer sorts them into a tree first, and reads all of them
//! back when one is added, for every request.

use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormattedFields;
use tracing_subscriber::fmt::format::{FormatFields, Writer};

#[derive(Debug)]
pub(super) struct JsonFields;

/// Room for an id, a trace's id and a name: the usual span is written without growing.
const ROOM: usize = 160;

impl<'w> FormatFields<'w> for JsonFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut members = Members { text: String::with_capacity(ROOM) };
        members.text.push('{');
        fields.record(&mut members);
        members.text.push('}');
        writer.write_str(&members.text)
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &Record<'_>,
    ) -> fmt::Result {
        let mut members = Members { text: std::mem::take(&mut current.fields) };
        if members.text.pop().is_none() {
            members.text.push('{');
        }
        fields.record(&mut members);
        members.text.push('}');
        current.fields = members.text;
        Ok(())
    }
}

/// An object that is not closed yet.
struct Members {
    text: String,
}

impl Members {
    fn name(&mut self, field: &Field) {
        let is_first = self.text.len() == 1;
        self.text.push_str(if is_first { "\"" } else { ",\"" });
        self.text.push_str(field.name());
        self.text.push_str("\":");
    }

    fn add(&mut self, field: &Field, value: impl Into<serde_json::Value>) {
        self.name(field);
        // writing to a string does not fail
        write!(self.text, "{}", value.into()).ok();
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        // what needs no escapes is most of it
        if value.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            return self.add(field, value);
        }
        self.name(field);
        self.text.push('"');
        self.text.push_str(value);
        self.text.push('"');
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::JsonFields;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn fields_are_json_whatever_they_hold_and_later_ones_stand_beside_them() {
        let lines = Lines::default();
        let written = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .fmt_fields(JsonFields)
            .with_writer(move || written.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let empty = tracing::error_span!("empty", later = tracing::field::Empty);
            empty.in_scope(|| tracing::error!("first"));
            empty.record("later", "\"}\n");
            empty.in_scope(|| tracing::error!("second"));
            let span = tracing::error_span!("full", id = "a\\\"b", n = 7, ok = ?Some(true), later = tracing::field::Empty);
            span.record("later", 1.5);
            span.in_scope(|| tracing::error!("third"));
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let spans: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["span"].clone())
            .collect();
        let expected = serde_json::json!([
            { "name": "empty" },
            { "later": "\"}\n", "name": "empty" },
            { "id": "a\\\"b", "n": 7, "ok": "Some(true)", "later": 1.5, "name": "full" },
        ]);
        assert_eq!(serde_json::Value::from(spans), expected);
    }
}
