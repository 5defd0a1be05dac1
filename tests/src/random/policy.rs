//! Policies over the whole language.

use std::collections::BTreeMap;
use std::fmt;

use policy_schema::plugin_config::{
    ApiVersion, MeshIdentity, PluginConfig, PolicyAlong, PolicyName,
};
use policy_schema::reporting::ReportingSpec;
use policy_schema::rule_spec::{
    ConditionSpec, Effect, Enforcement, OperationSpec, Otherwise, RuleSpec, SourceSpec,
};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::alphabet::{BLOCKS, CLIENT_CERTIFICATES, PATHS, PATHS_OF_IDS, TIMES};

/// A plugin config, at times with other policies along.
pub fn policy() -> impl Strategy<Value = PluginConfig> {
    let size = prop_oneof![3 => 0..5usize, 3 => 5..12usize, 1 => 12..=40usize];
    let along = vec(along(), 0..3).prop_map(|mut along| {
        for (number, policy) in along.iter_mut().enumerate() {
            policy.policy.name = format!("along{number}");
        }
        along
    });
    let along = prop_oneof![3 => Just(Vec::new()), 1 => along];
    (part(size), along, 0..=2usize).prop_map(|(leading, mut along, aliases)| {
        let mut leading = leading;
        if aliases == 0 {
            // Patterns speak of the domains 1 and 2; a mesh without the second knows one alone.
            rename_second_domain(&mut leading.rules);
            along
                .iter_mut()
                .for_each(|policy| rename_second_domain(&mut policy.rules));
        }
        PluginConfig {
            api_version: ApiVersion::V1Alpha1,
            revision: None,
            mesh: MeshIdentity {
                trust_domain: "td1".to_owned(),
                trust_domain_aliases: ["td2", "td3"][..aliases]
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                gateways: Vec::new(),
            },
            policy: leading.policy,
            enforcement: leading.enforcement,
            reporting: ReportingSpec::default(),
            decision_key: None,
            otherwise: leading.otherwise,
            mesh_otherwise: leading.otherwise,
            rules: leading.rules,
            along,
            known_gateways: Vec::new(),
            at_gateway: leading.at_gateway,
            yields: false,
        }
    })
}

fn along() -> impl Strategy<Value = PolicyAlong> {
    part(0..4usize)
}

fn part(size: impl Strategy<Value = usize>) -> impl Strategy<Value = PolicyAlong> {
    let rules = size.prop_flat_map(|size| vec(rule(), size));
    let enforcement = prop_oneof![
        5 => Just(Enforcement::Enforce),
        1 => Just(Enforcement::Shadow),
    ];
    let otherwise = prop_oneof![4 => Just(Otherwise::Deny), 1 => Just(Otherwise::Pass)];
    let at_gateway = prop_oneof![1 => Just(false), 1 => Just(true)];
    (rules, enforcement, otherwise, at_gateway).prop_map(
        |(mut rules, enforcement, otherwise, at_gateway)| {
            for (number, rule) in rules.iter_mut().enumerate() {
                if !at_gateway {
                    without_client_certificates(rule);
                }
                rule.id = format!("r{number}");
                if enforcement == Enforcement::Shadow {
                    rule.enforcement = rule.enforcement.filter(|own| *own == Enforcement::Shadow);
                }
                // There is nothing to allow where what is not denied passes.
                if otherwise == Otherwise::Pass
                    && rule.effect == Effect::Allow
                    && rule.enforcement != Some(Enforcement::Shadow)
                {
                    rule.effect = Effect::Deny;
                }
            }
            PolicyAlong {
                policy: PolicyName {
                    namespace: "a".to_owned(),
                    name: "model".to_owned(),
                },
                match_labels: BTreeMap::new(),
                at_gateway,
                enforcement,
                otherwise,
                rules,
            }
        },
    )
}

fn rename_second_domain(rules: &mut [RuleSpec]) {
    let rename = |values: &mut Vec<String>| {
        for value in values {
            *value = value.replace('2', "1");
        }
    };
    for rule in rules {
        for source in rule.from.iter_mut().flatten() {
            let lists = [
                &mut source.principals,
                &mut source.not_principals,
                &mut source.trust_domains,
                &mut source.not_trust_domains,
            ];
            lists.into_iter().flatten().for_each(rename);
        }
        for condition in rule.when.iter_mut().flatten() {
            if ["source.principal", "source.trustDomain"].contains(&&*condition.key) {
                let lists = [&mut condition.values, &mut condition.not_values];
                lists.into_iter().flatten().for_each(rename);
            }
        }
    }
}

