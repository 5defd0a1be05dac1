//! Renders operations, with all spellings that RBAC needs.

use super::authorization_policy::Operation as IstioOperation;
use crate::matching::{PathMatch, Reading, TextMatch};
use crate::rule::Operation;
use crate::rule_spec::Effect;

/// Matches every path: Envoy rejects requests with any other path before filters run. Istio's `*`
/// is a regular expression, which in older Envoys does not match bytes that are not UTF-8.
const EVERY_PATH: &str = "/*";

/// The operation of a rule with this effect. An `Allow` rule that only excludes paths also requires
/// a path: a `CONNECT` request has none, so no exclusion would match it.
pub(super) fn istio_operation(operation: &Operation, effect: Effect) -> IstioOperation {
    fn written<V: ToString>(values: &[V]) -> Vec<String> {
        values.iter().map(V::to_string).collect()
    }
    let values = Reading::for_values(effect);
    let exclusions = Reading::for_exclusions(effect);
    let not_paths = paths(&operation.paths.none_of, exclusions);
    let mut paths = paths(&operation.paths.any_of, values);
    if effect == Effect::Allow && paths.is_empty() && !not_paths.is_empty() {
        paths.push(EVERY_PATH.to_owned());
    }
    IstioOperation {
        hosts: spellings(&operation.hosts.any_of, values),
        not_hosts: spellings(&operation.hosts.none_of, exclusions),
        ports: written(&operation.ports.any_of),
        not_ports: written(&operation.ports.none_of),
        methods: written(&operation.methods.any_of),
        not_methods: written(&operation.methods.none_of),
        paths,
        not_paths,
    }
}

/// Renders paths. Templates become prefixes if that is equivalent, because Envoy's templates do not
/// match some characters.
fn paths(paths: &[PathMatch], reading: Reading) -> Vec<String> {
    let written = |path: &PathMatch| match (path, reading) {
        (PathMatch::Text(TextMatch::Any), _) => EVERY_PATH.to_owned(),
        (PathMatch::Template(template), Reading::Wide) => template
            .as_wide_prefix()
            .map_or_else(|| path.to_string(), |prefix| prefix.to_string()),
        _ => path.to_string(),
    };
    let mut all: Vec<String> = Vec::with_capacity(paths.len());
    for path in paths.iter().map(written) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

/// The names. If a match stops a request, also each name with a trailing dot.
pub(super) fn spellings(names: &[TextMatch], reading: Reading) -> Vec<String> {
    let mut all: Vec<String> = names.iter().map(ToString::to_string).collect();
    if reading == Reading::Wide {
        for dotted in names.iter().filter_map(with_dot) {
            let dotted = dotted.to_string();
            if !all.contains(&dotted) {
                all.push(dotted);
            }
        }
    }
    all
}

/// The pattern for the same names with a trailing dot. None if it is open at the end, or not a DNS
/// name.
fn with_dot(pattern: &TextMatch) -> Option<TextMatch> {
    let literal = pattern.literal();
    let colon = literal.find(':');
    if let (TextMatch::Prefix(_) | TextMatch::Any, None) = (pattern, colon) {
        return None;
    }
    let (name, port) = literal.split_at(colon.unwrap_or(literal.len()));
    let is_dns_name = !name.is_empty() && !name.ends_with(['.', ']']) && !name.starts_with('[');
    is_dns_name.then(|| pattern.with_literal(format!("{name}.{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_a_trailing_dot_where_a_match_stops_a_request() {
        for (pattern, dotted) in [
            ("admin.shop", Some("admin.shop.")),
            ("admin.shop:80", Some("admin.shop.:80")),
            ("admin.shop:*", Some("admin.shop.:*")),
            ("*.shop", Some("*.shop.")),
            ("*.shop:80", Some("*.shop.:80")),
            ("admin.*", None),
            ("*", None),
            ("*:80", None),
            ("admin.shop.", None),
            ("[::1]:80", None),
        ] {
            let names = [TextMatch::parse(pattern).unwrap()];
            let expected: Vec<_> = [pattern].into_iter().chain(dotted).collect();
            assert_eq!(spellings(&names, Reading::Wide), expected, "{pattern}");
            assert_eq!(spellings(&names, Reading::Narrow), [pattern], "{pattern}");
        }
        let both = ["a.b", "a.b."].map(|name| TextMatch::parse(name).unwrap());
        assert_eq!(spellings(&both, Reading::Wide), ["a.b", "a.b."]);
    }
}
