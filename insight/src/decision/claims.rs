//! Claims of a token → claims as Istio's `RequestAuthentication` leaves them for rules.

use serde_json::{Map, Value};

/// Istio has Envoy's `jwt_authn` split these at spaces: `normalize_payload_in_metadata.space_delimited_claims`.
const SPACE_DELIMITED: [&str; 2] = ["permission", "scope"];

/// The claims with a list for each that is several words in one text.
pub(super) fn as_istio_leaves_them(mut claims: Map<String, Value>) -> Map<String, Value> {
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
    fn scopes_are_split_and_nothing_else_is() {
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
            assert_eq!(Value::Object(as_istio_leaves_them(claims)), left);
        }
    }
}
