//! Options of every command: color, and how much is printed on stderr.

use anstream::ColorChoice;

use crate::verbosity::{Verbosity, set_verbosity};

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct TerminalArgs {
    /// When to use color: `auto`, `always` or `never`; `auto` respects `NO_COLOR`
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        global = true,
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    color: Color,
    /// Print no notes, summaries or progress
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    quiet: bool,
    /// Print every note, where notes would be summarized
    #[arg(short, long, global = true, help_heading = "Global options")]
    verbose: bool,
}

/// When to use color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also in files and pipes
    Always,
    /// Never
    Never,
}

impl TerminalArgs {
    /// Makes the rest of the process follow these options.
    pub(crate) fn apply(&self) {
        match self.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        set_verbosity(match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
            (false, true) => Verbosity::Verbose,
        });
    }
}
