//! TCP connections without HTTP.

use policy_schema::diagnostic::SourceText;
use policy_schema::validate::{Options, validate};

use super::*;
use crate::promotion::verdict::Unknown;

/// Request counters are no evidence for TCP connections.
#[test]
fn does_not_judge_tcp_connections_by_requests() {
    let mut candidate = whole(&[]);
    candidate.members[0].tcp_ports = vec![6379];
    let plenty = || Ok(seen(5000, &[]));
    let verdict = judged(&candidate, current(), plenty());
    assert_eq!(verdict, Verdict::Unknown(Unknown::TcpPorts(vec![6379])));
    // Counted denials are stronger evidence.
    let verdict = judged(&candidate, current(), Ok(seen(5000, &[1])));
    assert!(matches!(verdict, Verdict::WouldDeny { .. }));
    let evidence = Evidence {
        revisions: current(),
        seen: plenty(),
    };
    let ignoring = Standard {
        ignores_tcp: true,
        ..standard()
    };
    assert!(judge(&candidate, &evidence, window(), ignoring).is_ready());
}

#[test]
fn finds_tcp_ports_with_connections_that_may_be_denied() {
    let everybody = "{id: e, effect: Allow, to: [{ports: [6379]}]}";
    let web = "{id: w, effect: Allow, from: [{serviceAccounts: [w]}]}";
    let get = "{id: g, effect: Allow, to: [{methods: [GET]}]}";
    let timed = "{id: t, effect: Allow, notAfter: \"2100-01-01T00:00:00Z\"}";
    let deny = "{id: d, effect: Deny, from: [{serviceAccounts: [x]}]}";
    let path = "{id: p, effect: Deny, to: [{paths: [/x]}]}";
    let shadow = "{id: s, effect: Deny, enforcement: Shadow, from: [{serviceAccounts: [x]}]}";
    let strict = "mtls: {mode: Strict}";
    for (mesh, spec, rules, expected) in [
        (strict, "tcpPorts: [6379]", vec![web], "policy 6379"),
        (strict, "tcpPorts: [6379]", vec![web, get], "policy 6379"),
        (strict, "tcpPorts: [6379]", vec![timed], "policy 6379"),
        (strict, "tcpPorts: [6379]", vec![web, everybody], "policy"),
        (
            strict,
            "tcpPorts: [6379, 5432]",
            vec![everybody],
            "policy 5432",
        ),
        (
            "mtls: {mode: Permissive}",
            "tcpPorts: [6379]",
            vec![everybody],
            "policy 6379",
        ),
        (
            strict,
            "tcpPorts: [6379]",
            vec![everybody, deny],
            "policy 6379",
        ),
        (strict, "tcpPorts: [6379]", vec![everybody, path], "policy"),
        (
            strict,
            "tcpPorts: [6379]",
            vec![everybody, shadow],
            "policy, s 6379",
        ),
        (
            strict,
            "tcpPorts: [6379], otherwise: Pass",
            vec![path],
            "policy",
        ),
        (
            strict,
            "tcpPorts: [6379], otherwise: Pass",
            vec![deny],
            "policy 6379",
        ),
        (
            strict,
            "service: {ports: [{port: 80}]}",
            vec![web],
            "policy",
        ),
    ] {
        let mesh = MESH.replace("defaults:", &format!("{mesh}, defaults:"));
        let text = format!(
            "{mesh}---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: a, namespace: shop}}\nspec: {{selector: {{matchLabels: {{app: a}}}}, enforcement: Shadow, {spec}, rules: [{}]}}\n",
            rules.join(", ")
        );
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text,
        };
        let options = Options {
            at: second(0),
            istio_version: None,
        };
        let validated = validate(&[source], options);
        let set = validated
            .policies
            .unwrap_or_else(|| panic!("{:?}", validated.diagnostics));
        let found = Candidate::all(&set).into_iter().map(|candidate| {
            let name = candidate.rule().unwrap_or("policy").to_owned();
            let ports = candidate.tcp_ports().into_iter();
            ports.fold(name, |text, port| format!("{text} {port}"))
        });
        assert_eq!(
            found.collect::<Vec<_>>().join(", "),
            expected,
            "{spec} {rules:?}"
        );
    }
}
