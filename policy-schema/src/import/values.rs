//! Imports values of an `AuthorizationPolicy` as equivalent values.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::certificates::name_of;
use super::covers::Covers;
use super::reading::{Fate, Importer, Kind, as_istio_reads, has_inner_star};
use super::report::Report;
use super::template;
use crate::check::{RuleContext, check_rules};
use crate::code::{self, Code};
use crate::istio::authorization_policy::{Condition, Operation, Source};
use crate::istio::ip_blocks::RepeatedInIpv6;
use crate::matching::header::Separator;
use crate::matching::{Reading, TextMatch};
use crate::problem::{Cursor, Problems};
use crate::rule_spec::{
    ConditionSpec, Effect, Enforcement, OperationSpec, Otherwise, RuleSpec, SourceSpec,
};

/// An address that no client has (RFC 6666), to exclude if a source needs at least one field.
const NO_ADDRESS: &str = "100::";

/// A field whose values never match, so neither does its source, operation or condition.
pub(super) struct NeverMatches;

/// A list of values.
struct List {
    /// Its name in messages.
    name: String,
    kind: Kind,
    is_negated: bool,
}

impl List {
    fn named(name: &str) -> Self {
        Self {
            name: format!("`{name}`"),
            kind: match name {
                "principals" | "notPrincipals" => Kind::Principal,
                "namespaces" | "notNamespaces" => Kind::Namespace,
                "serviceAccounts" | "notServiceAccounts" => Kind::ServiceAccount,
                "trustDomains" | "notTrustDomains" => Kind::TrustDomain,
                "ports" | "notPorts" => Kind::Port,
                "ipBlocks" | "notIpBlocks" | "remoteIpBlocks" | "notRemoteIpBlocks" => {
                    Kind::Address
                }
                _ => Kind::Other,
            },
            is_negated: name.starts_with("not"),
        }
    }
}

/// Imports values, list by list.
pub(super) struct Values<'i, 'r, 'f> {
    pub(super) effect: Effect,
    pub(super) importer: Importer<'i>,
    pub(super) report: &'r mut Report<'f>,
}

