//! Learning mode: requests by caller, method and path, for `peergate learn`.
//!
//! Only here do requests create series, so their number is limited. Beyond the limit, requests are
//! counted together for each rule and effect. All callers without an identity of the mesh are
//! counted as one.

use std::cell::Cell;

use peergate_engine::engine::{CompiledPolicy, CompiledRule, RequestAttributes};
use peergate_engine::identity::PeerIdentity;
use peergate_engine::reporting::MetricNames;
use peergate_engine::telemetry::metric::OBSERVED;
use peergate_engine::telemetry::{DecisionEffect, ObservedValue, PolicyLabel, rule_label};

use crate::host::Host;
use crate::metrics::{define_learned, defined, increment};

/// The maximum length of a path that is counted separately, in bytes.
const MAX_PATH_LEN: usize = 256;

thread_local! {
    /// The number of series that requests have created in this VM, for requests that pass and those
    /// that are denied, which may use at most half of the limit. Configurations change, but series
    /// remain.
    static USED_SERIES: [Cell<u16>; 2] = const { [Cell::new(0), Cell::new(0)] };
}

/// Counts a request, or a match of a rule in shadow.
pub fn observe(
    policy: &CompiledPolicy,
    limit: u16,
    rule: Option<&CompiledRule>,
    effect: DecisionEffect,
    request: &impl RequestAttributes,
    host: &impl Host,
) {
    let label = PolicyLabel::from(rule.map_or(policy.name(), CompiledRule::policy));
    let rule = rule_label(rule.map(CompiledRule::id));
    let labels =
        |caller, method, path| [label.as_str(), rule, effect.as_str(), caller, method, path];
    let peer = request.peer();
    let caller = match &peer {
        PeerIdentity::Verified(id) if policy.is_mesh_identity(peer) => Some(id.as_str().as_bytes()),
        PeerIdentity::Verified(_)
        | PeerIdentity::Absent
        | PeerIdentity::Unvalidated
        | PeerIdentity::Malformed => None,
    };
    // Nothing is learned about callers outside the mesh, because they could use up the series.
    let has_no_identity = caller.is_none();
    let caller = ObservedValue::label(caller);
    let text = |text: Option<&[u8]>| ObservedValue::label(text.filter(|_| !has_no_identity));
    let method = text(request.method());
    let path = request.path().filter(|_| !has_no_identity);
    let is_short = path.is_none_or(|path| path.len() <= MAX_PATH_LEN);
    let path = text(path.filter(|_| is_short));
    let values = labels(&caller, &method, &path);
    let series = OBSERVED.series(MetricNames::Labelled, &values);
    let counter = defined(&series).or_else(|| {
        let is_short = is_short && method.len() <= MAX_PATH_LEN;
        // Reserved last, so that requests without a series of their own do not use up any.
        if is_short && (has_no_identity || reserve_series(effect, limit)) {
            return define_learned(&OBSERVED, series.clone(), host);
        }
        // No caller has this name.
        let other = labels(
            ObservedValue::OTHER,
            ObservedValue::OTHER,
            ObservedValue::OTHER,
        );
        let other = OBSERVED.series(MetricNames::Labelled, &other);
        define_learned(&OBSERVED, other, host)
    });
    increment(counter, host);
}

/// Reserves one more series, unless the limit is reached.
fn reserve_series(effect: DecisionEffect, limit: u16) -> bool {
    USED_SERIES.with(|[passing, denied]| {
        let (learned, limit) = if effect == DecisionEffect::Deny {
            (denied, limit / 2)
        } else {
            (passing, limit.div_ceil(2))
        };
        let has_room = learned.get() < limit;
        if has_room {
            learned.set(learned.get().saturating_add(1));
        }
        has_room
    })
}

