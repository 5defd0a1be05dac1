//! An explanation as JSON.

use peergate_insight::explanation::{self, NamedRule, NearRule, Remedy};
use policy_schema::decision_id::RecordedCaller;
use policy_schema::rule_spec::Enforcement;
use serde_json::json;

use super::advice;
use super::notes::notes;
use super::report::Report;
use crate::serialized::{self, SerializeError};

/// Formats an explanation as a JSON object.
pub fn json(report: &Report<'_>) -> Result<Vec<u8>, SerializeError> {
    let (record, explanation) = (&report.explained.record, &report.explained.explanation);
    let text = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.as_ref()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    let (identity, caller) = match &record.caller {
        RecordedCaller::Anonymous => ("absent", None),
        RecordedCaller::Malformed => ("malformed", None),
        RecordedCaller::Workload(id) => ("verified", Some(id)),
        RecordedCaller::Certificate(names) => ("client-certificate", Some(names)),
    };
    let time = (record.time > 0).then(|| explanation::at(record).to_string());
    serialized::json(&json!({
        "request": {
            "caller": caller,
            "identity": identity,
            "method": text(&record.method),
            "path": text(&record.path),
            "pathIsCut": record.path_is_truncated,
            "host": text(&record.host),
            "port": record.port,
            "at": time,
        },
        "isSealed": report.explained.is_sealed,
        "policy": record.policy,
        "revision": record.revision,
        "isSameRevision": explanation.is_same_revision,
        "reason": explanation.given,
        "reasonByDocuments": explanation.reason,
        "isAllowedByDocuments": explanation.is_allowed,
        "rule": explanation.rule.as_ref().map(NamedRule::to_json),
        "ruleInShadow": explanation.shadow.as_ref().map(|shadow| shadow.rule.to_json()),
        "isShadow": explanation.enforcement == Enforcement::Shadow,
        "asksForMore": explanation.asks_for_more,
        "nearest": explanation.near.iter().map(NearRule::to_json).collect::<Vec<_>>(),
        "notes": notes(report),
        "advice": advice(&report.explained.tried.remedy),
        "ruleToAdd": report.explained.tried.to_paste,
        "patch": report.patch.map(|patch| &patch.text),
    }))
}

fn advice(remedy: &Remedy) -> Option<String> {
    match remedy {
        Remedy::Advise(advice) => Some(advice::sentence(advice)),
        Remedy::Amend(_) => None,
    }
}
