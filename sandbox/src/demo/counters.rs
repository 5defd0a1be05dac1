//! Reads the decisions counted by the filter from Envoy's metrics.

use std::io;

use policy_schema::telemetry::metric::DECISIONS;
use policy_schema::telemetry::{DecisionEffect, Label};
use prometheus_parse::{Sample, Scrape, Value};

/// The number of decisions with the same labels.
#[derive(Clone, Debug)]
pub(super) struct Counter {
    pub(super) policy: String,
    pub(super) effect: String,
    pub(super) reason: String,
    pub(super) rule: String,
    pub(super) value: f64,
}

impl Counter {
    pub(super) fn has(&self, effect: DecisionEffect) -> bool {
        self.effect.parse() == Ok(effect)
    }
}

/// The non-zero counters by effect, reason and rule.
pub(super) fn read(stats: &str) -> io::Result<Vec<Counter>> {
    let scrape = Scrape::parse(stats.lines().map(|line| Ok(line.to_owned())))?;
    let samples = scrape.samples.iter();
    let decisions = samples.filter(|sample| sample.metric == DECISIONS.name);
    let mut counters: Vec<_> = decisions.filter_map(counter).collect();
    counters.sort_by(|a, b| (&a.effect, &a.reason, &a.rule).cmp(&(&b.effect, &b.reason, &b.rule)));
    Ok(counters)
}

fn counter(sample: &Sample) -> Option<Counter> {
    let label = |label: Label| {
        let value = sample.labels.get(label.tag());
        value.unwrap_or_default().to_owned()
    };
    let (Value::Counter(value) | Value::Untyped(value)) = sample.value else {
        return None;
    };
    (value > 0.0).then(|| Counter {
        policy: label(Label::Policy),
        effect: label(Label::Effect),
        reason: label(Label::Reason),
        rule: label(Label::Rule),
        value,
    })
}
