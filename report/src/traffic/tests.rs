//! Tests of the output for a scrape.

use peergate_insight::policy_selection::PolicySelection;
use peergate_insight::traffic::documents::Documents;
use peergate_insight::traffic::from_proxy;
use peergate_insight::traffic::reading::{Count, Decision, ObservedRequest, Reading};
use peergate_insight::traffic::snapshot::Snapshot;
use peergate_tests::scrape::{at, reading, scrape};
use policy_schema::diagnostic::SourceText;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::telemetry::ObservedValue;
use policy_schema::validate::{Options, validate};

use super::order::Order;
use super::{json, plain};

const SOURCE: &str = "localhost:15000";

fn set() -> PolicySet {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: include_str!("../../../wasmplugin/tests/counted/policy.yaml").to_owned(),
    };
    let options = Options {
        at: at("2026-06-01T00:00:00Z"),
        istio_version: None,
    };
    validate(&[source], options).policies.unwrap()
}

fn snapshot() -> Snapshot {
    Snapshot::new(&reading(), SOURCE, None, &PolicySelection::All)
}

#[test]
fn formats_a_snapshot_as_json() {
    let json = json::json(&reading(), &snapshot(), SOURCE, Order::Denied).unwrap();
    insta::assert_snapshot!("json", String::from_utf8(json).unwrap());
}

#[test]
fn formats_a_snapshot_as_tables() {
    insta::assert_snapshot!("plain", plain::text(&snapshot(), Order::Name));
}

#[test]
fn documents_add_sources_owners_and_stale_revisions() {
    let orders = PolicySelection::Policy(PolicyName {
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
    });
    let snapshot = Snapshot::new(&reading(), SOURCE, Some(&Documents::new(&set())), &orders);
    // The revision is a digest of the documents.
    let policy = set().policy("shop", "orders").unwrap().clone();
    let documented = set().plugin_config(&policy).revision.unwrap();
    let text = plain::text(&snapshot, Order::Name).replace(&documented, "<documented>");
    insta::assert_snapshot!("documented", text);
}

#[test]
fn first_reading_has_no_rates() {
    let first = from_proxy::read(&scrape(40, 5, 0), at("2026-06-01T00:00:00Z")).unwrap();
    let snapshot = Snapshot::new(&first, SOURCE, None, &PolicySelection::All);
    let rates = snapshot.rules.iter().map(|row| row.tally.allowed.rate);
    assert!(rates.into_iter().all(|rate| rate.is_none()));
}

#[test]
fn counts_a_reset_counter_from_zero() {
    let earlier = from_proxy::read(&scrape(40, 5, 0), at("2026-06-01T00:00:00Z")).unwrap();
    let now = from_proxy::read(&scrape(10, 5, 0), at("2026-06-01T00:00:02Z")).unwrap();
    let rates: Vec<_> = now
        .since(&earlier)
        .decisions
        .into_iter()
        .filter(|(decision, _)| decision.policy == "shop_orders" && decision.rule == "web")
        .map(|(_, count)| count.rate)
        .collect();
    assert_eq!(rates, [Some(5.0)]);
}

/// Prometheus' text format has NaN, infinities and a negative zero.
#[test]
fn ignores_values_that_are_not_quantities() {
    let with = |value: &str| {
        let text = scrape(7, 0, 0).replace("} 7\n", &format!("}} {value}\n"));
        let text = text.replace("} 2359296\n", &format!("}} {value}\n"));
        from_proxy::read(&text, at("2026-06-01T00:00:02Z")).unwrap()
    };
    for value in ["NaN", "+Inf", "-Inf", "-0", "-7", "1e300"] {
        let snapshot = Snapshot::new(&with(value), SOURCE, None, &PolicySelection::All);
        let text = plain::text(&snapshot, Order::Denied);
        for wrong in ["NaN", "inf", "-0", "-7", "000000000000"] {
            assert!(!text.contains(wrong), "{value}: {text}");
        }
    }
}

#[test]
fn distinguishes_web_pages_from_proxies_without_the_filter() {
    let noon = at("2026-06-01T12:00:00Z");
    for page in ["<html><body>Grafana</body></html>", "not found\n"] {
        assert_eq!(from_proxy::read(page, noon), None, "{page}");
    }
    for nothing in ["", "\n", "# TYPE envoy_server_live gauge\n"] {
        let reading = from_proxy::read(nothing, noon).unwrap();
        assert!(reading.decisions.is_empty(), "{nothing}");
    }
}

#[test]
fn distinguishes_proxies_without_tags_from_proxies_without_counters() {
    let name = "peergate_decisions_total_peergate_policy___shop_orders____peergate_rule___web____";
    let reading = from_proxy::read(&format!("{name}{{}} 3\n"), at("2026-06-01T12:00:00Z"));
    assert!(reading.unwrap().is_unlabelled);
    let reading = from_proxy::read(&scrape(1, 0, 0), at("2026-06-01T12:00:00Z"));
    assert!(!reading.unwrap().is_unlabelled);
}

#[test]
fn reports_missing_counters() {
    let nothing = Reading::new(at("2026-06-01T00:00:00Z"));
    let snapshot = Snapshot::new(&nothing, SOURCE, None, &PolicySelection::All);
    assert_eq!(
        plain::text(&snapshot, Order::Name),
        "localhost:15000: 0 policies\n\nno counters\n"
    );
}

#[test]
fn escapes_control_characters_in_labels() {
    let evil = "\u{1b}[2J\u{202e}x";
    let decision = |labels: [&str; 4]| {
        let [policy, rule, effect, reason] = labels.map(str::to_owned);
        Decision {
            policy,
            rule,
            effect,
            reason,
        }
    };
    let request = ObservedRequest {
        policy: evil.to_owned(),
        rule: evil.to_owned(),
        effect: "deny".to_owned(),
        caller: ObservedValue::from_label("_1b_5b2J_e2_80_aex"),
        method: ObservedValue::from_label("_1b"),
        path: ObservedValue::from_label("_2f_e2_80_ae"),
    };
    let once = Count {
        total: 1.0,
        rate: None,
    };
    let mut reading = Reading::new(at("2026-06-01T00:00:00Z"));
    let decision = decision([evil, evil, "deny", evil]);
    reading.decisions.insert(decision, once);
    reading.observed.insert(request, once);
    let rule = (evil.to_owned(), evil.to_owned());
    reading.expiries.insert(rule, 1e10);
    let verdicts = (evil.to_owned(), "only-\u{202e}\u{1b}".to_owned());
    reading.comparisons.insert(verdicts, 1.0);
    let revisions = [("000000000001".to_owned(), 1)];
    reading.revisions.insert(evil.to_owned(), revisions.into());
    let text = plain::text(
        &Snapshot::new(&reading, SOURCE, None, &PolicySelection::All),
        Order::Name,
    );
    let is_plain = |char: char| char.is_ascii_graphic() || matches!(char, ' ' | '\n');
    assert!(text.chars().all(is_plain), "{text:?}");
    for shown in [r"\u{1b}[2J\u{202e}x", r"/\u{202e}"] {
        assert!(text.contains(shown), "{text}");
    }
    assert!(!text.contains("only-"), "{text}");
}
