//! The width of help.

use std::ffi::OsString;

use clap::Command;
use clap::error::ErrorKind;

/// No example has a longer line, so examples are never wrapped. A shell does not continue a wrapped line.
const MIN_WIDTH: usize = 100;

/// A command line with help as wide as the terminal, but wide enough for examples.
pub(crate) fn as_wide_as_terminal(command: Command) -> Command {
    let terminal =
        ratatui::crossterm::terminal::size().map_or(MIN_WIDTH, |(columns, _)| columns.into());
    with_width(command, terminal)
}

fn with_width(command: Command, columns: usize) -> Command {
    command.term_width(columns.clamp(MIN_WIDTH, MAX_WIDTH))
}

/// Longer lines are hard to read.
const MAX_WIDTH: usize = 120;

/// The error, reworded if an option has a negative value: clap takes `-1d` for an option.
pub(crate) fn with_negative_value(
    usage: clap::Error,
    mut command: Command,
    args: impl Iterator<Item = OsString>,
) -> clap::Error {
    if usage.kind() != ErrorKind::UnknownArgument {
        return usage;
    }
    let args: Vec<_> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut pairs = args.iter().zip(args.iter().skip(1));
    let negative = pairs.find(|(option, value)| {
        let number = value.strip_prefix('-');
        option.starts_with('-')
            && number.is_some_and(|number| number.starts_with(|char: char| char.is_ascii_digit()))
    });
    let Some((option, value)) = negative else {
        return usage;
    };
    let message = format!(
        "`{option} {value}`: a time span or number cannot be negative; write it without the `-`"
    );
    command.error(ErrorKind::InvalidValue, message)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    /// Each command, at any depth, by its name.
    fn all(command: &Command, name: &str, commands: &mut Vec<(String, Command)>) {
        commands.push((name.to_owned(), command.clone()));
        for subcommand in command.get_subcommands() {
            all(
                subcommand,
                &format!("{name} {}", subcommand.get_name()),
                commands,
            );
        }
    }

    /// The lines of examples, which are indented.
    fn examples(help: &str) -> impl Iterator<Item = &str> {
        help.lines().filter(|line| line.starts_with("  "))
    }

    /// The flags in a text.
    fn flags(text: &str) -> impl Iterator<Item = &str> {
        text.split("`--").skip(1).filter_map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '-'))?;
            rest.get(..end)
        })
    }

    /// The help texts of errors in a folder, at any depth.
    fn remedies(folder: &Path, texts: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                remedies(&path, texts);
                continue;
            }
            let code = fs::read_to_string(&path).unwrap();
            let functions = code.split("fn help(&self)").skip(1);
            texts.extend(functions.map(|function| {
                let end = function.find("\n}\n").unwrap_or(function.len());
                function.get(..end).unwrap_or_default().to_owned()
            }));
        }
    }

    #[test]
    fn remedies_name_flags_that_there_are() {
        let mut root = Cli::command();
        root.build();
        let mut commands = Vec::new();
        all(&root, "peergate", &mut commands);
        let arguments = commands
            .iter()
            .flat_map(|(_, command)| command.get_arguments());
        let known: std::collections::HashSet<_> = arguments
            .filter_map(|argument| argument.get_long())
            .collect();
        // Flags of `kubectl`.
        let foreign = ["server-side"];
        let mut found = 0;
        let mut texts = Vec::new();
        for folder in ["src", "../insight/src", "../mesh/src", "../report/src"] {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            remedies(&source, &mut texts);
        }
        let named = texts.iter().flat_map(|text| flags(text));
        for flag in named.filter(|flag| !foreign.contains(flag)) {
            found += 1;
            assert!(known.contains(flag), "--{flag}");
        }
        assert!(found > 20, "{found}");
    }

    #[test]
    fn no_example_is_broken_by_the_width_of_the_terminal() {
        let mut found = 0;
        for columns in [20, 80, 100, 250] {
            let mut root = with_width(Cli::command(), columns);
            root.build();
            let mut commands = Vec::new();
            all(&root, "peergate", &mut commands);
            for (name, mut command) in commands {
                let texts = [command.get_after_help(), command.get_after_long_help()];
                let texts: Vec<_> = texts
                    .into_iter()
                    .flatten()
                    .map(ToString::to_string)
                    .collect();
                let shown = [command.render_help(), command.render_long_help()];
                let shown = shown.map(|help| help.to_string()).join("\n");
                let shown: std::collections::HashSet<_> =
                    shown.lines().map(str::trim_end).collect();
                for line in texts.iter().flat_map(|text| examples(text)) {
                    found += 1;
                    assert!(shown.contains(line), "{name} at {columns} columns: {line}");
                }
            }
        }
        assert!(found > 100, "{found}");
    }

    #[test]
    fn no_note_of_the_help_is_wrapped() {
        let mut root = Cli::command();
        root.build();
        let mut commands = Vec::new();
        all(&root, "peergate", &mut commands);
        for (name, command) in commands {
            let notes = command.get_after_help().map(ToString::to_string);
            for line in notes.iter().flat_map(|text| text.lines()) {
                assert!(line.chars().count() <= MIN_WIDTH, "{name}: {line}");
            }
        }
    }
}
