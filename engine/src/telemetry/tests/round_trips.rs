//! Readers decode everything that the filter writes.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;

use crate::plugin_config::PolicyName;
use crate::rule_spec::{Effect, Enforcement};
use crate::telemetry::{
    DECISION_FIELDS, DecisionEffect, Label, NO_RULE, ObservedValue, PolicyLabel, RbacComparison,
    ReasonCode, RevisionNumber, flat_value, plain_value, rule_id, rule_label,
};

/// Each word can be read back, also from flat names, and no other word is accepted.
fn words<W>(all: &[W])
where
    W: Copy + Debug + Display + FromStr<Err: Debug> + PartialEq,
{
    for word in all {
        let text = word.to_string();
        assert_eq!(text.parse::<W>().unwrap(), *word);
        assert_eq!(plain_value(&flat_value(&text)), text);
        for other in [text.to_uppercase(), format!("{text} "), String::new()] {
            assert!(other.parse::<W>().is_err(), "{other}");
        }
    }
}

#[test]
fn every_word_is_read_back() {
    words(&DecisionEffect::ALL);
    words(&ReasonCode::ALL);
    words(&RbacComparison::ALL);
    words(&Label::ALL);
}

#[test]
fn reports_unknown_words() {
    let error = "permit".parse::<DecisionEffect>().unwrap_err();
    assert_eq!(error.to_string(), "unknown effect `permit`");
}

#[test]
fn every_effect_belongs_to_a_rule_enforced_or_in_shadow() {
    let mut made = Vec::new();
    for effect in [Effect::Allow, Effect::Deny, Effect::Audit, Effect::Custom] {
        for enforcement in [Enforcement::Enforce, Enforcement::Shadow] {
            let effect = DecisionEffect::new(effect, enforcement);
            assert_eq!(effect.is_shadow(), enforcement == Enforcement::Shadow);
            assert_eq!(effect.is_shadow(), effect.as_str().starts_with("shadow_"));
            made.push(effect);
        }
    }
    made.sort_unstable();
    assert_eq!(made, DecisionEffect::ALL);
}

#[test]
fn reasons_for_decisions_have_numbers() {
    for reason in ReasonCode::ALL {
        let is_of_decision = reason != ReasonCode::MatchedByRule;
        let found = ReasonCode::from_number(reason.number());
        assert_eq!(found, is_of_decision.then_some(reason));
    }
    assert_eq!(ReasonCode::from_number(u8::MAX), None);
}

#[test]
fn released_words_are_unchanged() {
    let words = |words: &[&str]| words.join(" ");
    assert_eq!(
        words(&DecisionEffect::ALL.map(DecisionEffect::as_str)),
        "allow deny shadow_allow shadow_deny audit shadow_audit custom shadow_custom"
    );
    assert_eq!(
        words(&ReasonCode::ALL.map(ReasonCode::as_str)),
        "allowed-by-rule not-denied denied-by-rule no-identity malformed-identity foreign-trust-domain expired-rule \
         rule-not-yet-valid no-rule-matched unvalidated-certificate matched-by-rule"
    );
    assert_eq!(
        words(&RbacComparison::ALL.map(RbacComparison::as_str)),
        "both-allow both-deny only-rbac-denies only-filter-denies no-rbac"
    );
    assert_eq!(
        words(&DECISION_FIELDS),
        "peergate_policy peergate_rule peergate_effect peergate_reason peergate_decision"
    );
}

#[test]
fn the_help_of_a_label_lists_its_words() {
    for word in ["allow", "deny", "audit", "custom", "shadow_"] {
        assert!(Label::Effect.help().contains(&format!("`{word}`")));
    }
    for verdicts in RbacComparison::ALL {
        assert!(Label::Verdicts.help().contains(&format!("`{verdicts}`")));
    }
    let matched = format!("`{}`", ReasonCode::MatchedByRule);
    assert!(Label::Reason.help().contains(&matched));
    for value in [ObservedValue::ABSENT, ObservedValue::OTHER] {
        assert!(Label::Caller.help().contains(&format!("`{value}`")));
    }
}

#[test]
fn rejects_invalid_policy_labels() {
    for label in [
        "",
        "_",
        "shop",
        "shop_",
        "_cart",
        "shop__cart",
        "shop/cart",
        "Shop_cart",
        "shop_ca.rt",
    ] {
        assert!(label.parse::<PolicyLabel>().is_err(), "{label}");
    }
}

