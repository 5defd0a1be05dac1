//! A command → its page in Markdown.

use std::fmt::Write as _;

use clap::Arg;
use clap::builder::StyledStr;

use crate::commands::Documented;

/// The heading of the examples in the help.
const EXAMPLES: &str = "Examples:\n";

/// The heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// The overview: the program, its options, and a list of all commands.
pub(crate) fn overview(commands: &[Documented]) -> String {
    let Some((program, commands)) = commands.split_first() else {
        return String::new();
    };
    let mut text = format!("# Commands\n\n{}\n\n", long_about(program));
    text.push_str("| command | purpose |\n| --- | --- |\n");
    for command in commands {
        let about = plain(command.command.get_about());
        let (path, file) = (&command.path, &command.file);
        let _ = writeln!(text, "| [`{path}`]({file}.md) | {about} |");
    }
    let after = plain(program.command.get_after_help());
    let _ = write!(
        text,
        "\n```text\n{after}\n```\n\n## Options of every command\n\n"
    );
    let global = program.command.get_arguments();
    let global = global.filter(|argument| argument.get_help_heading() == Some(GLOBAL));
    text.extend(global.map(entry));
    text
}

/// The page of a command.
pub(crate) fn page(command: &Documented) -> String {
    let mut text = format!("# `{}`\n\n{}\n\n", command.path, long_about(command));
    let usage = command.command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let _ = write!(text, "```text\n{usage}\n```\n\n");
    let after = plain(command.command.get_after_help());
    let (examples, notes) = match after.strip_prefix(EXAMPLES) {
        Some(rest) => rest.split_once("\n\n").unwrap_or((rest, "")),
        None => ("", &*after),
    };
    if !examples.is_empty() {
        let lines: Vec<_> = examples
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .collect();
        let _ = write!(text, "## Examples\n\n```sh\n{}\n```\n\n", lines.join("\n"));
    }
    if !notes.is_empty() {
        let _ = write!(text, "{notes}\n\n");
    }
    let own = |argument: &&Arg| {
        argument.get_help_heading() != Some(GLOBAL) && argument.get_id() != "help"
    };
    let arguments: Vec<_> = command.command.get_arguments().filter(own).collect();
    let (positional, options): (Vec<_>, Vec<_>) = arguments
        .into_iter()
        .partition(|argument| argument.is_positional());
    for (title, arguments) in [("Arguments", positional), ("Options", options)] {
        if !arguments.is_empty() {
            let _ = write!(text, "## {title}\n\n");
            text.extend(arguments.iter().map(|argument| entry(argument)));
            text.push('\n');
        }
    }
    let subcommands = command.command.get_subcommands();
    let subcommands: Vec<_> = subcommands
        .filter(|command| command.get_name() != "help")
        .collect();
    if !subcommands.is_empty() {
        text.push_str("## Commands\n\n");
        for subcommand in subcommands {
            let (name, about) = (subcommand.get_name(), plain(subcommand.get_about()));
            let (path, file) = (&command.path, &command.file);
            let _ = writeln!(text, "- [`{path} {name}`]({file}-{name}.md): {about}");
        }
        text.push('\n');
    }
    text.push_str(
        "Every command also has these [options](overview.md#options-of-every-command).\n",
    );
    text
}

/// An argument as an item of a definition list.
fn entry(argument: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut name = names.join(", ");
    if argument.is_positional() || argument.get_action().takes_values() {
        let values = argument.get_value_names().unwrap_or_default();
        let values: Vec<_> = values.iter().map(|value| format!("<{value}>")).collect();
        name = format!("{name} {}", values.join(" "));
    }
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = format!(
        "- `{}`: {}",
        name.trim(),
        indented(&sentences(&plain(help)))
    );
    let defaults = argument.get_default_values();
    let has_value = argument.get_action().takes_values();
    if has_value && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        let defaults: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        let _ = write!(text, " Default: `{}`.", defaults.join(", "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, " Environment: `{}`.", variable.to_string_lossy());
    }
    text.push('\n');
    if has_value && !argument.is_hide_possible_values_set() {
        for value in argument.get_possible_values() {
            let help = value
                .get_help()
                .map(|help| format!(": {}", sentence(&help.to_string())));
            let _ = writeln!(
                text,
                "  - `{}`{}",
                value.get_name(),
                help.unwrap_or_default()
            );
        }
    }
    text
}

/// Later paragraphs belong to the item of the first.
fn indented(text: &str) -> String {
    text.replace("\n\n", "\n\n  ")
}

/// A text whose first paragraph, which help writes without a full stop, has one. A default in brackets becomes a
/// sentence.
fn sentences(text: &str) -> String {
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let first = match first.split_once(" [default: ") {
        Some((first, default)) => format!(
            "{} Default: {}",
            sentence(first),
            sentence(default.trim_end_matches(']'))
        ),
        None => sentence(first),
    };
    match rest {
        "" => first,
        rest => format!("{first}\n\n{rest}"),
    }
}

/// A text with a full stop at its end.
fn sentence(text: &str) -> String {
    match text.trim_end() {
        "" => String::new(),
        text if text.ends_with('.') => text.to_owned(),
        text => format!("{text}."),
    }
}

fn long_about(command: &Documented) -> String {
    let long = command.command.get_long_about();
    sentences(&plain(long.or_else(|| command.command.get_about())))
}

fn plain(text: Option<&StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}
