//! The rules nearest to allowing a request, as text.

use std::fmt;

use peergate_insight::explanation::NearRule;
use policy_schema::printable::printable;

use crate::columns::{Layout, left};

const MISSES: Layout<'_> = Layout {
    indent: 4,
    gap: 0,
    columns: &[left(8), left(0)],
};

/// A list of near rules.
pub(crate) struct NearRules<'n>(pub(crate) &'n [NearRule]);

impl fmt::Display for NearRules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nnearest rules, and what they require:")?;
        for near in self.0 {
            writeln!(f, "  {}", near.rule)?;
            for miss in &near.misses {
                let wanted = if miss.wanted.is_empty() {
                    "a different value".to_owned()
                } else {
                    miss.wanted.join(", ")
                };
                let texts = [miss.attribute.name(), &printable(&wanted)];
                writeln!(f, "{}", MISSES.line(texts))?;
            }
        }
        Ok(())
    }
}
