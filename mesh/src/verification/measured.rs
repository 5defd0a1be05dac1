//! Reads the revisions and load times of running filters from a proxy's metrics.

use std::collections::{BTreeMap, BTreeSet};

use policy_schema::plugin_config::PolicyName;
use policy_schema::telemetry::metric::{LOADED, Metric, REVISION};
use policy_schema::telemetry::{Label, PolicyLabel, RevisionNumber};
use policy_schema::verify::{Measured, Measurements};

use crate::metrics::Metrics;
use crate::series::{number, scrape, series};

/// The number of running Wasm filters, per worker (Envoy, "Wasm runtime statistics").
const ACTIVE_FILTERS: &str = "envoy_wasm_envoy_wasm_runtime_v8_active";

/// Reads the metrics of these policies.
pub(super) fn read(text: &[u8], policies: &BTreeSet<PolicyName>) -> Measured {
    let text = String::from_utf8_lossy(text);
    let Some(metrics) = scrape(&text) else {
        return Measured::Unread("the metrics are not in Prometheus' text format".to_owned());
    };
    let revisions = by_policy(&metrics, &REVISION, policies).into_iter();
    let loaded = by_policy(&metrics, &LOADED, policies).into_iter();
    Measured::Read(Measurements {
        revisions: revisions
            .map(|(policy, numbers)| {
                (
                    policy,
                    numbers
                        .into_iter()
                        .map(RevisionNumber::sample_text)
                        .collect(),
                )
            })
            .collect(),
        loaded: loaded
            .filter_map(|(policy, numbers)| Some((policy, seconds(numbers)?)))
            .collect(),
        is_without_filters: metrics.value(ACTIVE_FILTERS, &[]) == Some(0.0),
    })
}

/// The values of a gauge by policy.
fn by_policy(
    metrics: &Metrics,
    gauge: &'static Metric,
    policies: &BTreeSet<PolicyName>,
) -> BTreeMap<PolicyName, Vec<f64>> {
    let mut by_label = BTreeMap::<String, Vec<f64>>::new();
    for found in series(metrics, gauge) {
        let of_label = by_label
            .entry(found.label(Label::Policy.tag()))
            .or_default();
        of_label.push(found.number);
    }
    let unlabelled: BTreeMap<_, _> = policies
        .iter()
        .map(|policy| {
            let label = PolicyLabel::from(policy);
            (gauge.unlabelled_name(&[label.as_str()]), policy)
        })
        .collect();
    let mut found = BTreeMap::<PolicyName, Vec<f64>>::new();
    for policy in policies {
        if let Some(numbers) = by_label.remove(PolicyLabel::from(policy).as_str()) {
            found.insert(policy.clone(), numbers);
        }
    }
    for sample in metrics.all() {
        if let Some(policy) = unlabelled.get(&sample.metric)
            && let Some(number) = number(sample)
        {
            found.entry((*policy).clone()).or_default().push(number);
        }
    }
    found
}

