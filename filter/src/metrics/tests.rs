use serde_json::{Value, json};

use crate::enforcer::Enforcer;
use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer, labels};

fn rules() -> Value {
    json!([
        {"id": "web", "effect": "Allow", "notBefore": "2020-01-01T00:00:00Z",
         "notAfter": "2030-01-01T00:00:00Z", "from": [{"serviceAccounts": ["web"]}]},
        {"id": "no-admin", "effect": "Deny", "notAfter": "2030-01-01T00:00:00Z",
         "from": [{"serviceAccounts": ["admin"]}]},
        {"id": "trial", "effect": "Deny", "enforcement": "Shadow",
         "from": [{"serviceAccounts": ["web"]}]},
    ])
}

fn counted(config: &Value, host: &FakeHost) -> Vec<(String, u64)> {
    enforcer(config, host).enforce(host);
    host.counted()
}

fn once(labels: &[&str]) -> Vec<(String, u64)> {
    labels
        .iter()
        .map(|labels| ((*labels).to_owned(), 1))
        .collect()
}

#[test]
fn names_contain_four_labels_in_istios_format() {
    let host = FakeHost::anonymous();
    let mut config = config(&json!([{"id": "web", "effect": "Deny"}]));
    config["policy"]["name"] = "orders.v1".into();
    enforcer(&config, &host);
    let name = "peergate_decisions_total.peergate_policy=.=shop_orders_v1;.;peergate_rule=.=web;.;\
                peergate_effect=.=deny;.;peergate_reason=.=denied-by-rule;.;";
    assert!(host.defined.borrow().iter().any(|known| known == name));
}

#[test]
fn defines_counters_only_for_possible_results() {
    let host = FakeHost::anonymous();
    enforcer(&config(&rules()), &host);
    let defined = host.defined.borrow();
    let of_decisions = defined
        .iter()
        .filter(|name| name.starts_with("peergate_decisions"));
    // Three of `web`, one of each other rule, four without a rule.
    assert_eq!(of_decisions.count(), 9);
    let defined = defined.join("\n");
    assert!(
        defined.contains("rule=.=web;.;peergate_effect=.=deny;.;peergate_reason=.=expired-rule")
    );
    assert!(
        !defined.contains("rule=.=no-admin;.;peergate_effect=.=deny;.;peergate_reason=.=expired")
    );
}

/// Proxies show metric names on a page of their admin interface (CVE-2026-73546).
#[test]
fn cve_2026_73546_metric_names_contain_no_markup() {
    let odd = "<script>\"'&;";
    let mut config = config(&rules());
    config["reporting"] = json!({"learning": {"maxSeries": 9}});
    for field in ["namespace", "name"] {
        let mut config = config.clone();
        config["policy"][field] = odd.into();
        let config = config.to_string();
        assert!(Enforcer::new(config.as_bytes(), &FakeHost::anonymous()).is_err());
    }
    for field in ["id", "effect"] {
        let mut config = config.clone();
        config["rules"][0][field] = odd.into();
        let config = config.to_string();
        assert!(Enforcer::new(config.as_bytes(), &FakeHost::anonymous()).is_err());
    }
    let host = FakeHost::with_uri_sans(&[WEB])
        .without_header(":path")
        .without_header(":method")
        .with_header(":path", format!("/{odd}"))
        .with_header(":method", odd);
    enforcer(&config, &host).enforce(&host);
    let defined = host.defined.borrow();
    let of_path = |name: &&String| name.contains("_3cscript_3e");
    assert!(defined.iter().any(|name| of_path(&name)), "{defined:?}");
    for name in defined.iter() {
        // Istio's label format contains `=` and `;`.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-=;".contains(&byte);
        assert!(name.bytes().all(is_plain), "{name}");
    }
}

#[test]
fn label_values_contain_only_safe_characters() {
    let host = FakeHost::anonymous();
    enforcer(&config(&rules()), &host);
    for name in host.defined.borrow().iter() {
        for (tag, value) in labels(name) {
            let is_plain = |text: &str| {
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            };
            assert!(
                is_plain(tag) && is_plain(value) && !value.is_empty(),
                "{tag} {value}"
            );
        }
    }
}

#[test]
fn counts_each_decision_and_shadow_match_once() {
    let during = |host: FakeHost| host.at("2026-01-01T00:00:00Z");
    let config = config(&rules());
    assert_eq!(
        counted(&config, &during(FakeHost::with_uri_sans(&[WEB]))),
        once(&[
            "trial shadow_deny denied-by-rule",
            "web allow allowed-by-rule"
        ])
    );
    assert_eq!(
        counted(&config, &during(FakeHost::with_uri_sans(&[ADMIN]))),
        once(&["no-admin deny denied-by-rule"])
    );
    assert_eq!(
        counted(
            &config,
            &FakeHost::with_uri_sans(&[WEB]).at("2031-01-01T00:00:00Z")
        ),
        once(&["trial shadow_deny denied-by-rule", "web deny expired-rule"])
    );
    assert_eq!(
        counted(
            &config,
            &FakeHost::with_uri_sans(&[WEB]).at("2019-01-01T00:00:00Z")
        ),
        once(&[
            "trial shadow_deny denied-by-rule",
            "web deny rule-not-yet-valid"
        ])
    );
    assert_eq!(
        counted(&config, &FakeHost::anonymous()),
        once(&["- deny no-identity"])
    );
}

