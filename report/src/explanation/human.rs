//! An explanation as text.

use peergate_insight::explanation::amendment::Amendment;
use peergate_insight::explanation::{self, Remedy};
use policy_schema::decision_id::RecordedCaller;
use policy_schema::printable::printable;
use policy_schema::telemetry::ReasonCode;

use super::advice;
use super::notes::notes;
use super::report::Report;
use crate::columns::FIELDS;
use crate::near_rules::NearRules;

/// Formats the request, the decision, its reason and the remedy.
pub fn text(report: &Report<'_>) -> String {
    let mut text = String::new();
    for (name, value) in request(report).into_iter().chain(reason(report)) {
        text += &FIELDS.line([name, &value]);
        text.push('\n');
    }
    text += &NearRules(&report.explained.explanation.near).to_string();
    text + &remedy(report)
}

fn request(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let record = &report.explained.record;
    let text = |bytes: &Option<Vec<u8>>| match bytes {
        Some(bytes) => printable(&String::from_utf8_lossy(bytes)),
        None => "-".to_owned(),
    };
    let cut = if record.path_is_truncated { "…" } else { "" };
    let asked = format!("{} {}{cut}", text(&record.method), text(&record.path));
    let host = text(&record.host);
    let to = match record.port {
        Some(port) => format!("{host}, port {port} of the workload"),
        None => host,
    };
    let mut fields = vec![("request", asked), ("to", to)];
    match &record.caller {
        RecordedCaller::Anonymous => fields.push(("caller", "no identity".to_owned())),
        RecordedCaller::Malformed => {
            let caller = "not exactly one SPIFFE ID";
            fields.push(("caller", caller.to_owned()));
        }
        RecordedCaller::Certificate(names) => {
            let names = names.lines().map(printable);
            fields.extend(names.map(|name| ("caller", format!("client certificate {name}"))));
        }
        RecordedCaller::Workload(id) => fields.push(("caller", printable(id))),
    }
    if record.time > 0 {
        fields.push(("at", explanation::at(record).to_string()));
    }
    let revision = record.revision.as_deref().map(printable);
    let revision = match (revision, report.explained.explanation.is_same_revision) {
        (Some(revision), Some(true)) => {
            format!(", revision {revision} (same as the documents)")
        }
        (Some(revision), _) => format!(", revision {revision}"),
        (None, _) => String::new(),
    };
    fields.push(("policy", format!("{}{revision}", record.policy)));
    fields
}

fn reason(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let explanation = &report.explained.explanation;
    let given = explanation
        .given
        .map_or("unknown reason", ReasonCode::as_str);
    let by_documents = if explanation.given == Some(explanation.reason) {
        String::new()
    } else {
        format!("; with these documents: {}", explanation.reason)
    };
    let rule = match &explanation.rule {
        Some(rule) => format!(", by {rule}"),
        None => String::new(),
    };
    let mut fields = vec![("reason", format!("{given}{by_documents}{rule}"))];
    if let Some(shadow) = &explanation.shadow {
        fields.push(("shadow", format!("{} would allow the request", shadow.rule)));
    }
    fields.extend(notes(report).into_iter().map(|note| ("note", note)));
    fields
}

fn remedy(report: &Report<'_>) -> String {
    let change = match &report.explained.tried.remedy {
        Remedy::Advise(advice) => {
            format!("next step: {}", printable(&advice::sentence(advice)))
        }
        Remedy::Amend(amendment) => with_change(amendment),
    };
    let rule = report.explained.tried.to_paste.as_ref();
    let patch = report.patch.map(|patch| &patch.text);
    let mut text = format!("\n{change}\n");
    for part in rule.into_iter().chain(patch) {
        text.push('\n');
        text += part;
    }
    text
}

/// The effect of a change, as a heading of the change.
fn with_change(amendment: &Amendment) -> String {
    match amendment {
        Amendment::AddRule(rule) => format!(
            "this change allows the request for this caller, method and path only, {}:",
            place(rule.host.is_some(), rule.port.is_some()),
        ),
        Amendment::Prolong { until, .. } => {
            format!("this change makes the rule apply again, until {until}:")
        }
        Amendment::Begin { from, .. } => {
            format!("this change makes the rule apply from {from}:")
        }
        Amendment::Enforce { .. } => "this change enforces the shadow rule, which then allows this request and every other request that it matches:".to_owned(),
        Amendment::Except { .. } => "this change excludes the caller from the rule, and another rule allows the request:".to_owned(),
    }
}

/// The hosts and ports that a new rule matches.
fn place(has_host: bool, has_port: bool) -> &'static str {
    match (has_host, has_port) {
        (false, false) => "at any host and port",
        (true, false) => "at this host and any port",
        (false, true) => "at any host and this port",
        (true, true) => "at this host and port",
    }
}
