//! Changes to an Envoy bootstrap.

use serde_json::{Map, Value, json};

/// Changes each object in a bootstrap.
pub(super) fn for_each_object(bootstrap: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match bootstrap {
        Value::Object(fields) => {
            change(fields);
            let fields = fields.values_mut();
            fields.for_each(|field| for_each_object(field, change));
        }
        Value::Array(elements) => {
            let elements = elements.iter_mut();
            elements.for_each(|element| for_each_object(element, change));
        }
        _ => {}
    }
}

/// Adds a filter to each access log of a bootstrap.
pub(super) fn add_to_access_logs(bootstrap: &mut Value, filter: &Value) {
    for_each_object(bootstrap, &|fields| {
        let logs = fields.get_mut("access_log").and_then(Value::as_array_mut);
        for log in logs.into_iter().flatten() {
            log["filter"] = filter.clone();
        }
    });
}

/// Enables HTTP/1.1 trailers, downstream and upstream.
pub(super) fn enable_http1_trailers(bootstrap: &mut Value) {
    for_each_object(bootstrap, &|fields| {
        // Options of both protocols belong in the same object.
        if fields.contains_key("http2_protocol_options") {
            let options = json!({ "enable_trailers": true });
            fields.insert("http_protocol_options".to_owned(), options);
        }
    });
}

/// Treats clients with a forwarded address in `10.0.0.0/8` as internal, so that Envoy keeps headers
/// that it removes from others.
pub(super) fn trust_internal_clients(bootstrap: &mut Value) {
    for_each_object(bootstrap, &|fields| {
        if fields.contains_key("http_filters") {
            let config = json!({"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]});
            fields.insert("internal_address_config".to_owned(), config);
        }
    });
}

/// Replaces each log format in a bootstrap, with the formatter that Istio adds.
pub(super) fn set_log_format(bootstrap: &mut Value, labels: &Value) {
    for_each_object(bootstrap, &|fields| {
        if let Some(format) = fields.get_mut("log_format") {
            *format = json!({
                "json_format": labels,
                "formatters": [{
                    "name": "envoy.formatter.req_without_query",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery",
                    },
                }],
            });
        }
    });
}
