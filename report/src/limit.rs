//! Limits the number of problems shown.

use policy_schema::code::Severity;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::wording::counted;

/// The default maximum number of problems shown. A single document can have one per byte.
pub const MAX_PROBLEMS: usize = 100;

/// The problems to show.
#[derive(Debug)]
pub struct Chosen<'p, T> {
    /// In the order given.
    pub shown: Vec<&'p T>,
    /// A note about the problems that are not shown.
    pub left_out: Option<String>,
}

/// Chooses at most `limit` problems, errors before warnings.
pub fn choose<T>(problems: &[T], limit: usize, is_error: impl Fn(&T) -> bool) -> Chosen<'_, T> {
    let Some(left_out) = problems.len().checked_sub(limit + 1) else {
        return Chosen {
            shown: problems.iter().collect(),
            left_out: None,
        };
    };
    let places = || problems.iter().enumerate();
    let errors = places().filter(|(_, problem)| is_error(problem));
    let others = places().filter(|(_, problem)| !is_error(problem));
    let mut chosen: Vec<_> = errors.chain(others).take(limit).collect();
    chosen.sort_by_key(|(place, _)| *place);
    Chosen {
        shown: chosen.into_iter().map(|(_, problem)| problem).collect(),
        left_out: Some(format!(
            "{} not shown: raise `--max-problems` of `validate` or `import`",
            counted(left_out + 1, "more problem is", "more problems are")
        )),
    }
}

/// Chooses at most `limit` diagnostics.
pub fn diagnostics(diagnostics: &[Diagnostic], limit: usize) -> Chosen<'_, Diagnostic> {
    choose(diagnostics, limit, |diagnostic| {
        diagnostic.severity() == Severity::Error
    })
}