/// A rule of any kind, without an id.
fn rule() -> impl Strategy<Value = RuleSpec> {
    let effect = prop_oneof![
        12 => Just(Effect::Allow),
        2 => Just(Effect::Deny),
        1 => Just(Effect::Audit),
        1 => Just(Effect::Custom),
    ];
    let enforcement = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Enforcement::Shadow)),
        1 => Just(Some(Enforcement::Enforce)),
    ];
    let not_before = weighted(0.3, select(&TIMES[..]));
    let not_after = weighted(0.6, select(&TIMES[..3]));
    let times = (not_before, not_after);
    (effect, enforcement, times, matcher()).prop_map(
        |(effect, enforcement, (not_before, not_after), matcher)| {
            let is_custom = effect == Effect::Custom;
            let (not_before, not_after) = (
                // A rule that ends before it begins is refused.
                not_before.filter(|&start| not_after.is_none_or(|end| start < end)),
                not_after,
            );
            let mut rule = RuleSpec {
                id: String::new(),
                effect,
                provider: is_custom.then(|| "opa".to_owned()),
                description: None,
                owner: None,
                not_before: not_before.filter(|_| !is_custom).map(str::to_owned),
                not_after: not_after.filter(|_| !is_custom).map(str::to_owned),
                enforcement,
                ..matcher
            };
            if is_custom {
                without_identities(&mut rule);
            }
            rule
        },
    )
}

/// What a rule matches: an `Allow` rule without id that applies at all times.
pub fn matcher() -> impl Strategy<Value = RuleSpec> {
    let from = weighted(0.8, vec(source(), 1..4));
    let to = weighted(0.7, vec(operation(), 1..4));
    let when = weighted(0.3, vec(condition(), 1..3));
    (from, to, when).prop_map(|(from, to, mut when)| {
        let has_anonymous = from
            .iter()
            .flatten()
            .any(|source| source.anonymous == Some(true) || asks_for_certificate(source));
        if let (true, Some(conditions)) = (has_anonymous, &mut when) {
            conditions.retain(|condition| !is_about_identity(&condition.key));
        }
        RuleSpec {
            id: String::new(),
            effect: Effect::Allow,
            provider: None,
            description: None,
            owner: None,
            not_before: None,
            not_after: None,
            enforcement: None,
            from,
            to,
            when: when.filter(|conditions| !conditions.is_empty()),
        }
    })
}

fn asks_for_certificate(source: &SourceSpec) -> bool {
    source.client_certificates.is_some() || source.not_client_certificates.is_some()
}

/// Callers have such certificates at gateways only.
fn without_client_certificates(rule: &mut RuleSpec) {
    for source in rule.from.iter_mut().flatten() {
        if asks_for_certificate(source) {
            *source = SourceSpec {
                principals: Some(vec!["*".to_owned()]),
                client_certificates: None,
                not_client_certificates: None,
                ..source.clone()
            };
        }
    }
}

fn is_about_identity(key: &str) -> bool {
    key.starts_with("source.") && key != "source.ip"
}

/// As Istio wants it of rules for an external authorizer.
fn without_identities(rule: &mut RuleSpec) {
    for source in rule.from.iter_mut().flatten() {
        *source = SourceSpec {
            ip_blocks: source.ip_blocks.take(),
            not_ip_blocks: source.not_ip_blocks.take(),
            remote_ip_blocks: source.remote_ip_blocks.take(),
            not_remote_ip_blocks: source.not_remote_ip_blocks.take(),
            ..SourceSpec::default()
        };
        if *source == SourceSpec::default() {
            source.not_remote_ip_blocks = Some(vec!["10.9.0.0/16".to_owned()]);
        }
    }
    let when = rule.when.take();
    rule.when = when
        .map(|mut conditions| {
            conditions.retain(|condition| {
                !is_about_identity(&condition.key) && !condition.key.starts_with("request.auth.")
            });
            conditions
        })
        .filter(|conditions| !conditions.is_empty());
}

fn source() -> impl Strategy<Value = SourceSpec> {
    let lists = (
        (
            weighted(0.35, list(principal())),
            weighted(0.15, list(principal())),
        ),
        (
            weighted(0.25, list(account())),
            weighted(0.15, list(account())),
        ),
        (
            weighted(0.3, list(namespace())),
            weighted(0.15, list(namespace())),
        ),
        (
            weighted(0.15, list(trust_domain())),
            weighted(0.1, list(trust_domain())),
        ),
    );
    let workload = (lists, beyond_identity()).prop_map(|(lists, beyond_identity)| {
        let (principals, accounts, namespaces, trust_domains) = lists;
        let stands_alone = accounts.0.is_some();
        let mut source = SourceSpec {
            principals: principals.0.filter(|_| !stands_alone),
            not_principals: principals.1,
            service_accounts: accounts.0,
            not_service_accounts: accounts.1,
            namespaces: namespaces.0.filter(|_| !stands_alone),
            not_namespaces: namespaces.1,
            trust_domains: trust_domains.0,
            not_trust_domains: trust_domains.1,
            ..beyond_identity
        };
        if source == SourceSpec::default() {
            source.principals = Some(vec!["*".to_owned()]);
        }
        source
    });
    let anonymous = beyond_identity().prop_map(|beyond_identity| SourceSpec {
        anonymous: Some(true),
        ..beyond_identity
    });
    prop_oneof![1 => anonymous, 3 => from_outside(), 12 => workload]
}

