//! Expired and soon expiring rules and exceptions, by owner.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use policy_schema::diagnostic::SourceText;
use policy_schema::plugin_config::PolicyName;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Expiration, ExpiringItem};
use policy_schema::wording::counted;
use serde::Serialize;

use crate::columns::{Layout, left};
use crate::place::Texts;

/// The end, the remaining time and the subject.
const ENDS: Layout<'_> = Layout {
    indent: 2,
    gap: 2,
    columns: &[left(0), left(10), left(0)],
};

const DAY: u64 = 24 * 60 * 60;

/// A rule or exception that has expired or expires soon.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expiring<'e> {
    kind: &'static str,
    namespace: &'e str,
    name: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'e str>,
    owner: Option<&'e str>,
    not_after: String,
    expired: bool,
    file: &'e str,
    line: usize,
    #[serde(skip)]
    left: Duration,
}

/// Lists rules and exceptions that end before `at` plus `span`, by time.
pub fn within<'e>(
    ends: &'e [Expiration],
    at: Timestamp,
    span: Duration,
    sources: &'e [SourceText],
) -> Vec<Expiring<'e>> {
    let texts = Texts::new(sources);
    let last = at.after(span);
    let soon = ends.iter().filter(|end| end.not_after <= last);
    let expiring = soon.map(|end| {
        let (kind, namespace, name, rule) = match &end.item {
            ExpiringItem::Rule {
                policy: PolicyName { namespace, name },
                rule,
            } => ("rule", namespace, name, Some(rule.as_str())),
            ExpiringItem::Exception { namespace, name } => ("exception", namespace, name, None),
        };
        let place = texts.in_file(end.place);
        let nanoseconds = |time: Timestamp| time.unix_nanoseconds();
        Expiring {
            kind,
            namespace,
            name,
            rule,
            owner: end.owner.as_deref(),
            not_after: end.not_after.to_string(),
            expired: end.not_after <= at,
            file: place.map_or("", |place| place.file),
            line: place.map_or(0, |place| place.line),
            left: Duration::from_nanos(nanoseconds(end.not_after).saturating_sub(nanoseconds(at))),
        }
    });
    expiring.collect()
}

/// Formats the list as text, one paragraph per owner.
pub fn text(expiring: &[Expiring<'_>]) -> String {
    if expiring.is_empty() {
        return "nothing expires in this time span\n".to_owned();
    }
    let mut by_owner: BTreeMap<Option<&str>, Vec<&Expiring<'_>>> = BTreeMap::new();
    for end in expiring {
        by_owner.entry(end.owner).or_default().push(end);
    }
    let mut text = String::new();
    for (owner, ends) in by_owner {
        let _ = writeln!(text, "{}", owner.unwrap_or("no owner"));
        for end in ends {
            let Expiring {
                namespace, name, ..
            } = end;
            let what = match end.rule {
                Some(rule) => format!("rule {rule} of {namespace}/{name}"),
                None => format!("mTLS exception {namespace}/{name}"),
            };
            let what = format!("{what}  ({}:{})", end.file, end.line);
            text += &ENDS.line([&end.not_after, &end.when(), &what]);
            text.push('\n');
        }
    }
    text
}

impl Expiring<'_> {
    fn when(&self) -> String {
        let seconds = self.left.as_secs();
        if self.expired {
            "expired".to_owned()
        } else if seconds < DAY {
            "in < 1 day".to_owned()
        } else {
            let days = usize::try_from(seconds / DAY).unwrap_or(usize::MAX);
            format!("in {}", counted(days, "day", "days"))
        }
    }
}
