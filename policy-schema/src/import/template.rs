//! Reports path templates that stop requests, which match more here than in Istio.

use crate::matching::{PathMatch, Reading};
use crate::rule_spec::{Effect, OperationSpec};

use super::report::Report;

/// Reports the templates of an operation whose match stops a request: Istio's templates do not
/// match some characters.
pub(super) fn report_stopping(operation: &OperationSpec, effect: Effect, report: &mut Report<'_>) {
    let (list, paths) = match Reading::for_values(effect) {
        Reading::Wide => ("paths", &operation.paths),
        Reading::Narrow => ("notPaths", &operation.not_paths),
    };
    for path in paths.iter().flatten() {
        if let Ok(PathMatch::Template(_)) = PathMatch::parse(path) {
            report(
                false,
                format!(
                    "`{path}` in `{list}` matches more than in Istio: also paths with characters such as `[`"
                ),
            );
        }
    }
}