/// Resets the state to that of a new VM.
#[cfg(test)]
pub(crate) fn reset() {
    USED_SERIES.with(|cells| cells.iter().for_each(|learned| learned.set(0)));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};

    fn learning(limit: u16) -> Value {
        let mut config = config(&json!([
            {"id": "web", "effect": "Allow", "from": [{"serviceAccounts": ["web"]}]},
        ]));
        config["reporting"] = json!({"learning": {"maxSeries": limit}});
        config
    }

    fn observed(host: &FakeHost) -> Vec<(String, u64)> {
        let counted = host.series_values("peergate_observed_requests_total");
        counted
            .into_iter()
            .map(|(labels, count)| (labels.replace(WEB, "WEB"), count))
            .collect()
    }

    #[test]
    fn counts_requests_by_caller_method_and_path() {
        let host = FakeHost::with_uri_sans(&[WEB]);
        enforcer(&learning(9), &host).enforce(&host);
        assert_eq!(
            observed(&host),
            [(
                "shop_orders web allow \
                 spiffe_3a_2f_2fcluster_2elocal_2fns_2fshop_2fsa_2fweb GET _2forders"
                    .to_owned(),
                1
            )]
        );
    }

    #[test]
    fn counts_callers_outside_the_mesh_as_one() {
        for host in [
            FakeHost::anonymous(),
            FakeHost::with_uri_sans(&[WEB, ADMIN]),
            FakeHost::with_uri_sans(&["spiffe://evil.example/a"]),
        ] {
            enforcer(&learning(9), &host).enforce(&host);
            assert_eq!(
                observed(&host),
                [("shop_orders - deny - - -".to_owned(), 1)]
            );
        }
    }

    #[test]
    fn counts_requests_beyond_the_limit_together() {
        let mut host = FakeHost::with_uri_sans(&[WEB]);
        let enforcer = enforcer(&learning(2), &host);
        for number in 0..100 {
            let path = format!("/{number}");
            host = host.without_header(":path").with_header(":path", &path);
            enforcer.enforce(&host);
        }
        let observed = observed(&host);
        assert_eq!(observed.len(), 2);
        let other = (
            "shop_orders web allow -other- -other- -other-".to_owned(),
            99,
        );
        assert!(observed.contains(&other), "{observed:?}");
    }

    #[test]
    fn denied_requests_leave_series_for_allowed_ones() {
        let setup = FakeHost::anonymous();
        let enforcer = enforcer(&learning(8), &setup);
        for number in 0..100 {
            for host in [FakeHost::anonymous(), FakeHost::with_uri_sans(&[ADMIN])] {
                let path = format!("/{number}");
                let host = host.without_header(":path").with_header(":path", &path);
                enforcer.enforce(&host);
                let made = host.defined.borrow().len();
                assert!(made <= 1, "{made}");
            }
        }
        let made = |number: usize| {
            let path = format!("/orders/{number}");
            let host = FakeHost::with_uri_sans(&[WEB])
                .without_header(":path")
                .with_header(":path", &path);
            enforcer.enforce(&host);
            host.defined
                .borrow()
                .iter()
                .any(|name| name.contains("_2forders"))
        };
        let counted_separately = (0..10).filter(|number| made(*number)).count();
        assert_eq!(counted_separately, 4);
    }

    #[test]
    fn limits_the_length_of_a_series() {
        let path = "/".repeat(10_000);
        let host = FakeHost::with_uri_sans(&[WEB])
            .without_header(":path")
            .with_header(":path", &path);
        enforcer(&learning(9), &host).enforce(&host);
        assert!(observed(&host)[0].0.ends_with("-other- -other- -other-"));
    }

    #[test]
    fn long_values_use_no_series() {
        let request = |method: &str, path: &str| {
            FakeHost::with_uri_sans(&[WEB])
                .without_header(":path")
                .without_header(":method")
                .with_header(":path", path)
                .with_header(":method", method)
        };
        let enforcer = enforcer(&learning(2), &FakeHost::anonymous());
        for number in 0..9 {
            let long = "a".repeat(300 + number);
            enforcer.enforce(&request("GET", &long));
            enforcer.enforce(&request(&long, "/orders"));
        }
        let host = request("GET", "/orders");
        enforcer.enforce(&host);
        assert!(observed(&host)[0].0.ends_with(" GET _2forders"));
    }

    #[test]
    fn learns_nothing_if_disabled() {
        let host = FakeHost::with_uri_sans(&[WEB]);
        let mut config = learning(9);
        config.as_object_mut().unwrap().remove("reporting");
        enforcer(&config, &host).enforce(&host);
        assert_eq!(observed(&host), []);
    }
}
