//! Files, folders and stdin → texts and bytes. The only place that reads files.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use clap::{ArgGroup, ValueHint};
use peergate_fault::{ExitStatus, Fault};
use peergate_report::skipped;
use policy_schema::code;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::yaml::Span;
use thiserror::Error;

use crate::report;
use crate::verbosity::listing;

/// What a policy file's name ends in, in upper or lower case.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// What the names of files end in that often lie beside policies: documentation, and requests for `decide`.
const COMPANIONS: [&str; 3] = ["md", "txt", "ndjson"];

/// What the texts of some editors begin with.
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Where the policies are.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("input").args(["paths", "files"]).required(true).multiple(true)))]
#[group(skip)]
pub(crate) struct InputArgs {
    #[command(flatten)]
    paths: PathArgs,
}

/// Where policies are, for a command that can do without.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct PathArgs {
    /// Policy files and folders, or `-` for stdin
    ///
    /// In a folder, every `.yaml`, `.yml` and `.json` file at any depth is read, in upper or lower case. A note lists
    /// other files, except hidden ones and `.md`, `.txt` and `.ndjson` files. All documents together are one input: one
    /// Mesh and its ServicePolicy documents.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// The same as PATH; repeatable
    #[arg(short = 'f', long = "filename", value_name = "PATH", value_hint = ValueHint::AnyPath)]
    files: Vec<PathBuf>,
}

/// The texts of an input.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) sources: Vec<SourceText>,
    /// Their names relative to the path that they were found by.
    pub(crate) names: Vec<String>,
    /// Which of them begin with a byte order mark, which they are given without.
    pub(crate) marked: BTreeSet<usize>,
    /// What of it is not text at all.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Why files, folders or stdin are not read.
#[derive(Debug, Error)]
pub(crate) enum InputError {
    #[error("cannot read `{name}`: {reason}")]
    Read { name: String, reason: io::Error },
    #[error("folder `{}` has no `.yaml`, `.yml` or `.json` file", .0.display())]
    EmptyFolder(PathBuf),
    #[error("stdin is named twice")]
    StdinTwice,
}

impl Fault for InputError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::Read { .. } => ExitStatus::Failure,
            Self::EmptyFolder(_) | Self::StdinTwice => ExitStatus::Invalid,
        }
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::Read { .. } => None,
            Self::EmptyFolder(_) => {
                Some("name a folder or file with policies; hidden files are not read")
            }
            Self::StdinTwice => Some("use a file for one of the two"),
        }
    }
}

impl InputArgs {
    /// The paths.
    pub(crate) fn paths(&self) -> &PathArgs {
        &self.paths
    }

    /// Whether stdin is read.
    pub(crate) fn uses_stdin(&self) -> bool {
        self.paths.uses_stdin()
    }
}

impl PathArgs {
    /// Whether no path is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.files.is_empty()
    }

    /// Reads all files.
    pub(crate) fn read(&self) -> Result<Input, InputError> {
        Input::read(&[&*self.paths, &*self.files].concat())
    }

    /// Whether stdin is read.
    pub(crate) fn uses_stdin(&self) -> bool {
        let mut paths = self.paths.iter().chain(&self.files);
        paths.any(|path| is_stdin(path))
    }
}

impl Input {
    /// Reads files and folders, each file once. The order depends on the names alone.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, InputError> {
        let mut input = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            if path.is_dir() {
                let Files { policies, skipped } = files_below(path)?;
                let skipped: Vec<_> = skipped.iter().map(|file| name_of(file)).collect();
                skipped::files(&skipped, listing())
                    .into_iter()
                    .for_each(report::note);
                if policies.is_empty() {
                    return Err(InputError::EmptyFolder(path.clone()));
                }
                for file in policies.iter().filter(|file| seen.insert(identity(file))) {
                    input.add(file, file.strip_prefix(path).unwrap_or(file))?;
                }
            } else if seen.insert(identity(path)) {
                input.add(path, path.file_name().map_or(path, Path::new))?;
            } else if is_stdin(path) {
                return Err(InputError::StdinTwice);
            }
        }
        Ok(input)
    }

    fn add(&mut self, path: &Path, relative: &Path) -> Result<(), InputError> {
        let text = String::from_utf8(bytes(path)?).unwrap_or_else(|error| {
            self.diagnostics.push(not_utf8(self.sources.len(), &error));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        let text = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(text) => {
                self.marked.insert(self.sources.len());
                text.to_owned()
            }
            None => text,
        };
        let name = name_of(path);
        self.sources.push(SourceText { name, text });
        self.names.push(name_of(relative));
        Ok(())
    }
}

/// The content of a file, or of stdin for `-`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map_err(|reason| cannot_read(path, reason))?;
    Ok(bytes)
}

/// Opens a file, or stdin for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, InputError> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(reason) => Err(cannot_read(path, reason)),
    }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What messages call a file.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) {
        "<stdin>".to_owned()
    } else {
        path.display().to_string()
    }
}

pub(crate) fn cannot_read(path: &Path, reason: io::Error) -> InputError {
    let name = name_of(path);
    InputError::Read { name, reason }
}

/// The name that a file or folder has whichever way it is reached, or else the one it was given.
fn identity(path: &Path) -> PathBuf {
    if is_stdin(path) {
        return path.to_owned();
    }
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The files of a folder, in the order of their names.
#[derive(Debug, Default)]
struct Files {
    policies: Vec<PathBuf>,
    /// Files that may have been meant as policies.
    skipped: Vec<PathBuf>,
}

/// The files below a folder. Links are followed, each folder is entered once.
fn files_below(folder: &Path) -> Result<Files, InputError> {
    let mut files = Files::default();
    let mut entered = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        if !entered.insert(identity(&folder)) {
            continue;
        }
        for path in entries(&folder).map_err(|reason| cannot_read(&folder, reason))? {
            if path.is_dir() {
                folders.push(path);
            } else if has_extension(&path, &EXTENSIONS) {
                files.policies.push(path);
            } else if !is_companion(&path) {
                files.skipped.push(path);
            }
        }
    }
    files.policies.sort();
    files.skipped.sort();
    Ok(files)
}

/// What is in a folder and not hidden, in the order of the names.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// `notes.txt` is one, and `policy.yaml.txt` is a policy that an editor has renamed.
fn is_companion(path: &Path) -> bool {
    let stem = path.file_stem().map(Path::new);
    has_extension(path, &COMPANIONS) && !stem.is_some_and(|stem| has_extension(stem, &EXTENSIONS))
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|extension| {
        extensions
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// The first byte that is not UTF-8, at its place in what the text is shown as.
fn not_utf8(source: usize, error: &FromUtf8Error) -> Diagnostic {
    let start = error.utf8_error().valid_up_to();
    let byte = error.as_bytes().get(start).copied().unwrap_or_default();
    Diagnostic {
        code: code::YAML_SYNTAX,
        source,
        span: Span {
            start,
            end: start + char::REPLACEMENT_CHARACTER.len_utf8(),
        },
        message: format!("the byte 0x{byte:02X} is not UTF-8"),
        help: "save the file in the encoding UTF-8".to_owned(),
        related: None,
    }
}
