//! Rules in shadow policies that begin or end, which past counters do not reflect.

use policy_schema::rule_spec::Effect;
use policy_schema::timestamp::Timestamp;

use super::candidate::{Candidate, MemberRule, Subject};
use super::counting::Window;

/// A scheduled change of what a policy denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// An `Allow` rule ends soon. Requests that only it allows are denied from then on.
    AllowEnds {
        /// The ID of the rule.
        rule: String,
        /// The end.
        at: Timestamp,
        /// Whether it is the last `Allow` rule.
        is_last: bool,
    },
    /// A `Deny` rule begins in or after the window.
    DenyBegins {
        /// The ID of the rule.
        rule: String,
        /// The beginning.
        at: Timestamp,
    },
}

/// Scheduled changes that the window does not show, looking ahead by the length of the window.
pub fn scheduled(candidate: &Candidate, window: Window) -> Vec<Scheduled> {
    if let Subject::Rule { .. } = candidate.subject {
        return Vec::new();
    }
    let rules = || candidate.members.iter().flat_map(|member| &member.rules);
    let allows = || rules().filter(|rule| rule.effect == Effect::Allow);
    let last_end = allows()
        .map(|rule| rule.validity.not_after)
        .try_fold(None, |last: Option<Timestamp>, end| {
            Some(last.max(Some(end?)))
        })
        .flatten();
    let of_rule = |rule: &MemberRule| match rule.effect {
        Effect::Allow => {
            let end = rule.validity.not_after;
            let at = end.filter(|end| window.until < *end && *end <= window.lookahead_end())?;
            Some(Scheduled::AllowEnds {
                rule: rule.id.clone(),
                at,
                is_last: last_end == Some(at),
            })
        }
        Effect::Deny => {
            let begin = rule.validity.not_before;
            let at = begin.filter(|begin| *begin > window.from)?;
            let has_ended = rule
                .validity
                .not_after
                .is_some_and(|end| end <= window.until);
            (!has_ended).then(|| Scheduled::DenyBegins {
                rule: rule.id.clone(),
                at,
            })
        }
        Effect::Audit | Effect::Custom => None,
    };
    rules().filter_map(of_rule).collect()
}
