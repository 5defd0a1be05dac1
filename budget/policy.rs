//! The plugin configs of the scenarios, made from documents as `peergate render` does.

use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};

/// The rules of a policy, as items of a YAML list.
pub(crate) const BY_IDENTITY: &str =
    "- {id: web, effect: Allow, from: [{serviceAccounts: [web]}]}\n";
pub(crate) const BY_PATH: &str = "- {id: web, effect: Allow, from: [{serviceAccounts: [web]}], to: [{methods: [GET], paths: [/orders]}]}\n";

/// What rules test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The caller.
    Identity,
    /// The caller, the method and the path.
    Path,
}

/// The plugin config of `shop/orders` with these rules, in a mesh with these `reporting` settings
/// in YAML.
pub(crate) fn config(reporting: &str, rules: &str) -> String {
    let policy = service_policy(
        "orders",
        "shop",
        "selector: {matchLabels: {app: orders}}",
        rules,
    );
    config_of(&(mesh(reporting) + &policy), "shop", "orders")
}

/// The plugin configs of `shop/orders` and of a policy for the whole mesh, which it leads.
pub(crate) fn leader_and_follower() -> (String, String) {
    let orders = service_policy(
        "orders",
        "shop",
        "selector: {matchLabels: {app: orders}}",
        BY_IDENTITY,
    );
    let everywhere = service_policy(
        "everywhere",
        "istio-system",
        "scope: Mesh",
        "- {id: no-admin, effect: Deny, to: [{paths: [/admin]}]}\n",
    );
    let documents = mesh("{}") + &orders + &everywhere;
    let leader = config_of(&documents, "shop", "orders");
    assert!(leader.contains("coEnforced"), "{leader}");
    let follower = config_of(&documents, "istio-system", "everywhere");
    assert!(follower.contains("mayBeLed"), "{follower}");
    (leader, follower)
}

/// Rules for this many callers, the last of which is `shop/web`. Their IDs have a common prefix.
pub(crate) fn rules(shape: Shape, count: usize, prefix: &str) -> String {
    let rule = |number: usize| {
        let is_last = number + 1 == count;
        let account = if is_last {
            "shop/web".to_owned()
        } else {
            format!("namespace-{}/service-{number}", number % 50)
        };
        let path = if is_last {
            "/orders".to_owned()
        } else {
            format!("/v1/service-{number}/orders")
        };
        let to = match shape {
            Shape::Identity => String::new(),
            Shape::Path => format!(", to: [{{methods: [GET], paths: [{path}]}}]"),
        };
        format!(
            "- {{id: {prefix}-{number}, effect: Allow, from: [{{serviceAccounts: [{account}]}}]{to}}}\n"
        )
    };
    (0..count).map(rule).collect()
}

fn mesh(reporting: &str) -> String {
    format!(
        "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: test}}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\"
  pathNormalization: DecodeAndMergeSlashes
  filter: {{image: \"file:///filter.wasm\", reporting: {reporting}}}
"
    )
}

fn service_policy(name: &str, namespace: &str, workloads: &str, rules: &str) -> String {
    format!(
        "---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  {workloads}
  rules:
  {}",
        rules.replace('\n', "\n  ")
    )
    .trim_end()
    .to_owned()
        + "\n"
}

fn config_of(documents: &str, namespace: &str, name: &str) -> String {
    let policies = policies(documents);
    let policy = policies.policy(namespace, name).unwrap();
    serde_json::to_string(&policies.plugin_config(policy)).unwrap()
}

fn policies(documents: &str) -> PolicySet {
    let source = SourceText {
        name: "policies.yaml".to_owned(),
        text: documents.to_owned(),
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    let mut found = validated.diagnostics.iter();
    let error = found.find(|found| found.severity() == Severity::Error);
    assert_eq!(error, None, "{documents}");
    validated.policies.unwrap()
}
