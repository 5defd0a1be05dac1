//! Compares how a proxy normalizes paths with the `Mesh`.

use serde_json::Value;

use crate::document::PathNormalization;
use crate::protobuf::{field, is_true};

/// An option of a connection manager that changes paths, and its value for a normalization.
type PathOption = (&'static str, fn(PathNormalization) -> bool);

/// Boolean options (Istio, `meshConfig.pathNormalization`).
const SWITCHES: [PathOption; 2] = [
    ("normalize_path", |normalization| {
        normalization != PathNormalization::None
    }),
    ("merge_slashes", |normalization| {
        matches!(
            normalization,
            PathNormalization::MergeSlashes | PathNormalization::DecodeAndMergeSlashes
        )
    }),
];

/// The option for `%2F` and `%5C`.
const ESCAPED_SLASHES: &str = "path_with_escaped_slashes_action";

const UNESCAPE: (&str, u64) = ("UNESCAPE_AND_FORWARD", 4);

/// Actions that leave the path unchanged: Envoy's default, and the explicit one.
const KEEP: [(&str, u64); 2] = [
    ("IMPLEMENTATION_SPECIFIC_DEFAULT", 0),
    ("KEEP_UNCHANGED", 1),
];

/// The options that differ in what an `EnvoyFilter` merges into a connection manager. Absent
/// options keep their values.
pub(super) fn changed_options(
    normalization: PathNormalization,
    change: &Value,
) -> Vec<&'static str> {
    let switches = SWITCHES.iter().filter(|(name, expected)| {
        let value = field(change, name);
        value.is_some_and(|value| is_true(value) != expected(normalization))
    });
    let mut changed: Vec<_> = switches.map(|(name, _)| *name).collect();
    if field(change, ESCAPED_SLASHES).is_some_and(|action| !is_as_asked(normalization, action)) {
        changed.push(ESCAPED_SLASHES);
    }
    if field(change, "path_normalization_options").is_some() {
        changed.push("path_normalization_options");
    }
    changed
}

/// The normalization of a whole connection manager, in which absent options are off. `None` if Istio has no
/// such mode.
pub(super) fn normalization_of(manager: &Value) -> Option<PathNormalization> {
    const ALL: [PathNormalization; 4] = [
        PathNormalization::None,
        PathNormalization::Base,
        PathNormalization::MergeSlashes,
        PathNormalization::DecodeAndMergeSlashes,
    ];
    let off = Value::Bool(false);
    ALL.into_iter().find(|normalization| {
        let mut switches = SWITCHES.iter();
        let action = field(manager, ESCAPED_SLASHES).unwrap_or(&off);
        switches.all(|(name, expected)| {
            is_true(field(manager, name).unwrap_or(&off)) == expected(*normalization)
        }) && is_as_asked(*normalization, action)
            && field(manager, "path_normalization_options").is_none()
    })
}

/// Whether the action fits the normalization. `false` means that none is set.
fn is_as_asked(normalization: PathNormalization, action: &Value) -> bool {
    let is = |(name, number): (&str, u64)| {
        action.as_str() == Some(name) || action.as_u64() == Some(number)
    };
    if normalization == PathNormalization::DecodeAndMergeSlashes {
        is(UNESCAPE)
    } else {
        action == &Value::Bool(false) || KEEP.into_iter().any(is)
    }
}

/// Whether routes compare paths without their parameters, such as `;x=1`.
pub(super) fn ignores_path_parameters(routes: &Value) -> bool {
    field(routes, "ignore_path_parameters_in_path_matching").is_some_and(is_true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use PathNormalization::{Base, DecodeAndMergeSlashes, MergeSlashes, None};

    #[test]
    fn an_absent_option_of_a_patch_is_unchanged() {
        for normalization in [None, Base, MergeSlashes, DecodeAndMergeSlashes] {
            assert!(changed_options(normalization, &json!({"stat_prefix": "x"})).is_empty());
        }
    }

    #[test]
    fn compares_options_in_each_spelling() {
        for (normalization, change, expected) in [
            (Base, json!({"normalize_path": false}), "normalize_path"),
            (Base, json!({"normalizePath": false}), "normalize_path"),
            (
                Base,
                json!({"normalize_path": {"value": false}}),
                "normalize_path",
            ),
            (Base, json!({"normalize_path": "false"}), "normalize_path"),
            (Base, json!({"normalize_path": true}), ""),
            (None, json!({"normalize_path": true}), "normalize_path"),
            (Base, json!({"merge_slashes": true}), "merge_slashes"),
            (MergeSlashes, json!({"merge_slashes": true}), ""),
            (
                MergeSlashes,
                json!({"mergeSlashes": false}),
                "merge_slashes",
            ),
            (
                DecodeAndMergeSlashes,
                json!({"path_with_escaped_slashes_action": "KEEP_UNCHANGED"}),
                ESCAPED_SLASHES,
            ),
            (
                DecodeAndMergeSlashes,
                json!({"pathWithEscapedSlashesAction": 4}),
                "",
            ),
            (
                Base,
                json!({"path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"}),
                ESCAPED_SLASHES,
            ),
            (
                Base,
                json!({"path_normalization_options": {}}),
                "path_normalization_options",
            ),
        ] {
            let changed = changed_options(normalization, &change);
            assert_eq!(changed.join(" "), expected, "{normalization:?} {change}");
        }
    }

    #[test]
    fn an_absent_option_of_a_manager_is_off() {
        let kept =
            json!({"normalize_path": true, "path_with_escaped_slashes_action": "KEEP_UNCHANGED"});
        let decoding = json!({"normalize_path": true, "merge_slashes": true, "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD"});
        let refusing =
            json!({"normalize_path": true, "path_with_escaped_slashes_action": "REJECT_REQUEST"});
        for (manager, expected) in [
            (json!({}), Some(None)),
            (json!({"normalize_path": true}), Some(Base)),
            (kept, Some(Base)),
            (
                json!({"normalize_path": true, "merge_slashes": true}),
                Some(MergeSlashes),
            ),
            (decoding, Some(DecodeAndMergeSlashes)),
            (refusing, Option::None),
            (json!({"merge_slashes": true}), Option::None),
            (
                json!({"normalize_path": true, "path_normalization_options": {}}),
                Option::None,
            ),
        ] {
            assert_eq!(normalization_of(&manager), expected, "{manager}");
        }
    }
}
