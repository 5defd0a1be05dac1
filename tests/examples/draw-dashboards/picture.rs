//! Renders a dashboard with data from Prometheus as SVG. Each panel shows the results of its query.
//!
//! A simplified version of Grafana's rendering that is sufficient for documentation.

use std::fmt::Write as _;
use std::time::Duration;

use peergate_sandbox::{Prometheus, Series};
use peergate_tests::monitoring::filled_in;
use serde_json::Value;

/// The time range of graphs, and the distance between points.
pub(crate) const WINDOW: Duration = Duration::from_secs(180);
const STEP: &str = "3s";

/// One column and one row of Grafana's grid.
const COLUMN: f64 = 46.0;
const ROW: f64 = 30.0;

const COLORS: [&str; 8] = [
    "#56a64b", "#e02f44", "#ff780a", "#3274d9", "#a352cc", "#f2cc0c", "#37872d", "#8ab8ff",
];

/// A dashboard as SVG.
pub(crate) fn draw(prometheus: &Prometheus, dashboard: &Value) -> String {
    let panels = dashboard["panels"].as_array().unwrap();
    let rows = panels
        .iter()
        .map(|panel| grid(panel, "y") + grid(panel, "h"))
        .fold(0.0, f64::max);
    let (width, height) = (24.0 * COLUMN, rows * ROW + 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"DejaVu Sans, Helvetica, sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#f4f5f5\"/>\n\
         <text x=\"12\" y=\"26\" font-size=\"17\" font-weight=\"bold\">{}</text>\n",
        escaped(dashboard["title"].as_str().unwrap())
    );
    for panel in panels {
        let frame = Frame {
            x: grid(panel, "x") * COLUMN,
            y: grid(panel, "y") * ROW + 40.0,
            width: grid(panel, "w") * COLUMN,
            height: grid(panel, "h") * ROW,
        };
        frame.draw(&mut svg, prometheus, panel);
    }
    svg.push_str("</svg>\n");
    svg
}

fn grid(panel: &Value, key: &str) -> f64 {
    panel["gridPos"][key].as_f64().unwrap()
}

/// The position of a panel.
struct Frame {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Frame {
    fn draw(&self, svg: &mut String, prometheus: &Prometheus, panel: &Value) {
        let title = panel["title"].as_str().unwrap();
        if panel["type"] == "row" {
            text(
                svg,
                self.x + 10.0,
                self.y + 20.0,
                "13\" font-weight=\"bold",
                title,
            );
            return;
        }
        writeln!(
            svg,
            "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{:.0}\" height=\"{:.0}\" rx=\"3\" fill=\"white\" stroke=\"#d8d9da\"/>",
            self.x + 3.0,
            self.y + 3.0,
            self.width - 6.0,
            self.height - 6.0
        )
        .unwrap();
        text(svg, self.x + 12.0, self.y + 21.0, "12", title);
        let query = panel["targets"][0]["expr"].as_str().unwrap();
        match panel["type"].as_str().unwrap() {
            "stat" => self.draw_stat(svg, prometheus, panel, query),
            "table" => self.draw_table(svg, prometheus, panel, query),
            _ => self.draw_lines(svg, prometheus, panel),
        }
    }

    fn draw_stat(&self, svg: &mut String, prometheus: &Prometheus, panel: &Value, query: &str) {
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
        let series = answer(prometheus, query);
        let shown = series
            .first()
            .map_or("–".to_owned(), |one| formatted(one.value(), unit));
        text(
            svg,
            self.x + 12.0,
            self.y + self.height - 28.0,
            "24",
            &shown,
        );
    }

