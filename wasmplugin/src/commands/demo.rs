//! `peergate demo`.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::sync::mpsc;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_report::serialized;
use peergate_sandbox::{EnvoyBinary, INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT};
use thiserror::Error;

use crate::demo::{self, DemoError, DemoMesh};
use crate::image::{NotAModule, WASM_MAGIC};
use crate::output::{self, Format};
use crate::report;

/// Run a service of the example shop behind a real Envoy with the filter, and call it as everybody
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  make demo
  peergate demo --filter target/filter/peergate_filter.wasm --keep

Starts two Envoys on loopback with certificates of a throw-away authority, makes calls that
must pass and calls that must not, and shows what came back and what was counted. Ends with
exit code 0 only if everything is as expected.")]
pub(crate) struct Args {
    /// The filter's module; by default the one beside this program
    #[arg(long, value_name = "FILE", env = "PEERGATE_FILTER")]
    filter: Option<PathBuf>,
    /// The Envoy to run, after `PEERGATE_ENVOY` and the one on the PATH
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// Leave everything running until Ctrl-C, and say how to call it
    #[arg(long)]
    keep: bool,
    /// For whom the report is
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let filter = find_filter(args)?;
    let envoy = EnvoyBinary::find(args.envoy.as_deref()).map_err(DemoError::from)?;
    if std::io::stderr().is_terminal() {
        anstream::eprintln!("starting two Envoys ({}) …", envoy.version());
    }
    let mesh = DemoMesh::start(&envoy, &filter)?;
    let report = demo::run(&mesh)?;
    match args.output {
        Format::Human => anstream::print!(
            "Calls to boutique/cartservice of the example shop; the filter runs in Envoy {}.\n\n{report}",
            envoy.version()
        ),
        Format::Json => output::write_stdout(&serialized::json(&report.to_json())?)?,
    }
    if args.keep {
        keep(&mesh)?;
    }
    Ok(if report.is_as_expected() {
        ExitStatus::Success
    } else {
        ExitStatus::Failure
    })
}

/// No filter is named, and there is none beside this program.
#[derive(Debug, Error)]
#[error("there is no filter to run")]
struct MissingFilter;

impl Fault for MissingFilter {
    fn status(&self) -> ExitStatus {
        ExitStatus::Failure
    }

    fn help(&self) -> Option<&str> {
        Some(
            "build it with `make filter` and name it with `--filter` or PEERGATE_FILTER; `make demo` does both",
        )
    }
}

fn find_filter(args: &Args) -> Result<PathBuf, Failure> {
    let beside = || {
        let program = std::env::current_exe().ok()?;
        Some(program.with_file_name("peergate_filter.wasm"))
    };
    let filter = args.filter.clone().or_else(beside);
    let filter = filter.filter(|path| path.is_file());
    let filter = filter.ok_or(MissingFilter)?;
    let mut start = [0; WASM_MAGIC.len()];
    let is_module = File::open(&filter)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == WASM_MAGIC);
    if !is_module {
        return Err(NotAModule(filter).into());
    }
    Ok(filter)
}

/// What happens while everything keeps running.
enum Event {
    /// Ctrl-C.
    Stop,
    /// Somebody pressed Enter.
    Deliver,
}

/// Says how to call what runs, and delivers the documents on demand until Ctrl-C.
fn keep(mesh: &DemoMesh) -> Result<(), Failure> {
    let (happens, events) = mpsc::channel();
    let pressed = happens.clone();
    // Without a handler Ctrl-C ends the process all the same; only the files stay behind.
    let _ = ctrlc::set_handler(move || {
        let _ = happens.send(Event::Stop);
    });
    // Ends with the process, or with stdin.
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lines();
        while let Some(Ok(_)) = lines.next() {
            if pressed.send(Event::Deliver).is_err() {
                return;
            }
        }
    });
    anstream::eprint!("{}", guide(mesh).map_err(DemoError::from)?);
    while let Ok(Event::Deliver) = events.recv() {
        match mesh.deliver() {
            Ok(()) => anstream::eprintln!("The proxy got the documents as they are now."),
            // What was wrong with them can be changed, and the proxy has what it had.
            Err(reason) => report::failure(&reason),
        }
    }
    Ok(())
}

fn guide(mesh: &DemoMesh) -> Result<String, peergate_sandbox::Error> {
    const CALL: &str = "curl -si -X POST";
    const PATH: &str = "/hipstershop.CartService/AddItem";
    let mut lines = vec![
        "\nEverything keeps running until Ctrl-C.\n\nThrough a caller's own sidecar:".to_owned(),
    ];
    for service in DemoMesh::services() {
        let address = mesh.callers().listener(service)?;
        lines.push(format!("  {CALL} http://{address}{PATH}   # {service}"));
    }
    let certificates = mesh.certificates();
    let certificates = certificates.display();
    let strict = mesh.server().listener(INBOUND_STRICT)?;
    lines.push("\nPast the sidecars, with a certificate of your choice:".to_owned());
    lines.push(format!(
        "  {CALL} -k --cert {certificates}/frontend.cert.pem --key {certificates}/frontend.key.pem https://{strict}{PATH}"
    ));
    lines.push("\nWithout any, where TLS lets it in:".to_owned());
    let permissive = mesh.server().listener(INBOUND_PERMISSIVE)?;
    lines.push(format!("  {CALL} http://{permissive}{PATH}"));
    let optional = mesh.server().listener(INBOUND_OPTIONAL_TLS)?;
    lines.push(format!("  {CALL} -k https://{optional}{PATH}"));
    lines.push(
        "\nWhy a call was denied, by the header `x-peergate-decision` of its answer:".to_owned(),
    );
    let documents = mesh.documents().display();
    lines.push(format!("  peergate explain ID -f {documents}"));
    lines.push("\nTo allow it, change the documents, then press Enter here:".to_owned());
    lines.push(format!(
        "  peergate explain ID -f {documents} --write --yes"
    ));
    lines.push("\nThe filter's metrics, and the same live:".to_owned());
    let admin = mesh.server().admin_addr();
    lines.push(format!(
        "  curl -s http://{admin}/stats/prometheus | grep peergate_\n  peergate top --proxy http://{admin} -f {documents}\n"
    ));
    Ok(lines.join("\n"))
}
