//! An answer for people: a few aligned lines.

use std::fmt;

use peergate_insight::decision::answer::{Answer, RecordedMatch, Verdict};
use policy_schema::printable::printable;
use policy_schema::rule_spec::Enforcement;

use crate::near_rules::NearRules;

/// An answer for people.
pub(super) struct Lines<'a>(pub(super) &'a Answer<'a>);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(answer) = self;
        let decision = answer.decision.word();
        match (answer.enforcement, answer.decision) {
            (Enforcement::Shadow, Verdict::Allow | Verdict::Deny) => writeln!(
                f,
                "decision  would {decision}; the policy is in shadow, so the request passes"
            )?,
            _ => writeln!(f, "decision  {decision}")?,
        }
        writeln!(f, "reason    {}: {}", answer.reason, answer.explanation)?;
        if let Some(rule) = answer.rule {
            writeln!(f, "rule      {rule}")?;
        }
        if let Some(owner) = answer.owner {
            writeln!(f, "owner     {}", printable(owner))?;
        }
        for shadow in &answer.shadow {
            write!(f, "shadow    rule {} would {}", shadow.rule, shadow.effect)?;
            write_rest(shadow, f, &answer.leader)?;
        }
        for recorded in &answer.recorded {
            write!(f, "{:10}rule {} matches", recorded.effect, recorded.rule)?;
            write_rest(recorded, f, &answer.leader)?;
        }
        match (&answer.sent_path, &answer.path) {
            (Some(sent), Some(path)) => {
                writeln!(f, "path      {} → {}", printable(sent), printable(path))?;
            }
            (Some(path), None) | (None, Some(path)) => {
                writeln!(f, "path      {}", printable(path))?;
            }
            (None, None) => {}
        }
        if let Some(port) = answer.port {
            writeln!(f, "port      {port}")?;
        }
        writeln!(f, "policy    {}", answer.policy)?;
        if answer.leader != answer.policy {
            writeln!(f, "leader    {}", answer.leader)?;
        }
        if let Some(revision) = answer.revision {
            writeln!(f, "revision  {revision}")?;
        }
        if let Some(id) = &answer.id {
            writeln!(f, "id        {id}")?;
        }
        for note in &answer.notes {
            writeln!(f, "note      {}", printable(note))?;
        }
        write!(f, "{}", NearRules(&answer.nearest))
    }
}

fn write_rest(
    recorded: &RecordedMatch<'_>,
    f: &mut fmt::Formatter<'_>,
    leader: &str,
) -> fmt::Result {
    if recorded.policy != leader {
        write!(f, ", policy {}", recorded.policy)?;
    }
    match recorded.owner {
        Some(owner) => writeln!(f, ", owner {}", printable(owner)),
        None => writeln!(f),
    }
}
