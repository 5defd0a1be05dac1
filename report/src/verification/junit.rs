//! The findings for CI systems that show tests: a test for each code, or for each finding of it.

use peergate_mesh::verification::Verification;
use policy_schema::verify::FindingCode;
use quick_junit::{TestCaseStatus, TestSuite};

use crate::junit::{self, named, test_case};
use crate::message::Message;
use crate::place::Texts;
use crate::serialized::SerializeError;

/// Formats findings as failed tests and warnings as passed tests with output. A code without findings is a passed test, or a
/// skipped test if it was not checked.
pub fn xml(verified: &Verification) -> Result<Vec<u8>, SerializeError> {
    let texts = Texts::new(&verified.sources);
    let mut suite = TestSuite::new("mesh");
    for code in FindingCode::ALL {
        let found = verified
            .findings
            .iter()
            .filter(|finding| finding.code == *code);
        let cases: Vec<_> = found
            .map(|finding| test_case(&finding.subject, &Message::from(finding), &texts))
            .collect();
        if cases.is_empty() {
            let status = if verified.seen.can_tell(*code) {
                TestCaseStatus::success()
            } else {
                TestCaseStatus::skipped()
            };
            suite.add_test_case(named(code.as_str(), code.as_str(), status));
        }
        suite.add_test_cases(cases);
    }
    junit::xml("peergate verify", suite)
}
