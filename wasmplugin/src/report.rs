//! Messages → stderr.
//!
//! A message that cannot be delivered, as when stderr is closed, is no reason to fail.

use std::io::Write;
use std::path::Path;

use peergate_fault::Fault;
use peergate_report::limit::{self, Chosen, MAX_PROBLEMS};
use peergate_report::message::{Message, rendered};
use peergate_report::remark::{self, Remark};
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::wording::counted;

use crate::progress;
use crate::verbosity::{Verbosity, verbosity};

/// How many problems are shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LimitArgs {
    /// Show at most this many problems, errors before warnings
    #[arg(long, value_name = "NUMBER", default_value_t = MAX_PROBLEMS)]
    pub(crate) max_problems: usize,
}

/// Shows diagnostics, in the order given.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], sources: &[SourceText]) {
    messages(limit::diagnostics(diagnostics, MAX_PROBLEMS), sources);
}

/// Shows the diagnostics that were chosen, and how many others there are.
pub(crate) fn messages(chosen: Chosen<'_, Diagnostic>, sources: &[SourceText]) {
    let text = rendered(chosen.shown.into_iter().map(Message::from), sources);
    progress::suspended(|| {
        let _ = anstream::stderr().write_all(text.as_bytes());
    });
    chosen.left_out.into_iter().for_each(note);
}

/// Shows sentences, one after the other.
pub(crate) fn remarks(remarks: impl IntoIterator<Item = Remark>) {
    remarks.into_iter().for_each(|remark| line(&remark));
}

/// Shows why a command failed.
pub(crate) fn failure(failure: &dyn Fault) {
    progress::suspended(|| {
        let _ = writeln!(anstream::stderr(), "{}", remark::failure(failure));
    });
}

/// Shows an error.
pub(crate) fn error(text: impl Into<String>) {
    line(&Remark::Error(text.into()));
}

/// Shows a note.
pub(crate) fn note(text: impl Into<String>) {
    line(&Remark::Note(text.into()));
}

/// Shows which file was written.
pub(crate) fn wrote(path: &Path) {
    summary(format!("wrote {}", path.display()));
}

/// Shows how many files were written to a folder.
pub(crate) fn wrote_files(count: usize, folder: &Path) {
    let files = counted(count, "file", "files");
    summary(format!("wrote {files} to {}", folder.display()));
}

/// Shows how a command went.
pub(crate) fn summary(text: impl Into<String>) {
    line(&Remark::Plain(text.into()));
}

fn line(remark: &Remark) {
    let is_shown = match remark {
        Remark::Note(_) | Remark::Plain(_) => verbosity() > Verbosity::Quiet,
        _ => true,
    };
    if is_shown {
        progress::suspended(|| {
            let _ = writeln!(anstream::stderr(), "{remark}");
        });
    }
}
