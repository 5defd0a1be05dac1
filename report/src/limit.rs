//! Many problems → as many as are shown.

use policy_schema::code::Severity;
use policy_schema::diagnostic::Diagnostic;
use policy_schema::wording::counted;

/// How many problems are shown where nothing else is asked for: one text can have one for each of its bytes.
pub const MAX_PROBLEMS: usize = 100;

/// The problems that are shown.
#[derive(Debug)]
pub struct Chosen<'p, T> {
    /// In the order given.
    pub shown: Vec<&'p T>,
    /// How many others there are, in a sentence.
    pub left_out: Option<String>,
}

/// At most `most` problems: errors first if there are too many.
pub fn choose<T>(problems: &[T], most: usize, is_error: impl Fn(&T) -> bool) -> Chosen<'_, T> {
    let Some(left_out) = problems.len().checked_sub(most + 1) else {
        return Chosen {
            shown: problems.iter().collect(),
            left_out: None,
        };
    };
    let places = || problems.iter().enumerate();
    let errors = places().filter(|(_, problem)| is_error(problem));
    let others = places().filter(|(_, problem)| !is_error(problem));
    let mut chosen: Vec<_> = errors.chain(others).take(most).collect();
    chosen.sort_by_key(|(place, _)| *place);
    Chosen {
        shown: chosen.into_iter().map(|(_, problem)| problem).collect(),
        left_out: Some(format!(
            "{} not shown: `--max-problems` of `validate` and `import` shows more",
            counted(left_out + 1, "more problem is", "more problems are")
        )),
    }
}

/// At most `most` diagnostics.
pub fn diagnostics(diagnostics: &[Diagnostic], most: usize) -> Chosen<'_, Diagnostic> {
    choose(diagnostics, most, |diagnostic| {
        diagnostic.severity() == Severity::Error
    })
}
