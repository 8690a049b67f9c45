//! The figures as people read them: a line for each contestant, a page with tables, a plot.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::scenarios::{Bound, Contestant, Scenario};

/// One contestant's figures of one round.
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    pub(crate) median: Duration,
    pub(crate) tail: Duration,
    /// Processor time of the server, for one request.
    pub(crate) processor: Duration,
    pub(crate) resident: u64,
    /// Backend calls, for one request.
    pub(crate) calls: f64,
}

pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) by_contestant: Vec<(Contestant, Vec<Sample>)>,
}

impl Row {
    fn samples(&self, contestant: Contestant) -> Option<&[Sample]> {
        self.by_contestant
            .iter()
            .find(|(one, _)| *one == contestant)
            .map(|(_, samples)| samples.as_slice())
    }

    /// What others are held against: the limit, or where it cannot take part the hand-written server.
    fn base(&self) -> Contestant {
        if self.samples(Contestant::Limit).is_some() {
            Contestant::Limit
        } else {
            Contestant::LookAhead
        }
    }

    /// The median, over rounds, of a figure in relation to the base's of the same round.
    fn ratio(&self, contestant: Contestant, figure: impl Fn(&Sample) -> f64) -> f64 {
        self.ratio_to(self.base(), contestant, figure)
    }

    fn ratio_to(
        &self,
        base: Contestant,
        contestant: Contestant,
        figure: impl Fn(&Sample) -> f64,
    ) -> f64 {
        let (Some(own), Some(base)) = (self.samples(contestant), self.samples(base)) else {
            return 0.0;
        };
        median(own.iter().zip(base).map(|(own, base)| figure(own) / figure(base)))
    }

    /// The figure that is bounded, what it is, and whether the bound is kept. `rows` has those that it is held against.
    fn verdict(&self, rows: &[Self]) -> String {
        let own = Contestant::Cyclorama;
        let (what, kept) = match self.scenario.bound {
            Bound::Throughput(least) => {
                let ratio = self.ratio(own, |sample| sample.per_second);
                (
                    format!("{ratio:.2} of the limit's requests/s; at least {least:.2}"),
                    ratio >= least,
                )
            }
            Bound::Median(most) => {
                let ratio = self.ratio(own, |sample| sample.median.as_secs_f64());
                (format!("{ratio:.3} of the limit's median time; at most {most:.2}"), ratio <= most)
            }
            Bound::Calls(most) => {
                let calls = self
                    .samples(own)
                    .map_or(0.0, |list| median(list.iter().map(|sample| sample.calls)));
                (format!("{calls:.3} backend calls a request; at most {most:.1}"), calls <= most)
            }
            Bound::Like(name) => {
                let to = |row: &Self| {
                    row.ratio_to(Contestant::LookAhead, own, |sample| sample.per_second)
                };
                let ratio = to(self);
                let Some(like) = rows.iter().find(|row| row.scenario.name == name) else {
                    return format!("{ratio:.2} of look-ahead's requests/s");
                };
                let like = to(like);
                let what = format!(
                    "{ratio:.2} of look-ahead's requests/s; the page {like:.2}, and within a fifth of that"
                );
                (what, (ratio / like - 1.0).abs() <= 0.2)
            }
        };
        format!("{what}: {}", if kept { "reached" } else { "NOT reached" })
    }
}

pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn text(row: &Row, rows: &[Row]) -> String {
    let mut out = String::new();
    for line in lines(row) {
        writeln!(
            out,
            "  {:28}{}",
            line[0],
            line[1..].iter().map(|cell| format!("{cell:>12}")).collect::<String>()
        )
        .unwrap_or_default();
    }
    writeln!(out, "  {}", row.verdict(rows)).unwrap_or_default();
    out
}

const COLUMNS: [&str; 8] =
    ["", "requests/s", "ratio", "p50", "p99", "CPU/request", "memory", "calls/request"];

