//! Notes about skipped parts of the input.

use policy_schema::diagnostic::{Place, SourceText};
use policy_schema::printable::printable;
use policy_schema::wording::counted;

use crate::listed::Listing;
use crate::place::Texts;

/// The maximum number of names in a note.
const MAX_NAMED: usize = 5;

/// Notes files skipped for their extension. Rules in such a file would not be enforced.
pub fn files(names: &[String], listing: Listing) -> Option<String> {
    let quoted = names.iter().map(|name| quoted(name));
    (!names.is_empty()).then(|| {
        format!(
            "{} skipped, because the name does not end in `.yaml`, `.yml` or `.json`: {}",
            counted(names.len(), "file is", "files are"),
            listing.list(quoted, MAX_NAMED)
        )
    })
}

/// Notes documents that are not Kubernetes objects.
pub fn documents(places: &[Place], sources: &[SourceText], listing: Listing) -> Option<String> {
    let texts = Texts::new(sources);
    let quoted = places.iter().map(|place| {
        let line = texts.line(*place).unwrap_or_default();
        quoted(&line)
    });
    (!places.is_empty()).then(|| {
        format!(
            "{} skipped, not a Kubernetes object: {}",
            counted(places.len(), "document is", "documents are"),
            listing.list(quoted, MAX_NAMED)
        )
    })
}

fn quoted(name: &str) -> String {
    format!("`{}`", printable(name))
}
