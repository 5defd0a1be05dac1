//! The command line of Peergate.
//!
//! Each command reads its arguments and files, makes one call into `policy-schema`, `peergate-mesh` or
//! `peergate-insight`, and prints the result with `peergate-report`: results on stdout, messages on stderr, the outcome
//! as [`ExitStatus`].

mod commands;
mod complete;
mod decision_key;
mod format;
mod help;
mod image;
mod input;
mod label;
mod manifests;
mod out_args;
mod output;
mod policies;
mod policy_args;
mod policy_file;
mod progress;
mod prometheus_args;
mod registry;
mod report;
mod terminal_args;
mod time_args;
mod top;
mod verbosity;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use peergate_fault::Failure;

use commands::{
    certs, completions, decide, explain, import, init, install_values, learn, metrics, monitoring,
    package, promote, push, render, schema, validate, verify, version,
};
use terminal_args::TerminalArgs;

pub use peergate_fault::ExitStatus;

/// Access policies for service meshes: who may call what, in one document
///
/// Peergate compiles policies over workload identities (SPIFFE IDs) to Istio resources and to the configuration of a
/// proxy-wasm filter. It checks them, decides requests as the proxy does, and compares them with a running mesh.
#[derive(Debug, Parser)]
#[command(
    name = "peergate",
    version = env!("PEERGATE_VERSION"),
    after_help = "\
Start in shadow, which denies nothing:
  peergate init --out policy.yaml
  peergate validate policy.yaml
  peergate package --filter FILE.wasm --out image.tar       # the filter
  peergate push image.tar REGISTRY/NAME --write policy.yaml
  peergate render policy.yaml | kubectl apply -f -
Watch, then enforce:
  peergate top policy.yaml --prometheus URL
  peergate promote policy.yaml --prometheus URL --write
  peergate render policy.yaml | kubectl apply -f -
  peergate verify policy.yaml --cluster

Results go to stdout, messages to stderr.

Exit status, of every command:
  0  yes, or done
  1  failure: a file, the network or another program
  2  the answer is no: denied, findings, not ready, only partly converted
  3  invalid policies, input or arguments

Documentation: https://github.com/peergate/peergate/tree/main/docs"
)]
pub struct Cli {
    #[command(flatten)]
    terminal: TerminalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Validate(validate::Args),
    Render(render::Args),
    InstallValues(install_values::Args),
    Verify(Box<verify::Args>),
    Top(Box<commands::top::Args>),
    Promote(Box<promote::Args>),
    Import(import::Args),
    Decide(Box<decide::Args>),
    Explain(explain::Args),
    Metrics(metrics::Args),
    Learn(Box<learn::Args>),
    Certs(certs::Args),
    Monitoring(monitoring::Args),
    Package(package::Args),
    Push(push::Args),
    Schema(schema::Args),
    #[cfg(feature = "demo")]
    Demo(commands::demo::Args),
    Completions(completions::Args),
    Version(version::Args),
}

impl Cli {
    /// Runs the command that the arguments of the process name.
    pub fn run() -> ExitStatus {
        complete::answer(Self::command);
        let command = help::as_wide_as_terminal(Self::command());
        let parsed = command.clone().try_get_matches();
        let cli = match parsed.and_then(|matches| Self::from_arg_matches(&matches)) {
            Ok(cli) => cli,
            Err(usage) => {
                let usage = help::with_negative_value(usage, command, std::env::args_os());
                // A closed pipe is no failure of the help.
                let _ = usage.print();
                return if usage.use_stderr() {
                    ExitStatus::Invalid
                } else {
                    ExitStatus::Success
                };
            }
        };
        cli.terminal.apply();
        match cli.command.run() {
            Ok(status) => status,
            Err(failure) => {
                report::failure(&*failure);
                failure.status()
            }
        }
    }
}

impl Command {
    fn run(self) -> Result<ExitStatus, Failure> {
        match self {
            Self::Init(args) => init::run(&args),
            Self::Validate(args) => validate::run(&args),
            Self::Render(args) => render::run(&args),
            Self::InstallValues(args) => install_values::run(&args),
            Self::Verify(args) => verify::run(&args),
            Self::Top(args) => commands::top::run(&args),
            Self::Promote(args) => promote::run(&args),
            Self::Import(args) => import::run(&args),
            Self::Decide(args) => decide::run(&args),
            Self::Explain(args) => explain::run(&args),
            Self::Metrics(args) => metrics::run(&args),
            Self::Learn(args) => learn::run(&args),
            Self::Certs(args) => certs::run(&args),
            Self::Monitoring(args) => monitoring::run(&args),
            Self::Package(args) => package::run(&args),
            Self::Push(args) => push::run(&args),
            Self::Schema(args) => schema::run(&args),
            #[cfg(feature = "demo")]
            Self::Demo(args) => commands::demo::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Version(args) => version::run(&args),
        }
    }
}
