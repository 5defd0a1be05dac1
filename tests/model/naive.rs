//! The meaning of rules, told as plainly as possible: every rule is tried, every pattern is read
//! anew from its text, and nothing of the crate is used but the types that hold those texts.

use std::net::IpAddr;

use peergate_tests::random::{Asked, Names, time};
use policy_schema::engine::PeerIp;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::{
    ConditionSpec, Effect, Enforcement, OperationSpec, Otherwise, RuleSpec, SourceSpec,
};
use serde_json::Value;

/// What the engine must answer. Rules are named as `POLICY/ID`.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) code: &'static str,
    pub(crate) passes: bool,
    pub(crate) rule: Option<String>,
    pub(crate) recorded: Vec<String>,
}

/// A rule, and what is to be known of its policy.
struct Written<'c> {
    name: String,
    rule: &'c RuleSpec,
    policy_is_shadow: bool,
}

pub(crate) fn outcome(config: &PluginConfig, asked: &Asked) -> Outcome {
    let leading = (
        &config.policy,
        config.enforcement,
        config.otherwise,
        &config.rules,
    );
    let along = config.along.iter().map(|policy| {
        (
            &policy.policy,
            policy.enforcement,
            policy.otherwise,
            &policy.rules,
        )
    });
    let policies: Vec<_> = std::iter::once(leading).chain(along).collect();
    let all_are_shadow = policies
        .iter()
        .all(|(_, enforcement, ..)| *enforcement == Enforcement::Shadow);
    let has_say = |enforcement: Enforcement| all_are_shadow || enforcement == Enforcement::Enforce;
    let passes_otherwise = policies
        .iter()
        .filter(|(_, enforcement, ..)| has_say(*enforcement))
        .all(|(.., otherwise, _)| *otherwise == Otherwise::Pass);
    let rules: Vec<Written<'_>> = policies
        .iter()
        .flat_map(|(policy, enforcement, _, rules)| {
            rules.iter().map(|rule| Written {
                name: format!("{}/{}", policy.name, rule.id),
                rule,
                policy_is_shadow: !has_say(*enforcement),
            })
        })
        .collect();
    let of_reason = |code| Outcome {
        code,
        passes: all_are_shadow,
        rule: None,
        recorded: Vec::new(),
    };
    let mesh = trust_domains(config);
    let at_gateways = [config.at_gateway];
    let at_gateways: Vec<_> = at_gateways
        .into_iter()
        .chain(config.along.iter().map(|policy| policy.at_gateway))
        .collect();
    // A policy for other workloads too that lets pass what it does not deny denies them.
    let takes_outsiders = at_gateways.contains(&true)
        && policies
            .iter()
            .zip(&at_gateways)
            .all(|((_, enforcement, otherwise, _), at_gateway)| {
                !has_say(*enforcement) || *at_gateway || *otherwise == Otherwise::Deny
            });
    let id = asked.peer.as_deref().map(read_id);
    let is_of_mesh = matches!(&id, Some(Some(id)) if mesh.contains(&id.trust_domain));
    let names = asked.certificate.as_ref();
    let outside = names.and_then(|names| outside_names(names, &mesh));
    let caller = match (id, outside) {
        _ if asked.is_unvalidated => Caller::Anonymous,
        (_, Some(names)) if takes_outsiders && !is_of_mesh => Caller::Outside(names),
        (None, _) => Caller::Anonymous,
        (Some(None), _) => return of_reason("malformed-identity"),
        (Some(Some(id)), _) if is_of_mesh => Caller::Workload(id),
        (Some(Some(_)), _) => return of_reason("foreign-trust-domain"),
    };
    let caller = &caller;
    let matches =
        |written: &Written<'_>| {
            let rule = written.rule;
            from_matches(config, rule, caller, asked)
                && to_matches(rule, asked)
                && rule.when.iter().flatten().all(|condition| {
                    condition_matches(config, rule.effect, condition, caller, asked)
                })
        };
    let is_shadow = |written: &Written<'_>| {
        written.policy_is_shadow || written.rule.enforcement == Some(Enforcement::Shadow)
    };
    let first = |effect: Effect, applies_now: bool| {
        rules.iter().find(|written| {
            !is_shadow(written)
                && written.rule.effect == effect
                && is_now(written.rule, asked) == applies_now
                && matches(written)
        })
    };
    let recorded = rules.iter().filter(|written| {
        let has_no_say = matches!(written.rule.effect, Effect::Audit | Effect::Custom);
        (is_shadow(written) || has_no_say) && is_now(written.rule, asked) && matches(written)
    });
    let recorded = recorded.map(|written| written.name.clone()).collect();

    let (code, rule) = if let Some(rule) = first(Effect::Deny, true) {
        ("denied-by-rule", Some(rule))
    } else if let Some(rule) = first(Effect::Allow, true) {
        ("allowed-by-rule", Some(rule))
    } else if passes_otherwise {
        ("not-denied", None)
    } else if let Some(rule) = first(Effect::Allow, false) {
        let is_over = end(rule.rule).is_some_and(|end| asked.now >= end);
        let code = if is_over {
            "expired-rule"
        } else {
            "rule-not-yet-valid"
        };
        (code, Some(rule))
    } else if asked.is_unvalidated {
        ("unvalidated-certificate", None)
    } else if matches!(caller, Caller::Anonymous) {
        ("no-identity", None)
    } else {
        ("no-rule-matched", None)
    };
    Outcome {
        code,
        passes: all_are_shadow || ["allowed-by-rule", "not-denied"].contains(&code),
        rule: rule.map(|written| written.name.clone()),
        recorded,
    }
}

