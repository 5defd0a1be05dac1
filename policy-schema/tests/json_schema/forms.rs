//! Each form accepts what its parser accepts, for random texts of the parts that matter to either.

use policy_schema::check::{RuleContext, check_rules};
use policy_schema::code;
use policy_schema::document::forms as of_documents;
use policy_schema::forms as of_rules;
use policy_schema::forms::Form;
use policy_schema::problem::{Cursor, Problems};
use policy_schema::rule_spec::{Enforcement, Otherwise, RuleSpec};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::written::{MESH, errors};

/// The parts of random texts.
const PARTS: &[&str] = &[
    "",
    "*",
    "/",
    "//",
    ".",
    "..",
    "-",
    "_",
    ":",
    "{*}",
    "{**}",
    "{",
    "}",
    "?",
    "#",
    "%2F",
    "@",
    ",",
    " ",
    "\n",
    "é",
    "~",
    "=",
    "a",
    "sa",
    "A",
    "GET",
    "get",
    "ns",
    "td1",
    "cart",
    "cart.shop",
    "spiffe://",
    "https://",
    "oci://",
    "file://",
    "dns:",
    "uri:",
    "subject:",
    "CN=",
    "0",
    "00",
    "1",
    "10",
    "255",
    "256",
    "32",
    "/8",
    "/16",
    "/33",
    "::",
    "ffff",
    "10.0.0.0",
    "[",
    "]",
    "][",
    "request.headers",
    "request.auth.claims",
    "source.ip",
    "experimental.envoy.filters.",
    "x-tenant",
    ":authority",
    "2030-06-30",
    "T",
    "23:59:59",
    ".5",
    "Z",
    "+00:00",
    "30",
    "s",
    "ms",
    "h",
    "localhost",
    "r.example:5000",
    "@sha256:",
    "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee",
];

const TEXTS: usize = 8_000;

/// The forms that accept more than their parsers, and what only the parsers check.
const WIDER: &[(&str, &str)] = &[
    ("ClientCertificate", "which URIs are SPIFFE IDs"),
    ("ConditionKey", "which pseudo headers exist"),
    (
        "IpBlock",
        "IPv6 addresses, and host bits if the prefix length is not a multiple of 8",
    ),
    ("LabelKey", "the lengths of its parts"),
    ("ModuleUrl", "hosts, and escapes in paths"),
    ("Principal", "the total length"),
    ("ServiceAccount", "the length of the name"),
    ("Time", "the number of days in a month"),
];

/// A use of a form: text → the JSON that contains it.
type Document = fn(&str) -> Value;

/// The fields of rules, each with its form.
fn for_rule(name: &str) -> Option<fn(&str) -> Value> {
    Some(match name {
        "Label" => |text| json!({"id": text}),
        "Time" => |text| json!({"notAfter": text}),
        "Principal" => |text| json!({"from": [{"principals": [text]}]}),
        "ServiceAccount" => |text| json!({"from": [{"serviceAccounts": [text]}]}),
        "Namespace" => |text| json!({"from": [{"namespaces": [text]}]}),
        "TrustDomainPattern" => |text| json!({"from": [{"trustDomains": [text]}]}),
        "RequestPrincipal" => |text| json!({"from": [{"requestPrincipals": [text]}]}),
        "IpBlock" => |text| json!({"from": [{"ipBlocks": [text]}]}),
        "ClientCertificate" => |text| json!({"from": [{"clientCertificates": [text]}]}),
        "Method" => |text| json!({"to": [{"methods": [text]}]}),
        "Path" => |text| json!({"to": [{"paths": [text]}]}),
        "Host" => |text| json!({"to": [{"hosts": [text]}]}),
        "TextPattern" => {
            |text| json!({"when": [{"key": "request.auth.claims[groups]", "values": [text]}]})
        }
        "PortText" => |text| json!({"when": [{"key": "destination.port", "values": [text]}]}),
        "ConditionKey" => |text| json!({"when": [{"key": text, "values": ["*"]}]}),
        _ => return None,
    })
}

