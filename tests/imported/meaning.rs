//! A naive implementation of Istio's `AuthorizationPolicy`, from its source
//! (`pilot/pkg/security/authz/model`, `pilot/pkg/security/trustdomain`): no index, no Envoy, and no
//! code shared with the code under test.

use std::net::IpAddr;

use ipnet::IpNet;
use peergate_tests::random::TestRequest;
use policy_schema::engine::PeerIp;
use policy_schema::istio::AuthorizationPolicy;
use policy_schema::istio::authorization_policy::{
    Action, AuthorizationRule, Condition, Operation, Source,
};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Tcp,
}

/// Policies for one workload, in a mesh with two trust domains.
pub(crate) struct Meaning<'p> {
    pub(crate) policies: &'p [AuthorizationPolicy],
    /// The minor version of Istio.
    pub(crate) minor: u16,
    /// The mesh's own, and an alias.
    pub(crate) trust_domains: [&'p str; 2],
}

/// A rule with an action, and a request.
struct Question<'q> {
    meaning: &'q Meaning<'q>,
    asked: &'q TestRequest,
    protocol: Protocol,
    action: Action,
    /// The policy's namespace.
    namespace: &'q str,
}

impl Meaning<'_> {
    pub(crate) fn allows(&self, asked: &TestRequest, protocol: Protocol) -> bool {
        let matches = |action: Action| {
            self.policies.iter().any(|policy| {
                let question = Question {
                    meaning: self,
                    asked,
                    protocol,
                    action,
                    namespace: &policy.metadata.namespace,
                };
                policy.spec.action == action
                    && policy.spec.rules.iter().any(|rule| question.rule(rule))
            })
        };
        let mut actions = self.policies.iter().map(|policy| policy.spec.action);
        !matches(Action::Deny)
            && (actions.all(|action| action != Action::Allow) || matches(Action::Allow))
    }
}

