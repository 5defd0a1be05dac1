use std::collections::BTreeSet;

use crate::reporting::MetricNames;
use crate::telemetry::metric::{
    ALL, DECISIONS, EXPIRY, FlatPattern, MEMORY, MetricKind, PREFIX, REVISION,
};
use crate::telemetry::{Label, flat_value, plain_value};

#[test]
fn labelled_names_use_istios_format() {
    assert_eq!(
        DECISIONS.series(
            MetricNames::Labelled,
            &["shop_orders", "web", "deny", "expired-rule"]
        ),
        "peergate_decisions_total.peergate_policy=.=shop_orders;.;peergate_rule=.=web;.;\
         peergate_effect=.=deny;.;peergate_reason=.=expired-rule;.;"
    );
    assert_eq!(
        MEMORY.series(MetricNames::Labelled, &[]),
        "peergate_memory_bytes"
    );
}

#[test]
fn flat_names_separate_labels_by_reserved_words() {
    assert_eq!(
        DECISIONS.series(
            MetricNames::Flat,
            &["shop_cart-service", "-", "shadow_deny", "no-rule-matched"]
        ),
        "peergate_decisions_POLICY_shop_cart__service_RULE_NONE_EFFECT_shadow_deny_REASON_no__rule__matched_total"
    );
    assert_eq!(
        REVISION.series(MetricNames::Flat, &["shop_orders"]),
        "peergate_policy_revision_POLICY_shop_orders"
    );
    assert_eq!(MEMORY.series(MetricNames::Flat, &[]), MEMORY.name);
}

#[test]
fn unlabelled_names_are_valid_in_prometheus() {
    assert_eq!(
        REVISION.unlabelled_name(&["shop_cart-service"]),
        "peergate_policy_revision_peergate_policy___shop_cart_service___"
    );
    assert_eq!(MEMORY.unlabelled_name(&[]), MEMORY.name);
}

#[test]
fn every_name_has_the_prefix() {
    assert!(ALL.iter().all(|metric| metric.name.starts_with(PREFIX)));
}

/// Policies whose names differ only in separators.
const ALIKE: [&str; 8] = [
    "a-b_c", "a_b-c", "a_b_c", "a_b", "a-b_c-d", "a_b_c_d", "a--b_c", "a_b--c",
];

#[test]
fn flat_names_keep_values_distinct() {
    let flat: BTreeSet<_> = ALIKE.iter().map(|value| flat_value(value)).collect();
    assert_eq!(flat.len(), ALIKE.len(), "{flat:?}");
    let others = ["-", "web", "none", "shadow_deny", "no-rule-matched"];
    for value in ALIKE.into_iter().chain(others) {
        let flat = flat_value(value);
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        assert!(flat.bytes().all(is_valid), "{flat}");
        assert_eq!(plain_value(&flat), value);
        // Names that are not flat contain the value unchanged.
        assert_eq!(plain_value(value), value);
    }
}

#[test]
fn extracts_labels_from_flat_names() {
    assert_eq!(
        EXPIRY.flat_pattern().unwrap(),
        FlatPattern {
            pattern: "peergate_rule_expiry_timestamp_seconds_POLICY_(.+)_RULE_(.+)".into(),
            values: vec![(Label::Policy, "${1}".into()), (Label::Rule, "${2}".into())],
        }
    );
    assert_eq!(MEMORY.flat_pattern(), None);
    for policy in ALIKE {
        for rule in ["-", "no-reports"] {
            let values = [policy, rule, "shadow_deny", "no-rule-matched"];
            let name = DECISIONS.series(MetricNames::Flat, &values);
            assert_eq!(DECISIONS.flat_values(&name).unwrap(), values, "{name}");
        }
    }
    for name in [
        "peergate_decisions_total",
        "peergate_decisions_POLICY_shop_orders_total",
        "peergate_policy_revision_POLICY_shop_orders",
    ] {
        assert_eq!(DECISIONS.flat_values(name), None, "{name}");
    }
    assert_eq!(MEMORY.flat_values(MEMORY.name), None);
}

#[test]
fn every_label_has_its_tag() {
    assert_eq!(Label::ALL.map(Label::tag), Label::TAGS);
}

#[test]
fn no_tag_is_a_suffix_of_another() {
    for tag in Label::TAGS {
        let ends = Label::TAGS.iter().filter(|other| other.ends_with(tag));
        assert_eq!(ends.count(), 1, "{tag}");
    }
}

#[test]
fn names_are_valid_in_prometheus_and_unique() {
    let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len());
    for metric in ALL {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'_');
        assert!(metric.name.bytes().all(is_plain), "{}", metric.name);
        let is_counter = metric.kind == MetricKind::Counter;
        assert_eq!(
            metric.name.ends_with("_total"),
            is_counter,
            "{}",
            metric.name
        );
    }
}
