//! Results → stdout, a file or a folder.
//!
//! A file gets its content in one step, by renaming: whoever reads it sees the old content or the
//! new one, and a run that fails leaves the old one.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::adapter::strip_bytes;
use anstream::{AutoStream, ColorChoice};
use peergate_fault::{ExitStatus, Fault};
use peergate_report::rendered::files::File;
use peergate_report::rendered::object::Syntax;
use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;

/// Why a result is not written.
#[derive(Debug, Error)]
pub(crate) enum OutputError {
    #[error("cannot write `{name}`: {reason}")]
    Write { name: String, reason: io::Error },
    #[error("cannot write `{}`: there is no folder `{}`", .path.display(), .folder.display())]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// A file of an authority, with its key or beside it.
    #[error("`{}` exists already", .0.display())]
    KeyExists(PathBuf),
}

impl Fault for OutputError {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Write { .. } => None,
            Self::NoFolder { .. } => Some("make the folder first, or name another place"),
            Self::Exists(_) => Some("choose another name, or overwrite it with `--force`"),
            Self::KeyExists(_) => {
                Some("choose another folder: the key of an authority is never overwritten")
            }
        }
    }
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

impl From<Format> for Syntax {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => Self::Yaml,
            Format::Json => Self::Json,
        }
    }
}

/// Where results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
    Folder(PathBuf),
}

impl Target {
    /// Reads `-`, the name of a file, or a folder: one that ends in a slash or exists.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match text {
            "" => Err("the name of a file is missing".to_owned()),
            "-" => Ok(Self::Stdout),
            "human" | "json" | "yaml" => Err(format!(
                "this is where to write; for a form use `--output`, for a file of that name `-o ./{text}`"
            )),
            _ if text.ends_with(std::path::is_separator) || path.is_dir() => Ok(Self::Folder(path)),
            _ => Ok(Self::File(path)),
        }
    }

    pub(crate) fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_))
    }
}

/// A file to be written.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) path: PathBuf,
    pub(crate) content: Vec<u8>,
}

/// Writes a result to stdout. A reader that has gone away, such as `head`, wanted no more of it.
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

/// Writes a result to a file, or to stdout for `-`.
pub(crate) fn write(path: &Path, content: Vec<u8>) -> Result<(), OutputError> {
    if path.as_os_str() == "-" {
        return write_stdout(&content);
    }
    let path = path.to_owned();
    write_files(vec![NewFile { path, content }])
}

/// Writes a text for people as [`write`] does, in colour where that is shown.
pub(crate) fn write_styled(path: &Path, text: Vec<u8>) -> Result<(), OutputError> {
    let is_shown = || AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let content = if path.as_os_str() == "-" && is_shown() {
        text
    } else {
        strip_bytes(&text).into_vec()
    };
    write(path, content)
}

/// Writes files such that none is ever seen half-written, and none is touched unless the content
/// of all could be written.
pub(crate) fn write_files(files: Vec<NewFile>) -> Result<(), OutputError> {
    let mut staged = Vec::with_capacity(files.len());
    for file in files {
        staged.push(Staged::new(file)?);
    }
    staged.into_iter().try_for_each(Staged::commit)
}

/// Writes files into a folder as [`write_files`] does, and makes the folders that they need.
pub(crate) fn write_into(folder: &Path, files: Vec<File>) -> Result<(), OutputError> {
    create_folder(folder)?;
    let mut new = Vec::with_capacity(files.len());
    for File { path, content } in files {
        let path = folder.join(path);
        path.parent().map_or(Ok(()), create_folder)?;
        new.push(NewFile { path, content });
    }
    write_files(new)
}

/// Writes a file that must not exist.
pub(crate) fn create(path: &Path, content: &[u8]) -> Result<(), OutputError> {
    let cannot_write = |reason| cannot_write(path, reason);
    let file = temporary(path, content).map_err(cannot_write)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(OutputError::Exists(path.to_owned()))
        }
        Err(error) => Err(cannot_write(error.error)),
    }
}

/// Writes files that must not exist: all, or none where one of them exists.
pub(crate) fn create_files(files: Vec<NewFile>) -> Result<(), OutputError> {
    let mut staged = Vec::with_capacity(files.len());
    for NewFile { path, content } in files {
        if path.exists() {
            return Err(OutputError::Exists(path));
        }
        let file = temporary(&path, &content).map_err(|reason| cannot_write(&path, reason))?;
        staged.push((file, path));
    }
    for (file, path) in staged {
        file.persist_noclobber(&path)
            .map_err(|error| cannot_write(&path, error.error))?;
    }
    Ok(())
}

/// Writes files that must not exist and that nobody but their owner may read: all, or none where one
/// of them exists.
pub(crate) fn create_private(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), OutputError> {
    let mut staged = Vec::with_capacity(files.len());
    for (name, content) in files {
        let path = folder.join(name);
        if path.exists() {
            return Err(OutputError::KeyExists(path));
        }
        let stage = || {
            // A temporary file is its owner's alone.
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

/// Makes a folder, and those above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), OutputError> {
    fs::create_dir_all(path).map_err(|reason| OutputError::Write {
        name: path.display().to_string(),
        reason,
    })
}

/// Content that only has to be put in its place.
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
        // The file that a link leads to is replaced, and the link stays.
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
            // Thousands of files may be staged, and only so many can be open.
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

/// A file beside `path` with this content.
fn temporary(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".peergate-");
    // A temporary file is its owner's alone; a result is as readable as any new file.
    #[cfg(unix)]
    builder.permissions(<Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    Ok(file)
}

fn cannot_write(path: &Path, reason: io::Error) -> OutputError {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    if let Some(folder) = folder {
        return OutputError::NoFolder {
            path: path.to_owned(),
            folder: folder.to_owned(),
        };
    }
    // That of a temporary file has its name in it, which means nothing to anybody.
    let reason = match reason.raw_os_error() {
        Some(_) => reason,
        None => reason.kind().into(),
    };
    OutputError::Write {
        name: path.display().to_string(),
        reason,
    }
}
