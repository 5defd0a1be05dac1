//! A change → a unified diff for `git apply` and `patch -p1`.

use std::path::PathBuf;

use peergate_insight::explanation::change::Change;

/// A unified diff.
#[derive(Debug)]
pub struct Patch {
    /// The diff itself.
    pub text: String,
    pub(crate) root: Option<Root>,
}

/// The location of a patched file.
#[derive(Debug)]
pub struct PatchedFile {
    /// The path of the file, relative to the root.
    pub name: String,
    /// The folder that the path is relative to. None for the working directory.
    pub root: Option<Root>,
}

/// The folder that the paths of a patch are relative to.
#[derive(Debug)]
pub struct Root {
    /// The path of the folder.
    pub folder: PathBuf,
    /// Whether the folder is a Git repository, so that `git apply` works.
    pub is_repository: bool,
}

impl Patch {
    /// Formats the change of a file.
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

/// The lines that a change adds, without line ends.
pub fn added_lines(change: &Change) -> Vec<String> {
    let diff = similar::TextDiff::from_lines(change.source.text.as_str(), &change.text);
    diff.iter_all_changes()
        .filter(|line| line.tag() == similar::ChangeTag::Insert)
        .map(|line| line.value().trim_end_matches('\n').to_owned())
        .collect()
}
