//! Models how Istio interprets values before it matches them (`pilot/pkg/security/authz/model`).

use std::net::IpAddr;

use ipnet::IpNet;

use crate::identity::{SCHEME, TrustDomains};
use crate::istio::trust_domain_aliases;
use crate::policy::IstioVersion;

/// The context that rules are imported into.
#[derive(Clone, Copy)]
pub(super) struct Importer<'i> {
    pub(super) namespace: &'i str,
    pub(super) trust_domains: &'i TrustDomains,
    /// Whether the input contains all trust domains of the mesh.
    pub(super) are_trust_domains_known: bool,
    pub(super) istio_version: IstioVersion,
    /// Whether callers without identity reach the rules.
    pub(super) accepts_plaintext: bool,
    /// Whether all workloads are gateways.
    pub(super) at_gateway: bool,
}

/// The first versions with the fields for service accounts and for trust domains. Since the latter,
/// trust domains mean each name of the mesh.
const SERVICE_ACCOUNTS: IstioVersion = IstioVersion::minor(25);
const TRUST_DOMAINS: IstioVersion = IstioVersion::minor(30);
const TRUST_DOMAIN_ALIASES: IstioVersion = IstioVersion::minor(31);

/// The types of values that Istio interprets specially.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Principal,
    Namespace,
    ServiceAccount,
    TrustDomain,
    Port,
    Address,
    Other,
}

/// Whether a value that cannot be imported is refused or left out, with the reason.
pub(super) enum Fate {
    LeftOut(String),
    Refused(String),
}

impl Kind {
    pub(super) fn from_key(key: &str) -> Self {
        match key {
            "source.principal" => Self::Principal,
            "source.namespace" => Self::Namespace,
            "source.serviceAccount" => Self::ServiceAccount,
            "source.trustDomain" => Self::TrustDomain,
            "destination.port" => Self::Port,
            "source.ip" | "remote.ip" | "destination.ip" => Self::Address,
            _ => Self::Other,
        }
    }

    pub(super) fn is_of_identity(self) -> bool {
        !matches!(self, Self::Port | Self::Address | Self::Other)
    }
}

/// The values that Istio expands a value to before it matches. Any of them matches.
pub(super) fn as_istio_reads(
    value: &str,
    kind: Kind,
    importer: Importer<'_>,
) -> Result<Vec<String>, Fate> {
    if value.is_empty() {
        return Err(Fate::Refused(
            "Istio rejects an empty value; remove it".to_owned(),
        ));
    }
    let since = |version: IstioVersion| {
        if importer.istio_version >= version {
            return Ok(());
        }
        Err(Fate::Refused(format!(
            "Istio {} does not support the field, which requires {version}; without it the rule matches more",
            importer.istio_version
        )))
    };
    Ok(match kind {
        Kind::Principal if value.trim_start_matches('*').starts_with(SCHEME) => {
            return Err(Fate::LeftOut(format!(
                "Istio adds `{SCHEME}` itself, so this never matches; remove the scheme to match the caller"
            )));
        }
        Kind::Principal => {
            // The language also expands such a principal to each name of the mesh.
            let names = trust_domain_aliases::expand_principal(value, importer.trust_domains);
            let as_written = names.iter().position(|name| name == value);
            names
                .into_iter()
                .skip(as_written.unwrap_or_default())
                .take(1)
                .collect()
        }
        Kind::Namespace => vec![namespace(value)?],
        Kind::ServiceAccount => {
            since(SERVICE_ACCOUNTS)?;
            vec![value.to_owned()]
        }
        Kind::TrustDomain => {
            since(TRUST_DOMAINS)?;
            if importer.istio_version >= TRUST_DOMAIN_ALIASES {
                trust_domain_aliases::expand_trust_domain(value, importer.trust_domains)
            } else {
                vec![value.to_owned()]
            }
        }
        Kind::Port | Kind::Other => vec![value.to_owned()],
        // Envoy truncates an address to the block's prefix length.
        Kind::Address => match value.parse::<IpNet>() {
            Ok(block) if value.parse::<IpAddr>().is_err() => vec![block.trunc().to_string()],
            _ => vec![value.to_owned()],
        },
    })
}

/// A namespace in the language. In Istio, each `*` in one matches any text, at any position
/// (`srcNamespaceGenerator`).
fn namespace(value: &str) -> Result<String, Fate> {
    let mut pattern = String::with_capacity(value.len());
    for letter in value.chars() {
        if !(letter == '*' && pattern.ends_with('*')) {
            pattern.push(letter);
        }
    }
    if has_inner_star(&pattern) {
        return Err(Fate::Refused(
            "Istio reads each `*` in a namespace as any text, but a policy allows one `*` at one end only; name the namespaces, or use a pattern with one `*`".to_owned(),
        ));
    }
    Ok(pattern)
}

/// Whether there is a `*` other than one at an end of the pattern.
pub(super) fn has_inner_star(value: &str) -> bool {
    let literal = value
        .strip_prefix('*')
        .or_else(|| value.strip_suffix('*'))
        .unwrap_or(value);
    literal.contains('*')
}

/// Whether a condition with this key tests the caller's identity.
pub(super) fn is_about_identity(key: &str) -> bool {
    key.starts_with("source.") && key != "source.ip"
}
