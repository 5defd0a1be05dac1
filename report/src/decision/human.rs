//! A decision as text: aligned fields.

use std::fmt::Write as _;

use peergate_insight::decision::answer::{Answer, RecordedMatch, RequestVerdict};
use policy_schema::plugin_config::PolicyName;
use policy_schema::printable::printable;
use policy_schema::rule_spec::Enforcement;

use crate::columns::FIELDS;
use crate::near_rules::NearRules;

/// Formats a decision as text.
pub fn text(answer: &Answer<'_>) -> String {
    let mut lines = Lines::default();
    let decision = answer.decision.word();
    match (answer.enforcement, answer.decision) {
        (Enforcement::Shadow, RequestVerdict::Allow | RequestVerdict::Deny) => lines.add(
            "decision",
            &format!("would {decision}; the policy is in shadow, so the request passes"),
        ),
        _ => lines.add("decision", decision),
    }
    lines.add(
        "reason",
        &format!("{}: {}", answer.reason, answer.explanation),
    );
    lines.add_some("rule", answer.rule);
    lines.add_some("owner", answer.owner.map(printable));
    for shadow in &answer.shadow {
        let would = format!("rule {} would {}", shadow.rule, shadow.effect);
        lines.add("shadow", &(would + &origin(shadow, answer.leader)));
    }
    for recorded in &answer.recorded {
        let matches = format!("rule {} matches", recorded.rule);
        lines.add(
            recorded.effect.as_str(),
            &(matches + &origin(recorded, answer.leader)),
        );
    }
    match (&answer.sent_path, &answer.path) {
        (Some(sent), Some(path)) => lines.add(
            "path",
            &format!("{} → {}", printable(sent), printable(path)),
        ),
        (Some(path), None) | (None, Some(path)) => lines.add("path", &printable(path)),
        (None, None) => {}
    }
    lines.add_some("port", answer.port.map(|port| port.to_string()));
    lines.add("policy", &answer.policy.to_string());
    if answer.leader != answer.policy {
        lines.add("leader", &answer.leader.to_string());
    }
    lines.add_some("revision", answer.revision);
    lines.add_some("id", answer.id.as_ref());
    for note in &answer.notes {
        lines.add("note", &printable(note));
    }
    lines.0 + &NearRules(&answer.nearest).to_string()
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, text: &str) {
        self.0 += &FIELDS.line([name, text]);
        self.0.push('\n');
    }

    fn add_some(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.add(name, text.as_ref());
        }
    }
}

/// The policy and owner of a recorded match, where they are not obvious.
fn origin(recorded: &RecordedMatch<'_>, leader: &PolicyName) -> String {
    let mut text = String::new();
    if recorded.policy != leader {
        let _ = write!(text, ", policy {}", recorded.policy);
    }
    if let Some(owner) = recorded.owner {
        let _ = write!(text, ", owner {}", printable(owner));
    }
    text
}
