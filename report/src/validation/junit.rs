//! The problems for CI systems that show tests: a test for each file, or for each problem in it.

use policy_schema::diagnostic::{Diagnostic, SourceText};
use quick_junit::{TestCaseStatus, TestSuite};

use crate::junit::{self, named, test_case};
use crate::message::Message;
use crate::place::Texts;
use crate::serialized::SerializeError;

/// Each error is a failed test, and each warning a passed test with output. A file without problems is a passed test.
pub fn xml<'p>(
    problems: impl IntoIterator<Item = &'p Diagnostic>,
    sources: &[SourceText],
) -> Result<Vec<u8>, SerializeError> {
    let texts = Texts::new(sources);
    let mut suite = TestSuite::new("policies");
    let problems: Vec<_> = problems.into_iter().collect();
    for (position, source) in sources.iter().enumerate() {
        let problems = problems.iter().filter(|problem| problem.source == position);
        let cases: Vec<_> = problems
            .map(|problem| test_case(&source.name, &Message::from(*problem), &texts))
            .collect();
        if cases.is_empty() {
            let status = TestCaseStatus::success();
            suite.add_test_case(named(&source.name, "valid", status));
        }
        suite.add_test_cases(cases);
    }
    junit::xml("peergate validate", suite)
}
