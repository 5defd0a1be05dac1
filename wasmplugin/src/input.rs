//! Files, folders and stdin → texts. The only place that reads files.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use policy_schema::code::Code;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::yaml::Span;

use crate::failure::Failure;

/// What a policy file's name ends in.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// What stdin is called in messages.
const STDIN: &str = "<stdin>";

/// Where the policies are.
#[derive(Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// A policy file, a folder with such files, or `-` for stdin; repeatable
    ///
    /// Of a folder, every `.yaml`, `.yml` and `.json` file below it is read, hidden ones left out. All documents
    /// together are one input: one Mesh and any number of ServicePolicies.
    #[arg(short = 'f', long = "file", value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
}

/// The texts of an input.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) sources: Vec<SourceText>,
    /// Texts that are no text.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl InputArgs {
    /// Reads all of it, each file once, in an order that depends on names alone.
    pub(crate) fn read(&self) -> Result<Input, Failure> {
        let mut input = Input::default();
        let mut seen = Seen::default();
        for path in &self.files {
            if is_stdin(path) {
                if !seen.is_new(path) {
                    return Err(Failure::StdinTwice);
                }
                let mut bytes = Vec::new();
                let read = io::stdin().read_to_end(&mut bytes);
                read.map_err(|reason| cannot_read(path, reason))?;
                input.add(STDIN.to_owned(), bytes);
            } else if path.is_dir() {
                let mut files = Vec::new();
                find_files(path, &mut seen, &mut files)?;
                if files.is_empty() && !has_files(path) {
                    return Err(Failure::EmptyFolder(path.clone()));
                }
                for file in files {
                    input.add_file(&file, &mut seen)?;
                }
            } else {
                input.add_file(path, &mut seen)?;
            }
        }
        Ok(input)
    }

    /// Whether stdin is taken.
    pub(crate) fn uses_stdin(&self) -> bool {
        self.files.iter().any(|path| is_stdin(path))
    }
}
