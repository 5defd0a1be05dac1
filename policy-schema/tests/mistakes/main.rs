//! Warnings about mistakes across documents and between rules, and valid documents that must not
//! warn.

mod callers;
#[path = "../support/checked.rs"]
mod checked;
mod covered;
#[path = "../support/documents.rs"]
mod documents;
mod names;
mod paths;
mod ports;
mod wide;

use checked::{check, codes};
use documents::policy;

/// The codes and fixes of all diagnostics, in the order of the text.
fn found(texts: &[&str]) -> Vec<(&'static str, String)> {
    let found = check(texts).diagnostics.into_iter();
    found
        .map(|found| (found.code.as_str(), found.help))
        .collect()
}

fn mesh(spec: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {{name: test}}\n\
         spec: {{trustDomain: cluster.local, trustDomainAliases: [old.example], istioVersion: \"1.30\",\n\
         filter: {{image: oci://registry.example.com/filter@sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef}}{spec}}}\n"
    )
}

/// A policy for the workload with the same name.
fn of_workload(namespace: &str, name: &str, spec: &str) -> String {
    let selector = format!("selector: {{matchLabels: {{app: {name}}}}}, {spec}");
    policy(namespace, name, &selector)
}

const SERVICE: &str = "service: {ports: [{port: 80, targetPort: 8080}, {port: 9000}]}, ";

fn codes_of_rule(spec: &str, rule: &str) -> Vec<&'static str> {
    let rules = format!("{spec}rules: [{{id: r, {rule}}}]");
    codes(&[&mesh(""), &of_workload("shop", "cart", &rules)])
}
