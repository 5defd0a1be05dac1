//! Objects that are missing, changed, left over or nobody's.

use serde_json::json;

use super::{Mesh, rendered, yaml_of};

#[test]
fn a_missing_object_is_found() {
    Mesh::good()
        .without("boutique.frontend-deny.authorizationpolicy.yaml")
        .has(
            "missing-object",
            "AuthorizationPolicy boutique/frontend-deny",
            "it is not there, and the documents are rendered to it",
        );
}

#[test]
fn a_changed_object_is_found() {
    Mesh::good()
        .replacing(
            "boutique.cartservice-allow.authorizationpolicy.yaml",
            "- /hipstershop.CartService/EmptyCart\n",
            "- /debug\n",
        )
        .has(
            "changed-object",
            "AuthorizationPolicy boutique/cartservice-allow",
            "`spec.rules[0].to[0].operation.paths[2]` is `/debug`, and the documents say `/hipstershop.CartService/EmptyCart`",
        );
}

#[test]
fn a_dry_run_is_found() {
    Mesh::good()
        .replacing(
            "boutique.cartservice-allow.authorizationpolicy.yaml",
            "  annotations:\n",
            "  annotations:\n    istio.io/dry-run: \"true\"\n",
        )
        .has(
            "changed-object",
            "AuthorizationPolicy boutique/cartservice-allow",
            "`metadata.annotations.istio.io/dry-run` is `true`, and the documents say nothing of it",
        );
}

#[test]
fn a_leftover_object_is_found() {
    let old = rendered()
        .iter()
        .find(|(name, _)| name == "boutique.cartservice-allow.authorizationpolicy.yaml");
    let old = old.unwrap().1.replace("cartservice", "basketservice");
    Mesh::good().with("old.yaml", &old).has(
        "leftover-object",
        "AuthorizationPolicy boutique/basketservice-allow",
        "Peergate rendered it once, and no document asks for it any more",
    );
}

#[test]
fn a_foreign_object_is_found() {
    for (kind, part) in [
        ("AuthorizationPolicy", "adds to what is allowed or denied"),
        ("EnvoyFilter", "can change anything in a proxy"),
        ("ServiceEntry", "adds to what workloads reach"),
        ("Sidecar", "changes what workloads reach"),
    ] {
        Mesh::good()
            .with(
                "foreign.yaml",
                &yaml_of(kind, "boutique", "extra", &json!({})),
            )
            .has(
                "foreign-object",
                &format!("{kind} boutique/extra"),
                &format!("no document has it, and it {part}"),
            );
    }
}
