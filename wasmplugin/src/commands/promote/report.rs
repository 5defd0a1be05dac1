//! The report on what is in shadow.

use policy_schema::plugin_config::PolicyName;

use crate::promotion::Window;
use crate::promotion::candidate::Candidate;
use crate::promotion::evidence::Evidence;
use crate::promotion::verdict::{Standard, Verdict};

/// All that is to be said.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) window: Window,
    pub(super) standard: Standard,
    pub(super) judged: Vec<Judged>,
    /// What was changed, by the name of its file.
    pub(super) written: Vec<Written>,
}

/// Something in shadow, what was seen of it, and what follows.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) candidate: Candidate,
    pub(super) evidence: Evidence,
    pub(super) verdict: Verdict,
}

/// Something that is enforced from now on.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) file: String,
    pub(super) policy: PolicyName,
    /// None for the policy itself.
    pub(super) rule: Option<String>,
}
