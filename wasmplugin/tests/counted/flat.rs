//! Where proxies are not told the tags of metrics, Prometheus gets labels out of names.

use serde_json::Value;

use super::mesh::{Mesh, Policies};
use super::run;
use super::scraping::{relabelling, wait_for};

/// The steps that are printed for a scrape job.
fn steps() -> Value {
    let printed = run(&["metrics", "--output", "relabelling"]);
    assert_eq!(printed.status, 0, "{}", printed.stderr);
    let printed: Value = serde_saphyr::from_str(&printed.stdout).unwrap();
    printed["metric_relabel_configs"].clone()
}

#[test]
fn labels_are_got_out_of_flat_names() {
    let policies = Policies::reporting("{metricNames: Flat}");
    let mesh = Mesh::with_tags(&policies, &[]);
    let prometheus = relabelling(mesh.admin(), &steps());
    mesh.ask("web", "/orders", 7);
    mesh.ask("web", "/reports", 2);
    mesh.ask("jobs", "/orders", 3);
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_policy=\"shop_orders\"}) == 17",
    );
    let counted = prometheus.query("peergate_decisions_total > 0").unwrap();
    let mut counted: Vec<_> = counted
        .iter()
        .map(|series| {
            let [rule, effect, reason] = ["peergate_rule", "peergate_effect", "peergate_reason"]
                .map(|it| &*series.labels[it]);
            (rule, effect, reason, series.value())
        })
        .collect();
    counted.sort_by_key(|(rule, ..)| *rule);
    assert_eq!(
        counted,
        [
            ("NONE", "deny", "no_rule_matched", 3.0),
            ("jobs", "shadow_allow", "allowed_by_rule", 3.0),
            ("no_reports", "shadow_deny", "denied_by_rule", 2.0),
            ("web", "allow", "allowed_by_rule", 9.0),
        ]
    );
    // The revision is that of the documents, under its own name.
    let revision = policies.revision();
    wait_for(
        &prometheus,
        &format!("peergate_policy_revision{{peergate_policy=\"shop_orders\"}} == {revision}"),
    );
    // Nothing keeps a flat name.
    let others = prometheus.query("{__name__=~\".*_POLICY_.*\"}").unwrap();
    assert_eq!(others, []);
}