    fn draw_table(&self, svg: &mut String, prometheus: &Prometheus, panel: &Value, query: &str) {
        let organize = &panel["transformations"][0]["options"];
        let column = panel["fieldConfig"]["overrides"][0]["matcher"]["options"]
            .as_str()
            .unwrap();
        let unit = panel["fieldConfig"]["overrides"][0]["properties"][0]["value"]
            .as_str()
            .unwrap();
        let falling = panel["options"]["sortBy"][0]["desc"] == true;
        let mut series = answer(prometheus, query);
        series.sort_by(|one, other| {
            let order = one.value().total_cmp(&other.value());
            if falling { order.reverse() } else { order }
        });
        let hidden =
            |label: &str| organize["excludeByName"].get(label).is_some() || label == "__name__";
        let labels = series
            .first()
            .map(|one| one.labels.keys().cloned().collect());
        let labels: Vec<String> = labels.unwrap_or_default();
        let labels: Vec<String> = labels.into_iter().filter(|label| !hidden(label)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a table has few columns")]
        let step = (self.width - 24.0) / (labels.len() + 1) as f64;
        let mut y = self.y + 44.0;
        let mut x = self.x + 12.0;
        for label in &labels {
            let name = organize["renameByName"].get(label).and_then(Value::as_str);
            text(svg, x, y, "11\" fill=\"#6e7280", name.unwrap_or(label));
            x += step;
        }
        text(svg, x, y, "11\" fill=\"#6e7280", column);
        for one in series {
            y += 19.0;
            if y > self.y + self.height - 10.0 {
                break;
            }
            let mut x = self.x + 12.0;
            for label in &labels {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a width in pixels"
                )]
                let fits = (step / 6.6) as usize;
                let value: String = one.labels[label].chars().take(fits).collect();
                text(svg, x, y, "11", &value);
                x += step;
            }
            text(svg, x, y, "11", &formatted(one.value(), unit));
        }
    }

    fn draw_lines(&self, svg: &mut String, prometheus: &Prometheus, panel: &Value) {
        let defaults = &panel["fieldConfig"]["defaults"];
        let unit = defaults["unit"].as_str().unwrap();
        let mut lines = Vec::new();
        for target in panel["targets"].as_array().unwrap() {
            let window = format!("{}s", WINDOW.as_secs());
            let queries = filled_in(target["expr"].as_str().unwrap());
            let ranges = queries
                .iter()
                .map(|query| prometheus.range(query, &window, STEP));
            let found = ranges.map(Result::unwrap).find(|found| !found.is_empty());
            for line in found.unwrap_or_default() {
                let mut name = target["legendFormat"].as_str().unwrap_or("").to_owned();
                for (label, value) in &line.labels {
                    name = name.replace(&format!("{{{{{label}}}}}"), value);
                }
                lines.push((name, line.points()));
            }
        }
        let stacked = defaults["custom"].get("stacking").is_some();
        let times = lines
            .iter()
            .flat_map(|(_, points)| points.iter().map(|point| point.0));
        let end = times.clone().fold(0.0, f64::max);
        let begin = times.fold(end, f64::min);
        let total = |time: f64| -> f64 {
            let at = lines
                .iter()
                .flat_map(|(_, points)| points.iter().find(|point| point.0 == time));
            at.map(|point| point.1).sum()
        };
        let tops = lines.iter().flat_map(|(_, points)| points);
        let most = tops.map(|point| if stacked { total(point.0) } else { point.1 });
        let most = most
            .filter(|it| it.is_finite())
            .fold(0.0, f64::max)
            .max(1e-9)
            * 1.1;
        let (left, top) = (self.x + 62.0, self.y + 34.0);
        let (width, height) = (self.width - 80.0, self.height - 74.0);
        for part in [0.0, 0.5, 1.0] {
            let y = top + height * (1.0 - part);
            writeln!(
                svg,
                "<line x1=\"{left:.0}\" x2=\"{:.0}\" y1=\"{y:.0}\" y2=\"{y:.0}\" stroke=\"#e9edf2\"/>",
                left + width
            )
            .unwrap();
            let x = left - 6.0;
            text(
                svg,
                x,
                y + 4.0,
                "10\" fill=\"#6e7280\" text-anchor=\"end",
                &formatted(most * part, unit),
            );
        }
        let place = |time: f64, value: f64| {
            let x = left + width * (time - begin) / (end - begin).max(1.0);
            (x, top + height * (1.0 - value / most))
        };
        let mut below: Vec<(f64, f64)> = Vec::new();
        let mut legend = self.x + 14.0;
        for (index, (name, points)) in lines.iter().enumerate() {
            let color = chosen_color(panel, name).unwrap_or(COLORS[index % COLORS.len()]);
            let base = |time: f64| {
                below
                    .iter()
                    .find(|point| point.0 == time)
                    .map_or(0.0, |it| it.1)
            };
            let raised = points.iter().filter(|point| point.1.is_finite());
            let raised: Vec<(f64, f64)> = raised
                .map(|point| (point.0, point.1 + if stacked { base(point.0) } else { 0.0 }))
                .collect();
            let outline = |points: &mut dyn Iterator<Item = (f64, f64)>| {
                points.fold(String::new(), |mut path, (time, value)| {
                    let (x, y) = place(time, value);
                    write!(path, "{x:.1},{y:.1} ").unwrap();
                    path
                })
            };
            let line = outline(&mut raised.iter().copied());
            if stacked {
                let floor = outline(&mut raised.iter().rev().map(|point| (point.0, base(point.0))));
                writeln!(
                    svg,
                    "<polygon points=\"{line}{floor}\" fill=\"{color}\" fill-opacity=\"0.25\"/>"
                )
                .unwrap();
                below = raised;
            }
            writeln!(svg, "<polyline points=\"{line}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>").unwrap();
            #[expect(clippy::cast_precision_loss, reason = "a name is short")]
            let needed = name.len() as f64 * 6.2 + 26.0;
            if legend + needed < self.x + self.width {
                let y = self.y + self.height - 14.0;
                writeln!(
                    svg,
                    "<rect x=\"{legend:.0}\" y=\"{:.0}\" width=\"10\" height=\"4\" fill=\"{color}\"/>",
                    y - 6.0
                )
                .unwrap();
                text(svg, legend + 14.0, y, "10", name);
                legend += needed;
            }
        }
    }
}

