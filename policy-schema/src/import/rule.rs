//! A rule of an `AuthorizationPolicy` → rules that mean the same.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::check::{Scope, check_rules};
use crate::code::Code;
use crate::identity::TrustDomains;
use crate::istio::authorization_policy::{
    Action, AuthorizationPolicySpec, AuthorizationRule, Condition, Operation, Source,
};
use crate::problem::{Cursor, Problems};
use crate::rule_spec::{
    ConditionSpec, Effect, Enforcement, OperationSpec, Otherwise, RuleSpec, SourceSpec,
};

/// What rules are imported into.
#[derive(Clone, Copy)]
pub(super) struct Importer<'i> {
    pub(super) namespace: &'i str,
    pub(super) trust_domains: &'i TrustDomains,
    /// Whether callers without identity reach the rules.
    pub(super) takes_plaintext: bool,
}

/// Says that something is refused (`true`) or left out (`false`), and why.
pub(super) type Report<'r> = dyn FnMut(bool, String) + 'r;

/// An address that no client has (RFC 6666), to be excluded where a source has to say something.
const NO_ADDRESS: &str = "100::";

/// A field whose values can match nothing, so that neither does what it is part of.
struct NeverMatches;

/// The rules that mean `rule`, with what goes behind their ids: none, one, or two where an `ALLOW`
/// rule takes callers without identity too.
pub(super) fn rules(
    rule: &AuthorizationRule,
    spec: &AuthorizationPolicySpec,
    importer: Importer<'_>,
    report: &mut Report<'_>,
) -> Vec<RuleSpec> {
    let effect = match spec.action {
        Action::Allow => Effect::Allow,
        Action::Deny => Effect::Deny,
        Action::Audit => Effect::Audit,
        Action::Custom => Effect::Custom,
    };
    let mut values = Values {
        effect,
        importer,
        report,
    };
    let Ok(when) = rule
        .when
        .iter()
        .map(|condition| values.condition(condition))
        .collect::<Result<Vec<_>, _>>()
    else {
        return Vec::new();
    };
    let sources = rule.from.iter().map(|from| values.source(&from.source));
    let sources: Vec<_> = sources.collect();
    let from: Vec<_> = sources.into_iter().filter_map(Result::ok).collect();
    let operations = rule.to.iter().map(|to| values.operation(&to.operation));
    let operations: Vec<_> = operations.collect();
    let to: Vec<_> = operations.into_iter().filter_map(Result::ok).collect();
    if (from.is_empty() && !rule.from.is_empty()) || (to.is_empty() && !rule.to.is_empty()) {
        return Vec::new();
    }
    let whole = RuleSpec {
        id: String::new(),
        effect,
        provider: spec.provider.as_ref().map(|provider| provider.name.clone()),
        description: None,
        owner: None,
        not_before: None,
        not_after: None,
        enforcement: None,
        from: Some(from).filter(|from| !from.is_empty()),
        to: Some(to).filter(|to| !to.is_empty()),
        when: Some(when).filter(|when| !when.is_empty()),
    };
    if effect != Effect::Allow {
        return vec![whole];
    }
    let anonymous = importer
        .takes_plaintext
        .then(|| without_identity(&whole))
        .flatten();
    let workloads = with_identity(whole);
    workloads.into_iter().chain(anonymous).collect()
}

/// The part of an `Allow` rule that takes callers with an identity: not what excludes them all.
fn with_identity(mut rule: RuleSpec) -> Option<RuleSpec> {
    let excludes_all = |list: &Option<Vec<String>>| list.iter().flatten().any(|value| value == "*");
    if let Some(sources) = &mut rule.from {
        sources.retain(|source| {
            !(excludes_all(&source.not_principals)
                || excludes_all(&source.not_namespaces)
                || excludes_all(&source.not_trust_domains))
        });
        if sources.is_empty() {
            return None;
        }
    }
    let is_open = rule.when.iter().flatten().all(|condition| {
        !(is_about_identity(&condition.key) && excludes_all(&condition.not_values))
    });
    is_open.then_some(rule)
}

/// The part of an `Allow` rule that takes callers without identity: to Istio they are in no list
/// of identities, and so excluded by none.
fn without_identity(rule: &RuleSpec) -> Option<RuleSpec> {
    let everybody = [SourceSpec::default()];
    let sources = rule.from.as_deref().unwrap_or(&everybody);
    let sources: Vec<_> = sources
        .iter()
        .filter(|source| {
            let asks = [
                &source.principals,
                &source.service_accounts,
                &source.namespaces,
                &source.trust_domains,
            ];
            asks.iter().all(|list| list.is_none())
        })
        .map(|source| SourceSpec {
            anonymous: Some(true),
            not_principals: None,
            not_service_accounts: None,
            not_namespaces: None,
            not_trust_domains: None,
            ..source.clone()
        })
        .collect();
    let mut conditions = rule.when.clone().unwrap_or_default();
    let asks_for_identity = conditions
        .iter()
        .any(|condition| is_about_identity(&condition.key) && condition.values.is_some());
    if sources.is_empty() || asks_for_identity {
        return None;
    }
    conditions.retain(|condition| !is_about_identity(&condition.key));
    Some(RuleSpec {
        id: "-anonymous".to_owned(),
        from: Some(sources),
        when: Some(conditions).filter(|conditions| !conditions.is_empty()),
        ..rule.clone()
    })
}

