//! The verification report as JUnit XML, with one test per code.

use peergate_mesh::verification::Verification;
use policy_schema::code::Severity;
use policy_schema::verify::{Finding, FindingCode};
use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

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
        let cases: Vec<_> = found.map(|finding| test_case(finding, &texts)).collect();
        if cases.is_empty() {
            let status = if verified.seen.can_tell(*code) {
                TestCaseStatus::success()
            } else {
                TestCaseStatus::skipped()
            };
            suite.add_test_case(named(code.as_str(), *code, status));
        }
        suite.add_test_cases(cases);
    }
    let mut document = Document::new("peergate verify");
    document.add_test_suite(suite);
    Ok(document.to_string()?.into_bytes())
}

fn test_case(finding: &Finding, texts: &Texts<'_>) -> TestCase {
    let place = finding.place.and_then(|place| texts.line(place));
    let place = place.map(|place| format!("\n{place}"));
    let text = format!(
        "{}: {}\nhelp: {}{}",
        finding.subject,
        finding.message,
        finding.help,
        place.unwrap_or_default()
    );
    match finding.code.severity() {
        Severity::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(finding.code.as_str())
                .set_message(finding.message.as_str())
                .set_description(text);
            named(&finding.subject, finding.code, status)
        }
        Severity::Warning => {
            let mut case = named(&finding.subject, finding.code, TestCaseStatus::success());
            case.set_system_out(text);
            case
        }
    }
}

fn named(name: &str, code: FindingCode, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(code.as_str());
    case
}
