//! Which requests count for which candidate.

use std::fmt::Write as _;

use policy_schema::diagnostic::SourceText;
use policy_schema::validate::{Options, validate};

use super::*;
use crate::promotion::selectors::{Selectors, decided};

/// Each request is counted once: the extra counts of a rule in shadow differ in effect or name.
#[test]
fn does_not_count_shadow_matches_as_requests() {
    let decisions = "peergate_decisions_total{peergate_policy=~\"shop_orders\"";
    let of_rule = rule(Effect::Deny);
    let part = Selectors::new(&of_rule.members[0], &of_rule.subject);
    let expected = format!("{decisions},peergate_effect=~\"allow|deny\"}}");
    assert_eq!(decided(&of_rule), Some(expected));
    assert_eq!(part.in_shadow, None);
    let expected = format!("{decisions},peergate_rule=~\"a\",peergate_effect=\"shadow_deny\"}}");
    assert_eq!((&part.hits, &part.present), (&expected, &expected));

    let in_shadow = format!(
        "{decisions},peergate_effect=~\"shadow_allow|shadow_deny\",peergate_rule!~\"a|b\"}}"
    );
    let in_shadow = Some(in_shadow);
    let orders = member("orders", true, &["a", "b"]);
    let part = Selectors::new(&orders, &whole(&[]).subject);
    assert_eq!(part.in_shadow, in_shadow);
    assert_eq!(
        part.hits,
        format!("{decisions},peergate_effect=\"shadow_deny\",peergate_rule!~\"a|b\"}}")
    );

    let part = Selectors::new(&orders, &rule(Effect::Allow).subject);
    assert_eq!(part.in_shadow, in_shadow);
    assert_eq!(
        part.hits,
        format!("{decisions},peergate_rule=~\"a\",peergate_effect=\"shadow_allow\"}}")
    );
}

/// Expected are the policies that are promoted together, their enforced neighbors, and the neighbors that keep default
/// denials from being counted.
#[test]
fn judges_overlapping_shadow_policies_together() {
    let selecting = |label: &str| format!("selector: {{matchLabels: {{app: {label}}}}}");
    let (a, b, all) = (
        selecting("a"),
        selecting("b"),
        "scope: Namespace".to_owned(),
    );
    let shadow = "enforcement: Shadow";
    for (policies, expected) in [
        (
            vec![("a", &a, shadow), ("b", &b, shadow)],
            vec!["a /  / ", "b /  / "],
        ),
        (
            vec![("a", &a, shadow), ("b", &b, shadow), ("n", &all, shadow)],
            vec!["a b n /  / "],
        ),
        (
            vec![("a", &a, shadow), ("b", &b, ""), ("n", &all, shadow)],
            vec!["a n / b / "],
        ),
        (
            vec![("a", &a, shadow), ("n", &all, "otherwise: Pass")],
            vec!["a / n / n"],
        ),
        (
            vec![
                ("a", &a, "enforcement: Shadow, otherwise: Pass"),
                ("n", &all, "otherwise: Pass"),
            ],
            vec!["a / n / "],
        ),
    ] {
        let mut text = MESH.to_owned();
        for (name, scope, more) in policies {
            let deny = "{id: x, effect: Deny, to: [{paths: [\"/x\"]}]}";
            let allow = "{id: w, effect: Allow, from: [{serviceAccounts: [w]}]}";
            // Where the rest passes, an `Allow` rule changes nothing and is refused.
            let rule = if more.contains("Pass") {
                format!("rules: [{deny}]")
            } else {
                format!("rules: [{deny}, {allow}]")
            };
            let _ = write!(
                text,
                "---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{{scope}, {rule}, {more}}}\n"
            );
        }
        let source = SourceText {
            name: "policies.yaml".to_owned(),
            text,
        };
        let options = Options {
            at: Timestamp::from_unix_nanoseconds(0),
            istio_version: None,
        };
        let validated = validate(&[source], options);
        let set = validated
            .policies
            .unwrap_or_else(|| panic!("{:?}", validated.diagnostics));
        let names = |names: &mut dyn Iterator<Item = &PolicyName>| {
            let names: Vec<_> = names.map(|name| name.name.clone()).collect();
            names.join(" ")
        };
        let found = Candidate::all(&set).into_iter().map(|candidate| {
            let Subject::Policies { uncounted } = &candidate.subject else {
                panic!("{candidate:?}")
            };
            assert_eq!(candidate.is_decided, !candidate.neighbours.is_empty());
            format!(
                "{} / {} / {}",
                names(&mut candidate.members.iter().map(|member| &member.name)),
                names(&mut candidate.neighbours.iter()),
                names(&mut uncounted.iter())
            )
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
