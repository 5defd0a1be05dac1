//! Claims of a token → claims in the metadata of Istio's `RequestAuthentication`.

use serde_json::{Map, Value};

/// Istio configures Envoy's `jwt_authn` to split these at spaces: `normalize_payload_in_metadata.space_delimited_claims`.
const SPACE_DELIMITED: [&str; 2] = ["permission", "scope"];

/// Splits space-delimited claims into lists.
pub(super) fn normalized(mut claims: Map<String, Value>) -> Map<String, Value> {
    for name in SPACE_DELIMITED {
        if let Some(claim) = claims.get_mut(name)
            && let Value::String(text) = claim
        {
            let words = text.split(' ').filter(|word| !word.is_empty());
            *claim = words.map(Value::from).collect();
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn splits_only_space_delimited_claims() {
        for (sent, left) in [
            (
                json!({"scope": "read write"}),
                json!({"scope": ["read", "write"]}),
            ),
            (json!({"permission": "a"}), json!({"permission": ["a"]})),
            (
                json!({"scope": ["read write"]}),
                json!({"scope": ["read write"]}),
            ),
            (json!({"scp": "read write"}), json!({"scp": "read write"})),
            (json!({"scope": 7}), json!({"scope": 7})),
        ] {
            let claims = sent.as_object().unwrap().clone();
            assert_eq!(Value::Object(normalized(claims)), left);
        }
    }
}
