//! Notes for users of `learn`, one sentence each.

use std::fmt::Display;

use peergate_insight::learning::hand_template::HandTemplate;
use peergate_insight::learning::learnt::Learnt;
use peergate_insight::learning::proposal::ProposedCall;
use policy_schema::telemetry::metric;

/// Templates that take nothing in. They may be misspelt.
pub fn unused_templates(learnt: &[Learnt], templates: &[HandTemplate]) -> Vec<String> {
    let calls = || learnt.iter().flat_map(|one| one.proposals.calls());
    let is_used = |template: &&HandTemplate| {
        let is_of_template = |call: &ProposedCall| {
            call.pattern.by_hand.is_some() && call.pattern.text == template.text()
        };
        calls().any(is_of_template)
    };
    let unused = templates.iter().filter(|template| !is_used(template));
    let notes = unused.map(|template| {
        format!(
            "the template `{}` takes in no request that is learned from",
            template.text()
        )
    });
    notes.collect()
}

/// A log of this name that is empty.
pub fn no_lines(name: &str) -> String {
    format!("`{name}` has no lines")
}

/// A Prometheus that has nothing of the learning mode in this window.
pub fn nothing_counted(prometheus: impl Display, window: &str) -> String {
    let observed = metric::OBSERVED.name;
    format!(
        "{prometheus} has no `{observed}` in the last {window}: turn on the learning mode with \
         `spec.filter.reporting.learning: {{}}` in the `Mesh`, render and apply it, and check that Prometheus scrapes the \
         proxies"
    )
}
