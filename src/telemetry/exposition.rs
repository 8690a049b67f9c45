//! Figures as Prometheus reads them: its text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use super::histogram::{BOUNDS, Durations};

/// The media type of what is written.
pub const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All families, each with what it means, whether or not there is a sample of it.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

/// The samples of one family.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
    labels: &'static [&'static str],
}

impl Exposition {
    pub fn counter(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &str,
    ) -> Family<'_> {
        self.family("counter", name, labels, help)
    }

    pub fn gauge(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &str,
    ) -> Family<'_> {
        self.family("gauge", name, labels, help)
    }

    pub fn histogram(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &str,
    ) -> Family<'_> {
        self.family("histogram", name, labels, help)
    }

    fn family(
        &mut self,
        kind: &str,
        name: &'static str,
        labels: &'static [&'static str],
        help: &str,
    ) -> Family<'_> {
        let text = &mut self.text;
        // writing to a string cannot fail
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
        Family { text, name, labels }
    }

    pub fn into_text(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// One sample; a value for each label of the family, in their order.
    pub fn sample(&mut self, values: &[&str], number: impl Display) -> &mut Self {
        self.line("", values, None, number);
        self
    }

    pub fn durations(&mut self, values: &[&str], durations: &Durations) {
        let ends = BOUNDS.map(|micros| seconds(micros).to_string());
        let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
        let sum = durations.sum.as_secs_f64();
        self.buckets(values, &ends, &durations.counts, sum);
    }

    /// Counts by bucket, the last of them without an end.
    pub fn buckets(&mut self, values: &[&str], ends: &[&str], counts: &[u64], sum: impl Display) {
        let mut seen = 0;
        for (end, count) in ends.iter().copied().chain(["+Inf"]).zip(counts) {
            seen += count;
            self.line("_bucket", values, Some(end), seen);
        }
        self.line("_sum", values, None, sum);
        self.line("_count", values, None, seen);
    }

    fn line(&mut self, suffix: &str, values: &[&str], end: Option<&str>, number: impl Display) {
        let text = &mut *self.text;
        text.push_str(self.name);
        text.push_str(suffix);
        let labels = self.labels.iter().copied().zip(values.iter().copied());
        let mut open = '{';
        for (label, value) in labels.chain(end.map(|end| ("le", end))) {
            text.push(open);
            text.push_str(label);
            text.push_str("=\"");
            value.chars().for_each(|letter| match letter {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            });
            text.push('"');
            open = ',';
        }
        if open == ',' {
            text.push('}');
        }
        writeln!(text, " {number}").ok();
    }
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telemetry::histogram::Histogram;

    #[test]
    fn samples_stand_beneath_what_they_mean_and_values_are_escaped() {
        let mut out = Exposition::default();
        out.counter("calls_total", &["role", "code"], "Calls.")
            .sample(&["crm", "a\"b\\c\nd"], 3)
            .sample(&["billing", "x"], 4);
        out.gauge("loads", &[], "Loads.").sample(&[], 0.5);
        assert_eq!(
            out.into_text(),
            "# HELP calls_total Calls.\n# TYPE calls_total counter\n\
             calls_total{role=\"crm\",code=\"a\\\"b\\\\c\\nd\"} 3\ncalls_total{role=\"billing\",code=\"x\"} 4\n\
             # HELP loads Loads.\n# TYPE loads gauge\nloads 0.5\n"
        );
    }

    #[test]
    fn a_bucket_counts_all_that_is_no_longer_than_its_end_in_seconds() {
        let histogram = Histogram::default();
        for millis in [3, 60, 60, 20_000] {
            histogram.add(Duration::from_millis(millis));
        }
        let mut out = Exposition::default();
        out.histogram("took_seconds", &[], "Time.").durations(&[], &histogram.read());
        let text = out.into_text();
        for line in [
            "took_seconds_bucket{le=\"0.005\"} 1",
            "took_seconds_bucket{le=\"0.05\"} 1",
            "took_seconds_bucket{le=\"0.075\"} 3",
            "took_seconds_bucket{le=\"7.5\"} 3",
            "took_seconds_bucket{le=\"+Inf\"} 4",
            "took_seconds_sum 20.123",
            "took_seconds_count 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
