//! Files of an earlier render that are not rendered any more.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::generated::{self, Origin};
use peergate_report::rendered::{HEADER, stale_note};
use thiserror::Error;

use crate::out_args::ForceArgs;
use crate::output::{self, OutputError};
use crate::report;
use crate::verbosity::listing;

/// The folders below an output folder that a layout writes to.
const FOLDERS: [&str; 3] = ["", "resources", "templates"];

/// An edited file is not removed.
#[derive(Debug, Error)]
#[error("`{}` is stale, and was edited after Peergate wrote it", .0.display())]
struct EditedStaleFile(PathBuf);

impl Fault for EditedStaleFile {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some("remove it yourself, or with `--prune --force`")
    }
}

/// Reports files that Peergate rendered to the folder and that are not among the written ones, or removes them. No
/// file is removed unless all may be.
pub(super) fn handle(
    folder: &Path,
    written: &BTreeSet<PathBuf>,
    prune: bool,
    force: ForceArgs,
) -> Result<(), Failure> {
    let stale = find(folder, written)?;
    if !prune {
        let names: Vec<_> = stale.iter().map(|(path, _)| name(folder, path)).collect();
        stale_note(&names, listing())
            .into_iter()
            .for_each(report::note);
        return Ok(());
    }
    let edited = stale.iter().find(|(_, origin)| *origin == Origin::Changed);
    if let Some((path, _)) = edited.filter(|_| !force.is_forced()) {
        return Err(EditedStaleFile(path.clone()).into());
    }
    for (path, _) in stale {
        output::remove(&path)?;
        report::summary(format!("removed {}", path.display()));
    }
    Ok(())
}

fn find(folder: &Path, written: &BTreeSet<PathBuf>) -> Result<Vec<(PathBuf, Origin)>, OutputError> {
    let mut stale = Vec::new();
    for below in FOLDERS {
        let Ok(entries) = fs::read_dir(folder.join(below)) else {
            continue;
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if written.contains(&path) || !path.is_file() {
                continue;
            }
            let content = fs::read(&path).map_err(|reason| output::cannot_write(&path, reason))?;
            let origin = generated::origin(&content);
            if origin != Origin::Foreign && generated::has_purpose(&content, HEADER) {
                stale.push((path, origin));
            }
        }
    }
    stale.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(stale)
}

fn name(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    below.display().to_string()
}
