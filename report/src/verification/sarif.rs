//! The findings for code scanning (SARIF 2.1.0).

use peergate_mesh::verification::Verification;
use policy_schema::verify::FindingCode;

use crate::message::Message;
use crate::sarif;
use crate::serialized::SerializeError;

/// A run with a rule for each code, and a result for each finding.
pub fn json(verified: &Verification) -> Result<Vec<u8>, SerializeError> {
    let codes = FindingCode::ALL.iter();
    let codes = codes.map(|code| (code.as_str(), code.explanation()));
    let findings = verified.findings.iter().map(Message::from);
    sarif::json(codes, findings, &verified.sources)
}
