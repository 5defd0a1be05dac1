//! Notes of `learn`, one sentence each.

use std::fmt::Display;

use peergate_insight::learning::hand_template::HandTemplate;
use peergate_insight::learning::learned::Learned;
use peergate_insight::learning::proposal::ProposedCall;
use policy_schema::telemetry::metric;

/// Templates that match no learned request. They may be misspelled.
pub fn unused_templates(learned: &[Learned], templates: &[HandTemplate]) -> Vec<String> {
    let calls = || learned.iter().flat_map(|one| one.proposals.calls());
    let is_used = |template: &&HandTemplate| {
        let has_template = |call: &ProposedCall| {
            call.pattern.by_hand.is_some() && call.pattern.text == template.text()
        };
        calls().any(has_template)
    };
    let unused = templates.iter().filter(|template| !is_used(template));
    let notes =
        unused.map(|template| format!("template `{}` matches no learned request", template.text()));
    notes.collect()
}

/// Notes an empty log.
pub fn no_lines(name: &str) -> String {
    format!("`{name}` is empty")
}

/// Notes a Prometheus without series of the learning mode in this window.
pub fn nothing_counted(prometheus: impl Display, window: &str) -> String {
    let observed = metric::OBSERVED.name;
    format!(
        "{prometheus} has no `{observed}` in the last {window}: turn on the learning mode with \
         `spec.filter.reporting.learning: {{}}` in the `Mesh`, render and apply it, and check that Prometheus scrapes the \
         proxies"
    )
}
