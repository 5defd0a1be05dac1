//! A demo that keeps running: how to call it, and changed documents for it.

use std::sync::mpsc;

use peergate_fault::Failure;
use peergate_sandbox::demo::{DemoError, DemoMesh};
use peergate_sandbox::{INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT};

use super::documents;
use crate::report;

/// What happens while everything keeps running.
enum Event {
    /// Ctrl-C.
    Stop,
    /// The user pressed Enter.
    Deliver,
}

/// Says how to call what runs, and delivers the documents on demand until Ctrl-C.
pub(super) fn keep(mesh: &DemoMesh) -> Result<(), Failure> {
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
        let delivered =
            documents::policies(mesh.documents()).and_then(|policies| Ok(mesh.deliver(&policies)?));
        match delivered {
            Ok(()) => anstream::eprintln!("The proxy got the documents as they are now."),
            // What was wrong with them can be changed, and the proxy has what it had.
            Err(reason) => report::failure(&*reason),
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
