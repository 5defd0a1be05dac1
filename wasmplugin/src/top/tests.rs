//! The screens of `top`, as users see them.

use std::fmt::Write;

use peergate_insight::policy_selection::PolicySelection;
use peergate_insight::traffic::from_proxy;
use peergate_insight::traffic::snapshot::Snapshot;
use peergate_report::traffic::order::Order;
use peergate_report::traffic::table::Kind;
use peergate_tests::scrape::{at, reading};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::look::{Look, Page};
use super::terminal::take;
use super::view::draw;

const SOURCE: &str = "localhost:15000";

fn snapshot() -> Snapshot {
    Snapshot::new(&reading(), SOURCE, None, &PolicySelection::All)
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

/// A busy, long-running proxy with forty policies.
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
    Snapshot::new(&now.since(&earlier), SOURCE, None, &PolicySelection::All)
}

#[test]
fn nine_digits_fit_every_screen() {
    for (width, height) in [(40, 10), (80, 24), (120, 40)] {
        let name = format!("busy_{width}x{height}");
        insta::assert_snapshot!(name, drawn(&busy(), Look::default(), width, height));
    }
}

/// Nine callers with long names that request each path with two methods.
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
    Snapshot::new(&now.since(&earlier), SOURCE, None, &PolicySelection::All)
}

#[test]
fn every_screen_distinguishes_callers() {
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
fn one_long_name_hides_no_reason_of_other_rows() {
    let mut snapshot = busy();
    snapshot.rules[3].rule = "r".repeat(200);
    snapshot.has_documents = true;
    insta::assert_snapshot!("long_name", drawn(&snapshot, Look::default(), 120, 12));
}

#[test]
fn the_last_page_fills_the_screen() {
    let end = Look {
        selected: usize::MAX,
        ..Look::default()
    };
    insta::assert_snapshot!("end", drawn(&busy(), end, 80, 24));
}

#[test]
fn the_smallest_screen_explains_every_key() {
    let keys = Look {
        page: Page::Keys,
        ..Look::default()
    };
    insta::assert_snapshot!("keys", screen(keys, 40, 10));
}

#[test]
fn shows_a_filter_during_and_after_typing() {
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
fn shows_all_numbers_of_a_row() {
    let row = Look {
        page: Page::Row,
        selected: 1,
        ..Look::default()
    };
    insta::assert_snapshot!("row", drawn(&busy(), row, 40, 10));
}

#[test]
fn without_callers_the_screen_explains_how_to_get_them() {
    let callers = Look {
        kind: Kind::Callers,
        ..Look::default()
    };
    insta::assert_snapshot!("no_callers", drawn(&busy(), callers, 60, 12));
}

#[test]
fn rates_become_stale_without_the_proxy_and_fresh_on_its_return() {
    let (mut snapshot, mut look) = (busy(), Look::default());
    let trouble = "proxy localhost:15000: cannot connect".to_owned();
    take(Err(trouble), &mut snapshot, &mut look);
    insta::assert_snapshot!("stale", drawn(&snapshot, look.clone(), 100, 12));
    take(Ok(busy()), &mut snapshot, &mut look);
    assert_eq!((snapshot, look), (busy(), Look::default()));
}

#[test]
fn a_long_heading_leaves_room_for_the_table() {
    let mut snapshot = busy();
    let stale =
        |number| format!("stale: shop/policy-{number} runs 5f70bf18, and no document has it");
    snapshot.heading.extend((0..40).map(stale));
    insta::assert_snapshot!("many_stale", drawn(&snapshot, Look::default(), 80, 15));
}

#[test]
fn draws_on_a_screen_of_any_size() {
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
