//! Where the filter fails open.

use policy_schema::istio::{ExtensionApi, extension};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::FilterFailure;
use policy_schema::verify::{FindingCode, Observed, Proxy, RunningPolicy, verify};

use super::*;

#[test]
fn the_filter_fails_open_if_all_its_policies_are_in_shadow() {
    let all_in_shadow = [("shop", CART, IN_SHADOW), ("shop", NAMESPACE, IN_SHADOW)];
    let followers = [("shop", CART, IN_SHADOW), ("shop", NAMESPACE, DENY)];
    let enforced_leader = [("shop", CART, ALLOW), ("shop", NAMESPACE, IN_SHADOW)];
    let of_the_mesh = [("shop", CART, IN_SHADOW), ("istio-system", MESH, DENY)];
    let elsewhere = [("shop", CART, IN_SHADOW), ("shop", WEB, ALLOW)];
    let (deny, pass) = (FilterFailure::Deny, FilterFailure::Pass);
    for (policies, expected) in [
        (all_in_shadow, [pass, pass]),
        (followers, [deny, deny]),
        (enforced_leader, [deny, pass]),
        // Namespaces are sorted, so the one of the mesh comes first.
        (of_the_mesh, [deny, deny]),
        (elsewhere, [pass, deny]),
    ] {
        let set = set(OPEN, &policies);
        let found: Vec<_> = set
            .policies()
            .iter()
            .map(|policy| set.filter_failure(policy))
            .collect();
        assert_eq!(found, expected, "{policies:?}");
    }
}

#[test]
fn renders_the_fail_strategy_that_istio_supports() {
    for (version, in_shadow, enforced) in [
        ("1.18", None, None),
        ("1.19", Some("FAIL_OPEN"), Some("FAIL_CLOSE")),
        ("1.26", Some("FAIL_OPEN"), Some("FAIL_CLOSE")),
        ("1.27", Some("FAIL_OPEN"), Some("FAIL_RELOAD")),
        ("1.31", Some("FAIL_OPEN"), Some("FAIL_RELOAD")),
    ] {
        for (spec, expected) in [(IN_SHADOW, in_shadow), (ALLOW, enforced)] {
            let set = set_for(version, OPEN, &[("shop", CART, spec)]);
            let object =
                extension(&set.rollout(&set.policies()[0]), ExtensionApi::WasmPlugin).unwrap();
            let object = serde_json::to_value(object).unwrap();
            let strategy = object["spec"].get("failStrategy");
            let strategy = strategy.map(|strategy| strategy.as_str().unwrap());
            assert_eq!(strategy, expected, "{version}: {spec}");
        }
    }
}

#[test]
fn reports_fail_open_filters_that_enforce_rules() {
    for (policies, expected) in [
        (vec![("shop", CART, IN_SHADOW)], false),
        (vec![("shop", CART, ALLOW)], true),
        (
            vec![("shop", CART, IN_SHADOW), ("shop", NAMESPACE, DENY)],
            true,
        ),
        // The enforcement of another mesh's policy is unknown.
        (vec![], true),
    ] {
        let running = RunningPolicy {
            name: PolicyName {
                namespace: "shop".to_owned(),
                name: "p0".to_owned(),
            },
            revision: None,
            sent: None,
            fails_open: true,
        };
        let proxy = Proxy {
            name: "cart-1".to_owned(),
            policies: vec![running],
            ..Proxy::default()
        };
        let observed = Observed {
            proxies: vec![proxy],
            ..Observed::default()
        };
        let verdict = verify(&set(OPEN, &policies), ExtensionApi::WasmPlugin, &observed);
        let mut findings = verdict.findings.iter();
        let is_found = findings.any(|finding| finding.code == FindingCode::FilterFailsOpen);
        assert_eq!(is_found, expected, "{policies:?}");
    }
}
