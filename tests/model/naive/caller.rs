//! The caller: an identity of the mesh, a certificate from outside, or none.

use peergate_tests::random::Names;
use policy_schema::plugin_config::PluginConfig;

pub(super) fn trust_domains(config: &PluginConfig) -> Vec<String> {
    let own = std::iter::once(&config.mesh.trust_domain);
    own.chain(&config.mesh.trust_domain_aliases)
        .cloned()
        .collect()
}

pub(super) enum Caller {
    Anonymous,
    Workload(Id),
    /// From outside the mesh, with these names, each prefixed by its kind.
    Outside(Vec<String>),
}

impl Caller {
    pub(super) fn id(&self) -> Option<&Id> {
        match self {
            Self::Workload(id) => Some(id),
            Self::Anonymous | Self::Outside(_) => None,
        }
    }
}

/// The names in a certificate from outside the mesh; `None` if it has none, or if one could pass
/// for an identity of the mesh.
pub(super) fn outside_names(names: &Names, mesh: &[String]) -> Option<Vec<String>> {
    let ids = names.uris.iter().filter(|uri| uri.starts_with("spiffe:"));
    let ids: Vec<_> = ids.collect();
    let is_foreign = |id: &&String| {
        let id = read_id(id.as_bytes());
        names.uris.len() == 1 && id.is_some_and(|id| !mesh.contains(&id.trust_domain))
    };
    let uris = names.uris.iter().map(|uri| format!("uri:{uri}"));
    let dns = names
        .dns
        .iter()
        .map(|dns| format!("dns:{}", dns.to_lowercase()));
    let subject = names
        .common_name
        .iter()
        .map(|name| format!("subject:CN={name}"));
    let all: Vec<_> = uris.chain(dns).chain(subject).collect();
    (!all.is_empty() && ids.iter().all(is_foreign)).then_some(all)
}

/// Whether any name in the certificate is one of these.
pub(super) fn has_name(names: &[String], wanted: &[String]) -> bool {
    wanted.iter().any(|wanted| {
        names.iter().any(|name| match wanted.split_once('*') {
            Some(("", "")) => true,
            // The rest of a name is never read as another kind.
            Some((start, end)) => {
                let rest = name.strip_prefix(start);
                rest.is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end))
            }
            None => name == wanted,
        })
    })
}

pub(super) struct Id {
    pub(super) whole: String,
    pub(super) trust_domain: String,
}

pub(super) fn read_id(san: &[u8]) -> Option<Id> {
    let whole = String::from_utf8(san.to_vec()).ok()?;
    let parts: Vec<&str> = whole.split('/').collect();
    let ["spiffe:", "", trust_domain, path @ ..] = parts.as_slice() else {
        return None;
    };
    let all_of = |text: &str, set: &str| text.chars().all(|char| set.contains(char));
    let lower = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    let either = format!("{lower}{}", lower.to_uppercase());
    let is_good = whole.len() <= 2048
        && (1..=255).contains(&trust_domain.len())
        && all_of(trust_domain, lower)
        && !path.is_empty()
        && path
            .iter()
            .all(|segment| !["", ".", ".."].contains(segment) && all_of(segment, &either));
    let trust_domain = (*trust_domain).to_owned();
    is_good.then_some(Id {
        whole,
        trust_domain,
    })
}
