//! Istio's expansion of trust domains in values, for a mesh with aliases
//! (`pilot/pkg/security/trustdomain`).

use crate::identity::TrustDomains;

/// Istio treats principals of this trust domain as local, regardless of the mesh's trust domain.
const LOCAL: &str = "cluster.local";

/// A principal, without scheme, under each trust domain of the mesh. Istio expands only principals
/// of five parts whose trust domain is the mesh's.
pub(crate) fn expand_principal(principal: &str, mesh: &TrustDomains) -> Vec<String> {
    let as_written = vec![principal.to_owned()];
    let Some((trust_domain, rest)) = principal.split_once('/') else {
        return as_written;
    };
    let is_known = mesh.iter().any(|known| may_match(trust_domain, known));
    if rest.split('/').count() != 4 || trust_domain == "*" || !(is_known || trust_domain == LOCAL) {
        return as_written;
    }
    let mut expanded = Vec::new();
    for name in mesh.iter() {
        let principal = if is_end_of(trust_domain, name) {
            principal.to_owned()
        } else {
            format!("{name}/{rest}")
        };
        if !expanded.contains(&principal) {
            expanded.push(principal);
        }
    }
    expanded
}

/// All trust domains of the mesh if this is one of them (Istio 1.31), else only this one.
pub(crate) fn expand_trust_domain(trust_domain: &str, mesh: &TrustDomains) -> Vec<String> {
    if mesh.contains(trust_domain) {
        mesh.iter().map(str::to_owned).collect()
    } else {
        vec![trust_domain.to_owned()]
    }
}

/// Whether Istio considers `name` to match `pattern`, which may have a `*` at either end.
fn may_match(pattern: &str, name: &str) -> bool {
    let begins = |start: &str| name.starts_with(start);
    pattern == name || is_end_of(pattern, name) || pattern.strip_suffix('*').is_some_and(begins)
}

/// Whether `pattern` is a `*` and a suffix of `name`.
fn is_end_of(pattern: &str, name: &str) -> bool {
    pattern
        .strip_prefix('*')
        .is_some_and(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_principals_of_five_parts_to_each_trust_domain() {
        let mesh = TrustDomains::new("td1", &["old.td2"]).unwrap();
        for (principal, expanded) in [
            ("td1/ns/a/sa/b", &["td1/ns/a/sa/b", "old.td2/ns/a/sa/b"][..]),
            ("old.td2/ns/a/sa/*", &["td1/ns/a/sa/*", "old.td2/ns/a/sa/*"]),
            (
                "cluster.local/ns/a/sa/b",
                &["td1/ns/a/sa/b", "old.td2/ns/a/sa/b"],
            ),
            // A `*` in the trust domain widens the match: Istio does not compare it literally.
            ("td*/ns/a/sa/b", &["td1/ns/a/sa/b", "old.td2/ns/a/sa/b"]),
            ("*td2/ns/a/sa/b", &["td1/ns/a/sa/b", "*td2/ns/a/sa/b"]),
            ("*/ns/a/sa/b", &["*/ns/a/sa/b"]),
            ("foreign/ns/a/sa/b", &["foreign/ns/a/sa/b"]),
            ("td1/ns/a/*", &["td1/ns/a/*"]),
            ("cluster.local/*", &["cluster.local/*"]),
            ("*", &["*"]),
        ] {
            assert_eq!(expand_principal(principal, &mesh), expanded, "{principal}");
        }
    }

    #[test]
    fn a_trust_domain_of_the_mesh_expands_to_all_of_them() {
        let mesh = TrustDomains::new("td1", &["td2"]).unwrap();
        assert_eq!(expand_trust_domain("td2", &mesh), ["td1", "td2"]);
        for other in ["td*", "*", "cluster.local"] {
            assert_eq!(expand_trust_domain(other, &mesh), [other]);
        }
    }
}
