//! Imported and refused Istio resources.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod gateways;
mod manifests;
mod mesh_config;
mod mutual_tls;
mod names;
mod objects;
mod partial;
mod pruned;
mod rules;

use policy_schema::diagnostic::SourceText;
use policy_schema::import::{Documents, Imported, Options, Outcome, import};

/// A mesh with an alias.
const MESH: &str = "apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: {name: m}
spec: {meshConfig: {trustDomain: td1, trustDomainAliases: [td2]}}
";

fn imported(texts: &[&str], options: &Options) -> Imported {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "istio.yaml".to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    import(&sources, options)
}

/// The documents, if they contain everything in the input.
fn whole(imported: Imported) -> Option<Documents> {
    let mut outcomes = imported.findings.iter().map(|finding| finding.outcome);
    let is_whole = !outcomes.any(Outcome::is_loss);
    imported.documents.filter(|_| is_whole)
}

fn messages(imported: &Imported) -> String {
    let findings = imported.findings.iter();
    let messages: Vec<_> = findings.map(|found| found.message.as_str()).collect();
    messages.join("\n")
}

/// A policy of `action` with this rule, in flow style.
fn policy(action: &str, rule: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: p, namespace: foo}}\n\
         spec: {{selector: {{matchLabels: {{app: a}}}}, action: {action}, rules: [{rule}]}}\n"
    )
}
