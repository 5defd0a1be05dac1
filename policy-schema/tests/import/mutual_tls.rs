//! `PeerAuthentication` objects and the modes of mutual TLS.

use policy_schema::import::{ExceptionPlan, Options};
use policy_schema::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{imported, messages};

/// `spec.mtls` of the mesh, and all findings about it.
fn mutual_tls(objects: &[(&str, &str, &str)]) -> (Value, String) {
    let objects: Vec<_> = objects
        .iter()
        .map(|(namespace, name, spec)| {
            format!(
                "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                 metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
            )
        })
        .collect();
    let options = Options {
        exceptions: Some(ExceptionPlan {
            owner: "o".to_owned(),
            not_after: Timestamp::parse("2030-01-01T00:00:00Z").unwrap(),
        }),
        ..Options::default()
    };
    let imported = imported(&[&objects.join("---\n")], &options);
    let told = [messages(&imported), imported.open.join("\n")].join("\n");
    let mesh = imported.documents.expect(&told).mesh;
    (serde_json::to_value(mesh.spec.mtls).unwrap(), told)
}

/// The whole mesh of the cases.
const STRICT: (&str, &str, &str) = ("istio-system", "default", "{mtls: {mode: STRICT}}");

fn exception(name: &str, more: &Value) -> Value {
    let mut exception = json!({
        "name": name,
        "namespace": "shop",
        "owner": "o",
        "notAfter": "2030-01-01T00:00:00Z",
    });
    for (key, value) in more.as_object().unwrap() {
        exception[key] = value.clone();
    }
    exception
}

#[test]
fn plaintext_in_a_strict_mesh_stays_an_exception_at_its_level() {
    let selector = json!({"matchLabels": {"app": "a"}});
    let of = |spec| ("shop", "a", spec);
    for (object, more) in [
        (of("{mtls: {mode: PERMISSIVE}}"), json!({})),
        (of("{mtls: {mode: DISABLE}}"), json!({"mode": "Disable"})),
        (of("{selector: {}, mtls: {mode: PERMISSIVE}}"), json!({})),
        (
            of("{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}}"),
            json!({"selector": selector}),
        ),
        (
            of(
                "{selector: {matchLabels: {app: a}}, portLevelMtls: {\"9100\": {mode: PERMISSIVE}, \"80\": {mode: STRICT}, \"81\": {}}}",
            ),
            json!({"selector": selector, "ports": [9100]}),
        ),
        (
            of(
                "{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}, portLevelMtls: {\"1\": {mode: DISABLE}, \"2\": {mode: DISABLE}}}",
            ),
            json!({"selector": selector, "ports": [1, 2], "mode": "Disable"}),
        ),
        (
            of(
                "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}, portLevelMtls: {\"1\": {mode: UNSET}}}",
            ),
            json!({"selector": selector}),
        ),
    ] {
        let (mtls, _) = mutual_tls(&[STRICT, object]);
        let expected = json!({"mode": "Strict", "exceptions": [exception("a", &more)]});
        assert_eq!(mtls, expected, "{object:?}");
    }
}

