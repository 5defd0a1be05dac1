//! Requests that would have been denied.

use peergate_insight::promotion::evidence::{CallerHits, Seen};
use policy_schema::printable::printable;
use policy_schema::telemetry::ObservedValue;

use crate::columns::{Layout, left, right};

/// The maximum number of callers that are listed.
const MAX_CALLERS: usize = 20;

/// A number of requests and their description.
const COUNTS: Layout<'_> = Layout {
    indent: 2,
    gap: 2,
    columns: &[right(8), left(0)],
};

/// The reasons and the callers of requests that would have been denied.
pub(crate) fn denials(seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    for hits in &seen.hits {
        let by = match &hits.rule {
            Some(rule) => format!(" by {}", printable(rule)),
            None => String::new(),
        };
        let reason = printable(&hits.reason);
        lines.push(COUNTS.line([hits.requests.to_string(), format!("{reason}{by}")]));
        if hits.before > 0 {
            lines.push(COUNTS.line([
                "",
                &format!(
                    "{} of them were counted before the first sample",
                    hits.before
                ),
            ]));
        }
    }
    match &seen.callers {
        None => lines.push(
            "callers unknown: turn on the learning mode to count by caller, or read the filter's log"
                .to_owned(),
        ),
        Some(callers) if callers.is_empty() => lines.push(
            "callers unknown: the learning mode has counted none of these requests".to_owned(),
        ),
        Some(callers) => {
            lines.push("callers:".to_owned());
            lines.extend(callers.iter().take(MAX_CALLERS).map(caller));
            let more = callers.len().saturating_sub(MAX_CALLERS);
            if more > 0 {
                lines.push(COUNTS.line(["", &format!("and {more} more")]));
            }
        }
    }
    lines
}

fn caller(caller: &CallerHits) -> String {
    let name = match &caller.caller {
        ObservedValue::Absent => "no identity".to_owned(),
        ObservedValue::Text(text) => printable(&String::from_utf8_lossy(text)),
        ObservedValue::Other => "others, beyond `maxSeries` of the learning mode".to_owned(),
    };
    let part = |observed: &ObservedValue| {
        let text = observed.text().map(|text| format!(" {}", printable(&text)));
        text.unwrap_or_default()
    };
    let asked = format!("{name}{}{}", part(&caller.method), part(&caller.path));
    COUNTS.line([caller.requests.to_string(), asked])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use peergate_insight::promotion::coverage::Coverage;
    use peergate_insight::promotion::evidence::{Beginning, Hits};
    use policy_schema::timestamp::Timestamp;

    use super::*;

    #[test]
    fn escapes_control_characters_in_labels() {
        let evil = "\u{1b}[2J\u{202e}x".to_owned();
        let seen = Seen {
            since: Timestamp::from_unix_nanoseconds(0),
            beginning: Beginning::Requested,
            missing: Duration::ZERO,
            coverage: Coverage::default(),
            requests: 1,
            hits: vec![Hits {
                rule: Some(evil.clone()),
                reason: evil,
                requests: 1,
                before: 0,
            }],
            callers: Some(vec![CallerHits {
                caller: ObservedValue::from_label("_1b_e2_80_ae"),
                method: ObservedValue::from_label("_1b"),
                path: ObservedValue::from_label("_2f_e2_80_ae"),
                requests: 1,
            }]),
        };
        let expected = [
            r"         1  \u{1b}[2J\u{202e}x by \u{1b}[2J\u{202e}x",
            "callers:",
            r"         1  \u{1b}\u{202e} \u{1b} /\u{202e}",
        ];
        assert_eq!(denials(&seen), expected);
    }
}
