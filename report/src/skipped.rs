//! One sentence about the parts of an input that were skipped.

use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::printable::printable;
use policy_schema::wording::counted;

use crate::listed::some_of;
use crate::place::Texts;

/// More than these are not named.
const MAX_NAMED: usize = 5;

/// Files with these names, which are not read because of them: a rule in one of them would not be enforced.
pub fn files(names: &[String]) -> Option<String> {
    let quoted = names.iter().map(|name| in_ticks(name));
    (!names.is_empty()).then(|| {
        format!(
            "{} skipped, the name does not end in `.yaml`, `.yml` or `.json`: {}",
            counted(names.len(), "file is", "files are"),
            some_of(quoted, MAX_NAMED)
        )
    })
}

/// Documents that were expected to be objects and are not.
pub fn documents(places: &[Place], sources: &[SourceText]) -> Option<String> {
    let texts = Texts::new(sources);
    let quoted = places.iter().map(|place| {
        let line = texts.line(*place).unwrap_or_default();
        in_ticks(&line)
    });
    (!places.is_empty()).then(|| {
        format!(
            "{} skipped, not a Kubernetes object: {}",
            counted(places.len(), "document is", "documents are"),
            some_of(quoted, MAX_NAMED)
        )
    })
}

fn in_ticks(name: &str) -> String {
    format!("`{}`", printable(name))
}