#[test]
fn counts_decisions_of_a_shadow_policy() {
    let mut config = config(&json!([
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
    ]));
    config["enforcement"] = "Shadow".into();
    assert_eq!(
        counted(&config, &FakeHost::with_uri_sans(&[WEB])),
        once(&["web shadow_allow allowed-by-rule"])
    );
    assert_eq!(
        counted(&config, &FakeHost::with_uri_sans(&[ADMIN])),
        once(&["- shadow_deny no-rule-matched"])
    );
}

#[test]
fn reloading_a_configuration_defines_no_metrics() {
    let host = FakeHost::anonymous();
    let config = config(&rules()).to_string();
    enforcer(&serde_json::from_str(&config).unwrap(), &host);
    let defined = host.defined.borrow().len();
    crate::enforcer::Enforcer::new(config.as_bytes(), &host).unwrap();
    assert_eq!(host.defined.borrow().len(), defined);
}

#[test]
fn decides_without_counters() {
    let host = FakeHost::anonymous().refusing_metrics();
    assert_eq!(counted(&config(&rules()), &host), []);
    assert_eq!(host.responses.borrow().len(), 1);
}

#[test]
fn recording_rules_have_their_own_effects() {
    let config = config(&json!([
        {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
        {"id": "seen", "effect": "Audit"},
        {"id": "asked", "effect": "Custom", "provider": "opa"},
        {"id": "trial", "effect": "Audit", "enforcement": "Shadow"},
    ]));
    assert_eq!(
        counted(&config, &FakeHost::with_uri_sans(&[WEB])),
        once(&[
            "asked custom matched-by-rule",
            "seen audit matched-by-rule",
            "trial shadow_audit matched-by-rule",
            "web allow allowed-by-rule",
        ])
    );
}

#[test]
fn reports_the_active_policy_on_activation() {
    let host = FakeHost::anonymous().at("2026-06-01T12:00:00Z");
    let mut config = config(&rules());
    config["revision"] = "5f70bf18a086".into();
    enforcer(&config, &host);
    let value = |metric: &str| host.series_values(metric);
    let one = |label: &str, value| vec![(label.to_owned(), value)];
    assert_eq!(
        value("peergate_policy_revision"),
        one("shop_orders", 0x5f70_bf18_a086)
    );
    assert_eq!(value("peergate_policy_rules"), one("shop_orders", 3));
    assert_eq!(
        value("peergate_policy_loaded_timestamp_seconds"),
        one("shop_orders", 1_780_315_200)
    );
    assert_eq!(
        value("peergate_rule_expiry_timestamp_seconds"),
        [
            ("shop_orders no-admin".to_owned(), 1_893_456_000),
            ("shop_orders web".to_owned(), 1_893_456_000)
        ]
    );
    assert_eq!(host.value("peergate_memory_bytes"), 1 << 20);
}

#[test]
fn a_removed_rule_no_longer_expires() {
    let host = FakeHost::anonymous();
    let with_rules = config(&rules());
    enforcer(&with_rules, &host);
    let mut fewer = rules();
    fewer.as_array_mut().unwrap().remove(0);
    let fewer = config(&fewer).to_string();
    crate::enforcer::Enforcer::new(fewer.as_bytes(), &host).unwrap();
    let expiries = || host.series_values("peergate_rule_expiry_timestamp_seconds");
    assert_eq!(
        expiries(),
        [
            ("shop_orders no-admin".to_owned(), 1_893_456_000),
            ("shop_orders web".to_owned(), 0)
        ]
    );
    let again = with_rules.to_string();
    crate::enforcer::Enforcer::new(again.as_bytes(), &host).unwrap();
    assert_eq!(expiries()[1], ("shop_orders web".to_owned(), 1_893_456_000));
}

#[test]
fn reports_an_invalid_revision_as_none() {
    for revision in ["", "abc", "5f70bf18a08g", "5f70bf18a0867", "+f70bf18a086"] {
        let host = FakeHost::anonymous();
        let mut config = config(&json!([]));
        config["revision"] = json!(revision);
        enforcer(&config, &host);
        let reported = host.series_values("peergate_policy_revision");
        assert_eq!(reported, [("shop_orders".to_owned(), 0)], "{revision}");
    }
}

#[test]
fn flat_names_have_no_tags() {
    let host = FakeHost::anonymous();
    let mut config = config(&rules());
    config["reporting"] = json!({"metricNames": "Flat"});
    enforcer(&config, &host).enforce(&host);
    let counter =
        "peergate_decisions_POLICY_shop_orders_RULE_NONE_EFFECT_deny_REASON_no__identity_total";
    assert_eq!(host.value(counter), 1);
    let defined = host.defined.borrow();
    assert!(defined.iter().all(|name| !name.contains(['.', '=', ';'])));
}

#[test]
fn requests_define_no_metrics() {
    let setup = FakeHost::anonymous();
    let enforcer = enforcer(&config(&rules()), &setup);
    let defined = setup.defined.borrow().len();
    for number in 0..200 {
        let id = format!("spiffe://cluster.local/ns/n{number}/sa/a");
        let host = match number % 3 {
            0 => FakeHost::anonymous(),
            1 => FakeHost::with_uri_sans_before_envoy_1_38(&[&id]),
            _ => FakeHost::with_uri_sans_before_envoy_1_38(&["spiffe://evil/x"]),
        };
        let host = host
            .without_header(":path")
            .with_header(":path", format!("/{number}"))
            .with_header(&format!("x-{number}"), "a");
        enforcer.enforce(&host);
        assert_eq!(host.defined.borrow().len(), 0, "{number}");
    }
    assert_eq!(setup.defined.borrow().len(), defined);
}
