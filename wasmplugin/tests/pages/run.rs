//! Runs the commands of a page, in a copy of the example and with the files that the page shows, and compares what they print.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::markdown::{Block, prompts};

/// What stands for any text in a line, and alone in a line for any number of lines.
const ELISION: &str = "…";

/// The folder in which the commands of a page run: a later one sees what an earlier one wrote.
const EXAMPLE: &str = "examples/online-boutique";

/// What is not printed as the page has it.
pub(crate) fn differences(
    page: &str,
    blocks: impl Iterator<Item = Block>,
    root: &Path,
) -> Vec<String> {
    let mut folder = None;
    let mut found = Vec::new();
    for block in blocks {
        let folder = folder.get_or_insert_with(|| copy_of(&root.join(EXAMPLE)));
        if let Some(name) = block.file() {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &block.text).unwrap();
        }
        if !block.is_run() {
            continue;
        }
        for (command, expected) in prompts(&block.text) {
            let place = format!("{page}:{}: $ {command}", block.line);
            let output = run(&command, folder.path());
            let printed = String::from_utf8(output.stdout).unwrap();
            let printed: Vec<_> = printed.trim_end().lines().map(str::trim_end).collect();
            let expected: Vec<_> = expected.lines().map(str::trim_end).collect();
            // Of the exit statuses, 2 is the answer no. Pages show failures with `|| true`.
            let status = output.status.code();
            if !matches!(status, Some(0 | 2)) || !matches(&expected, &printed) {
                let printed = printed.join("\n");
                found.push(format!(
                    "{place}\nprints, and ends with {status:?}:\n{printed}"
                ));
            }
        }
    }
    found
}

fn copy_of(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_into(folder, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs a line of a shell. A terminal shows results and messages together.
fn run(line: &str, folder: &Path) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_peergate")).parent().unwrap();
    let mut path = OsString::from(program);
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{line}")])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap()
}

fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&ELISION, rest)), None) => rest.is_empty(),
        (Some((&ELISION, rest)), Some((_, after))) => {
            matches(rest, printed) || matches(expected, after)
        }
        (Some((line, rest)), Some((first, after))) => {
            matches_line(line, first) && matches(rest, after)
        }
        _ => false,
    }
}

fn matches_line(expected: &str, printed: &str) -> bool {
    let Some((start, rest)) = expected.split_once(ELISION) else {
        return expected == printed;
    };
    let Some(mut printed) = printed.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split(ELISION).collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = printed.split_once(part) else {
            return false;
        };
        printed = after;
    }
    printed.ends_with(end)
}

#[test]
fn an_elision_stands_for_any_lines() {
    let printed = ["a", "b", "c"];
    assert!(matches(&["a", "b", "c"], &printed));
    assert!(matches(&["a", ELISION, "c"], &printed));
    assert!(matches(&[ELISION], &printed));
    assert!(matches(&["a", ELISION, "b", "c", ELISION], &printed));
    assert!(!matches(&["a", "c"], &printed));
    assert!(!matches(&[ELISION, "b"], &printed));
}

#[test]
fn an_elision_stands_for_any_text_in_a_line() {
    assert!(matches_line("rule … of …: ready", "rule a of b: ready"));
    assert!(matches_line("13 files…", "13 files, 12 policies"));
    assert!(!matches_line("rule … of …: ready", "rule a of b: not yet"));
    assert!(!matches_line("a", "ab"));
}
