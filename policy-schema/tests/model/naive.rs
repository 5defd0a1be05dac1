//! The meaning of rules, told as plainly as possible: every rule is tried, every pattern is read
//! anew from its text, and nothing of the crate is used but the types that hold those texts.

use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::{Effect, Enforcement, OperationSpec, RuleSpec, SourceSpec};

use super::generate::{Asked, time};

/// What the engine must answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) code: &'static str,
    pub(crate) rule: Option<String>,
    pub(crate) shadow: Vec<String>,
}

impl Outcome {
    fn without_rule(code: &'static str) -> Self {
        Self {
            code,
            rule: None,
            shadow: Vec::new(),
        }
    }
}

pub(crate) fn outcome(config: &PluginConfig, asked: &Asked) -> Outcome {
    let mesh = trust_domains(config);
    let caller = match asked.peer.as_deref() {
        None => None,
        Some(san) => match read_id(san) {
            None => return Outcome::without_rule("malformed-identity"),
            Some(id) if !mesh.contains(&id.trust_domain) => {
                return Outcome::without_rule("foreign-trust-domain");
            }
            Some(id) => Some(id),
        },
    };
    let rule_matches =
        |rule: &RuleSpec| from_matches(config, rule, caller.as_ref()) && to_matches(rule, asked);
    let is_shadow = |rule: &RuleSpec| rule.enforcement == Some(Enforcement::Shadow);
    let first = |condition: &dyn Fn(&RuleSpec) -> bool| {
        let mut rules = config.rules.iter();
        rules.find(|rule| !is_shadow(rule) && condition(rule) && rule_matches(rule))
    };
    let shadow = config.rules.iter();
    let shadow = shadow.filter(|rule| is_shadow(rule) && is_now(rule, asked) && rule_matches(rule));
    let shadow = shadow.map(|rule| rule.id.clone()).collect();

    let denied = first(&|rule| rule.effect == Effect::Deny && is_now(rule, asked));
    let allowed = first(&|rule| rule.effect == Effect::Allow && is_now(rule, asked));
    let lapsed = first(&|rule| rule.effect == Effect::Allow && !is_now(rule, asked));
    let (code, rule) = if let Some(rule) = denied {
        ("denied-by-rule", Some(rule))
    } else if let Some(rule) = allowed {
        ("allowed-by-rule", Some(rule))
    } else if let Some(rule) = lapsed {
        let is_over = end(rule).is_some_and(|end| asked.now >= end);
        let code = if is_over {
            "expired-rule"
        } else {
            "rule-not-yet-valid"
        };
        (code, Some(rule))
    } else if caller.is_none() {
        ("no-identity", None)
    } else {
        ("no-rule-matched", None)
    };
    Outcome {
        code,
        rule: rule.map(|rule| rule.id.clone()),
        shadow,
    }
}

fn trust_domains(config: &PluginConfig) -> Vec<String> {
    let own = std::iter::once(&config.mesh.trust_domain);
    own.chain(&config.mesh.trust_domain_aliases)
        .cloned()
        .collect()
}

struct Id {
    whole: String,
    trust_domain: String,
    namespace: Option<String>,
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
    let namespace = match path {
        ["ns", namespace, "sa", _] => Some((*namespace).to_owned()),
        _ => None,
    };
    let trust_domain = (*trust_domain).to_owned();
    is_good.then_some(Id {
        whole,
        trust_domain,
        namespace,
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

fn from_matches(config: &PluginConfig, rule: &RuleSpec, caller: Option<&Id>) -> bool {
    match &rule.from {
        None => rule.effect == Effect::Deny || caller.is_some(),
        Some(sources) => sources
            .iter()
            .any(|source| source_matches(config, rule.effect, source, caller)),
    }
}

fn source_matches(
    config: &PluginConfig,
    effect: Effect,
    source: &SourceSpec,
    caller: Option<&Id>,
) -> bool {
    if source.anonymous == Some(true) {
        return caller.is_none();
    }
    if effect == Effect::Allow && caller.is_none() {
        return false;
    }
    let id = caller.map(|id| id.whole.as_bytes());
    let namespace = caller.and_then(|id| id.namespace.as_deref());
    let trust_domain = caller.map(|id| id.trust_domain.as_bytes());
    let mesh = trust_domains(config);
    field(
        effect,
        source.principals.as_deref(),
        source.not_principals.as_deref(),
        id,
        |value, id| principal_matches(&mesh, value, id),
    ) && field(
        effect,
        source.service_accounts.as_deref(),
        source.not_service_accounts.as_deref(),
        id,
        |value, id| {
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
        namespace.map(str::as_bytes),
        |value, namespace| text_matches(value, namespace),
    ) && field(
        effect,
        source.trust_domains.as_deref(),
        source.not_trust_domains.as_deref(),
        trust_domain,
        |value, trust_domain| text_matches(value, trust_domain),
    )
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
    let host = asked.host.as_ref().map(|host| host.to_ascii_lowercase());
    field(
        effect,
        operation.methods.as_deref(),
        operation.not_methods.as_deref(),
        asked.method.as_deref(),
        |value, method| text_matches(value, method),
    ) && field(
        effect,
        operation.paths.as_deref(),
        operation.not_paths.as_deref(),
        path,
        |value, path| path_matches(value, path),
    ) && field(
        effect,
        operation.hosts.as_deref(),
        operation.not_hosts.as_deref(),
        host.as_deref(),
        |value, host| text_matches(&value.to_ascii_lowercase(), host),
    ) && field(
        effect,
        operation.ports.as_deref(),
        operation.not_ports.as_deref(),
        asked.port,
        |value, port| *value == port,
    )
}

/// A list and its `not…` twin on one attribute.
fn field<V, A: Copy>(
    effect: Effect,
    any_of: Option<&[V]>,
    none_of: Option<&[V]>,
    attribute: Option<A>,
    matches: impl Fn(&V, A) -> bool,
) -> bool {
    let matches_one =
        |values: &[V], attribute| values.iter().any(|value| matches(value, attribute));
    let is_any = match (any_of, attribute) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(values), Some(attribute)) => matches_one(values, attribute),
    };
    let is_none = match (none_of, attribute) {
        (None, _) => true,
        (Some(_), None) => effect == Effect::Deny,
        (Some(values), Some(attribute)) => !matches_one(values, attribute),
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

fn path_matches(pattern: &str, path: &[u8]) -> bool {
    if pattern.contains("{*}") || pattern.contains("{**}") {
        template_matches(pattern, path)
    } else {
        text_matches(pattern, path)
    }
}

/// Tries every length for every operator.
fn template_matches(template: &str, path: &[u8]) -> bool {
    let lengths_of = |is_part: fn(u8) -> bool| {
        let length = path.iter().take_while(|&&byte| is_part(byte)).count();
        0..=length
    };
    if let Some(rest) = template.strip_prefix("{**}") {
        return lengths_of(|byte| byte == b'/' || is_pchar(byte))
            .any(|length| template_matches(rest, &path[length..]));
    }
    if let Some(rest) = template.strip_prefix("{*}") {
        return lengths_of(is_pchar)
            .skip(1)
            .any(|length| template_matches(rest, &path[length..]));
    }
    match (template.as_bytes(), path) {
        ([], []) => true,
        ([expected, ..], [byte, rest @ ..]) if expected == byte => {
            template_matches(&template[1..], rest)
        }
        _ => false,
    }
}

fn is_pchar(byte: u8) -> bool {
    let set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()+,;=:@";
    set.contains(char::from(byte))
}
