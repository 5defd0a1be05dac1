//! Determines which namespaces Istio sees, from the `discoverySelectors` of its mesh config. It
//! ignores policies in all others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::object::{Object, has_all, labels};
use crate::policy::{Labels, PolicySet};
use crate::protobuf::any_field;

/// The effect of discovery selectors on the documents.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Discovery {
    /// Istio sees all namespaces that it must see.
    Whole,
    /// Istio ignores these namespaces.
    Hides(BTreeSet<String>),
    /// The selectors are not understood, or namespaces were not observed.
    Unknown,
}

/// The label with the name of a namespace, set by Kubernetes.
const NAME: &str = "kubernetes.io/metadata.name";

/// Evaluates discovery selectors for the observed namespaces. Istio must see the root namespace,
/// and the namespaces of policies and gateways.
pub(super) fn judge(set: &PolicySet, objects: &[Object], selectors: &Value) -> Discovery {
    let policies = set.policies.iter();
    let mut wanted: BTreeSet<&str> = policies.map(|policy| &*policy.name.namespace).collect();
    wanted.insert(&set.mesh.root_namespace);
    let gateways = set.mesh.gateways.iter();
    wanted.extend(gateways.map(|gateway| &*gateway.namespace));
    let mut hidden = BTreeSet::new();
    let mut is_known = true;
    for name in wanted {
        let mut namespaces = objects.iter().filter(|object| object.is("", "Namespace"));
        let seen = namespaces.find(|namespace| namespace.name() == name);
        let mut own = seen
            .map(|namespace| namespace.texts("/metadata/labels"))
            .unwrap_or_default();
        own.insert(NAME.to_owned(), name.to_owned());
        match is_selected(selectors, &own) {
            None => return Discovery::Unknown,
            Some(true) if seen.is_some() => {}
            Some(false) if seen.is_some() => {
                hidden.insert(name.to_owned());
            }
            // Decided by its name alone. Its other labels can only exclude it.
            Some(is_selected) => is_known &= is_selected && !excludes(selectors),
        }
    }
    if !hidden.is_empty() {
        Discovery::Hides(hidden)
    } else if is_known {
        Discovery::Whole
    } else {
        Discovery::Unknown
    }
}

/// Whether selectors can exclude namespaces because of a label.
fn excludes(selectors: &Value) -> bool {
    any_field(selectors, &mut |name, value| {
        name == "operator" && (value == "NotIn" || value == "DoesNotExist")
    })
}

/// Whether any selector matches these labels. None if the selectors are not understood.
fn is_selected(selectors: &Value, own: &Labels) -> Option<bool> {
    let selectors = selectors.as_array()?.iter();
    let taken: Option<Vec<_>> = selectors
        .map(|selector| selector_matches(selector, own))
        .collect();
    Some(taken?.contains(&true))
}

fn selector_matches(selector: &Value, own: &Labels) -> Option<bool> {
    let fields = selector.as_object()?;
    let mut is_taken = true;
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        is_taken &= match &**key {
            "matchLabels" => {
                let wanted = labels(Some(value));
                let is_whole = value.as_object()?.len() == wanted.len();
                is_whole.then(|| has_all(own, &wanted))?
            }
            "matchExpressions" => {
                let expressions = value.as_array()?.iter();
                let met: Option<Vec<_>> = expressions
                    .map(|expression| expression_matches(expression, own))
                    .collect();
                !met?.contains(&false)
            }
            _ => return None,
        };
    }
    Some(is_taken)
}

/// Whether labels match an expression of a selector (Kubernetes, `LabelSelectorRequirement`).
fn expression_matches(expression: &Value, own: &Labels) -> Option<bool> {
    let text = |field| expression.get(field).and_then(Value::as_str);
    let values = expression.get("values").and_then(Value::as_array);
    let value = own.get(text("key")?);
    let is_among = || {
        let mut values = values?.iter();
        Some(value.is_some_and(|own| values.any(|value| value == own.as_str())))
    };
    match text("operator")? {
        "In" => is_among(),
        "NotIn" => is_among().map(|is_among| !is_among),
        "Exists" => Some(value.is_some()),
        "DoesNotExist" => Some(value.is_none()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_matches_as_in_kubernetes() {
        let own = [("team", "shop"), (NAME, "cart")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let own = Labels::from(own);
        let by = |key: &str, operator: &str, values: Value| json!([{"matchExpressions": [{"key": key, "operator": operator, "values": values}]}]);
        for (selectors, expected) in [
            (json!([{}]), Some(true)),
            (json!([{"matchLabels": {"team": "shop"}}]), Some(true)),
            (json!([{"matchLabels": {"team": "other"}}]), Some(false)),
            (
                json!([{"matchLabels": {"team": "other"}}, {"matchLabels": {NAME: "cart"}}]),
                Some(true),
            ),
            (
                json!([{"matchLabels": {"team": "shop", "a": "b"}}]),
                Some(false),
            ),
            (by("team", "In", json!(["a", "shop"])), Some(true)),
            (by("team", "In", json!(["a"])), Some(false)),
            (by("a", "In", json!(["a"])), Some(false)),
            (by("team", "NotIn", json!(["shop"])), Some(false)),
            (by("a", "NotIn", json!(["shop"])), Some(true)),
            (by("team", "Exists", json!(null)), Some(true)),
            (by("team", "DoesNotExist", json!(null)), Some(false)),
            (by("team", "Like", json!(["shop"])), None),
            (by("team", "In", json!(null)), None),
            (json!([{"matchLabels": {"team": 5}}]), None),
            (json!([{"match_labels": {"team": "shop"}}]), None),
            (json!("all"), None),
        ] {
            assert_eq!(is_selected(&selectors, &own), expected, "{selectors}");
        }
    }
}
