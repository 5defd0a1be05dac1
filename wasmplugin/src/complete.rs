//! Shell completion. The scripts ask this program for candidates, so that names in policy documents are among them.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Command, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use peergate_report::pages;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::validate::Options;

use crate::input::Input;
use crate::output::{OutputError, cannot_write_stdout};
use crate::policies::{at_or_now, check};
use crate::verbosity::{Verbosity, set_verbosity};

/// The environment variable by which a shell asks for candidates.
const VARIABLE: &str = "PEERGATE_COMPLETE";

/// A shell with completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Elvish => &Elvish,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Zsh => &Zsh,
        }
    }
}

/// If a shell asks for candidates, prints them and ends the process.
pub(crate) fn answer(command: impl Fn() -> Command) {
    if std::env::var_os(VARIABLE).is_some() {
        set_verbosity(Verbosity::Quiet);
        CompleteEnv::with_factory(command).var(VARIABLE).complete();
    }
}

/// The script that makes a shell ask for candidates.
pub(crate) fn script(shell: Shell) -> Result<Vec<u8>, OutputError> {
    let mut script = Vec::new();
    shell
        .completer()
        .write_registration(VARIABLE, "peergate", "peergate", "peergate", &mut script)
        .map_err(cannot_write_stdout)?;
    Ok(script)
}

/// Policies in the documents on the command line, as `NAMESPACE/NAME`.
pub(crate) fn policies(prefix: &OsStr) -> Vec<CompletionCandidate> {
    let names = |policy: &ServicePolicy| vec![policy.name().to_string()];
    candidates(prefix, names)
}

/// Namespaces of policies in the documents on the command line.
pub(crate) fn namespaces(prefix: &OsStr) -> Vec<CompletionCandidate> {
    candidates(prefix, |policy| vec![policy.name().namespace.clone()])
}

/// Rules of policies in the documents on the command line.
pub(crate) fn rules(prefix: &OsStr) -> Vec<CompletionCandidate> {
    candidates(prefix, |policy| {
        let rules = policy.rule_specs().into_iter();
        rules.map(|rule| rule.id).collect()
    })
}

/// Codes with a page.
pub(crate) fn codes(prefix: &OsStr) -> Vec<CompletionCandidate> {
    beginning_with(prefix, pages::codes().map(str::to_owned).collect())
}

fn candidates(
    prefix: &OsStr,
    names: impl Fn(&ServicePolicy) -> Vec<String>,
) -> Vec<CompletionCandidate> {
    let Some(set) = documents(std::env::args_os()) else {
        return Vec::new();
    };
    beginning_with(prefix, set.policies().iter().flat_map(names).collect())
}

fn beginning_with(prefix: &OsStr, mut names: Vec<String>) -> Vec<CompletionCandidate> {
    let prefix = prefix.to_string_lossy();
    names.retain(|name| name.starts_with(&*prefix));
    names.sort();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The valid documents among the words of the command line, which follow `--`.
fn documents(args: impl Iterator<Item = OsString>) -> Option<PolicySet> {
    let words = args.skip_while(|arg| arg != "--").skip(2);
    let paths: Vec<PathBuf> = words
        .map(PathBuf::from)
        .filter(|path| is_input(path))
        .collect();
    let input = Input::read(&paths).ok()?;
    let options = Options {
        at: at_or_now(None),
        istio_version: None,
    };
    let (_, validated) = check(input, options);
    validated.policies
}

fn is_input(path: &Path) -> bool {
    let is_document = path
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    path.is_dir() || (is_document && path.is_file())
}
