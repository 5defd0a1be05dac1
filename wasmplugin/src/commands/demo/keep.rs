//! A demo that keeps running: how to call it, and delivery of edited documents.

use std::sync::mpsc;

use peergate_fault::Failure;
use peergate_sandbox::demo::{DemoError, DemoMesh};
use peergate_sandbox::{INBOUND_OPTIONAL_TLS, INBOUND_PERMISSIVE, INBOUND_STRICT};

use super::documents;
use crate::report;

/// An event while the demo keeps running.
enum Event {
    /// Ctrl-C.
    Stop,
    /// The user pressed Enter.
    Deliver,
}

/// Prints how to call the services, and delivers the documents on demand until Ctrl-C.
pub(super) fn keep(mesh: &DemoMesh) -> Result<(), Failure> {
    let (happens, events) = mpsc::channel();
    let pressed = happens.clone();
    // Without a handler, Ctrl-C still ends the process; only the files stay behind.
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
            Ok(()) => anstream::eprintln!("The proxy has the current documents."),
            // The proxy keeps the previous documents, and the user can fix these.
            Err(reason) => report::failure(&*reason),
        }
    }
    Ok(())
}

fn guide(mesh: &DemoMesh) -> Result<String, peergate_sandbox::Error> {
    const CALL: &str = "curl -si -X POST";
    const PATH: &str = "/hipstershop.CartService/AddItem";
    let mut lines = vec![
        "\nEverything keeps running until Ctrl-C.\n\nCall through a caller's sidecar:".to_owned(),
    ];
    for service in DemoMesh::services() {
        let address = mesh.callers().listener(service)?;
        lines.push(format!("  {CALL} http://{address}{PATH}   # {service}"));
    }
    let certificates = mesh.certificates();
    let certificates = certificates.display();
    let strict = mesh.server().listener(INBOUND_STRICT)?;
    lines.push("\nCall past the sidecars, with any certificate:".to_owned());
    lines.push(format!(
        "  {CALL} -k --cert {certificates}/frontend.cert.pem --key {certificates}/frontend.key.pem https://{strict}{PATH}"
    ));
    lines.push("\nCall without a certificate, where TLS permits it:".to_owned());
    let permissive = mesh.server().listener(INBOUND_PERMISSIVE)?;
    lines.push(format!("  {CALL} http://{permissive}{PATH}"));
    let optional = mesh.server().listener(INBOUND_OPTIONAL_TLS)?;
    lines.push(format!("  {CALL} -k https://{optional}{PATH}"));
    lines
        .push("\nExplain a denial by the header `x-peergate-decision` of its response:".to_owned());
    let documents = mesh.documents().display();
    lines.push(format!("  peergate explain ID {documents}"));
    lines.push("\nTo allow it, edit the documents, then press Enter here:".to_owned());
    lines.push(format!("  peergate explain ID {documents} --write --yes"));
    lines.push("\nRead the filter's metrics, once and live:".to_owned());
    let admin = mesh.server().admin_addr();
    lines.push(format!(
        "  curl -s http://{admin}/stats/prometheus | grep peergate_\n  peergate top {documents} --proxy http://{admin}\n"
    ));
    Ok(lines.join("\n"))
}
