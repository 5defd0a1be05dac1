//! The commands of the command line, at any depth.

use clap::{Command, CommandFactory};
use peergate::Cli;

/// A command.
pub(crate) struct Documented {
    /// All words that call it, such as `peergate certs root`.
    pub(crate) path: String,
    /// The name of its page, without an extension.
    pub(crate) file: String,
    pub(crate) command: Command,
}

/// The program, and every command after the one that it belongs to.
pub(crate) fn commands() -> Vec<Documented> {
    let mut root = Cli::command();
    root.build();
    let mut commands = Vec::new();
    add(&root, "peergate", &mut commands);
    commands
}

fn add(command: &Command, path: &str, commands: &mut Vec<Documented>) {
    let words = path.strip_prefix("peergate ").unwrap_or_default();
    commands.push(Documented {
        path: path.to_owned(),
        file: words.replace(' ', "-"),
        command: command.clone(),
    });
    let subcommands = command.get_subcommands();
    for subcommand in subcommands.filter(|command| command.get_name() != "help") {
        add(
            subcommand,
            &format!("{path} {}", subcommand.get_name()),
            commands,
        );
    }
}
