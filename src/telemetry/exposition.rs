//! Figures as they stand at one moment, in families: for Prometheus as text, version 0.0.4, and for OpenTelemetry.

use std::fmt::{Display, Write as _};
use std::time::SystemTime;

use super::histogram::{Amounts, BOUNDS, Durations};

/// The media type of the text.
pub const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All families, each with what it means, whether or not there is a sample of it.
#[derive(Debug, Default)]
pub struct Exposition {
    pub families: Vec<Family>,
    since: Option<SystemTime>,
}

/// The samples of one family.
#[derive(Debug)]
pub struct Family {
    pub kind: Kind,
    pub name: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
    /// Of samples from now on.
    since: Option<SystemTime>,
    /// Named by OpenTelemetry's semantic conventions, in seconds, and for OpenTelemetry alone: the text has the same in other families.
    pub is_conventional: bool,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug)]
pub struct Sample {
    /// One for each label of the family, in their order.
    pub values: Vec<Box<str>>,
    /// Since when it is counted; `None`: since the process began.
    pub since: Option<SystemTime>,
    pub figure: Figure,
}

#[derive(Debug)]
pub enum Figure {
    Number(Number),
    /// Counts by bucket, the last of them without an end.
    Buckets {
        ends: Vec<Number>,
        counts: Vec<u64>,
        sum: Number,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Whole(u64),
    Real(f64),
}

impl Exposition {
    /// Families from now on are counted since then.
    pub fn since(&mut self, began: Option<SystemTime>) {
        self.since = began;
    }

    pub fn counter(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> &mut Family {
        self.family(Kind::Counter, name, labels, help)
    }

    pub fn gauge(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> &mut Family {
        self.family(Kind::Gauge, name, labels, help)
    }

    pub fn histogram(
        &mut self,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> &mut Family {
        self.family(Kind::Histogram, name, labels, help)
    }

    /// A histogram of seconds as the semantic conventions want it.
    pub fn conventional(
        &mut self,
        name: &'static str,
        attributes: &'static [&'static str],
        help: &'static str,
    ) -> &mut Family {
        let family = self.family(Kind::Histogram, name, attributes, help);
        family.is_conventional = true;
        family
    }

    fn family(
        &mut self,
        kind: Kind,
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> &mut Family {
        let (since, samples) = (self.since, Vec::new());
        let family = Family { kind, name, labels, help, since, is_conventional: false, samples };
        self.families.push_mut(family)
    }

    /// As Prometheus reads it.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.families
            .iter()
            .filter(|family| !family.is_conventional)
            .for_each(|family| family.write(&mut text));
        text
    }
}

impl Family {
    /// Samples from now on are counted since then.
    pub fn since(&mut self, began: Option<SystemTime>) -> &mut Self {
        self.since = began;
        self
    }

    /// One sample; a value for each label of the family, in their order.
    pub fn sample(&mut self, values: &[&str], number: impl Into<Number>) -> &mut Self {
        self.add(values, Figure::Number(number.into()))
    }

    pub fn durations(&mut self, values: &[&str], durations: &Durations) -> &mut Self {
        let ends = BOUNDS.map(|micros| seconds(micros).into());
        self.buckets(values, &ends, &durations.counts, durations.sum.as_secs_f64())
    }

    pub fn amounts(&mut self, values: &[&str], amounts: &Amounts) -> &mut Self {
        let ends: Vec<Number> = amounts.ends().iter().map(|end| Number::Whole(*end)).collect();
        let (counts, sum) = amounts.read();
        self.buckets(values, &ends, &counts, sum)
    }

    /// Counts by bucket, the last of them without an end.
    pub fn buckets(
        &mut self,
        values: &[&str],
        ends: &[Number],
        counts: &[u64],
        sum: impl Into<Number>,
    ) -> &mut Self {
        let (ends, counts, sum) = (ends.to_vec(), counts.to_vec(), sum.into());
        self.add(values, Figure::Buckets { ends, counts, sum })
    }

    fn add(&mut self, values: &[&str], figure: Figure) -> &mut Self {
        let values = values.iter().copied().map(Box::from).collect();
        self.samples.push(Sample { values, since: self.since, figure });
        self
    }

    fn write(&self, text: &mut String) {
        let Self { name, help, .. } = self;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // writing to a string cannot fail
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
        for Sample { values, figure, .. } in &self.samples {
            match figure {
                Figure::Number(number) => self.line(text, ("", values, None), number),
                Figure::Buckets { ends, counts, sum } => {
                    let ends = ends.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
                    let mut seen = 0;
                    for (end, count) in ends.zip(counts) {
                        seen += count;
                        self.line(text, ("_bucket", values, Some(&end)), seen);
                    }
                    self.line(text, ("_sum", values, None), sum);
                    self.line(text, ("_count", values, None), seen);
                }
            }
        }
    }

    fn line(
        &self,
        text: &mut String,
        (suffix, values, end): (&str, &[Box<str>], Option<&str>),
        number: impl Display,
    ) {
        text.push_str(self.name);
        text.push_str(suffix);
        let labels = self.labels.iter().copied().zip(values.iter().map(|value| &**value));
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

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "a sum of so many is not exact to the last one")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }
}

impl Display for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(formatter),
            Self::Real(number) => number.fmt(formatter),
        }
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(number as u64)
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Real(number)
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
            .sample(&["crm", "a\"b\\c\nd"], 3_u64)
            .sample(&["billing", "x"], 4_u64);
        out.conventional("http.client.request.duration", &[], "For others.");
        out.gauge("loads", &[], "Loads.").sample(&[], 0.5);
        assert_eq!(
            out.to_text(),
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
        let text = out.to_text();
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
