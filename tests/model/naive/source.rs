//! The sources of a rule, identities and addresses.

use std::net::IpAddr;

use peergate_tests::random::TestRequest;
use policy_schema::engine::PeerIp;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::{Effect, RuleSpec, SourceSpec};

use super::caller::{Caller, has_name, trust_domains};
use super::field::field;
use super::text::text_matches;

pub(super) fn from_matches(
    config: &PluginConfig,
    rule: &RuleSpec,
    caller: &Caller,
    asked: &TestRequest,
) -> bool {
    match &rule.from {
        None => rule.effect != Effect::Allow || caller.id().is_some(),
        Some(sources) => sources.iter().any(|source| {
            caller_matches(config, rule.effect, source, caller)
                && other_fields_match(rule.effect, source, asked)
        }),
    }
}

fn caller_matches(
    config: &PluginConfig,
    effect: Effect,
    source: &SourceSpec,
    caller: &Caller,
) -> bool {
    let (wanted, excluded) = (&source.client_certificates, &source.not_client_certificates);
    if wanted.is_none() && excluded.is_none() {
        return identity_matches(config, effect, source, caller);
    }
    match caller {
        Caller::Outside(names) => {
            wanted.as_ref().is_none_or(|wanted| has_name(names, wanted))
                && !excluded
                    .as_ref()
                    .is_some_and(|excluded| has_name(names, excluded))
        }
        Caller::Anonymous | Caller::Workload(_) => wanted.is_none() && effect != Effect::Allow,
    }
}

pub(super) fn other_fields_match(effect: Effect, source: &SourceSpec, asked: &TestRequest) -> bool {
    let peer_ip_matches = || {
        let (any_of, none_of) = (&source.ip_blocks, &source.not_ip_blocks);
        let attribute = match asked.peer_ip {
            PeerIp::Hidden => {
                return effect == Effect::Allow || (any_of.is_none() && none_of.is_none());
            }
            PeerIp::Absent => None,
            PeerIp::Known(address) => Some(address),
        };
        field(
            effect,
            any_of.as_deref(),
            none_of.as_deref(),
            attribute,
            |block, address, _| block_matches(block, address),
        )
    };
    let has_one_of = |values: &[String]| {
        values
            .iter()
            .any(|value| request_principal_matches(value, asked))
    };
    peer_ip_matches()
        && field(
            effect,
            source.remote_ip_blocks.as_deref(),
            source.not_remote_ip_blocks.as_deref(),
            asked.remote_ip,
            |block, address, _| block_matches(block, address),
        )
        && source.request_principals.as_deref().is_none_or(has_one_of)
        && !source
            .not_request_principals
            .as_deref()
            .is_some_and(has_one_of)
}

/// Compares bit by bit. An IPv4-mapped address also counts as the IPv4 address.
pub(super) fn block_matches(block: &str, address: IpAddr) -> bool {
    let ipv4 = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => match address.octets() {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => Some([a, b, c, d].into()),
            _ => None,
        },
    };
    let forms = std::iter::once(address).chain(ipv4);
    forms.into_iter().any(|form| has_beginning(block, form))
}

fn has_beginning(block: &str, address: IpAddr) -> bool {
    let bits = |address: IpAddr| -> Vec<bool> {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let bits_of = |byte: u8| (0..8).map(move |bit| byte & (0x80 >> bit) != 0);
        bytes.into_iter().flat_map(bits_of).collect()
    };
    let (start, length) = match block.split_once('/') {
        Some((start, length)) => (start, length.parse().expect("a length")),
        None => (block, usize::MAX),
    };
    let start = bits(start.parse().expect("an address"));
    let address = bits(address);
    start.len() == address.len() && start.iter().zip(&address).take(length).all(|(a, b)| a == b)
}