/// A header and a line for each contestant.
fn lines(row: &Row) -> Vec<Vec<String>> {
    let mut lines = vec![COLUMNS.iter().map(|&column| column.to_owned()).collect::<Vec<_>>()];
    for (contestant, samples) in &row.by_contestant {
        let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
        lines.push(vec![
            contestant.name().to_owned(),
            format!("{:.0}", of(|sample| sample.per_second)),
            format!("{:.2}", row.ratio(*contestant, |sample| sample.per_second)),
            milliseconds(of(|sample| sample.median.as_secs_f64())),
            milliseconds(of(|sample| sample.tail.as_secs_f64())),
            milliseconds(of(|sample| sample.processor.as_secs_f64())),
            format!("{:.0} MB", of(|sample| sample.resident as f64) / 1e6),
            format!("{:.2}", of(|sample| sample.calls)),
        ]);
    }
    lines
}

fn milliseconds(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}

pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        writeln!(out, "### {}\n\n{}\n", row.scenario.name, row.verdict(rows)).unwrap_or_default();
        if matches!(row.scenario.bound, Bound::Like(_)) {
            writeln!(out, "`{}`\n", row.scenario.operation.document).unwrap_or_default();
        }
        for (n, line) in lines(row).iter().enumerate() {
            writeln!(out, "| {} |", line.join(" | ")).unwrap_or_default();
            if n == 0 {
                writeln!(out, "|{}", "---|".repeat(line.len())).unwrap_or_default();
            }
        }
        out.push('\n');
    }
    out
}

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench compare` -->\n";
const END: &str = "<!-- end of figures -->";

/// Puts the figures into `performance.md` of the folder, between its two marks, and the plot beside it.
pub(crate) fn write(folder: &Path, rows: &[Row]) -> Result<(), String> {
    let page = folder.join("performance.md");
    let text = std::fs::read_to_string(&page).map_err(|e| format!("{}: {e}", page.display()))?;
    let marks =
        text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        marks.ok_or_else(|| format!("{}: its marks are missing", page.display()))?;
    let figures =
        format!("{before}{BEGIN}\nMeasured on {}.\n\n{}{END}{after}", machine(), markdown(rows));
    std::fs::write(&page, figures).map_err(|e| format!("{}: {e}", page.display()))?;
    let plot = folder.join("performance.svg");
    std::fs::write(&plot, svg(rows)).map_err(|e| format!("{}: {e}", plot.display()))
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let day = std::process::Command::new("date").arg("+%Y-%m-%d").output();
    let day = day
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    format!("{cores} cores ({model}), {day}; everything on loopback")
}

/// Bars of requests a second in relation to the limit, a group for each scenario.
fn svg(rows: &[Row]) -> String {
    const WIDTH: f64 = 560.0;
    const LEFT: f64 = 300.0;
    let rows: Vec<&Row> = rows.iter().filter(|row| row.base() == Contestant::Limit).collect();
    let mut bars = String::new();
    let mut y = 40.0;
    for row in rows {
        writeln!(
            bars,
            r##"<text x="10" y="{:.0}" font-weight="bold">{}</text>"##,
            y + 12.0,
            row.scenario.name
        )
        .unwrap_or_default();
        y += 20.0;
        for (contestant, _) in &row.by_contestant {
            let ratio = row.ratio(*contestant, |sample| sample.per_second);
            let width = (ratio.min(1.2) / 1.2 * WIDTH).max(1.0);
            let color = match contestant {
                Contestant::Limit => "#9aa0a6",
                Contestant::Cyclorama => "#1a73e8",
                _ => "#e8a33d",
            };
            writeln!(
                bars,
                r##"<text x="{:.0}" y="{:.0}" text-anchor="end">{}</text><rect x="{LEFT}" y="{y:.0}" width="{width:.0}" height="13" fill="{color}"/><text x="{:.0}" y="{:.0}">{ratio:.2}</text>"##,
                LEFT - 8.0,
                y + 11.0,
                contestant.name(),
                LEFT + width + 6.0,
                y + 11.0
            )
            .unwrap_or_default();
            y += 17.0;
        }
        y += 10.0;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="940" height="{y:.0}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/><text x="10" y="22" font-size="15">Requests a second in relation to the limit program (1.00)</text>
{bars}</svg>
"##
    )
}
