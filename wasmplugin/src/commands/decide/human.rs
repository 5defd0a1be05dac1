//! An answer for people: a few aligned lines.

use std::fmt;

use policy_schema::printable::printable;
use policy_schema::rule_spec::Enforcement;

use super::answer::{Answer, RecordedMatch, Verdict};
use crate::near_rules::NearRules;

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = self.decision.word();
        match (self.enforcement, self.decision) {
            (Enforcement::Shadow, Verdict::Allow | Verdict::Deny) => writeln!(
                f,
                "decision  would {decision}; the policy is in shadow, so the request passes"
            )?,
            _ => writeln!(f, "decision  {decision}")?,
        }
        writeln!(f, "reason    {}: {}", self.reason, self.explanation)?;
        if let Some(rule) = self.rule {
            writeln!(f, "rule      {rule}")?;
        }
        if let Some(owner) = self.owner {
            writeln!(f, "owner     {}", printable(owner))?;
        }
        for shadow in &self.shadow {
            write!(f, "shadow    rule {} would {}", shadow.rule, shadow.effect)?;
            shadow.write_rest(f, &self.leader)?;
        }
        for recorded in &self.recorded {
            write!(f, "{:10}rule {} matches", recorded.effect, recorded.rule)?;
            recorded.write_rest(f, &self.leader)?;
        }
        match (&self.sent_path, &self.path) {
            (Some(sent), Some(path)) => {
                writeln!(f, "path      {} → {}", printable(sent), printable(path))?;
            }
            (Some(path), None) | (None, Some(path)) => {
                writeln!(f, "path      {}", printable(path))?;
            }
            (None, None) => {}
        }
        if let Some(port) = self.port {
            writeln!(f, "port      {port}")?;
        }
        writeln!(f, "policy    {}", self.policy)?;
        if self.leader != self.policy {
            writeln!(f, "leader    {}", self.leader)?;
        }
        if let Some(revision) = self.revision {
            writeln!(f, "revision  {revision}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id        {id}")?;
        }
        for note in &self.notes {
            writeln!(f, "note      {}", printable(note))?;
        }
        write!(f, "{}", NearRules(&self.nearest))
    }
}

impl RecordedMatch<'_> {
    fn write_rest(&self, f: &mut fmt::Formatter<'_>, leader: &str) -> fmt::Result {
        if self.policy != leader {
            write!(f, ", policy {}", self.policy)?;
        }
        match self.owner {
            Some(owner) => writeln!(f, ", owner {}", printable(owner)),
            None => writeln!(f),
        }
    }
}