impl Question<'_> {
    /// On connections without HTTP, an `ALLOW` rule that depends on HTTP is dropped as a whole. In
    /// other rules only the HTTP fields are dropped.
    fn rule(&self, rule: &AuthorizationRule) -> bool {
        if self.action == Action::Allow && self.protocol == Protocol::Tcp && asks_http(rule) {
            return false;
        }
        let sources = &rule.from;
        let operations = &rule.to;
        (sources.is_empty() || sources.iter().any(|from| self.source(&from.source)))
            && (operations.is_empty() || operations.iter().any(|to| self.operation(&to.operation)))
            && rule.when.iter().all(|condition| self.condition(condition))
    }

    fn source(&self, source: &Source) -> bool {
        self.connection_list(&source.principals, &source.not_principals, |v| {
            self.principal(v)
        }) && self.connection_list(&source.namespaces, &source.not_namespaces, |v| {
            self.matches_namespace(v)
        }) && self.connection_list(
            &source.service_accounts,
            &source.not_service_accounts,
            |v| self.account(v),
        ) && self.connection_list(&source.trust_domains, &source.not_trust_domains, |v| {
            self.trust_domain(v)
        }) && self.connection_list(&source.ip_blocks, &source.not_ip_blocks, |v| {
            within(self.peer_ip(), v)
        }) && self.connection_list(
            &source.remote_ip_blocks,
            &source.not_remote_ip_blocks,
            |v| within(self.asked.remote_ip, v),
        ) && self.http_list(
            &source.request_principals,
            &source.not_request_principals,
            |v| self.request_principal(v),
        )
    }

    fn operation(&self, operation: &Operation) -> bool {
        let text = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone().unwrap()).unwrap();
        let (method, host) = (
            text(&self.asked.method),
            text(&self.asked.host).to_lowercase(),
        );
        let path = text(&self.asked.path);
        let path = path.split(['?', '#']).next().unwrap();
        self.connection_list(&operation.ports, &operation.not_ports, |v| self.port(v))
            && self.http_list(&operation.methods, &operation.not_methods, |v| {
                v == "*" || like(&method, v)
            })
            && self.http_list(&operation.hosts, &operation.not_hosts, |v| {
                v == "*" || like(&host, &v.to_lowercase())
            })
            && self.http_list(&operation.paths, &operation.not_paths, |v| like(path, v))
    }

    fn condition(&self, condition: &Condition) -> bool {
        let (values, not_values) = (&condition.values, &condition.not_values);
        match condition.key.as_str() {
            "source.principal" => self.connection_list(values, not_values, |v| self.principal(v)),
            "source.namespace" => {
                self.connection_list(values, not_values, |v| self.matches_namespace(v))
            }
            "source.trustDomain" => {
                self.connection_list(values, not_values, |v| self.trust_domain(v))
            }
            "source.ip" => self.connection_list(values, not_values, |v| within(self.peer_ip(), v)),
            "remote.ip" => {
                self.connection_list(values, not_values, |v| within(self.asked.remote_ip, v))
            }
            "destination.ip" => {
                self.connection_list(values, not_values, |v| within(self.asked.local_ip, v))
            }
            "destination.port" => self.connection_list(values, not_values, |v| self.port(v)),
            "request.auth.principal" => {
                self.http_list(values, not_values, |v| self.request_principal(v))
            }
            "request.auth.claims[groups]" => self.http_list(values, not_values, |v| self.group(v)),
            "request.headers[x-v]" => self.http_list(values, not_values, |v| self.header(v)),
            other => panic!("no random condition asks for `{other}`"),
        }
    }

    fn connection_list(
        &self,
        values: &[String],
        not_values: &[String],
        is: impl Fn(&str) -> bool,
    ) -> bool {
        (values.is_empty() || values.iter().any(|value| is(value)))
            && !not_values.iter().any(|value| is(value))
    }

    fn http_list(
        &self,
        values: &[String],
        not_values: &[String],
        is: impl Fn(&str) -> bool,
    ) -> bool {
        self.protocol == Protocol::Tcp || self.connection_list(values, not_values, is)
    }

    /// The names that Envoy's RBAC uses for the caller: for a workload its ID, with the scheme.
    fn names(&self) -> Vec<String> {
        if let Some(names) = &self.asked.certificate {
            let subject = names.common_name.iter();
            let subject = subject.map(|name| format!("CN={name}"));
            return [names.uris.clone(), names.dns.clone(), subject.collect()].concat();
        }
        let peer = self.asked.peer.iter();
        peer.map(|id| String::from_utf8(id.clone()).unwrap())
            .collect()
    }

    fn peer_ip(&self) -> Option<IpAddr> {
        match self.asked.peer_ip {
            PeerIp::Known(address) => Some(address),
            _ => None,
        }
    }

    /// `ReplaceTrustDomainAliases`, then `StringMatcherWithPrefix`.
    fn principal(&self, value: &str) -> bool {
        let parts: Vec<_> = value.split('/').collect();
        let is_known = |trust_domain: &str| {
            let like =
                |known: &&str| glob(trust_domain, known) && trust_domain.matches('*').count() < 2;
            trust_domain == "cluster.local" || self.meaning.trust_domains.iter().any(like)
        };
        let values: Vec<String> = match parts.as_slice() {
            [trust_domain, rest @ ..]
                if rest.len() == 4 && *trust_domain != "*" && is_known(trust_domain) =>
            {
                let names = self.meaning.trust_domains.iter();
                names
                    .map(|name| match trust_domain.strip_prefix('*') {
                        Some(end) if name.ends_with(end) => value.to_owned(),
                        _ => format!("{name}/{}", rest.join("/")),
                    })
                    .collect()
            }
            _ => vec![value.to_owned()],
        };
        self.names().iter().any(|name| {
            values
                .iter()
                .any(|value| match (value.as_str(), value.strip_prefix('*')) {
                    ("*", _) => true,
                    (_, Some(end)) => name
                        .strip_prefix("spiffe://")
                        .is_some_and(|id| id.ends_with(end)),
                    _ => like(name, &format!("spiffe://{value}")),
                })
        })
    }

    /// `srcNamespaceGenerator`: each `*` matches any text, including slashes.
    fn matches_namespace(&self, value: &str) -> bool {
        let names = self.names();
        let mut names = names.iter();
        names.any(|name| glob(&format!("*/ns/{value}/*"), name))
    }

    /// `serviceAccountRegex`, for IDs in Istio's form.
    fn account(&self, value: &str) -> bool {
        let (namespace, name) = value.split_once('/').unwrap_or((self.namespace, value));
        let end = format!("/ns/{namespace}/sa/{name}");
        let names = self.names();
        let mut ids = names.iter().filter(|name| name.starts_with("spiffe://"));
        ids.any(|id| id.ends_with(&end))
    }

    /// `ExpandTrustDomainAliases`, then `srcTrustDomainGenerator`.
    fn trust_domain(&self, value: &str) -> bool {
        let names = &self.meaning.trust_domains;
        let of_caller = self.names();
        let ids = of_caller
            .iter()
            .filter_map(|name| name.strip_prefix("spiffe://"));
        let mut domains = ids.map(|id| id.split('/').next().unwrap());
        domains.any(|own| {
            if self.meaning.minor >= 31 && names.contains(&value) {
                return names.contains(&own);
            }
            glob(value, own)
        })
    }

    fn port(&self, value: &str) -> bool {
        self.asked.port == value.parse().ok()
    }

    fn token(&self) -> Option<&Value> {
        self.asked
            .metadata
            .pointer("/envoy.filters.http.jwt_authn/payload")
    }

    fn request_principal(&self, value: &str) -> bool {
        let claim = |name: &str| self.token().and_then(|token| token[name].as_str());
        let (Some(issuer), Some(subject)) = (claim("iss"), claim("sub")) else {
            return false;
        };
        match value.rsplit_once('/') {
            _ if value == "*" => !issuer.is_empty() && !subject.is_empty(),
            Some((of_issuer, of_subject)) => like(issuer, of_issuer) && like(subject, of_subject),
            None => value
                .strip_suffix('*')
                .is_some_and(|start| issuer.starts_with(start)),
        }
    }

    fn group(&self, value: &str) -> bool {
        match self.token().map(|token| &token["groups"]) {
            Some(Value::String(group)) => like(group, value),
            Some(Value::Array(groups)) => groups
                .iter()
                .any(|group| like(group.as_str().unwrap(), value)),
            _ => false,
        }
    }

    fn header(&self, value: &str) -> bool {
        let mut headers = self.asked.headers.iter();
        headers.any(|(_, has)| value == "*" || like(std::str::from_utf8(has).unwrap(), value))
    }
}

