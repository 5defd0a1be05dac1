//! Filters of several policies for one workload, in one proxy.

use peergate_engine::decision_id::DecisionRecord;
use peergate_engine::engine::DecisionOutcome;
use serde_json::{Value, json};

use super::ALLOWED;
use crate::enforcer::{Disposition, Enforcer};
use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};
use crate::host::Host as _;

const PROPERTY: &[u8] = b"peergate.enforced";

/// Adds a `Deny` rule for a service account.
fn deny(config: &mut Value, account: &str) {
    let rule =
        json!({"id": "incident", "effect": "Deny", "from": [{"serviceAccounts": [account]}]});
    config["rules"].as_array_mut().unwrap().push(rule);
}

/// Two policies for one workload: the more specific one leads, and enforces the other on workloads
/// with the label `tier: back`.
fn leader_and_follower(labels: &Value) -> (Value, Value) {
    let rules = json!([{"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]}]);
    let others = json!([
        {"id": "admin", "effect": "Allow", "from": [{"serviceAccounts": ["admin"]}]},
        {"id": "seen", "effect": "Audit"},
    ]);
    let mut leader = config(&rules);
    leader["coEnforced"] = json!([{
        "policy": {"namespace": "shop", "name": "everyone"},
        "matchLabels": labels,
        "rules": others,
    }]);
    let mut follower = config(&others);
    follower["policy"]["name"] = "everyone".into();
    follower["mayBeLed"] = true.into();
    (leader, follower)
}

#[test]
fn decides_policies_for_one_workload_together_and_once() {
    let (leader, follower) = leader_and_follower(&json!({}));
    for (caller, passes) in [
        (WEB, true),
        (ADMIN, true),
        ("spiffe://cluster.local/x", false),
    ] {
        let host = FakeHost::with_uri_sans(&[caller]);
        let leader = enforcer(&leader, &host);
        let follower = enforcer(&follower, &host);
        let verdict = leader.enforce(&host);
        assert_eq!(verdict == ALLOWED, passes, "{caller}");
        if passes {
            assert_eq!(follower.enforce(&host), Disposition::Pass(None), "{caller}");
        }
        // The decision, and the audit.
        assert_eq!(host.calls.increments.get(), 2, "{caller}");
    }
}

#[test]
fn a_follower_enforces_itself_without_an_announcement() {
    let (_, follower) = leader_and_follower(&json!({}));
    for announced in [
        "",
        "allowed",
        "not-denied\nshop/everyone-else 00\nshop/every 00",
        // Malformed announcements are ignored.
        "shop/everyone 00",
        "yes\nshop/everyone 00",
        "\nshop/everyone 00",
    ] {
        let host = FakeHost::with_uri_sans(&[WEB]);
        host.set_property(PROPERTY, announced.as_bytes());
        let verdict = enforcer(&follower, &host).enforce(&host);
        assert_eq!(verdict, Disposition::Answered, "{announced:?}");
    }
}

#[test]
fn labels_select_the_followers() {
    let (leader, follower) = leader_and_follower(&json!({"tier": "back"}));
    let on = |label: &[u8], value: &str| {
        let host = FakeHost::with_uri_sans(&[ADMIN]).with_property(label, value.as_bytes());
        enforcer(&leader, &host).enforce(&host)
    };
    let label = b"xds\0node\0metadata\0LABELS\0tier";
    assert_eq!(on(label, "back"), ALLOWED);
    assert_eq!(on(b"node\0metadata\0LABELS\0tier", "back"), ALLOWED);
    assert_eq!(on(label, "front"), Disposition::Answered);
    assert_eq!(
        on(b"xds\0node\0metadata\0LABELS\0tie", "back"),
        Disposition::Answered
    );
    // The follower enforces itself, because the leader did not.
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(enforcer(&leader, &host).enforce(&host), ALLOWED);
    assert_eq!(
        enforcer(&follower, &host).enforce(&host),
        Disposition::Answered
    );
}

/// The results of the leader's filter and then the follower's.
fn both(leader: &Value, follower: &Value, host: &FakeHost) -> [Disposition; 2] {
    let leader = enforcer(leader, host);
    let follower = enforcer(follower, host);
    [leader.enforce(host), follower.enforce(host)]
}

#[test]
fn layout_does_not_change_the_digest() {
    let (leader, follower) = leader_and_follower(&json!({}));
    let spaced = serde_json::to_string_pretty(&follower).unwrap();
    // `serde_json` sorts fields, so their order here is different.
    let reordered = format!(
        r#"{{"mayBeLed": true, "rules": {}, "policy": {{"namespace": "shop", "name": "everyone"}}, "mesh": {}, "apiVersion": {}}}"#,
        follower["rules"], follower["mesh"], follower["apiVersion"]
    );
    for follower in [spaced, reordered] {
        let host = FakeHost::with_uri_sans(&[WEB]);
        assert_eq!(enforcer(&leader, &host).enforce(&host), ALLOWED);
        let follower = Enforcer::new(follower.as_bytes(), &host).unwrap();
        let before = host.calls.unanswered.get();
        let asked = host.calls.answered.get();
        assert_eq!(follower.enforce(&host), Disposition::Pass(None));
        // It fetches only the announcement, and nothing about the request.
        assert_eq!(host.calls.answered.get() - asked, 1);
        assert_eq!(host.calls.unanswered.get() - before, 0);
    }
}

#[test]
fn a_followers_denial_is_enforced_counted_and_logged() {
    let (leader, mut follower) = leader_and_follower(&json!({}));
    deny(&mut follower, "web");
    for time in [json!({}), json!({"notAfter": "2500-01-01T00:00:00Z"})] {
        let last = follower["rules"]
            .as_array_mut()
            .unwrap()
            .last_mut()
            .unwrap();
        let fields = time.as_object().unwrap().clone();
        last.as_object_mut().unwrap().extend(fields);
        // With a clock and without one.
        for host in [
            FakeHost::with_uri_sans(&[WEB]).at("2026-06-01T12:00:00Z"),
            FakeHost::with_uri_sans(&[WEB]),
        ] {
            assert_eq!(
                both(&leader, &follower, &host),
                [ALLOWED, Disposition::Answered],
                "{time}"
            );
            let of_rule = host.series_values("peergate_decisions_total");
            assert_eq!(
                of_rule.last().unwrap(),
                &("shop_orders web allow allowed-by-rule".to_owned(), 1)
            );
            let denied = "shop_everyone incident deny denied-by-rule".to_owned();
            assert!(of_rule.contains(&(denied, 1)), "{of_rule:?}");
            let logged = host.log.borrow();
            let (_, line) = logged.last().unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            let responses = host.responses.borrow();
            let header = |name| {
                let mut headers = responses[0].headers.iter();
                headers.find(|(known, _)| *known == name).unwrap().1.clone()
            };
            assert_eq!(line["decision"], header("x-peergate-decision"));
            let record = DecisionRecord::decode(&header("x-peergate-decision")).unwrap();
            assert_eq!(record.policy, "shop/everyone");
            assert_eq!(host.property(b"peergate_rule").unwrap(), b"incident");
            assert_eq!(host.property(b"peergate_effect").unwrap(), b"deny");
        }
    }
    // For others nothing changes.
    let host = FakeHost::with_uri_sans(&[ADMIN]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Pass(None)]
    );
}

#[test]
fn a_follower_in_another_version_does_not_count_again() {
    let (leader, mut follower) = leader_and_follower(&json!({}));
    deny(&mut follower, "other");
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Pass(None)]
    );
    // The decision, and the audit.
    assert_eq!(host.calls.increments.get(), 2);
    // The leader has handled the header.
    assert_eq!(host.calls.header_writes.get(), 0);
}

