//! What is shown of a scrape, as people see it.

use std::fmt::Write;

use peergate_insight::traffic::documents::Documents;
use peergate_insight::traffic::from_proxy;
use peergate_insight::traffic::reading::{Count, Decision, ObservedRequest, Reading};
use peergate_insight::traffic::snapshot::Snapshot;
use policy_schema::diagnostic::SourceText;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::telemetry::ObservedValue;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::look::{Look, Page};
use super::order::Order;
use super::table::Kind;
use super::terminal::take;
use super::view::draw;
use super::{json, plain};

const SOURCE: &str = "localhost:15000";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// What a proxy says that has counted so many of each.
fn scrape(orders: u32, denied: u32, shadow: u32) -> String {
    let mut text = String::new();
    for (policy, rule, effect, reason, count) in [
        ("shop_orders", "web", "allow", "allowed-by-rule", orders),
        ("shop_orders", "-", "deny", "no-rule-matched", denied),
        ("shop_orders", "-", "deny", "no-identity", 0),
        (
            "shop_orders",
            "no-reports",
            "shadow_deny",
            "denied-by-rule",
            shadow,
        ),
        ("shop_orders", "seen", "audit", "matched-by-rule", orders),
        ("shop_cart_v1", "web", "allow", "allowed-by-rule", 7),
    ] {
        let _ = writeln!(
            text,
            "peergate_decisions_total{{peergate_policy=\"{policy}\",peergate_rule=\"{rule}\",peergate_effect=\"{effect}\",peergate_reason=\"{reason}\"}} {count}"
        );
    }
    for (rule, effect, caller, method, path, count) in [
        (
            "web",
            "allow",
            "spiffe_3a_2f_2fcluster_2elocal_2fns_2fshop_2fsa_2fweb",
            "GET",
            "_2forders",
            orders,
        ),
        ("-", "deny", "-", "GET", "_2forders", 3),
        ("-", "deny", "-other-", "-other-", "-other-", denied),
    ] {
        let _ = writeln!(
            text,
            "peergate_observed_requests_total{{peergate_policy=\"shop_orders\",peergate_rule=\"{rule}\",peergate_effect=\"{effect}\",peergate_caller=\"{caller}\",peergate_method=\"{method}\",peergate_path=\"{path}\"}} {count}"
        );
    }
    text += "\
peergate_policy_revision{peergate_policy=\"shop_orders\"} 1250999896491
peergate_policy_revision{peergate_policy=\"shop_cart_v1\"} 1
peergate_rule_expiry_timestamp_seconds{peergate_policy=\"shop_orders\",peergate_rule=\"web\"} 1780531200
peergate_rule_expiry_timestamp_seconds{peergate_policy=\"shop_orders\",peergate_rule=\"kept\"} 0
peergate_plane_comparisons_total{peergate_policy=\"shop_orders\",peergate_verdicts=\"both-allow\"} 40
peergate_plane_comparisons_total{peergate_policy=\"shop_orders\",peergate_verdicts=\"only-rbac-denies\"} 2
peergate_config_rejections_total{} 1
peergate_log_lines_omitted_total{} 0
peergate_memory_bytes{} 2359296
envoy_server_live{} 1
";
    text
}

fn reading() -> Reading {
    let earlier = from_proxy::read(&scrape(40, 5, 0), at("2026-06-01T00:00:00Z")).unwrap();
    let now = from_proxy::read(&scrape(55, 5, 3), at("2026-06-01T00:00:02Z")).unwrap();
    now.since(&earlier)
}

fn set() -> PolicySet {
    let source = SourceText {
        name: "policy.yaml".to_owned(),
        text: include_str!("../../tests/counted/policy.yaml").to_owned(),
    };
    let options = Options {
        at: at("2026-06-01T00:00:00Z"),
        istio_version: None,
    };
    validate(&[source], options).policies.unwrap()
}

fn snapshot() -> Snapshot {
    Snapshot::new(&reading(), SOURCE, None, None)
}

fn screen(look: Look, width: u16, height: u16) -> String {
    drawn(&snapshot(), look, width, height)
}

fn drawn(snapshot: &Snapshot, look: Look, width: u16, height: u16) -> String {
    terminal(snapshot, look, width, height)
        .backend()
        .to_string()
}

fn terminal(snapshot: &Snapshot, mut look: Look, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, snapshot, &mut look))
        .unwrap();
    terminal
}

/// A proxy with forty policies that has run for long, and is busy.
fn busy() -> Snapshot {
    let scrape = |more: u32| {
        let mut text = String::new();
        for policy in 0..40 {
            let allowed = 370_539_372 + 12_330_718 * more + policy;
            let denied = 123_513_124 + (policy % 3) * more;
            for (effect, reason, count) in [
                ("allow", "allowed-by-rule", allowed),
                ("deny", "denied-by-rule", denied),
                ("shadow_deny", "denied-by-rule", (policy % 2) * 6 * more),
            ] {
                let _ = writeln!(
                    text,
                    "peergate_decisions_total{{peergate_policy=\"shop_cart-service-number-{policy}\",peergate_rule=\"rule-{policy}\",peergate_effect=\"{effect}\",peergate_reason=\"{reason}\"}} {count}"
                );
            }
            let _ = writeln!(
                text,
                "peergate_policy_revision{{peergate_policy=\"shop_cart-service-number-{policy}\"}} 104937847038086"
            );
        }
        text
    };
    let earlier = from_proxy::read(&scrape(0), at("2026-06-01T00:00:00Z")).unwrap();
    let now = from_proxy::read(&scrape(2), at("2026-06-01T00:00:02Z")).unwrap();
    Snapshot::new(&now.since(&earlier), SOURCE, None, None)
}

#[test]
fn nine_digits_fit_every_screen() {
    for (width, height) in [(40, 10), (80, 24), (120, 40)] {
        let name = format!("busy_{width}x{height}");
        insta::assert_snapshot!(name, drawn(&busy(), Look::default(), width, height));
    }
}

/// Callers with long names of one trust domain, of which two have asked for the same path in two ways.
fn busy_callers() -> Snapshot {
    let scrape = |more: u32| {
        let mut text = String::new();
        for caller in 0..30 {
            for (method, effect) in [("GET", "allow"), ("DELETE", "deny")] {
                let name = format!(
                    "spiffe_3a_2f_2fcluster_2elocal_2fns_2fshop_2fsa_2fweb-with-a-long-name-{}",
                    caller % 9
                );
                let count = 370_539_372 + 12_330_718 * more + caller;
                let _ = writeln!(
                    text,
                    "peergate_observed_requests_total{{peergate_policy=\"shop_cart\",peergate_rule=\"-\",peergate_effect=\"{effect}\",peergate_caller=\"{name}\",peergate_method=\"{method}\",peergate_path=\"_2fv1_2forders_2f{caller}\"}} {count}"
                );
            }
        }
        text
    };
    let earlier = from_proxy::read(&scrape(0), at("2026-06-01T00:00:00Z")).unwrap();
    let now = from_proxy::read(&scrape(2), at("2026-06-01T00:00:02Z")).unwrap();
    Snapshot::new(&now.since(&earlier), SOURCE, None, None)
}

#[test]
fn callers_are_told_apart_on_every_screen() {
    for (width, height) in [(80, 24), (120, 40)] {
        let callers = Look {
            kind: Kind::Callers,
            ..Look::default()
        };
        let name = format!("busy_callers_{width}x{height}");
        insta::assert_snapshot!(name, drawn(&busy_callers(), callers, width, height));
    }
}

#[test]
fn one_long_name_takes_no_reason_from_other_rows() {
    let mut snapshot = busy();
    snapshot.rules[3].rule = "r".repeat(200);
    snapshot.has_documents = true;
    insta::assert_snapshot!("long_name", drawn(&snapshot, Look::default(), 120, 12));
}

#[test]
fn the_last_page_is_a_full_screen() {
    let end = Look {
        selected: usize::MAX,
        ..Look::default()
    };
    insta::assert_snapshot!("end", drawn(&busy(), end, 80, 24));
}

#[test]
fn every_key_is_explained_on_the_smallest_screen() {
    let keys = Look {
        page: Page::Keys,
        ..Look::default()
    };
    insta::assert_snapshot!("keys", screen(keys, 40, 10));
}

#[test]
fn a_filter_is_seen_while_it_is_typed_and_after() {
    let typed = Look {
        page: Page::Filter,
        filter: "number-3".to_owned(),
        ..Look::default()
    };
    insta::assert_snapshot!("filter_typed", drawn(&busy(), typed.clone(), 80, 18));
    let kept = Look {
        page: Page::Table,
        ..typed
    };
    insta::assert_snapshot!("filter_kept", drawn(&busy(), kept.clone(), 80, 18));
    let nothing = Look {
        filter: "nowhere".to_owned(),
        ..kept
    };
    insta::assert_snapshot!("filter_nothing", drawn(&busy(), nothing, 80, 8));
}

#[test]
fn a_row_is_shown_with_all_its_numbers() {
    let row = Look {
        page: Page::Row,
        selected: 1,
        ..Look::default()
    };
    insta::assert_snapshot!("row", drawn(&busy(), row, 40, 10));
}

#[test]
fn without_callers_the_screen_says_how_to_get_them() {
    let callers = Look {
        kind: Kind::Callers,
        ..Look::default()
    };
    insta::assert_snapshot!("no_callers", drawn(&busy(), callers, 60, 12));
}

#[test]
fn rates_are_stale_once_the_proxy_is_gone_and_fresh_when_it_is_back() {
    let (mut snapshot, mut look) = (busy(), Look::default());
    let trouble = "proxy localhost:15000: cannot connect".to_owned();
    take(Err(trouble), &mut snapshot, &mut look);
    insta::assert_snapshot!("stale", drawn(&snapshot, look.clone(), 100, 12));
    take(Ok(busy()), &mut snapshot, &mut look);
    assert_eq!((snapshot, look), (busy(), Look::default()));
}

#[test]
fn many_lines_of_heading_leave_room_for_the_table() {
    let mut snapshot = busy();
    let stale =
        |number| format!("stale: shop/policy-{number} runs 5f70bf18, and no document has it");
    snapshot.heading.extend((0..40).map(stale));
    insta::assert_snapshot!("many_stale", drawn(&snapshot, Look::default(), 80, 15));
}

#[test]
fn no_size_of_a_screen_is_too_small() {
    for width in (0..50).step_by(3) {
        for height in 0..12 {
            for page in [Page::Table, Page::Filter, Page::Row, Page::Keys] {
                let look = Look {
                    page,
                    ..Look::default()
                };
                let area = terminal(&snapshot(), look, width, height).size();
                assert_eq!(area, Ok(Size { width, height }));
            }
        }
    }
}

#[test]
fn scripts_read_one_snapshot_as_json() {
    let json = json::document(&reading(), &snapshot(), SOURCE, Order::Denied).unwrap();
    insta::assert_snapshot!("json", String::from_utf8(json).unwrap());
}

#[test]
fn one_look_is_a_table() {
    insta::assert_snapshot!("plain", plain::text(&snapshot(), Order::Name));
}

#[test]
fn documents_tell_whom_rules_are_for_and_what_is_stale() {
    let orders = PolicyName {
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
    };
    let snapshot = Snapshot::new(
        &reading(),
        SOURCE,
        Some(&Documents::new(&set())),
        Some(&orders),
    );
    // The revision is a digest of the documents.
    let policy = set().policy("shop", "orders").unwrap().clone();
    let documented = set().plugin_config(&policy).revision.unwrap();
    let text = plain::text(&snapshot, Order::Name).replace(&documented, "<documented>");
    insta::assert_snapshot!("documented", text);
}

#[test]
fn a_first_look_has_no_rates() {
    let first = from_proxy::read(&scrape(40, 5, 0), at("2026-06-01T00:00:00Z")).unwrap();
    let snapshot = Snapshot::new(&first, SOURCE, None, None);
    let rates = snapshot.rules.iter().map(|row| row.tally.allowed.rate);
    assert!(rates.into_iter().all(|rate| rate.is_none()));
}

#[test]
fn a_counter_that_began_again_is_new() {
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

/// Prometheus' text format has values that are no number, and a 0 with a sign.
#[test]
fn what_is_no_number_is_not_shown_as_one() {
    let with = |value: &str| {
        let text = scrape(7, 0, 0).replace("} 7\n", &format!("}} {value}\n"));
        let text = text.replace("} 2359296\n", &format!("}} {value}\n"));
        from_proxy::read(&text, at("2026-06-01T00:00:02Z")).unwrap()
    };
    for value in ["NaN", "+Inf", "-Inf", "-0", "-7", "1e300"] {
        let snapshot = Snapshot::new(&with(value), SOURCE, None, None);
        let text = plain::text(&snapshot, Order::Denied);
        for wrong in ["NaN", "inf", "-0", "-7", "000000000000"] {
            assert!(!text.contains(wrong), "{value}: {text}");
        }
    }
}

#[test]
fn a_page_is_no_proxy_and_a_proxy_without_the_filter_is_one() {
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
fn a_proxy_without_tags_is_told_from_one_without_counters() {
    let name = "peergate_decisions_total_peergate_policy___shop_orders____peergate_rule___web____";
    let reading = from_proxy::read(&format!("{name}{{}} 3\n"), at("2026-06-01T12:00:00Z"));
    assert!(reading.unwrap().is_unlabelled);
    let reading = from_proxy::read(&scrape(1, 0, 0), at("2026-06-01T12:00:00Z"));
    assert!(!reading.unwrap().is_unlabelled);
}

#[test]
fn nothing_counted_is_said() {
    let nothing = Reading::new(at("2026-06-01T00:00:00Z"));
    let snapshot = Snapshot::new(&nothing, SOURCE, None, None);
    assert_eq!(
        plain::text(&snapshot, Order::Name),
        "localhost:15000: 0 policies\n\nnothing is counted\n"
    );
}

#[test]
fn a_screen_has_a_heading_a_table_and_the_keys() {
    insta::assert_snapshot!("rules", screen(Look::default(), 110, 14));
    let callers = Look {
        kind: Kind::Callers,
        order: Order::Denied,
        ..Look::default()
    };
    insta::assert_snapshot!("callers", screen(callers, 130, 12));
    let paused = Look {
        order: Order::Denied,
        is_paused: true,
        selected: 1,
        ..Look::default()
    };
    insta::assert_snapshot!("paused", screen(paused, 110, 10));
    let in_trouble = Look {
        trouble: Some("proxy localhost:15000: cannot connect".to_owned()),
        ..Look::default()
    };
    insta::assert_snapshot!("trouble", screen(in_trouble, 60, 9));
}

#[test]
fn what_labels_bring_does_not_control_the_terminal() {
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
    let text = plain::text(&Snapshot::new(&reading, SOURCE, None, None), Order::Name);
    let is_plain = |char: char| char.is_ascii_graphic() || matches!(char, ' ' | '\n');
    assert!(text.chars().all(is_plain), "{text:?}");
    for shown in [r"\u{1b}[2J\u{202e}x", r"/\u{202e}"] {
        assert!(text.contains(shown), "{text}");
    }
    assert!(!text.contains("only-"), "{text}");
}