/// The color that a panel assigns to a series.
fn chosen_color(panel: &Value, series: &str) -> Option<&'static str> {
    let overrides = panel["fieldConfig"]["overrides"].as_array()?;
    // Names with two spellings are patterns in dashboards.
    let pattern = format!("/^{}$/", series.replace('-', "."));
    let chosen = overrides
        .iter()
        .find(|it| it["matcher"]["options"] == series || it["matcher"]["options"] == pattern)?;
    Some(
        match chosen["properties"][0]["value"]["fixedColor"].as_str()? {
            "green" => "#56a64b",
            "light-green" => "#96d98d",
            "red" => "#e02f44",
            "orange" => "#ff780a",
            "blue" => "#3274d9",
            _ => "#a352cc",
        },
    )
}

/// The result of the first alternative of the query.
fn answer(prometheus: &Prometheus, query: &str) -> Vec<Series> {
    let answers = filled_in(query).into_iter();
    let answers = answers.map(|query| prometheus.query(&query).unwrap());
    answers
        .into_iter()
        .find(|series| !series.is_empty())
        .unwrap_or_default()
}

/// A value in approximately Grafana's format.
fn formatted(value: f64, unit: &str) -> String {
    match unit {
        "percentunit" => format!("{:.1} %", value * 100.0),
        "reqps" => format!("{value:.1}/s"),
        "bytes" => format!("{:.2} MiB", value / 1_048_576.0),
        "s" if value.abs() > 172_800.0 => format!("{:.0} days", value / 86_400.0),
        "s" => format!("{value:.0} s"),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "revisions have 48 bits"
        )]
        "hex" => format!("{:x}", value as u64),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

/// `size` may contain further attributes.
fn text(svg: &mut String, x: f64, y: f64, size: &str, content: &str) {
    let content = escaped(content);
    writeln!(
        svg,
        "<text x=\"{x:.0}\" y=\"{y:.0}\" font-size=\"{size}\">{content}</text>"
    )
    .unwrap();
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