/// The earliest of several times in whole seconds.
fn seconds(times: Vec<f64>) -> Option<u64> {
    let whole = times
        .into_iter()
        .map(|time| format!("{time:.0}").parse().ok());
    whole.min().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: u64 = 0x5de0_e2b4_f8ef;

    fn policy(namespace: &str, name: &str) -> PolicyName {
        PolicyName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The revisions of `shop/cart.v1` in a text.
    fn found(text: &str) -> Vec<String> {
        let cart = policy("shop", "cart.v1");
        match read(text.as_bytes(), &[cart.clone()].into()) {
            Measured::Read(measurements) => {
                let found = measurements.revisions.get(&cart);
                found.into_iter().flatten().cloned().collect()
            }
            Measured::Unread(reason) => vec![reason],
        }
    }

    #[test]
    fn finds_a_revision_in_every_encoding() {
        for name in [
            "peergate_policy_revision{peergate_policy=\"shop_cart_v1\"}",
            "peergate_policy_revision_POLICY_shop_cart_v1{}",
            "peergate_policy_revision_peergate_policy___shop_cart_v1___{}",
        ] {
            let text = format!("# TYPE peergate_policy_revision gauge\n{name} {NUMBER}\n");
            assert_eq!(found(&text), ["5de0e2b4f8ef"], "{name}");
        }
    }

    #[test]
    fn ignores_revisions_of_other_policies() {
        for label in [
            "shop_cart",
            "shop_cart_v2",
            "shop2_cart_v1",
            "",
            "shop_cart-v1",
        ] {
            let text =
                format!("peergate_policy_revision{{peergate_policy=\"{label}\"}} {NUMBER}\n");
            assert_eq!(found(&text), [""; 0], "{label}");
        }
        let other = format!("peergate_policy_rules{{peergate_policy=\"shop_cart_v1\"}} {NUMBER}\n");
        assert_eq!(found(&other), [""; 0]);
    }

    #[test]
    fn ignores_ambiguous_revisions() {
        let name = "peergate_policy_revision{peergate_policy=\"shop_cart_v1\"}";
        let with = |values: &[&str]| {
            let lines = values.iter().map(|value| format!("{name} {value}\n"));
            found(&lines.collect::<String>())
        };
        for absent in ["NaN", "+Inf", "-Inf"] {
            assert_eq!(with(&[absent]), [""; 0], "{absent}");
        }
        for other in ["0", "-1", "1e300", "103220457568495.5"] {
            assert_ne!(with(&[other]), ["5de0e2b4f8ef"], "{other}");
        }
        assert_eq!(with(&["1", "2"]).len(), 2);
        assert_eq!(with(&["2", "2"]).len(), 1);
    }

    #[test]
    fn finds_the_earliest_load_time() {
        let cart = policy("shop", "cart.v1");
        let loaded = |text: &str| match read(text.as_bytes(), &[cart.clone()].into()) {
            Measured::Read(measurements) => measurements.loaded.get(&cart).copied(),
            Measured::Unread(reason) => panic!("{reason}"),
        };
        let name = "peergate_policy_loaded_timestamp_seconds";
        for series in [
            format!("{name}{{peergate_policy=\"shop_cart_v1\"}}"),
            format!("{name}_POLICY_shop_cart_v1{{}}"),
            format!("{name}_peergate_policy___shop_cart_v1___{{}}"),
        ] {
            let several = format!("{series} 1796025618\n{series} 1796025617\n");
            assert_eq!(loaded(&several), Some(1_796_025_617), "{series}");
            assert_eq!(loaded(&format!("{series} -1\n")), None, "{series}");
        }
        assert_eq!(
            loaded(&format!("{name}{{peergate_policy=\"shop_other\"}} 1\n")),
            None
        );
    }

    #[test]
    fn rejects_other_formats() {
        let page = "<html>nothing to see</html>\n";
        assert_eq!(
            found(page),
            ["the metrics are not in Prometheus' text format"]
        );
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    fn ignores_policies_with_ambiguous_labels() {
        let text = format!(
            "peergate_policy_revision_peergate_policy___shop_a_b___{{}} {NUMBER}\npeergate_policy_revision_peergate_policy___shop_a_b___{{}} 7\n"
        );
        let policies = [policy("shop", "a-b"), policy("shop", "a.b")];
        let Measured::Read(measurements) = read(text.as_bytes(), &policies.into()) else {
            panic!("it is in the format");
        };
        let counts: Vec<_> = measurements.revisions.values().map(BTreeSet::len).collect();
        assert_eq!(counts, [2]);
    }

    #[test]
    fn reports_that_no_filter_runs() {
        let is_without = |text: &str| match read(text.as_bytes(), &BTreeSet::new()) {
            Measured::Read(measurements) => measurements.is_without_filters,
            Measured::Unread(reason) => panic!("{reason}"),
        };
        assert!(is_without("envoy_wasm_envoy_wasm_runtime_v8_active{} 0\n"));
        assert!(!is_without("envoy_wasm_envoy_wasm_runtime_v8_active{} 3\n"));
        assert!(!is_without(""));
    }
}
