//! Diagnostics and findings as tests of JUnit.

use policy_schema::code::Severity;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::message::Message;
use crate::place::Texts;
use crate::serialized::SerializeError;

/// A report with one suite.
pub(crate) fn xml(title: &str, suite: TestSuite) -> Result<Vec<u8>, SerializeError> {
    let mut report = Report::new(title);
    report.add_test_suite(suite);
    Ok(report.to_string()?.into_bytes())
}

/// An error as a failed test, a warning as a passed test with output.
pub(crate) fn test_case(name: &str, message: &Message<'_>, texts: &Texts<'_>) -> TestCase {
    let place = message.place.and_then(|place| texts.line(place));
    let place = place.map(|place| format!("\n{place}"));
    let subject = message.subject.map(|subject| format!("{subject}: "));
    let text = format!(
        "{}{}\nhelp: {}{}",
        subject.unwrap_or_default(),
        message.text,
        message.help,
        place.unwrap_or_default()
    );
    match message.severity {
        Severity::Error => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(message.code)
                .set_message(message.text)
                .set_description(text);
            named(name, message.code, status)
        }
        Severity::Warning => {
            let mut case = named(name, message.code, TestCaseStatus::success());
            case.set_system_out(text);
            case
        }
    }
}

/// A test of a class, with its status.
pub(crate) fn named(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}