/// The fields of documents, each with its form.
fn of_document(name: &str) -> Document {
    match name {
        "ObjectName" => |text| policy(json!({"serviceAccount": text})),
        "PolicyObjectName" => |text| {
            let mut policy = policy(json!({}));
            policy["metadata"]["name"] = text.into();
            policy
        },
        "TrustDomain" => |text| mesh(json!({"trustDomain": text})),
        "HostName" => |text| {
            policy(
                json!({"externalHosts": [{"host": text, "ports": [{"port": 443, "protocol": "TLS"}]}]}),
            )
        },
        "RoutedPath" => |text| {
            policy(
                json!({"exposures": [{"gateway": "public", "hosts": ["a.example"], "paths": [text]}]}),
            )
        },
        "TimeSpan" => |text| mesh(json!({"certificates": {"workloadTtl": text}})),
        "ModuleUrl" => |text| mesh(json!({"filter": {"image": text}})),
        "Sha256" => |text| {
            mesh(json!({"filter": {"image": "https://example.com/filter.wasm", "sha256": text}}))
        },
        "LabelKey" => |text| policy(json!({"selector": {"matchLabels": {text: "cart"}}})),
        "LabelValue" => |text| policy(json!({"selector": {"matchLabels": {"app": text}}})),
        other => panic!("where is `{other}` used?"),
    }
}

fn policy(spec: Value) -> Value {
    let mut document = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "ServicePolicy",
        "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "cart"}}, "service": {"name": "cart", "ports": [{"port": 80}]}, "rules": []},
    });
    extend(&mut document, spec);
    document
}

fn mesh(spec: Value) -> Value {
    let mut document = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "shop"},
        "spec": {"trustDomain": "td1", "istioVersion": "1.31"},
    });
    extend(&mut document, spec);
    document
}

fn extend(document: &mut Value, spec: Value) {
    let (Value::Object(own), Value::Object(other)) = (&mut document["spec"], spec) else {
        panic!("objects")
    };
    own.extend(other);
}

/// Whether the parser accepts the text.
fn is_taken(form: &Form, text: &str) -> bool {
    let Some(rule) = for_rule(form.name) else {
        let document = of_document(form.name)(text);
        let is_mesh = document["kind"] == "Mesh";
        let written = document.to_string();
        let found = if is_mesh {
            errors(&[&written])
        } else {
            errors(&[MESH, &written])
        };
        // These problems do not depend on the text.
        return found
            .iter()
            .all(|code| ["unknown-gateway", "conflicting-host"].contains(code));
    };
    let mut spec = json!({"id": "r", "effect": "Allow"});
    let (Value::Object(own), Value::Object(other)) = (&mut spec, rule(text)) else {
        panic!("objects")
    };
    own.extend(other);
    let spec: RuleSpec = serde_json::from_value(spec).unwrap();
    let context = RuleContext {
        trust_domains: None,
        namespace: "shop",
        enforcement: Enforcement::Enforce,
        otherwise: Otherwise::Deny,
        at_gateway: true,
    };
    let mut problems = Problems::default();
    check_rules(&[spec], &context, &Cursor::Root, &mut problems);
    let problems = problems.into_vec();
    if form.name == "ConditionKey" {
        // The value may be invalid for this key.
        return problems
            .iter()
            .all(|problem| problem.code != code::UNKNOWN_CONDITION);
    }
    problems.is_empty()
}

fn all() -> impl Iterator<Item = &'static Form> {
    of_rules::ALL.iter().chain(of_documents::ALL)
}

#[test]
fn no_form_is_narrower_than_its_parser() {
    let mut runner = TestRunner::deterministic();
    for form in all() {
        let schema = form.schema().to_value();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let parts = PARTS
            .iter()
            .chain(form.examples)
            .copied()
            .collect::<Vec<_>>();
        let count = if for_rule(form.name).is_some() {
            TEXTS
        } else {
            TEXTS / 10
        };
        let mut taken = 0;
        for _ in 0..count {
            let few = proptest::collection::vec(proptest::sample::select(parts.clone()), 1..6);
            let text = few.new_tree(&mut runner).unwrap().current().concat();
            let is_of_form = validator.is_valid(&json!(text));
            if is_taken(form, &text) {
                taken += 1;
                assert!(is_of_form, "{} refuses {text:?}", form.name);
            } else if is_of_form {
                let is_wider = WIDER.iter().any(|(name, _)| *name == form.name);
                assert!(is_wider, "{} accepts {text:?}", form.name);
            }
        }
        assert!(taken > 0, "{}: {taken}", form.name);
    }
}

#[test]
fn examples_are_of_their_form_and_the_language_takes_them() {
    for form in all() {
        let validator = jsonschema::validator_for(&form.schema().to_value()).unwrap();
        for example in form.examples {
            assert!(
                validator.is_valid(&json!(example)),
                "{} refuses {example}",
                form.name
            );
            assert!(is_taken(form, example), "{}: {example}", form.name);
        }
    }
}
