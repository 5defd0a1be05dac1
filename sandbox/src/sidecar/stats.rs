//! How metrics get labels, as Istio configures its proxies.
//!
//! Each rule cuts one label out of a metric's name: the first group of its expression is removed, and the
//! second is the value. All rules look at every name, so a name of ours must have nothing that one of
//! Istio's own takes for its; that is why they are here.

use serde_json::{Value, json};

/// Numbers, `[` and `]` and what addresses are made of besides.
const ADDRESS: &str = r"[_.\[\]a-fA-F[:digit:]]*";

/// What Istio's proxies look for in every name: the label, and where it stands.
fn of_istio() -> Vec<(&'static str, String)> {
    // `cache.VALUE.`, anywhere in a name.
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

/// `extra` are the tags that names carry as `<tag>=.=<value>;.;` (Istio, `extraStatTags`).
pub(super) fn config(extra: &[String]) -> Value {
    let rule = |tag: &str, regex: &str| json!({ "tag_name": tag, "regex": regex });
    let extra = extra
        .iter()
        .map(|tag| rule(tag, &format!(r"({tag}=\.=(.*?);\.;)")));
    let of_istio = of_istio();
    let of_istio = of_istio.iter().map(|(tag, regex)| rule(tag, regex));
    let rules: Vec<Value> = extra.chain(of_istio).collect();
    json!({ "use_all_default_tags": false, "stats_tags": rules })
}