fn is_about_identity(key: &str) -> bool {
    key.starts_with("source.") && key != "source.ip"
}

/// Carries values over, list by list.
struct Values<'i, 'r, 'f> {
    effect: Effect,
    importer: Importer<'i>,
    report: &'r mut Report<'f>,
}

impl Values<'_, '_, '_> {
    fn source(&mut self, source: &Source) -> Result<SourceSpec, NeverMatches> {
        let mut field =
            |key: &'static str, values: &[String], set: SetSource| self.list(key, values, set);
        let source = SourceSpec {
            anonymous: None,
            client_certificates: None,
            principals: field("principals", &source.principals, |spec, list| {
                spec.principals = list;
            })?,
            not_principals: field("notPrincipals", &source.not_principals, |spec, list| {
                spec.not_principals = list;
            })?,
            service_accounts: field("serviceAccounts", &source.service_accounts, |spec, list| {
                spec.service_accounts = list;
            })?,
            not_service_accounts: field(
                "notServiceAccounts",
                &source.not_service_accounts,
                |spec, list| spec.not_service_accounts = list,
            )?,
            namespaces: field("namespaces", &source.namespaces, |spec, list| {
                spec.namespaces = list;
            })?,
            not_namespaces: field("notNamespaces", &source.not_namespaces, |spec, list| {
                spec.not_namespaces = list;
            })?,
            trust_domains: field("trustDomains", &source.trust_domains, |spec, list| {
                spec.trust_domains = list;
            })?,
            not_trust_domains: field(
                "notTrustDomains",
                &source.not_trust_domains,
                |spec, list| spec.not_trust_domains = list,
            )?,
            request_principals: field(
                "requestPrincipals",
                &source.request_principals,
                |spec, list| spec.request_principals = list,
            )?,
            not_request_principals: field(
                "notRequestPrincipals",
                &source.not_request_principals,
                |spec, list| spec.not_request_principals = list,
            )?,
            ip_blocks: field("ipBlocks", &source.ip_blocks, |spec, list| {
                spec.ip_blocks = list;
            })?,
            not_ip_blocks: field("notIpBlocks", &source.not_ip_blocks, |spec, list| {
                spec.not_ip_blocks = list;
            })?,
            remote_ip_blocks: field("remoteIpBlocks", &source.remote_ip_blocks, |spec, list| {
                spec.remote_ip_blocks = list;
            })?,
            not_remote_ip_blocks: field(
                "notRemoteIpBlocks",
                &source.not_remote_ip_blocks,
                |spec, list| spec.not_remote_ip_blocks = list,
            )?,
        };
        if source == SourceSpec::default() {
            return Ok(SourceSpec {
                // Every caller that is excluded is denied anyway.
                not_remote_ip_blocks: Some(vec![NO_ADDRESS.to_owned()]),
                ..source
            });
        }
        Ok(source)
    }

    fn operation(&mut self, operation: &Operation) -> Result<OperationSpec, NeverMatches> {
        let mut field = |key: &'static str, values: &[String], set: SetOperation| {
            self.operation_list(key, values, set)
        };
        let mut spec = OperationSpec {
            methods: field("methods", &operation.methods, |spec, list| {
                spec.methods = list;
            })?,
            not_methods: field("notMethods", &operation.not_methods, |spec, list| {
                spec.not_methods = list;
            })?,
            paths: field("paths", &operation.paths, |spec, list| spec.paths = list)?,
            not_paths: field("notPaths", &operation.not_paths, |spec, list| {
                spec.not_paths = list;
            })?,
            hosts: field("hosts", &operation.hosts, |spec, list| spec.hosts = list)?,
            not_hosts: field("notHosts", &operation.not_hosts, |spec, list| {
                spec.not_hosts = list;
            })?,
            ports: None,
            not_ports: None,
        };
        spec.ports = self.ports("ports", &operation.ports)?;
        spec.not_ports = self.ports("notPorts", &operation.not_ports)?;
        Ok(spec)
    }

    fn condition(&mut self, condition: &Condition) -> Result<ConditionSpec, NeverMatches> {
        let key = &condition.key;
        let mut list = |name: &'static str, values: &[String]| {
            let lists = format!("`{name}` of `{key}`");
            self.carry(&lists, name.starts_with("not"), values, |value| RuleSpec {
                when: Some(vec![ConditionSpec {
                    key: key.clone(),
                    values: Some(vec![value.to_owned()]),
                    not_values: None,
                }]),
                ..probe()
            })
        };
        Ok(ConditionSpec {
            key: key.clone(),
            values: list("values", &condition.values)?,
            not_values: list("notValues", &condition.not_values)?,
        })
    }

    fn list(
        &mut self,
        key: &'static str,
        values: &[String],
        set: SetSource,
    ) -> Result<Option<Vec<String>>, NeverMatches> {
        self.carry(
            &format!("`{key}`"),
            key.starts_with("not"),
            values,
            |value| {
                let mut source = SourceSpec::default();
                set(&mut source, Some(vec![value.to_owned()]));
                RuleSpec {
                    from: Some(vec![source]),
                    ..probe()
                }
            },
        )
    }

    fn operation_list(
        &mut self,
        key: &'static str,
        values: &[String],
        set: SetOperation,
    ) -> Result<Option<Vec<String>>, NeverMatches> {
        self.carry(
            &format!("`{key}`"),
            key.starts_with("not"),
            values,
            |value| {
                let mut operation = OperationSpec::default();
                set(&mut operation, Some(vec![value.to_owned()]));
                RuleSpec {
                    to: Some(vec![operation]),
                    ..probe()
                }
            },
        )
    }

    fn ports(
        &mut self,
        key: &'static str,
        values: &[String],
    ) -> Result<Option<Vec<u16>>, NeverMatches> {
        let ports = self.carry(
            &format!("`{key}`"),
            key.starts_with("not"),
            values,
            |value| RuleSpec {
                when: Some(vec![ConditionSpec {
                    key: "destination.port".to_owned(),
                    values: Some(vec![value.to_owned()]),
                    not_values: None,
                }]),
                ..probe()
            },
        )?;
        Ok(ports.map(|ports| ports.iter().filter_map(|port| port.parse().ok()).collect()))
    }

    /// The values of a list that the language takes too. Another one is left out where it could only
    /// allow something; where it denies, it is refused: to leave it out would allow more. What is
    /// excluded of nobody excludes nothing.
    fn carry(
        &mut self,
        list: &str,
        is_negated: bool,
        values: &[String],
        probe: impl Fn(&str) -> RuleSpec,
    ) -> Result<Option<Vec<String>>, NeverMatches> {
        let mut carried = Vec::with_capacity(values.len());
        for value in values {
            let written = self.rewritten(value, list);
            match self.problem(&probe(&written)) {
                None => carried.push(written),
                Some((code, problem)) => {
                    // Callers of such names are denied whatever the rules say.
                    let is_of_nobody =
                        matches!(code, Code::InvalidSpiffeId | Code::ForeignTrustDomain);
                    let allows =
                        !is_negated && matches!(self.effect, Effect::Allow | Effect::Audit);
                    let is_refused = !is_of_nobody && !allows;
                    let outcome = if is_refused {
                        "cannot be carried over"
                    } else {
                        "is left out"
                    };
                    (self.report)(
                        is_refused,
                        format!("`{value}` in {list} {outcome}: {problem}"),
                    );
                }
            }
        }
        match (values.is_empty(), carried.is_empty()) {
            (true, _) => Ok(None),
            (false, true) if is_negated => Ok(None),
            (false, true) => Err(NeverMatches),
            (false, false) => Ok(Some(carried)),
        }
    }

    /// What Istio makes of a value before it matches.
    fn rewritten(&self, value: &str, list: &str) -> String {
        if list.to_ascii_lowercase().contains("principals`") || list.contains("source.principal") {
            // Istio takes `cluster.local` for the mesh's own trust domain.
            if let Some(rest) = value.strip_prefix("cluster.local/")
                && rest.split('/').count() == 4
                && !list.contains("equest")
                && !self.importer.trust_domains.contains("cluster.local")
            {
                return format!("{}/{rest}", self.importer.trust_domains.own());
            }
        }
        // Envoy cuts off what an address has beyond the block's length.
        match value.parse::<IpNet>() {
            Ok(block) if value.parse::<IpAddr>().is_err() => block.trunc().to_string(),
            _ => value.to_owned(),
        }
    }

    fn problem(&self, rule: &RuleSpec) -> Option<(Code, String)> {
        let scope = Scope {
            trust_domains: Some(self.importer.trust_domains),
            namespace: self.importer.namespace,
            enforcement: Enforcement::Enforce,
            otherwise: Otherwise::Deny,
            at_gateway: true,
        };
        let mut problems = Problems::default();
        check_rules(
            std::slice::from_ref(rule),
            &scope,
            &Cursor::Root,
            &mut problems,
        );
        let problem = problems.into_vec().into_iter().next()?;
        Some((
            problem.code,
            format!("{}; {}", problem.message, problem.help),
        ))
    }
}

type SetSource = fn(&mut SourceSpec, Option<Vec<String>>);
type SetOperation = fn(&mut OperationSpec, Option<Vec<String>>);

/// A rule that one value is tried in.
fn probe() -> RuleSpec {
    RuleSpec {
        id: "r".to_owned(),
        effect: Effect::Deny,
        provider: None,
        description: None,
        owner: None,
        not_before: None,
        not_after: None,
        enforcement: None,
        from: None,
        to: None,
        when: None,
    }
}
