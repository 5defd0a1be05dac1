//! Where a command writes its result.

use std::path::{Path, PathBuf};

use peergate_report::rendered::files::File;

use crate::output::{self, NewFile, OutputError, Overwrite};
use crate::report;

/// A file, or stdout.
#[derive(Debug, clap::Args)]
pub(crate) struct OutFileArgs {
    /// Write to FILE instead of stdout
    #[arg(id = "out", long, value_name = "FILE", default_value = "-", hide_default_value = true, value_parser = parse_file)]
    file: PathBuf,
    #[command(flatten)]
    force: ForceArgs,
}

/// A file, a folder, or stdout.
#[derive(Debug, clap::Args)]
pub(crate) struct OutArgs {
    /// Write to a file, or to a folder: one that exists, or a name that ends in `/` [default: stdout]
    #[arg(id = "out", long, value_name = "FILE|DIR/", default_value = "-", hide_default_value = true, value_parser = Target::parse)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
}

/// A folder.
#[derive(Debug, clap::Args)]
pub(crate) struct OutFolderArgs {
    /// Write to this folder, which is created if it does not exist
    #[arg(id = "out", long, value_name = "DIR", value_parser = parse_folder)]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) force: ForceArgs,
}

/// What may be overwritten.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ForceArgs {
    /// Overwrite files that Peergate did not write, or that have changed since
    #[arg(long)]
    force: bool,
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
    fn parse(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        match text {
            "" => Err("the file name is empty".to_owned()),
            "-" => Ok(Self::Stdout),
            _ if text.ends_with(std::path::is_separator) || path.is_dir() => Ok(Self::Folder(path)),
            _ => Ok(Self::File(path)),
        }
    }
}

fn parse_file(text: &str) -> Result<PathBuf, String> {
    match Target::parse(text)? {
        Target::Stdout | Target::File(_) => Ok(PathBuf::from(text)),
        Target::Folder(_) => Err("this is a folder; name a file".to_owned()),
    }
}

fn parse_folder(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("the folder name is empty".to_owned()),
        "-" => Err("several files cannot go to stdout; name a folder".to_owned()),
        _ => Ok(PathBuf::from(text)),
    }
}

impl ForceArgs {
    pub(crate) fn is_forced(self) -> bool {
        self.force
    }

    pub(crate) fn overwrite(self) -> Overwrite {
        if self.force {
            Overwrite::Any
        } else {
            Overwrite::Unchanged
        }
    }
}

impl OutFileArgs {
    /// Whether the result goes to a file.
    pub(crate) fn file(&self) -> Option<&Path> {
        (self.file.as_os_str() != "-").then_some(&*self.file)
    }

    /// Writes the result, and reports the file.
    pub(crate) fn write(&self, content: Vec<u8>) -> Result<(), OutputError> {
        match self.file() {
            None => output::write_stdout(&content),
            Some(file) => self.force.write_file(file, content),
        }
    }

    /// Writes a text for people as [`Self::write`] does, in color only where it is shown.
    pub(crate) fn write_styled(&self, text: Vec<u8>) -> Result<(), OutputError> {
        match self.file() {
            None => output::write_stdout(&output::styled_for_stdout(text)),
            Some(file) => self.force.write_file(file, output::unstyled(&text)),
        }
    }
}

impl ForceArgs {
    /// Writes a file, and reports it.
    pub(crate) fn write_file(self, path: &Path, content: Vec<u8>) -> Result<(), OutputError> {
        let file = NewFile {
            path: path.to_owned(),
            content,
        };
        output::write_files(vec![file], self.overwrite())?;
        report::wrote(path);
        Ok(())
    }

    /// Writes files into a folder, creates the folders that they need, and reports how many.
    pub(crate) fn write_folder(self, folder: &Path, files: Vec<File>) -> Result<(), OutputError> {
        let count = files.len();
        output::write_into(folder, files, self.overwrite())?;
        report::wrote_files(count, folder);
        Ok(())
    }
}
