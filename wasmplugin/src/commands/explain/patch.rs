//! Changed file → a unified diff, as `git apply` and `patch -p1` take it.

use std::path::{Path, PathBuf};

use peergate_insight::explanation::change::Change;

/// A unified diff.
#[derive(Debug)]
pub(super) struct Patch {
    pub(super) text: String,
    /// The folder that its paths begin at, where that is not the working directory.
    pub(super) root: Option<Root>,
}

/// The folder that the paths of a patch begin at.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) folder: PathBuf,
    /// Whether it is a repository, so that `git` applies the patch.
    pub(super) is_repository: bool,
}

impl Patch {
    pub(super) fn new(change: &Change) -> Self {
        let Change { source, text, .. } = change;
        let Place { name, root } = Place::of(&source.name);
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

/// Where a file is, for a patch.
struct Place {
    name: String,
    root: Option<Root>,
}

impl Place {
    /// Below the working directory, else below the repository that the file is in, else in its own folder.
    fn of(name: &str) -> Self {
        let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
        let path = Path::new(name).canonicalize();
        let (Ok(here), Ok(path)) = (here, path) else {
            return Self {
                name: name.to_owned(),
                root: None,
            };
        };
        // From there every file is below the working directory, and a patch of it is a patch of the system.
        let is_root = here.parent().is_none();
        let (folder, root) = if path.starts_with(&here) && !is_root {
            (here, None)
        } else {
            let mut folders = path.ancestors().skip(1);
            let repository = folders.find(|folder| folder.join(".git").exists());
            let folder = repository.or(path.parent()).unwrap_or(&here).to_owned();
            let root = Root {
                folder: folder.clone(),
                is_repository: repository.is_some(),
            };
            (folder, Some(root))
        };
        let below = path.strip_prefix(&folder).unwrap_or(&path);
        Self {
            name: below.display().to_string(),
            root,
        }
    }
}
