//! Results → stdout, a file or a folder.
//!
//! A file gets its content in one step, by renaming. A reader sees the old or the new content, never a mixture, and a
//! run that fails leaves the old one.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::adapter::strip_bytes;
use anstream::{AutoStream, ColorChoice};
use peergate_fault::{ExitStatus, Fault};
use peergate_report::generated::{self, Origin};
use peergate_report::rendered::files::File;
use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;

/// Why a result is not written.
#[derive(Debug, Error)]
pub(crate) enum OutputError {
    #[error("cannot write `{name}`: {reason}")]
    Write { name: String, reason: io::Error },
    #[error("cannot remove `{name}`: {reason}")]
    Remove { name: String, reason: io::Error },
    #[error("cannot write `{}`: folder `{}` does not exist", .path.display(), .folder.display())]
    NoFolder { path: PathBuf, folder: PathBuf },
    /// Peergate did not write the file.
    #[error("`{}` already exists", .0.display())]
    Exists(PathBuf),
    /// Peergate wrote the file, and it has changed since.
    #[error("`{}` was edited after Peergate wrote it", .0.display())]
    Edited(PathBuf),
    /// A file with the key of an authority, or in its folder.
    #[error("`{}` already exists", .0.display())]
    KeyExists(PathBuf),
}

impl Fault for OutputError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Write { .. } | Self::Remove { .. } => None,
            Self::NoFolder { .. } => Some("create the folder first, or choose another one"),
            Self::Exists(_) | Self::Edited(_) => {
                Some("choose another name, or overwrite it with `--force`")
            }
            Self::KeyExists(_) => Some("choose another folder: keys are never overwritten"),
        }
    }
}

/// Which existing files may be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overwrite {
    /// Those that Peergate wrote and that have not changed since.
    Unchanged,
    /// Any.
    Any,
}

/// A file to be written.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
}

/// Writes a result to stdout. A reader that closes the pipe early, such as `head`, is no error.
pub(crate) fn write_stdout(content: &[u8]) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(content).and_then(|()| stdout.flush()) {
        Err(reason) if reason.kind() != io::ErrorKind::BrokenPipe => {
            Err(cannot_write_stdout(reason))
        }
        _ => Ok(()),
    }
}

pub(crate) fn cannot_write_stdout(reason: io::Error) -> OutputError {
    OutputError::Write {
        name: "<stdout>".to_owned(),
        reason,
    }
}

/// A text for people, in color if stdout shows color.
pub(crate) fn styled_for_stdout(text: Vec<u8>) -> Vec<u8> {
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => unstyled(&text),
        ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => text,
    }
}

/// A text without color.
pub(crate) fn unstyled(text: &[u8]) -> Vec<u8> {
    strip_bytes(text).into_vec()
}

/// Writes files such that none is ever seen half-written. No file is touched unless all may be overwritten and the
/// content of all could be stored.
pub(crate) fn write_files(files: Vec<NewFile>, overwrite: Overwrite) -> Result<(), OutputError> {
    let mut staged = Vec::with_capacity(files.len());
    for file in files {
        if overwrite == Overwrite::Unchanged {
            check_unchanged(&file)?;
        }
        staged.push(Staged::new(file)?);
    }
    staged.into_iter().try_for_each(Staged::commit)
}

/// Writes files into a folder as [`write_files`] does, and creates the folders that they need.
pub(crate) fn write_into(
    folder: &Path,
    files: Vec<File>,
    overwrite: Overwrite,
) -> Result<(), OutputError> {
    create_folder(folder)?;
    let mut new = Vec::with_capacity(files.len());
    for File { path, content } in files {
        let path = folder.join(path);
        path.parent().map_or(Ok(()), create_folder)?;
        new.push(NewFile { path, content });
    }
    write_files(new, overwrite)
}

/// Checks that no edit is lost by writing the file.
fn check_unchanged(file: &NewFile) -> Result<(), OutputError> {
    let path = &file.path;
    // Devices and pipes hold nothing that could be lost.
    if !path.is_file() {
        return Ok(());
    }
    let existing = fs::read(path).map_err(|reason| cannot_write(path, reason))?;
    if existing == file.content {
        return Ok(());
    }
    match generated::origin(&existing) {
        Origin::Unchanged => Ok(()),
        Origin::Changed => Err(OutputError::Edited(path.clone())),
        Origin::Foreign => Err(OutputError::Exists(path.clone())),
    }
}

/// Writes files that must not exist, readable by their owner alone: all, or none if one of them exists.
pub(crate) fn create_private(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), OutputError> {
    let mut staged = Vec::with_capacity(files.len());
    for (name, content) in files {
        let path = folder.join(name);
        if path.exists() {
            return Err(OutputError::KeyExists(path));
        }
        let stage = || {
            // A temporary file is readable only by its owner.
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(content)?;
            Ok(file)
        };
        staged.push((stage().map_err(|reason| cannot_write(&path, reason))?, path));
    }
    for (file, path) in staged {
        file.persist_noclobber(&path)
            .map_err(|error| cannot_write(&path, error.error))?;
    }
    Ok(())
}

/// Creates a folder, and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(path).map_err(|reason| OutputError::Write {
        name: path.display().to_string(),
        reason,
    })
}

/// Removes a file.
pub(crate) fn remove(path: &Path) -> Result<(), OutputError> {
    fs::remove_file(path).map_err(|reason| OutputError::Remove {
        name: path.display().to_string(),
        reason,
    })
}

/// Content that is stored, and not yet in its place.
enum Staged {
    Renamed {
        path: PathBuf,
        file: TempPath,
    },
    /// Devices and pipes cannot be replaced.
    Direct(NewFile),
}

impl Staged {
    fn new(NewFile { path, content }: NewFile) -> Result<Self, OutputError> {
        // Replaces the target of a link, not the link.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let metadata = fs::metadata(&real).ok();
        if metadata
            .as_ref()
            .is_some_and(|metadata| !metadata.is_file())
        {
            return Ok(Self::Direct(NewFile { path, content }));
        }
        let stage = || {
            let file = temporary(&real, &content)?;
            if let Some(metadata) = metadata {
                file.as_file().set_permissions(metadata.permissions())?;
            }
            // Thousands of files may be staged, more than can be open.
            Ok(file.into_temp_path())
        };
        match stage() {
            Ok(file) => Ok(Self::Renamed { path: real, file }),
            Err(reason) => Err(cannot_write(&path, reason)),
        }
    }

    fn commit(self) -> Result<(), OutputError> {
        match self {
            Self::Renamed { path, file } => file
                .persist(&path)
                .map_err(|error| cannot_write(&path, error.error)),
            Self::Direct(NewFile { path, content }) => {
                fs::write(&path, content).map_err(|reason| cannot_write(&path, reason))
            }
        }
    }
}

/// A temporary file in the folder of `path` with this content.
fn temporary(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".peergate-");
    // A result has the permissions of any new file, not those of a temporary one.
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    Ok(file)
}

pub(crate) fn cannot_write(path: &Path, reason: io::Error) -> OutputError {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    if let Some(folder) = folder {
        return OutputError::NoFolder {
            path: path.to_owned(),
            folder: folder.to_owned(),
        };
    }
    // The text of tempfile's errors names the temporary file.
    let reason = match reason.raw_os_error() {
        Some(_) => reason,
        None => reason.kind().into(),
    };
    OutputError::Write {
        name: path.display().to_string(),
        reason,
    }
}
