//! How much is printed on stderr.

use std::sync::OnceLock;

use peergate_report::listed::Listing;

/// How much is printed on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Diagnostics and failures.
    Quiet,
    /// Also notes and summaries.
    #[default]
    Normal,
    /// Every note, where notes would be summarized.
    Verbose,
}

static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();

/// Sets how much is printed, once for the process.
pub(crate) fn set_verbosity(verbosity: Verbosity) {
    let _ = VERBOSITY.set(verbosity);
}

/// Whether notes list all names.
pub(crate) fn listing() -> Listing {
    match verbosity() {
        Verbosity::Quiet | Verbosity::Normal => Listing::Abbreviated,
        Verbosity::Verbose => Listing::Complete,
    }
}

/// How much is printed.
pub(crate) fn verbosity() -> Verbosity {
    VERBOSITY.get().copied().unwrap_or_default()
}
