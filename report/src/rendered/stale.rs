//! A note about files of an earlier render.

use policy_schema::wording::counted;

use crate::listed::Listing;

/// More files than these are counted, not named.
const MAX_NAMES: usize = 5;

/// A note about files that are not rendered any more, if there are any.
pub fn stale_note(names: &[String], listing: Listing) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let listed = listing.list(names.iter().map(|name| format!("`{name}`")), MAX_NAMES);
    let count = counted(
        names.len(),
        "file of an earlier render is",
        "files of an earlier render are",
    );
    Some(format!(
        "{count} no longer rendered: {listed}; remove the files with `--prune`, and delete their objects from the cluster"
    ))
}
