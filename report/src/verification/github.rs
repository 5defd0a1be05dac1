//! The findings as annotations of GitHub Actions.

use peergate_mesh::verification::Verification;

use crate::github;
use crate::message::Message;

/// A workflow command for each finding.
pub fn commands(verified: &Verification) -> String {
    github::commands(
        verified.findings.iter().map(Message::from),
        &verified.sources,
    )
}