impl Values<'_, '_, '_> {
    pub(super) fn source(&mut self, source: &Source) -> Result<SourceSpec, NeverMatches> {
        if *source == Source::default() {
            self.refuse_empty("`source`");
        }
        let mut field =
            |key: &'static str, values: &[String], set: SetSource| self.list(key, values, set);
        let source = SourceSpec {
            anonymous: None,
            client_certificates: None,
            not_client_certificates: None,
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
                // Every excluded caller is denied anyway.
                not_remote_ip_blocks: Some(vec![NO_ADDRESS.to_owned()]),
                ..source
            });
        }
        Ok(source)
    }

    pub(super) fn operation(
        &mut self,
        operation: &Operation,
    ) -> Result<OperationSpec, NeverMatches> {
        if *operation == Operation::default() {
            self.refuse_empty("`operation`");
        }
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
        template::report_stopping(&spec, self.effect, self.report);
        Ok(spec)
    }

    pub(super) fn condition(
        &mut self,
        condition: &Condition,
    ) -> Result<Option<ConditionSpec>, NeverMatches> {
        let key = &condition.key;
        if condition.values.is_empty() && condition.not_values.is_empty() {
            self.refuse_empty(&format!("the condition on `{key}`"));
        }
        self.refuse_open_lists(condition);
        let mut list = |name: &'static str, values: &[String]| {
            let list = List {
                name: format!("`{name}` of `{key}`"),
                kind: Kind::from_key(key),
                is_negated: name.starts_with("not"),
            };
            self.carry(&list, values, |value| RuleSpec {
                when: Some(vec![ConditionSpec {
                    key: key.clone(),
                    values: Some(vec![value.to_owned()]),
                    not_values: None,
                }]),
                ..probe()
            })
        };
        let values = list("values", &condition.values)?;
        let not_values = list("notValues", &condition.not_values)?;
        // An exclusion without values is always true.
        let asks = values.is_some() || not_values.is_some();
        Ok(asks.then(|| ConditionSpec {
            key: key.clone(),
            values,
            not_values,
        }))
    }

    /// Refuses header patterns that in Istio match a list of values and in the language match none:
    /// if a match lets a request pass, the language compares each value.
    fn refuse_open_lists(&mut self, condition: &Condition) {
        let header = condition.key.strip_prefix("request.headers[");
        let Some(header) = header.and_then(|header| header.strip_suffix(']')) else {
            return;
        };
        let separator = Separator::for_header(&header.to_ascii_lowercase());
        let lists = [
            (&condition.values, Reading::for_values(self.effect)),
            (&condition.not_values, Reading::for_exclusions(self.effect)),
        ];
        let lists = lists
            .into_iter()
            .filter(|(_, reading)| *reading == Reading::Narrow);
        for value in lists.flat_map(|(values, _)| values) {
            let pattern = TextMatch::parse(value);
            if pattern.is_ok_and(|pattern| separator.occurs_in_open_pattern(&pattern)) {
                (self.report)(
                    true,
                    format!(
                        "`{value}` in `{}` has no counterpart: Istio compares the whole header, Peergate each comma-separated part",
                        condition.key
                    ),
                );
            }
        }
    }

    fn list(
        &mut self,
        key: &'static str,
        values: &[String],
        set: SetSource,
    ) -> Result<Option<Vec<String>>, NeverMatches> {
        self.carry(&List::named(key), values, |value| {
            let mut source = SourceSpec::default();
            set(&mut source, Some(vec![value.to_owned()]));
            RuleSpec {
                from: Some(vec![source]),
                ..probe()
            }
        })
    }

    fn operation_list(
        &mut self,
        key: &'static str,
        values: &[String],
        set: SetOperation,
    ) -> Result<Option<Vec<String>>, NeverMatches> {
        self.carry(&List::named(key), values, |value| {
            let mut operation = OperationSpec::default();
            set(&mut operation, Some(vec![value.to_owned()]));
            RuleSpec {
                to: Some(vec![operation]),
                ..probe()
            }
        })
    }

    fn ports(
        &mut self,
        key: &'static str,
        values: &[String],
    ) -> Result<Option<Vec<u16>>, NeverMatches> {
        let ports = self.carry(&List::named(key), values, |value| RuleSpec {
            when: Some(vec![ConditionSpec {
                key: "destination.port".to_owned(),
                values: Some(vec![value.to_owned()]),
                not_values: None,
            }]),
            ..probe()
        })?;
        Ok(ports.map(|ports| ports.iter().filter_map(|port| port.parse().ok()).collect()))
    }

    /// Refuses an empty list, which looks as if it matched everything. So does Istio's webhook.
    fn refuse_empty(&mut self, what: &str) {
        (self.report)(true, format!("{what} is empty, which Istio rejects"));
    }

    /// The imported values of a list. Values that Istio never matches are left out: in a positive
    /// list they add no caller, and in a negated one they exclude none.
    fn carry(
        &mut self,
        list: &List,
        values: &[String],
        probe: impl Fn(&str) -> RuleSpec,
    ) -> Result<Option<Vec<String>>, NeverMatches> {
        let mut carried = Vec::with_capacity(values.len());
        let mut known = HashSet::with_capacity(values.len());
        let repeated = (list.kind == Kind::Address).then(|| RepeatedInIpv6::new(values));
        let covers = OnceCell::new();
        for value in values {
            if repeated
                .as_ref()
                .is_some_and(|repeated| repeated.has(value))
            {
                continue;
            }
            let read = as_istio_reads(value, list.kind, self.importer);
            let checked = read.and_then(|read| {
                read.into_iter()
                    .map(|value| match self.problem(&probe(&value)) {
                        None => Ok(value),
                        Some(problem) => Err(self.fate(&value, list, problem)),
                    })
                    .collect::<Result<Vec<_>, _>>()
            });
            let (is_refused, outcome, reason) = match checked {
                Ok(values) => {
                    let values = values.into_iter();
                    carried.extend(values.filter(|value| known.insert(value.clone())));
                    continue;
                }
                Err(Fate::LeftOut(reason)) => (false, "is left out", reason),
                Err(Fate::Refused(reason)) => match covers
                    .get_or_init(|| Covers::new(values, list.kind))
                    .covering(value)
                {
                    Some(other) => {
                        let reason = format!("`{other}` in the same list already covers it");
                        (false, "is left out", reason)
                    }
                    None => (true, "has no counterpart", reason),
                },
            };
            // It is imported as the name of a certificate.
            if !is_refused && name_of(value, list.kind, self.importer).is_some() {
                continue;
            }
            let List { name, .. } = list;
            (self.report)(
                is_refused,
                format!("`{value}` in {name} {outcome}: {reason}"),
            );
        }
        match (values.is_empty(), carried.is_empty()) {
            (true, _) => Ok(None),
            (false, true) if list.is_negated => Ok(None),
            (false, true) => Err(NeverMatches),
            (false, false) => Ok(Some(carried)),
        }
    }

    /// Whether a value that the language cannot express is refused or left out.
    fn fate(&self, value: &str, list: &List, (code, problem): (Code, String)) -> Fate {
        let only_allows = !list.is_negated && matches!(self.effect, Effect::Allow | Effect::Audit);
        match code {
            // The trust domain may be the mesh's.
            code::FOREIGN_TRUST_DOMAIN
                if !self.importer.are_trust_domains_known && !only_allows =>
            {
                Fate::Refused(format!(
                    "without a mesh config, this may be a trust domain of the mesh: add the ConfigMap `istio` to the input ({problem})"
                ))
            }
            // Callers with such names are denied regardless of the rules.
            code::INVALID_SPIFFE_ID | code::FOREIGN_TRUST_DOMAIN => Fate::LeftOut(problem),
            // A SPIFFE ID contains no `*`, so none equals this one.
            code::INVALID_WILDCARD if list.kind == Kind::Principal && has_inner_star(value) => {
                Fate::LeftOut(
                    "Istio compares this `*` literally, and no SPIFFE ID contains one".to_owned(),
                )
            }
            code::INVALID_WILDCARD if list.kind.is_of_identity() => Fate::Refused(problem),
            code::INVALID_WILDCARD if !only_allows => Fate::Refused(
                "Istio compares this `*` literally, which a policy cannot express".to_owned(),
            ),
            code::INVALID_WILDCARD => Fate::LeftOut(
                "Istio compares this `*` literally, so only a literal `*` would match".to_owned(),
            ),
            // Istio drops the whole `ALLOW` rule because of one of these. Its webhook refuses it.
            code::UNKNOWN_CONDITION | code::INVALID_IP_BLOCK | code::INVALID_SERVICE_ACCOUNT => {
                Fate::Refused(problem)
            }
            _ if list.kind == Kind::Port => Fate::Refused(problem),
            _ if only_allows => Fate::LeftOut(problem),
            _ => Fate::Refused(problem),
        }
    }

    fn problem(&self, rule: &RuleSpec) -> Option<(Code, String)> {
        self.importer.problem(rule)
    }
}

impl Importer<'_> {
    /// Whether the language accepts this name of a client certificate from outside the mesh.
    pub(super) fn takes_client_certificate(&self, name: &str) -> bool {
        let source = SourceSpec {
            client_certificates: Some(vec![name.to_owned()]),
            ..SourceSpec::default()
        };
        let rule = RuleSpec {
            from: Some(vec![source]),
            ..probe()
        };
        self.problem(&rule).is_none()
    }

    /// The problem with a rule, with its fix.
    fn problem(&self, rule: &RuleSpec) -> Option<(Code, String)> {
        let scope = RuleContext {
            trust_domains: Some(self.trust_domains),
            namespace: self.namespace,
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

/// A rule for trying a single value.
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
