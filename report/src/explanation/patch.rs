//! A change → a unified diff, as `git apply` and `patch -p1` take it.

use std::path::PathBuf;

use peergate_insight::explanation::change::Change;

/// A unified diff.
#[derive(Debug)]
pub struct Patch {
    /// The diff itself.
    pub text: String,
    pub(crate) root: Option<Root>,
}

/// Where a file is, for a patch.
#[derive(Debug)]
pub struct PatchedFile {
    /// The file's path from the root.
    pub name: String,
    /// The folder that the path begins at, where that is not the working directory.
    pub root: Option<Root>,
}

/// The folder that the paths of a patch begin at.
#[derive(Debug)]
pub struct Root {
    /// Its path.
    pub folder: PathBuf,
    /// Whether it is a repository, so that `git` applies the patch.
    pub is_repository: bool,
}

impl Patch {
    /// The change of a file.
    pub fn new(change: &Change, PatchedFile { name, root }: PatchedFile) -> Self {
        let Change { source, text, .. } = change;
        let (before, after) = (format!("a/{name}"), format!("b/{name}"));
        let diff = similar::TextDiff::from_lines(source.text.as_str(), text);
        let mut unified = diff.unified_diff();
        let unified = unified.context_radius(3).header(&before, &after);
        Self {
            text: unified.to_string(),
            root,
        }
    }
}

/// The lines that a change adds, without their line ends.
pub fn added_lines(change: &Change) -> Vec<String> {
    let diff = similar::TextDiff::from_lines(change.source.text.as_str(), &change.text);
    diff.iter_all_changes()
        .filter(|line| line.tag() == similar::ChangeTag::Insert)
        .map(|line| line.value().trim_end_matches('\n').to_owned())
        .collect()
}
