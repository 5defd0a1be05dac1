//! Checks of names in a plugin config against rules of Kubernetes and SPIFFE.

use super::policy::{MeshIdentity, PolicyName};
use crate::check::{is_dns_label, is_object_name};
use crate::code;
use crate::identity::{TrustDomains, is_trust_domain};
use crate::problem::{Cursor, Problems};

/// The maximum length of a policy name in bytes: Kubernetes allows 253, and rendered resources add
/// a suffix.
const MAX_NAME: usize = 240;

/// Reports a policy name that Kubernetes does not accept.
pub fn check_policy_name(name: &PolicyName, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_dns_label(&name.namespace) {
        problems.report(
            code::INVALID_NAME,
            &cursor.key("namespace"),
            format!("invalid namespace `{}`", name.namespace),
            "use 1 to 63 lower-case letters, digits and `-`; start and end with a letter or digit",
        );
    }
    if !is_object_name(&name.name) {
        problems.report(
            code::INVALID_NAME,
            &cursor.key("name"),
            format!("`{}` is not a valid Kubernetes name", name.name),
            "use lower-case letters, digits, `-` and `.`; start and end with a letter or digit",
        );
    } else if name.name.len() > MAX_NAME {
        problems.report(
            code::INVALID_NAME,
            &cursor.key("name"),
            "the name is longer than 240 characters",
            "shorten it: rendered resources add a suffix to it",
        );
    }
}

/// Reports invalid trust domains.
pub fn check_trust_domains(
    mesh: &MeshIdentity,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<TrustDomains> {
    let mut check = |name: &str, cursor: &Cursor<'_>| {
        if !is_trust_domain(name) {
            problems.report(
                code::INVALID_TRUST_DOMAIN,
                cursor,
                format!("invalid trust domain `{name}`"),
                "use 1 to 255 lower-case letters, digits, `.`, `-` and `_`, such as `cluster.local`",
            );
        }
    };
    check(&mesh.trust_domain, &cursor.key("trustDomain"));
    let aliases = cursor.key("trustDomainAliases");
    for (index, alias) in mesh.trust_domain_aliases.iter().enumerate() {
        check(alias, &aliases.index(index));
    }
    TrustDomains::new(&mesh.trust_domain, &mesh.trust_domain_aliases)
}
