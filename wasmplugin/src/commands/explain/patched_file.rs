//! The path of a file in a patch.

use std::path::Path;

use peergate_report::explanation::patch::{PatchedFile, Root};

/// Relative to the working directory, or else to the file's repository, or else to its folder.
pub(super) fn patched_file(name: &str) -> PatchedFile {
    let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let path = Path::new(name).canonicalize();
    let (Ok(here), Ok(path)) = (here, path) else {
        return PatchedFile {
            name: name.to_owned(),
            root: None,
        };
    };
    // At the root, every file is below the working directory.
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
    PatchedFile {
        name: below.display().to_string(),
        root,
    }
}