fn asks_http(rule: &AuthorizationRule) -> bool {
    let any = |lists: &[&Vec<String>]| lists.iter().any(|list| !list.is_empty());
    rule.from.iter().any(|from| {
        any(&[
            &from.source.request_principals,
            &from.source.not_request_principals,
        ])
    }) || rule.to.iter().any(|to| {
        let to = &to.operation;
        any(&[
            &to.methods,
            &to.not_methods,
            &to.paths,
            &to.not_paths,
            &to.hosts,
            &to.not_hosts,
        ])
    }) || rule
        .when
        .iter()
        .any(|condition| condition.key.starts_with("request."))
}

/// `StringMatcher`: `*`, a leading `*`, a trailing `*`, or an exact text.
fn like(text: &str, value: &str) -> bool {
    match (value.strip_prefix('*'), value.strip_suffix('*')) {
        _ if value == "*" => !text.is_empty(),
        (Some(end), _) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (None, None) => text == value,
    }
}

/// Whether `text` matches `pattern`, in which each `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|from| text.get(from..).is_some_and(|text| glob(rest, text)))
        }),
    }
}

fn within(address: Option<IpAddr>, block: &str) -> bool {
    let block = block
        .parse::<IpNet>()
        .unwrap_or_else(|_| IpNet::from(block.parse::<IpAddr>().unwrap()));
    address.is_some_and(|address| block.contains(&address))
}
