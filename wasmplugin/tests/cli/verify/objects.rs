//! Objects that are missing, changed, left over or foreign.

use serde_json::json;

use super::{Mesh, object_yaml, rendered_shop};

#[test]
fn reports_a_missing_object() {
    Mesh::good()
        .without("boutique.frontend-deny.authorizationpolicy.yaml")
        .reports_only(
            "missing-object",
            "AuthorizationPolicy boutique/frontend-deny",
            "does not exist, but the documents render it",
        );
}

#[test]
fn reports_a_changed_object() {
    Mesh::good()
        .replacing(
            "boutique.cartservice-allow.authorizationpolicy.yaml",
            "- /hipstershop.CartService/EmptyCart\n",
            "- /debug\n",
        )
        .reports_only(
            "changed-object",
            "AuthorizationPolicy boutique/cartservice-allow",
            "`spec.rules[0].to[0].operation.paths[2]` is `/debug`, but the documents render `/hipstershop.CartService/EmptyCart`",
        );
}

/// Also within a list.
#[test]
fn shows_the_changed_field_of_an_object() {
    let mesh = Mesh::good().replacing(
        "boutique.cartservice-allow.authorizationpolicy.yaml",
        "- /hipstershop.CartService/EmptyCart\n",
        "- /debug\n",
    );
    let file = "boutique.cartservice-allow.authorizationpolicy.yaml";
    let changed = std::fs::read_to_string(mesh.folder.path().join(file)).unwrap();
    let line = changed.lines().position(|line| line.ends_with("- /debug"));
    let run = mesh.verify(&["--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let found = &report["findings"][0];
    assert_eq!(found["line"], json!(line.unwrap() + 1));
    let items = changed.lines().map(|line| format!("    {line}\n"));
    let items = items.collect::<String>().replacen("    ", "  - ", 1);
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    let mesh = mesh.without(file).with("list.yaml", &list);
    let run = mesh.verify(&["--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let found = &report["findings"][0];
    let line = list.lines().position(|line| line.ends_with("- /debug"));
    assert_eq!(found["line"], json!(line.unwrap() + 1), "{report:#}");
}

#[test]
fn reports_a_dry_run() {
    Mesh::good()
        .replacing(
            "boutique.cartservice-allow.authorizationpolicy.yaml",
            "  annotations:\n",
            "  annotations:\n    istio.io/dry-run: \"true\"\n",
        )
        .reports_only(
            "changed-object",
            "AuthorizationPolicy boutique/cartservice-allow",
            "`metadata.annotations.istio.io/dry-run` is `true`, but the documents do not render it",
        );
}

#[test]
fn reports_a_leftover_object() {
    let old = rendered_shop()
        .iter()
        .find(|(name, _)| name == "boutique.cartservice-allow.authorizationpolicy.yaml");
    let old = old.unwrap().1.replace("cartservice", "basketservice");
    Mesh::good().with("old.yaml", &old).reports_only(
        "leftover-object",
        "AuthorizationPolicy boutique/basketservice-allow",
        "Peergate rendered it earlier, but the documents no longer render it",
    );
}

/// Each object with its effect, and with a change that makes it irrelevant.
#[test]
fn reports_a_foreign_object() {
    let at_gateway =
        json!({"selector": {"istio": "ingressgateway"}, "servers": [{"port": {"number": 8080}}]});
    let elsewhere = json!({"selector": {"istio": "eastwestgateway"}});
    let log_less = json!({"accessLogging": [{"disabled": true}]});
    let trace_less = json!({"tracing": [{"disableSpanReporting": true}]});
    let other_settings = json!({"metrics": [{"overrides": [{"disabled": true}]}]});
    let packets = "allows additional packets";
    let silent = "overrides the telemetry settings of the documents";
    let request = "can change or answer requests before policies are enforced";
    let leads = "adds routes to a gateway";
    for (kind, spec, part) in [
        (
            "AuthorizationPolicy",
            json!({}),
            Some("may allow or deny additional requests"),
        ),
        (
            "EnvoyFilter",
            json!({}),
            Some("can change any part of a proxy's configuration"),
        ),
        (
            "ServiceEntry",
            json!({}),
            Some("adds hosts that workloads can reach"),
        ),
        (
            "Sidecar",
            json!({}),
            Some("changes which hosts workloads can reach"),
        ),
        ("WasmPlugin", json!({"phase": "AUTHN"}), Some(request)),
        ("TrafficExtension", json!({}), Some(request)),
        ("NetworkPolicy", json!({"ingress": [{}]}), Some(packets)),
        ("NetworkPolicy", json!({"egress": [{}]}), Some(packets)),
        (
            "NetworkPolicy",
            json!({"podSelector": {}, "ingress": []}),
            None,
        ),
        ("Telemetry", log_less, Some(silent)),
        ("Telemetry", trace_less, Some(silent)),
        ("Telemetry", other_settings, None),
        ("Gateway", at_gateway, Some("may add servers to a gateway")),
        ("Gateway", json!({}), Some("may add servers to a gateway")),
        ("Gateway", elsewhere, None),
        (
            "VirtualService",
            json!({"gateways": ["istio-ingress/public"]}),
            Some(leads),
        ),
        ("VirtualService", json!({"gateways": ["mesh"]}), None),
        ("VirtualService", json!({}), None),
    ] {
        let mesh = Mesh::good().with(
            "foreign.yaml",
            &object_yaml(kind, "boutique", "extra", &spec),
        );
        match part {
            Some(part) => mesh.reports_only(
                "foreign-object",
                &format!("{kind} boutique/extra"),
                &format!("no document declares it, and it {part}"),
            ),
            None => assert_eq!(mesh.findings(), [[""; 3]; 0], "{kind} {spec}"),
        }
    }
}

/// A host that enters the mesh through a port that no document opens.
#[test]
fn reports_both_objects_of_an_undeclared_ingress_route() {
    let gateway = json!({"selector": {"istio": "ingressgateway"}});
    let route = json!({"gateways": ["extra"], "hosts": ["pay.example.com"]});
    let found = Mesh::good()
        .with(
            "gateway.yaml",
            &object_yaml("Gateway", "boutique", "extra", &gateway),
        )
        .with(
            "route.yaml",
            &object_yaml("VirtualService", "boutique", "extra", &route),
        )
        .findings();
    let subjects: Vec<_> = found.iter().map(|found| found[1].as_str()).collect();
    assert_eq!(
        subjects,
        ["Gateway boutique/extra", "VirtualService boutique/extra"]
    );
}
