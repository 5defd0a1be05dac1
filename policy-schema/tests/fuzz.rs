//! All input results in policies or in errors, within bounded time and memory.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use peergate_fuzz::{Target, fuzz};
use policy_schema::decision_id::{DecisionKey, DecisionRecord};
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::{CompiledPolicy, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::import::{self, import};
use policy_schema::istio::{ExtensionApi, authorization_policies, extension, mesh_resources};
use policy_schema::plugin_config::PluginConfig;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use policy_schema::verify::{Observed, Proxy, verify};

const NOW: Timestamp = Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000);

const YAML_WORDS: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    "  ",
    "\t",
    "- ",
    ": ",
    "? ",
    "# ",
    "---\n",
    "...\n",
    "a: b\n",
    "a: b\r",
    "a: ",
    "- a\n",
    "&a ",
    "*a ",
    "!x ",
    "<<: ",
    "|\n",
    ">-\n",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    "\"",
    "\\",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "{*}",
    "{**}",
    "*",
    "null",
    "~",
    "true",
    "80",
    "0x1F",
    "1e99",
    "kind: ServicePolicy\n",
    "kind: Mesh\n",
    "rules:\n",
    "paths: ",
    "notPaths: ",
    "from: ",
    "to: ",
    "when: ",
    "values: ",
    "request.headers[",
    "spiffe://",
    "10.0.0.0/8",
    "2026-01-01T00:00:00Z",
    "kind: List\nitems:\n",
    "%YAML 1.2\n",
    "kind: AuthorizationPolicy\n",
    "action: DENY\n",
];

const JSON_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "[[",
    "\"a\",",
    "{\"a\":",
    "{*}",
    "{**}",
    "/{*}/x",
    "*",
    "\"paths\":[\"/a/{*}\"]",
    "\"Deny\"",
    "\"when\":[]",
    "\"from\":[{}]",
    "{\"id\":\"a\",\"effect\":\"Allow\"},",
    "\"configs\":",
    "\"filter_chains\":[",
    "\"typed_config\":{",
    "cluster.local",
];

fn source(bytes: &[u8]) -> [SourceText; 1] {
    [SourceText {
        name: "input".to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
    }]
}

fn validated(sources: &[SourceText]) -> (Option<PolicySet>, BTreeSet<&'static str>) {
    let options = Options {
        at: NOW,
        istio_version: None,
    };
    let validated = validate(sources, options);
    for diagnostic in &validated.diagnostics {
        let text = &sources.first().expect("a source").text;
        let span = diagnostic.span;
        assert!(text.get(span.start..span.end).is_some(), "{diagnostic:?}");
    }
    let codes = validated.diagnostics.iter().map(|it| it.code.as_str());
    (validated.policies, codes.collect())
}

#[test]
fn any_text_is_policies_that_the_filter_accepts_or_errors() {
    const TARGET: Target<'_> = Target {
        name: "yaml",
        seeds: &["wasmplugin/tests/policies", "examples/online-boutique"],
        dictionary: YAML_WORDS,
    };
    fuzz(TARGET, |input| {
        let (policies, codes) = validated(&source(input));
        if let Some(set) = policies {
            mesh_resources(&set);
            for policy in set.policies() {
                authorization_policies(&set.rollout(policy));
                drop(extension(&set.rollout(policy), ExtensionApi::WasmPlugin));
                let config = set.plugin_config(policy);
                let json = serde_json::to_vec(&config).expect("JSON");
                CompiledPolicy::from_json(&json).expect("what is valid compiles");
            }
        }
        format!("{codes:?}")
    });
}

#[test]
fn any_text_is_imported_or_refused() {
    const TARGET: Target<'_> = Target {
        name: "import",
        seeds: &["wasmplugin/tests/cli/snapshots"],
        dictionary: YAML_WORDS,
    };
    fuzz(TARGET, |input| {
        let imported = import(&source(input), &import::Options::default());
        let kinds = imported.findings.iter().map(|finding| {
            let words = finding.message.split('`').step_by(2);
            words.collect::<String>()
        });
        let kinds: BTreeSet<_> = kinds.collect();
        let Some(documents) = imported.documents else {
            return format!("{kinds:?}");
        };
        let mut text = serde_json::to_string(&documents.mesh).expect("JSON");
        for policy in &documents.policies {
            text.push_str("\n---\n");
            text.push_str(&serde_json::to_string(&policy.document).expect("JSON"));
        }
        let (_, codes) = validated(&source(text.as_bytes()));
        format!("{kinds:?} {codes:?}")
    });
}

