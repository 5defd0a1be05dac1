//! Checks the ports on which gateways listen.

use std::collections::BTreeSet;

use crate::code;
use crate::document::{GatewayApi, RESERVED_PORTS};
use crate::policy::{Gateway, Server};
use crate::problem::{Cursor, Problems};

/// Reports ports that a gateway's pods cannot listen on. `cursor` is at the gateway.
pub(super) fn check(gateway: &Gateway, cursor: &Cursor<'_>, problems: &mut Problems) {
    let servers = cursor.key("servers");
    let mut before = Ports::default();
    for (index, server) in gateway.servers.iter().enumerate() {
        let cursor = servers.index(index);
        check_numbers(server, &cursor, problems);
        check_overlap(server, &mut before, &cursor, problems);
        if gateway.api == GatewayApi::Istio {
            check_redirect(server, &cursor, problems);
        }
    }
}

fn check_numbers(server: &Server, cursor: &Cursor<'_>, problems: &mut Problems) {
    for (key, port) in [
        ("port", server.port),
        ("redirectPort", server.redirect_port),
    ] {
        if port == 0 {
            problems.report(
                code::INVALID_VALUE,
                &cursor.key(key),
                "0 is not a port",
                "use a port from 1 to 65535, or remove the field",
            );
        } else if RESERVED_PORTS.contains(&port) {
            problems.report(
                code::INVALID_VALUE,
                &cursor.key(key),
                format!("Istio's proxies reserve port {port}"),
                format!(
                    "use a port outside {} to {}",
                    RESERVED_PORTS.start(),
                    RESERVED_PORTS.end()
                ),
            );
        }
    }
}

/// The ports of servers.
#[derive(Default)]
struct Ports {
    with_tls: BTreeSet<u16>,
    plain: BTreeSet<u16>,
}

/// Reports ports that are used for both TLS and plain HTTP, by any server of the gateway. Adds the
/// server's ports to `before`.
fn check_overlap(
    server: &Server,
    before: &mut Ports,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let mut report = |port: u16| {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("port {port} cannot serve both TLS and plain HTTP"),
            "use two ports",
        );
    };
    if server.port == server.redirect_port {
        report(server.port);
        // A problem of a single port is not repeated for the others.
        return;
    }
    if before.plain.contains(&server.port) {
        report(server.port);
    }
    if before.with_tls.contains(&server.redirect_port) {
        report(server.redirect_port);
    }
    before.with_tls.insert(server.port);
    before.plain.insert(server.redirect_port);
}

/// Istio's `httpsRedirect` replaces the scheme with `https`, and keeps the port that the client
/// sent.
fn check_redirect(server: &Server, cursor: &Cursor<'_>, problems: &mut Problems) {
    for (key, port, standard) in [
        ("port", server.port, 443),
        ("redirectPort", server.redirect_port, 80),
    ] {
        if port != standard && port != 0 {
            problems.report(
                code::UNSUPPORTED_BY_ISTIO,
                &cursor.key(key),
                "Istio's `Gateway` can only redirect plain HTTP from port 80 to port 443",
                "remove the field, or use `api: Kubernetes`",
            );
        }
    }
}
