//! Checks objects of kinds outside Istio, by parsing them into types generated from their
//! definitions.

use gateway_api::apis::standard::gateways::Gateway;
use gateway_api::apis::standard::httproutes::HttpRoute;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The problems of an object: fields that are lost in a round trip, and values that do not parse.
pub(crate) fn complaints(object: &Value) -> Vec<String> {
    let read_again = match object["kind"].as_str() {
        Some("ConfigMap") => read_again::<ConfigMap>(object),
        Some("Gateway") => read_again::<Gateway>(object),
        Some("HTTPRoute") => read_again::<HttpRoute>(object),
        Some("NetworkPolicy") => read_again::<NetworkPolicy>(object),
        kind => Err(format!("unsupported kind {kind:?}")),
    };
    match read_again {
        Ok(again) if again["spec"] == object["spec"] && again["data"] == object["data"] => {
            Vec::new()
        }
        Ok(again) => vec![format!("read as {again:#}")],
        Err(reason) => vec![reason],
    }
}

fn read_again<K: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let mut object = object.clone();
    // The types are for `v1`, which includes the fields we use of `v1beta1`.
    if object["apiVersion"] == "gateway.networking.k8s.io/v1beta1" {
        object["apiVersion"] = "gateway.networking.k8s.io/v1".into();
    }
    let read: K = serde_json::from_value(object).map_err(|error| error.to_string())?;
    serde_json::to_value(read).map_err(|error| error.to_string())
}