#[test]
fn a_revision_has_twelve_hexadecimal_digits() {
    for revision in [
        "000000000000",
        "00000000000a",
        "ffffffffffff",
        "4f53cda18c2b",
    ] {
        let number: RevisionNumber = revision.parse().unwrap();
        assert_eq!(number.to_string(), revision);
    }
    for text in [
        "",
        "1",
        "1234567890123",
        "+23456789012",
        "12345678901g",
        "4F53CDA18C2B",
    ] {
        assert!(text.parse::<RevisionNumber>().is_err(), "{text}");
    }
    assert_eq!(RevisionNumber::default().get(), 0);
}

#[test]
fn a_revision_is_the_first_six_bytes_of_a_digest() {
    let digest = [0x00, 0x53, 0xcd, 0xa1, 0x8c, 0x2b, 0xff, 0xff];
    assert_eq!(
        RevisionNumber::from_digest(&digest).to_string(),
        "0053cda18c2b"
    );
}

#[test]
fn shows_other_samples_as_numbers() {
    for (value, text) in [
        (0.0, "000000000000"),
        (281_474_976_710_655.0, "ffffffffffff"),
        (281_474_976_710_656.0, "281474976710656"),
        (-1.0, "-1"),
        (0.5, "0.5"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
    ] {
        assert_eq!(RevisionNumber::sample_text(value), text);
    }
}

#[test]
fn observed_values_are_read_from_labels() {
    let text = |text: &str| ObservedValue::Text(text.into());
    for (label, expected) in [
        ("-", Ok(ObservedValue::Absent)),
        ("", Ok(ObservedValue::Absent)),
        ("-other-", Ok(ObservedValue::Other)),
        ("GET", Ok(text("GET"))),
        ("_2fcart", Ok(text("/cart"))),
        ("spiffe_3a_2f_2fa_2fns_2fb", Ok(text("spiffe://a/ns/b"))),
        ("_c3_b6", Ok(text("ö"))),
        ("_ff", Ok(ObservedValue::Text(vec![0xff]))),
        ("_1b_5b2J", Ok(text("\u{1b}[2J"))),
        ("_", Err(text("_"))),
        ("_2", Err(text("_2"))),
        ("_2F", Err(text("_2F"))),
        ("_30", Err(text("_30"))),
        ("_zz", Err(text("_zz"))),
        ("a/b", Err(text("a/b"))),
        ("_2\u{e9}", Err(text("_2\u{e9}"))),
    ] {
        let strictly = label.parse::<ObservedValue>();
        assert_eq!(strictly.is_ok(), expected.is_ok(), "{label}");
        let (Ok(expected) | Err(expected)) = expected;
        assert_eq!(ObservedValue::from_label(label), expected, "{label}");
    }
    let no_text = ObservedValue::Text(vec![0xff]);
    assert_eq!(no_text.text().as_deref(), Some("\u{fffd}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn policies_are_read_back(
        namespace in "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?",
        name in "[a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,4}[a-z0-9])?){0,3}",
    ) {
        let policy = PolicyName { namespace, name };
        let label = PolicyLabel::from(&policy);
        prop_assert_eq!(label.policy(), policy);
        prop_assert_eq!(label.to_string().parse(), Ok(label));
    }

    #[test]
    fn policy_labels_round_trip(label in "[a-z0-9_.-]{0,9}") {
        if let Ok(read) = label.parse::<PolicyLabel>() {
            prop_assert_eq!(PolicyLabel::from(&read.policy()).to_string(), label);
        }
    }

    #[test]
    fn rules_are_read_back(id in "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?") {
        prop_assert_eq!(rule_id(rule_label(Some(&id))), Some(&*id));
        prop_assert_eq!(rule_id(NO_RULE), None);
    }

    #[test]
    fn revisions_are_read_back_from_samples(revision in "[0-9a-f]{12}") {
        let number: RevisionNumber = revision.parse().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "48 bits fit")]
        let sample = number.get() as f64;
        prop_assert_eq!(RevisionNumber::from_sample(sample), Some(number));
    }

    #[test]
    fn observed_values_are_read_back(text in prop::collection::vec(any::<u8>(), 0..20)) {
        let label = ObservedValue::label(Some(&text));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        prop_assert!(label.bytes().all(is_plain));
        let expected = match &*text {
            b"" | b"-" => ObservedValue::Absent,
            b"-other-" => ObservedValue::Other,
            _ => ObservedValue::Text(text),
        };
        prop_assert_eq!(label.parse(), Ok(expected));
    }

    #[test]
    fn observed_labels_round_trip(label in "[a-zA-Z0-9_-]{1,9}") {
        if let Ok(value) = label.parse::<ObservedValue>() {
            prop_assert_eq!(value.to_string(), label);
        }
    }
}