/// By the form of the value.
fn request_principal_matches(value: &str, asked: &TestRequest) -> bool {
    let claim = |name: &str| {
        let claim = &asked.metadata["envoy.filters.http.jwt_authn"]["payload"][name];
        claim.as_str().map(str::to_owned)
    };
    let (Some(issuer), Some(subject)) = (claim("iss"), claim("sub")) else {
        return false;
    };
    let is_some = |text: &str| !text.is_empty();
    if value == "*" {
        return is_some(&issuer) && is_some(&subject);
    }
    match value.rsplit_once('/') {
        None => match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (Some(end), _) => is_some(&issuer) && subject.ends_with(end),
            (_, Some(start)) => is_some(&subject) && issuer.starts_with(start),
            _ => false,
        },
        Some(("*", exact)) => is_some(&issuer) && subject == exact,
        Some((exact, "*")) => is_some(&subject) && issuer == exact,
        Some((left, right)) => match (left.strip_prefix('*'), right.strip_suffix('*')) {
            (Some(end), _) => issuer.ends_with(end) && subject == right,
            (_, Some(start)) => issuer == left && subject.starts_with(start),
            _ => issuer == left && subject == right,
        },
    }
}

pub(super) fn identity_matches(
    config: &PluginConfig,
    effect: Effect,
    source: &SourceSpec,
    caller: &Caller,
) -> bool {
    if source.anonymous == Some(true) {
        return matches!(caller, Caller::Anonymous);
    }
    let caller = caller.id();
    if effect == Effect::Allow && caller.is_none() {
        return false;
    }
    let id = caller.map(|id| id.whole.as_bytes());
    let trust_domain = caller.map(|id| id.trust_domain.as_bytes());
    let mesh = trust_domains(config);
    field(
        effect,
        source.principals.as_deref(),
        source.not_principals.as_deref(),
        id,
        |value, id, _| principal_matches(&mesh, value, id),
    ) && field(
        effect,
        source.service_accounts.as_deref(),
        source.not_service_accounts.as_deref(),
        id,
        |value, id, _| {
            let in_own = format!("{}/{value}", config.policy.namespace);
            let account = if value.contains('/') { value } else { &in_own };
            let account = account.replace('/', "/sa/");
            mesh.iter()
                .any(|domain| id == format!("spiffe://{domain}/ns/{account}").as_bytes())
        },
    ) && field(
        effect,
        source.namespaces.as_deref(),
        source.not_namespaces.as_deref(),
        caller.map(|id| id.whole.as_str()),
        |value, id, _| namespace_matches(value, id),
    ) && field(
        effect,
        source.trust_domains.as_deref(),
        source.not_trust_domains.as_deref(),
        trust_domain,
        |value, trust_domain, _| text_matches(value, trust_domain),
    )
}

/// By the positions of slashes: after the trust domain, or after the first `/ns/`.
fn namespace_matches(value: &String, id: &str) -> bool {
    if let (Some(end), true) = (value.strip_prefix('*'), value.len() > 1) {
        let inside = id.split_once("/ns/").map(|(_, rest)| rest);
        let end = format!("{end}/");
        return inside.is_some_and(|rest| rest.contains(&end));
    }
    let path = id.splitn(4, '/').nth(3).expect("an ID has a path");
    match value.strip_suffix('*') {
        Some(start) => path.starts_with(&format!("ns/{start}")),
        None => path.starts_with(&format!("ns/{value}/")),
    }
}

fn principal_matches(mesh: &[String], value: &str, id: &[u8]) -> bool {
    if value.starts_with('*') {
        return text_matches(value, id);
    }
    let value = value.strip_prefix("spiffe://").unwrap_or(value);
    let parts: Vec<&str> = value.split('/').collect();
    if let [_, rest @ ..] = parts.as_slice()
        && rest.len() == 4
    {
        let rest = rest.join("/");
        return mesh
            .iter()
            .any(|domain| text_matches(&format!("spiffe://{domain}/{rest}"), id));
    }
    text_matches(&format!("spiffe://{value}"), id)
}