/// Callers without identity reach the workloads of an exception, and no others.
#[test]
fn an_exception_admits_anonymous_callers_at_its_workloads() {
    let objects = "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: open, namespace: foo}
spec: {selector: {matchLabels: {app: open}}, mtls: {mode: PERMISSIVE}}
";
    let everybody = |name: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: {name}, namespace: foo}}\n\
             spec: {{selector: {{matchLabels: {{app: {name}}}}}, rules: [{{}}]}}\n"
        )
    };
    let texts = [objects, &everybody("open"), &everybody("closed")];
    let documents = imported(&texts, &Options::default()).documents.unwrap();
    let rules: Vec<_> = documents
        .policies
        .iter()
        .map(|policy| {
            let rules = policy.document.spec.rules.iter();
            rules.map(|rule| rule.id.as_str()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(rules, [vec!["closed"], vec!["open", "open-anonymous"]]);
}

#[test]
fn an_inherited_strict_mode_is_not_an_exception() {
    for spec in [
        "{}",
        "{mtls: {mode: STRICT}}",
        "{mtls: {mode: UNSET}}",
        "{selector: {matchLabels: {app: a}}}",
        "{selector: {matchLabels: {app: a}}, portLevelMtls: {\"80\": {mode: UNSET}}}",
    ] {
        let (mtls, _) = mutual_tls(&[STRICT, ("shop", "a", spec)]);
        assert_eq!(mtls, json!({"mode": "Strict"}), "{spec}");
    }
    // In the root namespace Istio ignores a selector, so nothing accepts plaintext there.
    let root = "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}}";
    let (mtls, told) = mutual_tls(&[STRICT, ("istio-system", "a", root)]);
    assert_eq!(mtls, json!({"mode": "Strict"}));
    assert!(told.contains("Istio ignores"), "{told}");
}

/// No mode is rendered, so no object is replaced: an unknown or inexpressible setting never becomes
/// the widest.
#[test]
fn leaves_the_mode_to_the_cluster_if_exceptions_cannot_express_it() {
    let workload = "{selector: {matchLabels: {app: a}}, mtls: {mode: PERMISSIVE}";
    let with_port = format!("{workload}, portLevelMtls: {{\"80\": {{mode: STRICT}}}}}}");
    let workload = format!("{workload}}}");
    let other = "{selector: {matchLabels: {version: v1}}, mtls: {mode: STRICT}}";
    let mixed = "{selector: {matchLabels: {app: a}}, portLevelMtls: {\"1\": {mode: DISABLE}, \"2\": {mode: PERMISSIVE}}}";
    let strict = "{selector: {matchLabels: {app: a}}, mtls: {mode: STRICT}}";
    for (objects, reason) in [
        (&[][..], "no mesh-wide PeerAuthentication"),
        (
            &[("shop", "default", "{mtls: {mode: STRICT}}")],
            "no mesh-wide PeerAuthentication",
        ),
        (
            &[("istio-system", "default", "{mtls: {mode: DISABLE}}")],
            "`DISABLE`",
        ),
        (
            &[STRICT, ("istio-system", "b", "{mtls: {mode: PERMISSIVE}}")],
            "uses the older one",
        ),
        (
            &[
                STRICT,
                ("shop", "a", "{}"),
                ("shop", "b", "{mtls: {mode: PERMISSIVE}}"),
            ],
            "uses the older one",
        ),
        (
            &[STRICT, ("shop", "a", &with_port)],
            "some of its ports have another mode",
        ),
        (
            &[STRICT, ("shop", "a", mixed)],
            "ports of the workload have different modes",
        ),
        (
            &[STRICT, ("shop", "a", &workload), ("shop", "b", other)],
            "may select the same pods",
        ),
        (
            &[
                STRICT,
                ("shop", "a", strict),
                ("shop", "b", "{mtls: {mode: PERMISSIVE}}"),
            ],
            "strict in a namespace that is not",
        ),
        (
            &[STRICT, ("shop", "a.b", &workload)],
            "`a.b` is not a valid exception name",
        ),
    ] {
        let (mtls, told) = mutual_tls(objects);
        assert_eq!(mtls, Value::Null, "{objects:?}");
        assert!(told.contains(reason), "{objects:?}: {told}");
        assert!(told.contains("`mtls.mode` is left out"), "{told}");
    }
}

#[test]
fn a_mesh_can_be_permissive() {
    for spec in ["{mtls: {mode: PERMISSIVE}}", "{}", "{selector: {}}"] {
        let (mtls, told) = mutual_tls(&[
            ("istio-system", "default", spec),
            ("shop", "default", "{mtls: {mode: STRICT}}"),
        ]);
        assert_eq!(mtls, json!({"mode": "Permissive"}), "{spec}");
        assert!(told.contains("stays in force"), "{told}");
    }
}