fn trust_domains(config: &PluginConfig) -> Vec<String> {
    let own = std::iter::once(&config.mesh.trust_domain);
    own.chain(&config.mesh.trust_domain_aliases)
        .cloned()
        .collect()
}

enum Caller {
    Anonymous,
    Workload(Id),
    /// From outside the mesh, with these names, each with its kind before it.
    Outside(Vec<String>),
}

impl Caller {
    fn id(&self) -> Option<&Id> {
        match self {
            Self::Workload(id) => Some(id),
            Self::Anonymous | Self::Outside(_) => None,
        }
    }
}

/// The names in a certificate from outside the mesh; none where it has none, or where one of them may pass for an
/// identity of the mesh.
fn outside_names(names: &Names, mesh: &[String]) -> Option<Vec<String>> {
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
fn has_name(names: &[String], wanted: &[String]) -> bool {
    wanted.iter().any(|wanted| {
        names.iter().any(|name| match wanted.split_once('*') {
            Some(("", "")) => true,
            // Nothing that a name has after its kind is taken for another kind.
            Some((start, end)) => {
                let rest = name.strip_prefix(start);
                rest.is_some_and(|rest| rest.len() >= end.len() && rest.ends_with(end))
            }
            None => name == wanted,
        })
    })
}

struct Id {
    whole: String,
    trust_domain: String,
}

fn read_id(san: &[u8]) -> Option<Id> {
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

fn end(rule: &RuleSpec) -> Option<u64> {
    rule.not_after.as_deref().map(time)
}

fn is_now(rule: &RuleSpec, asked: &Asked) -> bool {
    rule.not_before
        .as_deref()
        .is_none_or(|start| time(start) <= asked.now)
        && end(rule).is_none_or(|end| asked.now < end)
}

fn from_matches(config: &PluginConfig, rule: &RuleSpec, caller: &Caller, asked: &Asked) -> bool {
    match &rule.from {
        None => rule.effect != Effect::Allow || caller.id().is_some(),
        Some(sources) => sources.iter().any(|source| {
            caller_matches(config, rule.effect, source, caller)
                && beyond_identity_matches(rule.effect, source, asked)
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

fn beyond_identity_matches(effect: Effect, source: &SourceSpec, asked: &Asked) -> bool {
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

/// Compares bit by bit. An IPv4-mapped address is the IPv4 address too.
fn block_matches(block: &str, address: IpAddr) -> bool {
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

/// By the form of the value, one by one.
fn request_principal_matches(value: &str, asked: &Asked) -> bool {
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

fn condition_matches(
    config: &PluginConfig,
    effect: Effect,
    condition: &ConditionSpec,
    caller: &Caller,
    asked: &Asked,
) -> bool {
    let values = || condition.values.clone();
    let not_values = || condition.not_values.clone();
    let source = |source: SourceSpec| identity_matches(config, effect, &source, caller);
    let beyond = |source: SourceSpec| beyond_identity_matches(effect, &source, asked);
    let default = SourceSpec::default;
    // What the request has any number of, each compared by itself.
    let each = |texts: Vec<Vec<u8>>, matches: fn(&str, &[u8]) -> bool| {
        let has = |values: &[String]| {
            values
                .iter()
                .any(|value| texts.iter().any(|text| matches(value, text)))
        };
        condition.values.as_deref().is_none_or(has)
            && !condition.not_values.as_deref().is_some_and(has)
    };
    // What a client may send several times: to let the request pass, all must match, and all parts of
    // what is not listed as it is.
    let in_parts =
        |texts: Vec<Vec<u8>>, separators: &str, matches: &dyn Fn(&str, &[u8], Stops) -> bool| {
            let has = |values: &[String], stops: Stops| {
                let has_text = |text: &[u8]| values.iter().any(|value| matches(value, text, stops));
                let mut matching = texts.iter().map(|text| {
                    let is_listed = || values.iter().any(|value| value.as_bytes() == *text);
                    let parts = || parts(text, separators);
                    has_text(text)
                        && (stops
                            || separators.is_empty()
                            || is_listed()
                            || parts().all(|part| has_text(&part)))
                });
                if stops {
                    let mut lists = values.iter();
                    matching.any(|is_match| is_match)
                        || lists.any(|value| list_matches(value, &texts, separators))
                } else {
                    !texts.is_empty() && matching.all(|is_match| is_match)
                }
            };
            let is_allow = effect == Effect::Allow;
            condition
                .values
                .as_deref()
                .is_none_or(|values| has(values, !is_allow))
                && !condition
                    .not_values
                    .as_deref()
                    .is_some_and(|values| has(values, is_allow))
        };
    let spelled =
        |texts, matches: &dyn Fn(&str, &[u8], Stops) -> bool| in_parts(texts, "", matches);
    let header = |name: &str| -> Vec<Vec<u8>> {
        let headers = asked.headers.iter();
        let headers = headers.filter(|(other, _)| other.to_ascii_lowercase() == name);
        headers.map(|(_, value)| value.clone()).collect()
    };
    let claim = |path: &[&str]| {
        let mut value = &asked.metadata["envoy.filters.http.jwt_authn"]["payload"];
        for key in path {
            value = &value[key];
        }
        let (mut whole, elements) = texts_of(value);
        whole.extend(elements);
        each(whole, text_matches)
    };
    match condition.key.as_str() {
        "source.principal" => source(SourceSpec {
            principals: values(),
            not_principals: not_values(),
            ..default()
        }),
        "source.serviceAccount" => source(SourceSpec {
            service_accounts: values(),
            not_service_accounts: not_values(),
            ..default()
        }),
        "source.namespace" => source(SourceSpec {
            namespaces: values(),
            not_namespaces: not_values(),
            ..default()
        }),
        "source.trustDomain" => source(SourceSpec {
            trust_domains: values(),
            not_trust_domains: not_values(),
            ..default()
        }),
        "source.ip" => beyond(SourceSpec {
            ip_blocks: values(),
            not_ip_blocks: not_values(),
            ..default()
        }),
        "remote.ip" => beyond(SourceSpec {
            remote_ip_blocks: values(),
            not_remote_ip_blocks: not_values(),
            ..default()
        }),
        "request.auth.principal" => beyond(SourceSpec {
            request_principals: values(),
            not_request_principals: not_values(),
            ..default()
        }),
        "destination.ip" => field(
            effect,
            condition.values.as_deref(),
            condition.not_values.as_deref(),
            asked.local_ip,
            |block, address, _| block_matches(block, address),
        ),
        "destination.port" => field(
            effect,
            condition.values.as_deref(),
            condition.not_values.as_deref(),
            asked.port,
            |value, port, _| *value == port.to_string(),
        ),
        "connection.sni" => spelled(
            asked.server_name.clone().into_iter().collect(),
            &|pattern, name, stops| {
                let latin1 = latin1(name);
                let without_dots = latin1.trim_end_matches('.');
                text_matches(pattern, name)
                    || (stops && text_matches(pattern, &bytes_of(without_dots)))
            },
        ),
        "request.auth.audiences" => claim(&["aud"]),
        "request.auth.presenter" => claim(&["azp"]),
        "request.auth.claims[groups]" => claim(&["groups"]),
        "request.auth.claims[realm][roles]" => claim(&["realm", "roles"]),
        "request.headers[X-a]" => in_parts(header("x-a"), ",", &|pattern, value, stops| {
            header_matches(pattern, value)
                || (stops && parts(value, ",").any(|part| header_matches(pattern, &part)))
        }),
        "request.headers[cookie]" => in_parts(header("cookie"), ",;", &|pattern, value, stops| {
            header_matches(pattern, value)
                || (stops && parts(value, ",;").any(|part| header_matches(pattern, &part)))
        }),
        "request.headers[:path]" => spelled(
            asked.path.clone().into_iter().collect(),
            &|pattern, path, _| header_matches(pattern, path),
        ),
        "request.headers[host]" => in_parts(
            asked
                .host
                .clone()
                .into_iter()
                .chain(header("host"))
                .collect(),
            ",",
            &|pattern, host, stops| {
                (header_matches(pattern, host) && (stops || takes_host(pattern, host)))
                    || (stops && parts(host, ",").any(|part| header_matches(pattern, &part)))
                    || (stops && host_matches(pattern, host, stops))
            },
        ),
        "experimental.envoy.filters.f[k]" => {
            let (whole, elements) = texts_of(&asked.metadata["f"]["k"]);
            let has = |values: &[String]| {
                values.iter().any(|value| {
                    match value.strip_prefix('[').and_then(|v| v.strip_suffix(']')) {
                        Some(value) => elements.iter().any(|text| text_matches(value, text)),
                        None => whole.iter().any(|text| text_matches(value, text)),
                    }
                })
            };
            condition.values.as_deref().is_none_or(has)
                && !condition.not_values.as_deref().is_some_and(has)
        }
        other => panic!("a key that is never generated: {other}"),
    }
}

/// The text that a value is, and those that are in it as a list.
fn texts_of(value: &Value) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let whole = value.as_str().map(bytes).into_iter().collect();
    let elements = value.as_array().into_iter().flatten();
    (
        whole,
        elements.filter_map(Value::as_str).map(bytes).collect(),
    )
}

/// A byte for a letter.
fn latin1(text: &[u8]) -> String {
    text.iter().copied().map(char::from).collect()
}

fn bytes_of(latin1: &str) -> Vec<u8> {
    latin1
        .chars()
        .map(|letter| u8::try_from(letter).expect("it was a byte"))
        .collect()
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_ascii_whitespace())
}

/// Whether a pattern about several values matches some that stand together, with or without spaces and
/// empty values between, in one header or in several.
fn list_matches(pattern: &str, values: &[Vec<u8>], separators: &str) -> bool {
    let is_separator = |letter: char| separators.contains(letter);
    let listed = |text: &[u8]| {
        let parts = parts(text, separators).filter(|part| !part.is_empty());
        parts.map(|part| latin1(&part)).collect::<Vec<_>>()
    };
    let all: Vec<_> = values.iter().flat_map(|value| listed(value)).collect();
    let all = format!(",{},", all.join(","));
    let literal = trimmed(pattern.trim_matches('*'));
    let wanted = listed(literal.as_bytes()).join(",");
    let begins = !pattern.starts_with('*') || literal.starts_with(is_separator);
    let ends = !pattern.ends_with('*') || literal.ends_with(is_separator);
    let [before, after] = [begins, ends].map(|is_whole| if is_whole { "," } else { "" });
    literal.contains(is_separator)
        && !wanted.is_empty()
        && all.contains(&format!("{before}{wanted}{after}"))
}

/// What stands between separators.
fn parts(value: &[u8], separators: &str) -> impl Iterator<Item = Vec<u8>> {
    let value = latin1(value);
    let parts = value.split(|letter: char| separators.contains(letter));
    let parts: Vec<_> = parts.map(|part| bytes_of(trimmed(part))).collect();
    parts.into_iter()
}

/// Both without regard to case.
fn host_matches(pattern: &str, host: &[u8], stops: Stops) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let host = latin1(&host.to_ascii_lowercase());
    if header_matches(&pattern, &bytes_of(&host)) {
        return stops || takes_host(&pattern, &bytes_of(&host));
    }
    let plain = |host: &str| {
        let host = trimmed(host).rsplit('@').next().expect("one at least");
        let mut depth = 0;
        let colon = host.find(|letter| {
            depth = match letter {
                '[' => 1,
                ']' => 0,
                _ => depth,
            };
            letter == ':' && depth == 0
        });
        let (name, port) = host.split_at(colon.unwrap_or(host.len()));
        let name = name.trim_end_matches('.');
        let digits = port.trim_start_matches([':', '0']);
        let colon = if digits.is_empty() { "" } else { ":" };
        [format!("{name}{port}"), format!("{name}{colon}{digits}")]
    };
    let readings = [host.clone(), percent_decoded(&host).to_ascii_lowercase()];
    stops
        && readings.iter().any(|host| {
            let mut hosts = host.split(',').flat_map(plain);
            host.split(',').count() > 16
                || hosts.any(|host| header_matches(&pattern, &bytes_of(&host)))
        })
}

/// Whether a pattern that a host matches lets it pass: not if it may name another host than it begins or
/// ends with.
fn takes_host(pattern: &str, host: &[u8]) -> bool {
    let is_ambiguous = host.iter().any(|byte| b",@%".contains(byte));
    !is_ambiguous || pattern == "*" || pattern.as_bytes() == host
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let digits = rest.strip_prefix('%').and_then(|rest| rest.get(..2));
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let (letter, length) = match digits.filter(is_hex) {
            Some(digits) => {
                let byte = u8::from_str_radix(digits, 16).expect("two digits");
                (char::from(byte), 3)
            }
            None => (letter, letter.len_utf8()),
        };
        decoded.push(letter);
        rest = &rest[length..];
    }
    decoded
}

/// As [`text_matches`], but `*` is every value that is there.
fn header_matches(pattern: &str, text: &[u8]) -> bool {
    pattern == "*" || text_matches(pattern, text)
}

fn identity_matches(
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

/// By the place of the slashes: what follows the trust domain, or the first `/ns/`.
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

fn to_matches(rule: &RuleSpec, asked: &Asked) -> bool {
    rule.to.as_ref().is_none_or(|operations| {
        operations
            .iter()
            .any(|operation| operation_matches(rule.effect, operation, asked))
    })
}

fn operation_matches(effect: Effect, operation: &OperationSpec, asked: &Asked) -> bool {
    let path = asked.path.as_deref().map(|path| {
        let end = path.iter().position(|&byte| byte == b'?' || byte == b'#');
        &path[..end.unwrap_or(path.len())]
    });
    field(
        effect,
        operation.methods.as_deref(),
        operation.not_methods.as_deref(),
        asked.method.as_deref(),
        |value, method, _| header_matches(value, method),
    ) && field(
        effect,
        operation.paths.as_deref(),
        operation.not_paths.as_deref(),
        path,
        |value, path, stops| path_matches(value, path, stops),
    ) && field(
        effect,
        operation.hosts.as_deref(),
        operation.not_hosts.as_deref(),
        asked.host.as_deref(),
        |value, host, stops| host_matches(value, host, stops),
    ) && field(
        effect,
        operation.ports.as_deref(),
        operation.not_ports.as_deref(),
        asked.port,
        |value, port, _| *value == port,
    )
}

/// Whether a match stops the request, so that every spelling of a value counts.
type Stops = bool;

/// A list and its `not…` twin on one attribute.
fn field<V, A: Copy>(
    effect: Effect,
    any_of: Option<&[V]>,
    none_of: Option<&[V]>,
    attribute: Option<A>,
    matches: impl Fn(&V, A, Stops) -> bool,
) -> bool {
    let matches_one = |values: &[V], attribute, stops| {
        values.iter().any(|value| matches(value, attribute, stops))
    };
    let is_any = match (any_of, attribute) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(values), Some(attribute)) => matches_one(values, attribute, effect != Effect::Allow),
    };
    let is_none = match (none_of, attribute) {
        (None, _) => true,
        (Some(_), None) => effect != Effect::Allow,
        (Some(values), Some(attribute)) => !matches_one(values, attribute, effect == Effect::Allow),
    };
    is_any && is_none
}

fn text_matches(pattern: &str, text: &[u8]) -> bool {
    match pattern.split_once('*') {
        None => text == pattern.as_bytes(),
        Some(("", "")) => !text.is_empty(),
        Some((start, "")) => text.starts_with(start.as_bytes()),
        Some((_, end)) => text.ends_with(end.as_bytes()),
    }
}

fn path_matches(pattern: &str, path: &[u8], stops: Stops) -> bool {
    if pattern.contains("{*}") || pattern.contains("{**}") {
        template_matches(pattern, path, stops)
    } else {
        text_matches(pattern, path)
    }
}

/// Tries every length for every operator.
fn template_matches(template: &str, path: &[u8], stops: Stops) -> bool {
    let is_segment = |byte: u8| byte != b'/' && (stops || is_pchar(byte));
    let lengths_of = |is_part: &dyn Fn(u8) -> bool| {
        let length = path.iter().take_while(|&&byte| is_part(byte)).count();
        0..=length
    };
    if let Some(rest) = template.strip_prefix("{**}") {
        return lengths_of(&|byte| byte == b'/' || is_segment(byte))
            .any(|length| template_matches(rest, &path[length..], stops));
    }
    if let Some(rest) = template.strip_prefix("{*}") {
        return lengths_of(&is_segment)
            .skip(1)
            .any(|length| template_matches(rest, &path[length..], stops));
    }
    match (template.as_bytes(), path) {
        ([], []) => true,
        ([expected, ..], [byte, rest @ ..]) if expected == byte => {
            template_matches(&template[1..], rest, stops)
        }
        _ => false,
    }
}

fn is_pchar(byte: u8) -> bool {
    let set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:@";
    set.contains(char::from(byte))
}
