//! Pages show commands that exist, output that comes, and pictures of their sources.
//!
//! - Every `peergate …` command of every page is parsed by the command line itself.
//! - A block ```` ```console ```` is run, in a copy of the example, and its output compared.
//! - A command that needs more than that has a comment on the line above: `<!-- not run: needs a cluster -->`.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

mod markdown;
mod run;
mod shell;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::ErrorKind;
use sha2::{Digest, Sha256};

use markdown::{Block, Page};
use shell::Invocation;

/// Pages in which a test runs every command, or a comment says why it does not.
const RUN_OR_MARKED: [&str; 16] = [
    "docs/comparison.md",
    "docs/compatibility.md",
    "docs/enforcement-points.md",
    "docs/environments.md",
    "docs/faq.md",
    "docs/first-steps.md",
    "docs/introduction.md",
    "docs/life-of-a-request.md",
    "docs/life-of-a-rule.md",
    "docs/move-from-istio.md",
    "docs/performance.md",
    "docs/review-and-ci.md",
    "docs/start.md",
    "docs/threat-model.md",
    "docs/troubleshooting.md",
    "docs/who-sees-what.md",
];

/// What a command that is not run may need.
const NEEDS: [&str; 5] = [
    "a cluster",
    "a proxy",
    "a registry",
    "minutes",
    "Prometheus",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The pages that readers see. The changelog is history: it has commands of earlier versions.
fn pages() -> Vec<Page> {
    let elsewhere = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "RELEASING.md",
        "SECURITY.md",
        "examples/online-boutique/README.md",
    ];
    let mut names: Vec<_> = elsewhere.map(str::to_owned).into();
    names.extend(in_docs("md").map(|name| format!("docs/{name}")));
    names.iter().map(|name| Page::read(&root(), name)).collect()
}

/// The names of the files in `docs/` that end so, those of the command reference included.
fn in_docs(extension: &str) -> impl Iterator<Item = String> + use<> {
    let commands = files(&root().join("docs/commands"), extension);
    let commands = commands.map(|name| format!("commands/{name}"));
    let names = files(&root().join("docs"), extension).chain(commands);
    names.collect::<BTreeSet<_>>().into_iter()
}

fn files(folder: &Path, extension: &str) -> impl Iterator<Item = String> + use<> {
    let end = format!(".{extension}");
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(move |name| name.ends_with(&end))
        .collect::<BTreeSet<_>>()
        .into_iter()
}

#[test]
fn every_command_of_every_page_parses() {
    let mut parsed = 0;
    let mut faults = Vec::new();
    for page in pages() {
        for (line, text, is_whole) in page.commands() {
            for invocation in shell::invocations(&text) {
                parsed += 1;
                let fault = fault_of(&invocation, is_whole);
                faults
                    .extend(fault.map(|fault| format!("{}:{line}: {text}\n  {fault}", page.name)));
            }
        }
    }
    assert!(parsed > 100, "only {parsed} commands were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What the command line says against an invocation. In running text, `peergate promote` names a command: there, only what is
/// written must exist.
fn fault_of(invocation: &Invocation, is_whole: bool) -> Option<String> {
    let arguments = &invocation.arguments;
    let error = peergate::Cli::command()
        .try_get_matches_from(arguments)
        .err()?;
    let kind = error.kind();
    let is_help = matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_short = matches!(
        kind,
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if is_help || is_short && !(is_whole && invocation.is_complete) {
        return None;
    }
    // `--probe HOST:PORT` stands for a value, where the page is about the option.
    let names_value = |argument: &String| argument.chars().all(|c| !c.is_lowercase());
    let is_value = matches!(kind, ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let is_bare = error.to_string().contains("a value is required");
    if is_value && !is_whole && (is_bare || arguments.iter().any(names_value)) {
        return None;
    }
    Some(
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    )
}

#[test]
fn commands_of_console_blocks_print_what_pages_show() {
    let mut faults = Vec::new();
    for page in pages() {
        let blocks = page.blocks();
        if blocks.iter().any(Block::is_run) {
            faults.extend(run::differences(&page.name, blocks.into_iter(), &root()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn a_command_that_is_not_run_has_a_reason() {
    for page in pages() {
        let is_new = RUN_OR_MARKED.contains(&page.name.as_str());
        for block in page.blocks() {
            let place = format!("{}:{}", page.name, block.line);
            if let Some(reason) = &block.not_run {
                println!("{place}: not run: {reason}");
                let is_known = NEEDS.iter().any(|need| *reason == format!("needs {need}"));
                assert!(is_known, "{place}: `{reason}` is none of {NEEDS:?}");
                continue;
            }
            let is_command = matches!(block.language.as_str(), "sh" | "bash" | "shell" | "");
            let names_command = !shell::invocations(&block.text).is_empty();
            assert!(
                !(is_new && is_command && names_command),
                "{place}: make it a `console` block with its output, or say why it is not run"
            );
        }
    }
}

#[test]
fn the_hooks_of_pre_commit_are_commands() {
    let text = fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    let hooks: Vec<serde_json::Value> = serde_saphyr::from_str(&text).unwrap();
    assert!(!hooks.is_empty());
    for hook in hooks {
        for key in ["id", "name", "entry", "language"] {
            assert!(hook[key].is_string(), "{hook}: {key}");
        }
        let arguments = hook["args"].as_array().unwrap().iter();
        let arguments = arguments.map(|argument| argument.as_str().unwrap());
        let line = [hook["entry"].as_str().unwrap()]
            .into_iter()
            .chain(arguments);
        let line = line.collect::<Vec<_>>().join(" ");
        let invocations = shell::invocations(&line);
        assert_eq!(invocations.len(), 1, "{line}");
        for invocation in invocations {
            assert_eq!(fault_of(&invocation, true), None, "{line}");
        }
    }
}

#[test]
fn pages_that_are_run_or_marked_exist() {
    for name in RUN_OR_MARKED {
        assert!(root().join(name).exists(), "{name}");
    }
}

#[test]
fn the_summary_has_every_page_once() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let mut listed: Vec<_> = summary
        .split("](")
        .skip(1)
        .filter_map(|link| link.split(')').next())
        .map(str::to_owned)
        .collect();
    listed.sort_unstable();
    let pages: Vec<_> = in_docs("md").filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(listed, pages);
}

#[test]
fn diagrams_are_drawn_of_their_sources() {
    let folder = root().join("docs/pictures");
    let sources: Vec<_> = files(&folder, "dot").collect();
    assert!(!sources.is_empty());
    for name in sources {
        let source = fs::read(folder.join(&name)).unwrap();
        let digest = hex(&Sha256::digest(source));
        let picture = folder.join(name.replace(".dot", ".svg"));
        let picture = fs::read_to_string(picture).unwrap_or_default();
        let first = picture.lines().next().unwrap_or_default();
        let expected = format!("<!-- of {name}, sha256 {digest} -->");
        assert_eq!(first, expected, "{name}: run `make diagrams`");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