/// Client certificates from outside the mesh.
fn from_outside() -> impl Strategy<Value = SourceSpec> {
    let name = || prop_oneof![1 => Just("*"), 6 => select(&CLIENT_CERTIFICATES[..])];
    let name = || name().prop_map(str::to_owned);
    let excluded = select(&CLIENT_CERTIFICATES[..]).prop_map(str::to_owned);
    let lists = (weighted(0.8, list(name())), weighted(0.3, list(excluded)));
    (lists, beyond_identity()).prop_map(|((some, excluded), beyond_identity)| {
        let some = some.or_else(|| excluded.is_none().then(|| vec!["*".to_owned()]));
        SourceSpec {
            client_certificates: some,
            not_client_certificates: excluded,
            ..beyond_identity
        }
    })
}

/// Mostly nothing.
fn beyond_identity() -> impl Strategy<Value = SourceSpec> {
    let lists = (
        weighted(0.2, list(request_principal())),
        weighted(0.1, list(request_principal())),
        weighted(0.2, list(block())),
        weighted(0.1, list(block())),
        weighted(0.2, list(block())),
        weighted(0.1, list(block())),
    );
    let some = lists.prop_map(|lists| SourceSpec {
        request_principals: lists.0,
        not_request_principals: lists.1,
        ip_blocks: lists.2,
        not_ip_blocks: lists.3,
        remote_ip_blocks: lists.4,
        not_remote_ip_blocks: lists.5,
        ..SourceSpec::default()
    });
    prop_oneof![3 => Just(SourceSpec::default()), 2 => some]
}

/// A key with values, values to exclude, or both.
fn condition() -> impl Strategy<Value = ConditionSpec> {
    fn on<V: Strategy<Value = String> + Clone + 'static>(
        key: &'static str,
        value: V,
    ) -> BoxedStrategy<ConditionSpec> {
        (
            weighted(0.7, list(value.clone())),
            weighted(0.4, list(value)),
        )
            .prop_map(move |(values, not_values)| {
                let has_either = values.is_some() || not_values.is_some();
                ConditionSpec {
                    key: key.to_owned(),
                    values: values.or_else(|| (!has_either).then(|| vec![String::new()])),
                    not_values,
                }
            })
            .prop_filter("has values", |condition| {
                condition.values.as_deref() != Some(&[String::new()])
            })
            .boxed()
    }
    let groups = pattern(&["a", "ab", "b"]);
    let element = (groups.clone(), any::<bool>()).prop_map(|(text, is_element)| {
        if is_element {
            format!("[{text}]")
        } else {
            text
        }
    });
    prop_oneof![
        on("source.principal", principal()),
        on("source.serviceAccount", account()),
        on("source.namespace", namespace()),
        on("source.trustDomain", trust_domain()),
        on("source.ip", block()),
        on("remote.ip", block()),
        on("destination.ip", block()),
        on("destination.port", port().prop_map(|port| port.to_string())),
        on("connection.sni", pattern(&["a.b", "ab"])),
        on("request.auth.principal", request_principal()),
        on("request.auth.audiences", groups.clone()),
        on("request.auth.presenter", groups.clone()),
        on("request.auth.claims[groups]", groups.clone()),
        on("request.auth.claims[realm][roles]", groups),
        on("request.headers[X-a]", pattern(&["a", "ab", "A", "a,b"])),
        on("request.headers[cookie]", pattern(&["a=b", "b", "a;b"])),
        on("request.headers[:path]", pattern(&PATHS)),
        on("request.headers[host]", pattern(&["a.b", "ab"])),
        on("experimental.envoy.filters.f[k]", element),
    ]
}

fn request_principal() -> impl Strategy<Value = String> + Clone {
    select(
        &[
            "*",
            "https://a/a",
            "https://a/b/ab",
            "*/a",
            "*a/ab",
            "*b",
            "https://a/*",
            "https://a/a*",
            "https://*",
            "b/b",
            "*b/a",
        ][..],
    )
    .prop_map(|pattern| match pattern {
        // With a slash the `*` would be the subject's.
        "https://*" => "b*".to_owned(),
        other => other.to_owned(),
    })
}

fn block() -> impl Strategy<Value = String> + Clone {
    select(&BLOCKS[..]).prop_map(str::to_owned)
}

