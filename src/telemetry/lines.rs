//! Log lines, for machines and for people: what happened, and of which request.
//!
//! The library writes the fields of a span for each request, whether or not a line comes of it, and keeps spans in a registry; here
//! both are read from [`LogContext`] when there is a line.

use std::fmt::{self, Debug, Display, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::context::{LogContext, Said};

/// One JSON object a line.
#[derive(Debug)]
pub(super) struct Json;

/// With colours where the terminal has them.
#[derive(Debug)]
pub(super) struct Human;

/// Most lines are written without growing.
const ROOM: usize = 512;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Members { text: String::with_capacity(ROOM) };
        line.text.push_str("{\"timestamp\":\"");
        SystemTime.format_time(&mut Writer::new(&mut line.text))?;
        let metadata = event.metadata();
        write!(line.text, "\",\"level\":\"{}\"", metadata.level())?;
        event.record(&mut line);
        line.text("target", metadata.target());
        LogContext::look(|said| line.request(said));
        line.text.push_str("}\n");
        writer.write_str(&line.text)
    }
}

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let paint = Paint { is_on: writer.has_ansi_escapes() };
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let level = *event.metadata().level();
        write!(
            writer,
            "{} {} ",
            paint.dim(&time),
            paint.colour(colour(level), format_args!("{level:>5}"))
        )?;
        if let Some(request) = LogContext::look(described) {
            write!(writer, "{} ", paint.dim(&request))?;
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// `request{request_id=… trace_id=… operation=…}:`
fn described(said: &Said) -> String {
    let (id, trace) = (said.request_id(), said.trace_id);
    let operation = said.operation.get().map(|name| format!(" operation=\"{name}\""));
    let operation = operation.unwrap_or_default();
    format!("request{{request_id=\"{id}\" trace_id=\"{trace}\"{operation}}}:")
}

/// As terminals number their colours.
fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

#[derive(Clone, Copy)]
struct Paint {
    is_on: bool,
}

impl Paint {
    fn dim(self, text: &str) -> String {
        self.colour(2, text)
    }

    fn colour(self, number: u8, text: impl Display) -> String {
        if self.is_on { format!("\x1b[{number}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// An object that is not closed, and has a member already.
struct Members {
    text: String,
}

impl Members {
    fn name(&mut self, name: &str) {
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    fn add(&mut self, name: &str, value: impl Into<serde_json::Value>) {
        self.name(name);
        // writing to a string does not fail
        write!(self.text, "{}", value.into()).ok();
    }

    fn text(&mut self, name: &str, value: &str) {
        // what needs no escapes is most of it
        if value.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            return self.add(name, value);
        }
        self.name(name);
        self.text.push('"');
        self.text.push_str(value);
        self.text.push('"');
    }

    fn request(&mut self, said: &Said) {
        self.name("span");
        self.text.push_str("{\"name\":\"request\"");
        self.text("request_id", said.request_id());
        self.text("trace_id", &said.trace_id.to_string());
        if let Some(operation) = said.operation.get() {
            self.text("operation", operation);
        }
        self.text.push('}');
    }
}

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use tracing::Subscriber;

    use super::*;
    use crate::telemetry::context::carried;
    use crate::telemetry::trace::Trace;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Lines {
        fn read(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn context() -> LogContext {
        let trace = Trace::read("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00").unwrap();
        LogContext::new(Bytes::from_static(b"a\\\"b"), trace.id())
    }

    fn json(lines: &Lines) -> impl Subscriber + use<> {
        let lines = lines.clone();
        tracing_subscriber::fmt().event_format(Json).with_writer(move || lines.clone()).finish()
    }

    #[tokio::test]
    async fn lines_are_json_whatever_they_hold_and_say_of_which_request_they_are() {
        let lines = Lines::default();
        let _guard = tracing::subscriber::set_default(json(&lines));
        tracing::warn!(text = "\"}\n", n = 7, f = 1.5, ok = ?Some(true), yes = true, "a {}", "b\t");
        LogContext::name_operation("of nobody");
        context()
            .around(async {
                tracing::error!("in it");
                LogContext::name_operation("Me");
                LogContext::name_operation("Other");
                tracing::error!(status = 502_u64, "named");
                let other = carried(async { tracing::info!("in another task") });
                tokio::spawn(other).await.unwrap();
            })
            .await;
        tracing::info!("after it");
        let text = lines.read();
        let read: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let words = |at: usize| {
            let serde_json::Value::Object(mut line) = read[at].clone() else { panic!("{text}") };
            assert!(line.remove("timestamp").unwrap().as_str().unwrap().ends_with('Z'));
            assert_eq!(line.remove("target").unwrap(), "cyclorama::telemetry::lines::tests");
            serde_json::Value::from(line)
        };
        let span = serde_json::json!({
            "name": "request", "request_id": "a\\\"b", "trace_id": "0af7651916cd43dd8448eb211c80319c",
        });
        let mut named = span.clone();
        named["operation"] = "Me".into();
        let expected = [
            serde_json::json!({
                "level": "WARN", "text": "\"}\n", "n": 7, "f": 1.5, "ok": "Some(true)", "yes": true, "message": "a b\t",
            }),
            serde_json::json!({ "level": "ERROR", "message": "in it", "span": span }),
            serde_json::json!({ "level": "ERROR", "message": "named", "status": 502, "span": named }),
            serde_json::json!({ "level": "INFO", "message": "in another task", "span": named }),
            serde_json::json!({ "level": "INFO", "message": "after it" }),
        ];
        assert_eq!(read.len(), expected.len(), "{text}");
        for (at, expected) in expected.iter().enumerate() {
            assert_eq!(&words(at), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn people_read_the_same_and_see_colours_where_there_are_some() {
        let written = |ansi: bool| async move {
            let lines = Lines::default();
            let written = lines.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_ansi(ansi)
                .event_format(Human)
                .with_writer(move || written.clone());
            let _guard = tracing::subscriber::set_default(subscriber.finish());
            context().around(async { tracing::warn!(n = 7, "late") }).await;
            tracing::info!("on its own");
            lines.read()
        };
        let plain = written(false).await;
        let ids = "request_id=\"a\\\"b\" trace_id=\"0af7651916cd43dd8448eb211c80319c\"";
        assert!(plain.contains(&format!("Z  WARN request{{{ids}}}: late n=7\n")), "{plain}");
        assert!(plain.ends_with("Z  INFO on its own\n") && !plain.contains('\x1b'), "{plain}");
        let coloured = written(true).await;
        assert!(coloured.contains("\x1b[33m WARN\x1b[0m"), "{coloured}");
    }
}
