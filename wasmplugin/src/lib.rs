//! The command line of Peergate.
//!
//! Each command reads its arguments and files, makes one call into `policy-schema`, `peergate-mesh` or `peergate-insight`,
//! and prints what `peergate-report` makes of the result: results on stdout, messages on stderr, the outcome as
//! [`ExitStatus`].

mod commands;
mod decision_key;
mod help;
mod image;
mod input;
mod label;
mod manifests;
mod output;
mod policies;
mod policy_file;
mod prometheus_args;
mod registry;
mod report;
mod top;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use peergate_fault::Failure;

use commands::{
    certs, completions, decide, explain, import, init, install_values, learn, metrics, monitoring,
    package, promote, push, render, schema, validate, verify,
};

pub use peergate_fault::ExitStatus;

/// Who may call what in a service mesh: one policy document, checked, rendered and asked
///
/// Peergate compiles policies over workload identities (SPIFFE IDs) to AuthorizationPolicy objects of Istio and to the
/// configuration of a proxy-wasm filter, and answers what they decide about a request.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Begin in shadow, which denies nothing:
  peergate init -o policy.yaml
  peergate validate -f policy.yaml
  peergate push IMAGE REGISTRY/NAME --write policy.yaml    # the filter
  peergate render -f policy.yaml | kubectl apply -f -
Watch, and then enforce:
  peergate top -f policy.yaml --prometheus URL
  peergate promote -f policy.yaml --prometheus URL --write
  peergate render -f policy.yaml | kubectl apply -f -
  peergate verify -f policy.yaml --cluster

Exit codes: 0 success; 1 something failed, such as reading a file; 2 the answer is no, such as
for a request that is denied; 3 the policies or the arguments are invalid.",
    after_long_help = "\
Begin in shadow, which denies nothing:
  peergate init -o policy.yaml
  peergate validate -f policy.yaml
  peergate push IMAGE REGISTRY/NAME --write policy.yaml    # the filter
  peergate render -f policy.yaml | kubectl apply -f -
Watch, and then enforce:
  peergate top -f policy.yaml --prometheus URL
  peergate promote -f policy.yaml --prometheus URL --write
  peergate render -f policy.yaml | kubectl apply -f -
  peergate verify -f policy.yaml --cluster

Results go to stdout, messages to stderr.

Exit codes:
  0  success
  1  something failed, such as reading a file
  2  the answer is no: a request is denied, a mesh is not what the documents say,
     what is in shadow is not ready, a certificate is not sound
  3  the policies or the arguments are invalid"
)]
pub struct Cli {
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
    /// Print the version
    Version,
}

impl Cli {
    /// Does what the process was started for.
    pub fn run() -> ExitStatus {
        let command = help::as_wide_as_terminal(Self::command());
        let parsed = command.clone().try_get_matches();
        let cli = match parsed.and_then(|matches| Self::from_arg_matches(&matches)) {
            Ok(cli) => cli,
            Err(usage) => {
                let usage = help::with_negative_value(usage, command, std::env::args_os());
                // Help that nobody reads any more is no failure.
                let _ = usage.print();
                return if usage.use_stderr() {
                    ExitStatus::Invalid
                } else {
                    ExitStatus::Success
                };
            }
        };
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
            Self::Completions(args) => completions::run(&args, &mut Cli::command()),
            Self::Version => {
                output::write_stdout(Cli::command().render_version().as_bytes())?;
                Ok(ExitStatus::Success)
            }
        }
    }
}