fn operation() -> impl Strategy<Value = OperationSpec> {
    let lists = (
        (
            weighted(0.35, list(method())),
            weighted(0.1, list(method())),
        ),
        (weighted(0.6, list(path())), weighted(0.2, list(path()))),
        (weighted(0.2, list(host())), weighted(0.1, list(host()))),
        (weighted(0.2, list(port())), weighted(0.1, list(port()))),
    );
    lists.prop_map(|(methods, paths, hosts, ports)| {
        let mut operation = OperationSpec {
            methods: methods.0,
            not_methods: methods.1,
            paths: paths.0,
            not_paths: paths.1,
            hosts: hosts.0,
            not_hosts: hosts.1,
            ports: ports.0,
            not_ports: ports.1,
        };
        if operation == OperationSpec::default() {
            operation.not_ports = Some(vec![1]);
        }
        operation
    })
}

/// Mostly few values; at times more than the engine tries one by one.
fn list<V: fmt::Debug>(value: impl Strategy<Value = V>) -> impl Strategy<Value = Vec<V>> {
    let length = prop_oneof![8 => 1..4usize, 1 => 4..9usize, 1 => 9..14usize];
    (length, vec(value, 14)).prop_map(|(length, mut values)| {
        values.truncate(length);
        values
    })
}

/// A text of the alphabet itself, or its beginning or end of any length, as a pattern.
fn pattern(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    let cut = (select(texts), any::<Index>(), 0..8u8);
    cut.prop_map(|(text, index, kind)| {
        let at = 1 + index.index(text.len());
        match kind {
            0 => "*".to_owned(),
            1 | 2 => format!("{}*", &text[..at]),
            3 | 4 => format!("*{}", &text[at - 1..]),
            _ => text.to_owned(),
        }
    })
}

fn principal() -> impl Strategy<Value = String> + Clone {
    let text = (select(&["td1", "td2"][..]), select(&PATHS_OF_IDS[..]));
    (text, any::<Index>(), 0..9u8).prop_map(|((domain, path), index, kind)| {
        let id = format!("{domain}/{path}");
        let at = 1 + index.index(id.len());
        match kind {
            0 => "*".to_owned(),
            1 => format!("{}*", &id[..at]),
            2 => format!("spiffe://{}*", &id[..at]),
            3 => format!("{domain}/{}*", &path[..(at - 1) % path.len()]),
            // An ID ends in a whole segment and has no `//` but that of its scheme.
            4 | 5 => match &id[at - 1..] {
                // Istio would widen the whole of a workload's ID but for the domain's beginning.
                end if end.split('/').count() == 5 => format!("*/{path}"),
                end => format!("*{end}"),
            },
            6 => format!("spiffe://{id}"),
            _ => id,
        }
    })
}

fn account() -> impl Strategy<Value = String> + Clone {
    select(&["a", "b", "ab", "a/a", "a/b", "b/a", "ab/b", "b/ab"][..]).prop_map(str::to_owned)
}

fn namespace() -> impl Strategy<Value = String> + Clone {
    // To Istio `*a` would be every namespace, so it is refused.
    pattern(&["a", "ab", "b", "ba"])
        .prop_map(|pattern| pattern.replace("*a", "*ba").replace("*bab", "*ab"))
}

fn trust_domain() -> impl Strategy<Value = String> + Clone {
    pattern(&["td1", "td2"])
}

fn method() -> impl Strategy<Value = String> {
    pattern(&["GET", "PUT", "POST", "PATCH"])
}

fn host() -> impl Strategy<Value = String> {
    pattern(&["a.b", "A.B:80", "ab", "b:80"])
}

fn port() -> impl Strategy<Value = u16> + Clone {
    select(&[80, 81, 8080][..])
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(&["a", "b", "ab", "c"][..]);
    let head = prop_oneof![3 => segment.clone(), 1 => Just("{*}")];
    let template = (vec(head, 0..3), vec(segment, 0..3), any::<bool>(), 0..6u8);
    let template = template.prop_map(|(head, tail, has_rest, slash)| {
        let is_template = has_rest || head.contains(&"{*}");
        let operator = if is_template && !has_rest {
            None
        } else {
            Some("{**}")
        };
        let tail = tail.into_iter().filter(|_| operator.is_some());
        let segments: Vec<_> = head.into_iter().chain(operator).chain(tail).collect();
        format!(
            "/{}{}",
            segments.join("/"),
            if slash == 0 { "/" } else { "" }
        )
    });
    prop_oneof![2 => pattern(&PATHS).prop_map(as_path), 1 => template]
}

/// Exact and prefix patterns begin with a slash; so do all texts they are cut from.
fn as_path(pattern: String) -> String {
    assert!(pattern.starts_with(['/', '*']));
    pattern
}