/// The leader knows another policy, but not this one: it was added later, or the leader does not
/// know the labels that it selects.
#[test]
fn a_policy_unknown_to_the_leader_adds_denials_and_records() {
    let (mut leader, mut follower) = leader_and_follower(&json!({"tier": "back"}));
    let mut third = leader["coEnforced"][0].clone();
    third["policy"]["name"] = "third".into();
    third["matchLabels"] = json!({});
    leader["coEnforced"].as_array_mut().unwrap().push(third);
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Pass(None)]
    );
    let audited = ("shop_everyone seen audit matched-by-rule".to_owned(), 1);
    let counted = host.series_values("peergate_decisions_total");
    assert!(counted.contains(&audited), "{counted:?}");
    // The leader's decision, and an audit for each policy.
    assert_eq!(host.calls.increments.get(), 3);
    deny(&mut follower, "web");
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Answered]
    );
    // If no `Allow` rule let the request pass, the policy denies by default.
    leader["enforcement"] = "Shadow".into();
    leader["coEnforced"][1]["enforcement"] = "Shadow".into();
    let stranger = FakeHost::with_uri_sans(&["spiffe://cluster.local/x"]);
    let [first, second] = both(&leader, &follower, &stranger);
    assert_eq!(first, Disposition::Pass(Some(DecisionOutcome::Denied)));
    assert_eq!(second, Disposition::Answered);
}

#[test]
fn a_shadow_follower_adds_nothing_to_an_enforced_copy() {
    let (leader, mut follower) = leader_and_follower(&json!({}));
    follower["enforcement"] = "Shadow".into();
    deny(&mut follower, "web");
    let host = FakeHost::with_uri_sans(&[WEB]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Pass(None)]
    );
    assert_eq!(host.calls.increments.get(), 2);
    assert!(host.log.borrow().is_empty());
}

#[test]
fn changing_the_mesh_changes_the_digest() {
    let (leader, mut follower) = leader_and_follower(&json!({}));
    let other = "spiffe://old.local/ns/shop/sa/web";
    let mut leader = leader;
    leader["mesh"]["trustDomainAliases"] = json!(["old.local"]);
    let host = FakeHost::with_uri_sans(&[other]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Answered]
    );
    follower["mesh"]["trustDomainAliases"] = json!(["old.local"]);
    let host = FakeHost::with_uri_sans(&[other]);
    assert_eq!(
        both(&leader, &follower, &host),
        [ALLOWED, Disposition::Pass(None)]
    );
}

#[test]
fn a_single_policy_neither_reads_nor_writes_announcements() {
    let (_, mut alone) = leader_and_follower(&json!({}));
    alone["mayBeLed"] = false.into();
    let host = FakeHost::with_uri_sans(&[ADMIN]);
    assert_eq!(enforcer(&alone, &host).enforce(&host), ALLOWED);
    assert_eq!(host.property(PROPERTY), None);
}
