//! Tag extraction for metrics, as configured by Istio.
//!
//! Each rule extracts one label from a metric name: the first group of the regex is removed, the second is the value. Every rule
//! applies to every name. Istio's own rules are included to detect collisions with the filter's names.

use serde_json::{Value, json};

/// The characters of IP addresses in metric names.
const ADDRESS: &str = r"[_.\[\]a-fA-F[:digit:]]*";

/// Istio's tags with their regexes.
fn istio_tags() -> Vec<(&'static str, String)> {
    // `cache.VALUE.` anywhere in a name.
    let anywhere = |before: &str, after: &str| format!(r"({before}\.(.+?){after}\.)");
    vec![
        ("cluster_name", r"^cluster\.((.+?)\.)".into()),
        ("tcp_prefix", r"^tcp\.((.*?)\.)\w+?$".into()),
        ("response_code", r"_rq(_(\d{3}))$".into()),
        ("response_code_class", r"_rq(_(\dxx))$".into()),
        (
            "http_conn_manager_listener_prefix",
            format!(r"^listener\..*?\.http\.(({ADDRESS})\.)"),
        ),
        (
            "http_conn_manager_prefix",
            format!(r"^http\.(({ADDRESS})\.)"),
        ),
        ("listener_address", format!(r"^listener\.(({ADDRESS})\.)")),
        (
            "mongo_prefix",
            r"^mongo\.(.+?)\.(collection|cmd|cx_|op_|delays_|decoding_).*?$".into(),
        ),
        ("cache", anywhere("cache", "")),
        ("component", anywhere("component", "")),
        ("tag", anywhere("tag", ";")),
        ("wasm_filter", anywhere("wasm_filter", "")),
        ("authz_enforce_result", r"rbac(\.(allowed|denied))".into()),
        (
            "authz_dry_run_action",
            r"(\.istio_dry_run_(allow|deny)_)".into(),
        ),
        (
            "authz_dry_run_result",
            r"(\.shadow_(allowed|denied))".into(),
        ),
    ]
}

/// `extra` are tags in names as `<tag>=.=<value>;.;` (Istio, `extraStatTags`).
pub(super) fn config(extra: &[String]) -> Value {
    let rule = |tag: &str, regex: &str| json!({ "tag_name": tag, "regex": regex });
    let extra = extra
        .iter()
        .map(|tag| rule(tag, &format!(r"({tag}=\.=(.*?);\.;)")));
    let istio_tags = istio_tags();
    let istio_tags = istio_tags.iter().map(|(tag, regex)| rule(tag, regex));
    let rules: Vec<Value> = extra.chain(istio_tags).collect();
    json!({ "use_all_default_tags": false, "stats_tags": rules })
}