#[test]
fn any_plugin_config_is_refused_or_decides() {
    const TARGET: Target<'_> = Target {
        name: "plugin-config",
        seeds: &[],
        dictionary: JSON_WORDS,
    };
    let long = format!("/api/{}/x1", "a".repeat(60_000));
    let slashes = "/".repeat(60_000);
    let paths = ["/orders/1/items?x", "/admin/x", "", &long, &slashes];
    let peers = [
        None,
        Some("spiffe://cluster.local/ns/shop/sa/web"),
        Some("spiffe://old.local/ns/n1/sa/a1"),
        Some("x"),
    ];
    let headers = [("x-tenant", &b"a"[..]), ("X-Tenant", b"b1")];
    fuzz(TARGET, |input| {
        reads_as_serde_json(input);
        let policy = match CompiledPolicy::from_json(input) {
            Ok(policy) => policy,
            Err(error) => return error.to_string().chars().take(40).collect(),
        };
        let mut outcomes = BTreeSet::new();
        for peer in peers {
            for path in paths {
                let request = Request {
                    method: Some(b"GET"),
                    path: Some(path.as_bytes()),
                    authority: Some(b"a.shop:80"),
                    port: Some(8080),
                    server_name: Some(b"a.shop"),
                    headers: &headers,
                    ..Request::from_peer(PeerIdentity::from_uri_san(peer.map(str::as_bytes)), NOW)
                };
                let reason = policy.evaluate(&request).reason().code();
                let near = policy.nearest(&request, 2, 64).len();
                let recorded = policy.recorded_matches(&request).count().min(3);
                outcomes.insert((reason, near, recorded));
            }
        }
        format!("{outcomes:?}")
    });
}

/// The filter's small JSON reader accepts the same texts, except those in which a list of values
/// stands for an object, or an object for a variant.
fn reads_as_serde_json(input: &[u8]) {
    let other: Result<PluginConfig, _> = serde_json::from_slice(input);
    match (PluginConfig::from_json(input), other) {
        (Ok(config), Ok(other)) => assert_eq!(config, other),
        (Err(_), Err(_)) => {}
        (Ok(config), Err(error)) => assert_eq!(format!("{config:?}"), "", "serde_json: {error}"),
        (Err(error), Ok(_)) => {
            let error = error.to_string();
            let is_known = error.contains("expected an object, found an array")
                || error.contains("expected a string, found an object");
            assert!(is_known, "serde_json accepts it: {error}");
        }
    }
}

#[test]
fn any_decision_id_is_refused_or_round_trips() {
    const TARGET: Target<'_> = Target {
        name: "decision-id",
        seeds: &[],
        dictionary: &["A", "AQ", "-_", "=", "AAAA", "____"],
    };
    let key = DecisionKey::new([7; 32]);
    fuzz(TARGET, |input| {
        let text = String::from_utf8_lossy(input);
        let keys = [("shop/orders".to_owned(), key.clone())];
        let unsealed = DecisionRecord::unseal(&text, keys);
        let decoded = DecisionRecord::decode(&text);
        if let Ok(record) = &decoded {
            assert_eq!(
                DecisionRecord::decode(&record.encode()).as_ref(),
                Ok(record)
            );
        }
        format!("{:?} {:?}", decoded.err(), unsealed.err())
    });
}

#[test]
fn any_config_dump_is_compared_or_refused() {
    const TARGET: Target<'_> = Target {
        name: "config-dump",
        seeds: &[],
        dictionary: JSON_WORDS,
    };
    let (set, codes) = validated(&source(include_bytes!(
        "../../fuzz/corpus/yaml/everything.yaml"
    )));
    assert!(codes.is_empty(), "{codes:?}");
    let set = set.expect("policies");
    fuzz(TARGET, |input| {
        let proxy = match Proxy::from_config_dump("proxy", input) {
            Ok(proxy) => proxy,
            Err(error) => return error.to_string().chars().take(40).collect(),
        };
        let observed = Observed {
            proxies: vec![proxy],
            ..Observed::default()
        };
        let verdict = verify(&set, ExtensionApi::WasmPlugin, &observed);
        let codes: BTreeSet<_> = verdict.findings.iter().map(|it| it.code.as_str()).collect();
        format!("{codes:?} {}", verdict.unchecked.len().min(3))
    });
}
