//! A chart of cost by the number of rules, both on logarithmic scales.

use std::fmt::Display;

use plotters::prelude::{
    ChartBuilder, Circle, IntoDrawingArea, IntoLogRange, LineSeries, PathElement, RGBColor,
    SVGBackend, SeriesLabelPosition, WHITE,
};
use plotters::style::{BLACK, Color as _};

use crate::catalog::RULES;
use crate::error::BenchError;
use crate::policies::Shape;
use crate::protocol::Protocol;
use crate::results::Results;
use crate::rows::Enforcement;
use crate::statistics::{Estimate, Interval};

const SIZE: (u32, u32) = (760, 420);
/// Lower costs are drawn here: a logarithmic scale has no zero.
const LOWEST: f64 = 1.0;

/// The enforcements in the charts, with colors that people with color blindness can tell apart.
const LINES: [(Enforcement, &str, RGBColor); 5] = [
    (
        Enforcement::Rbac,
        "RBAC as Istio configures it",
        RGBColor(213, 94, 0),
    ),
    (
        Enforcement::RbacMatcher,
        "RBAC with a matcher tree",
        RGBColor(230, 159, 0),
    ),
    (Enforcement::Lua, "Lua", RGBColor(0, 158, 115)),
    (Enforcement::Peergate, "Peergate", RGBColor(0, 114, 178)),
    (
        Enforcement::Floor,
        "hand-written Wasm",
        RGBColor(120, 120, 120),
    ),
];

/// A chart for HTTP/1.1 as SVG.
pub(super) fn cost_by_rules(results: &Results, shape: Shape) -> Result<String, BenchError> {
    let lines =
        LINES.map(|(enforcement, name, color)| (name, color, line(results, enforcement, shape)));
    let highest = lines
        .iter()
        .flat_map(|(_, _, points)| points.iter().map(|(_, cost)| top(cost)))
        .fold(10.0, f64::max);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(failure)?;
        let (first, last) = (RULES.first().copied(), RULES.last().copied());
        let rules = as_coordinate(first.unwrap_or(1))..as_coordinate(last.unwrap_or(1));
        let mut chart = ChartBuilder::on(&area)
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(rules.log_scale(), (LOWEST..highest * 2.0).log_scale())
            .map_err(failure)?;
        let axis = |value: &f64| format!("{value}");
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc("rules")
            .y_desc("CPU time per request over no filter, µs")
            .x_label_formatter(&axis)
            .y_label_formatter(&axis)
            .label_style(("sans-serif", 14))
            .draw()
            .map_err(failure)?;
        for (name, color, points) in &lines {
            if points.is_empty() {
                continue;
            }
            let medians = points
                .iter()
                .map(|(rules, cost)| (*rules, drawn(cost.median)));
            let dots = medians
                .clone()
                .map(|point| Circle::new(point, 3, color.filled()));
            let intervals = points.iter().filter_map(|(rules, cost)| {
                let Interval { low, high } = cost.interval?;
                let ends = [(*rules, drawn(low)), (*rules, drawn(high))];
                Some(PathElement::new(ends, color.stroke_width(1)))
            });
            chart
                .draw_series(LineSeries::new(medians, color.stroke_width(2)))
                .map_err(failure)?
                .label(*name)
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
            chart.draw_series(dots).map_err(failure)?;
            chart.draw_series(intervals).map_err(failure)?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .border_style(BLACK.mix(0.2))
            .background_style(WHITE)
            .label_font(("sans-serif", 14))
            .draw()
            .map_err(failure)?;
        area.present().map_err(failure)?;
    }
    Ok(svg)
}

/// The place of a cost on the scale.
fn drawn(cost: f64) -> f64 {
    cost.max(LOWEST)
}

/// The highest point of a cost.
fn top(cost: &Estimate) -> f64 {
    let interval = cost.interval;
    interval.map_or(cost.median, |interval| interval.high)
}

/// The costs with their intervals, by the number of rules.
fn line(results: &Results, enforcement: Enforcement, shape: Shape) -> Vec<(f64, Estimate)> {
    let rows = results.rows.iter();
    let rows = rows.filter(|measured| measured.row.is_allowed_by(enforcement, shape));
    rows.filter_map(|measured| {
        let cost = Estimate::of(&results.over_baseline(measured, Protocol::Http1))?;
        Some((as_coordinate(measured.row.rules), cost))
    })
    .collect()
}

#[expect(clippy::cast_precision_loss, reason = "policies have few rules")]
fn as_coordinate(rules: usize) -> f64 {
    rules as f64
}

fn failure(error: impl Display) -> BenchError {
    BenchError::Chart(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::tests::results;

    #[test]
    fn draws_the_rows_of_its_shape() {
        let identity = cost_by_rules(&results(), Shape::Identity).expect("a chart");
        assert!(identity.contains("RBAC as Istio configures it"));
        let request = cost_by_rules(&results(), Shape::Request).expect("a chart");
        assert!(!request.contains("RBAC as Istio configures it"));
    }

    #[test]
    fn a_line_has_a_point_for_each_number_of_rules() {
        let line = line(&results(), Enforcement::Rbac, Shape::Identity);
        let points: Vec<String> = line
            .iter()
            .map(|(rules, cost)| format!("{rules}: {}", cost.median))
            .collect();
        assert_eq!(points, ["1: 4", "1000: 1000"]);
    }
}
