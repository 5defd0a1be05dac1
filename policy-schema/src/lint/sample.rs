//! Sample requests from the values of rules, to evaluate with the engine.

use crate::engine::Request;
use crate::identity::{PeerIdentity, TrustDomains};
use crate::matching::{PathMatch, TextMatch};
use crate::plugin_config::PolicyName;
use crate::rule::{Operation, Rule, Source};
use crate::timestamp::Timestamp;

/// The maximum number of values of one list to sample.
const MAX_VALUES: usize = 4;

/// The replacement for a `*`.
const ANYTHING: &str = "x";

/// A request without its path.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The caller's SPIFFE ID. None for a caller without identity.
    caller: Option<String>,
    method: String,
    host: Option<String>,
    port: Option<u16>,
}

impl Sample {
    /// The sample with this path.
    pub(super) fn request<'r>(&'r self, path: &'r str, now: Timestamp) -> Request<'r> {
        let caller = self.caller.as_deref().map(str::as_bytes);
        Request {
            method: Some(self.method.as_bytes()),
            path: Some(path.as_bytes()),
            authority: self.host.as_deref().map(str::as_bytes),
            port: self.port,
            ..Request::from_peer(PeerIdentity::from_uri_san(caller), now)
        }
    }
}

/// Requests that both `denied` of a `Deny` rule and `allowing` may match, each with one of their
/// values. Without a rule to allow it, the caller is any of the namespace of `policy`.
pub(super) fn samples(
    denied: &Operation,
    allowing: Option<&Rule>,
    policy: &PolicyName,
    trust_domains: &TrustDomains,
) -> impl Iterator<Item = Sample> {
    let callers = callers(allowing, policy, trust_domains);
    let any = Operation::default();
    let operations = match allowing.map(|rule| rule.operations.as_slice()) {
        None | Some([]) => std::slice::from_ref(&any),
        Some(operations) => operations,
    };
    let requests: Vec<_> = operations
        .iter()
        .take(MAX_VALUES)
        .flat_map(|operation| {
            let methods = named([&denied.methods.any_of, &operation.methods.any_of], "GET");
            let host = named([&denied.hosts.any_of, &operation.hosts.any_of], "").swap_remove(0);
            let mut ports = denied.ports.any_of.iter().chain(&operation.ports.any_of);
            let port = ports.next().copied();
            methods.into_iter().map(move |method| Sample {
                caller: None,
                method,
                host: Some(host.clone()).filter(|host| !host.is_empty()),
                port,
            })
        })
        .collect();
    callers.into_iter().flat_map(move |caller| {
        let requests = requests.clone().into_iter();
        requests.map(move |request| Sample {
            caller: caller.clone(),
            ..request
        })
    })
}

/// Callers that the rule names. None is a caller without identity.
fn callers(
    rule: Option<&Rule>,
    policy: &PolicyName,
    trust_domains: &TrustDomains,
) -> Vec<Option<String>> {
    let account_in = |namespace: &str| {
        let domain = trust_domains.own();
        Some(format!("spiffe://{domain}/ns/{namespace}/sa/{ANYTHING}"))
    };
    let sources = rule.map_or(&[][..], |rule| &rule.sources);
    if sources.is_empty() {
        return vec![account_in(&policy.namespace)];
    }
    let of_source = |source: &Source| {
        if source.anonymous {
            return vec![None];
        }
        let principals = source.principals_in(trust_domains);
        let namespaces = source.namespaces.any_of.iter().map(text);
        let named: Vec<_> = if principals.is_empty() {
            namespaces.map(|namespace| account_in(&namespace)).collect()
        } else {
            principals
                .iter()
                .map(|pattern| Some(text(pattern)))
                .collect()
        };
        if named.is_empty() {
            vec![account_in(&policy.namespace)]
        } else {
            named
        }
    };
    let sources = sources.iter().take(MAX_VALUES);
    sources
        .flat_map(|source| of_source(source).into_iter().take(MAX_VALUES))
        .collect()
}

/// Values of the first non-empty list, else the default.
fn named(lists: [&[TextMatch]; 2], default: &str) -> Vec<String> {
    let list = lists.into_iter().find(|list| !list.is_empty());
    let values = list.unwrap_or_default().iter().take(MAX_VALUES);
    let values: Vec<_> = values.map(text).collect();
    if values.is_empty() {
        vec![default.to_owned()]
    } else {
        values
    }
}

/// A text that matches the pattern.
fn text(pattern: &TextMatch) -> String {
    let literal = pattern.literal();
    match pattern {
        TextMatch::Exact(_) => literal.to_owned(),
        TextMatch::Any | TextMatch::Prefix(_) => format!("{literal}{ANYTHING}"),
        TextMatch::Suffix(_) => format!("{ANYTHING}{literal}"),
    }
}

/// Paths that match the pattern, and if possible those of `allowing`.
pub(super) fn paths(pattern: &PathMatch, allowing: Option<&Rule>) -> Vec<String> {
    match pattern {
        PathMatch::Template(template) => {
            let template = template.to_string();
            vec![template.replace("{**}", ANYTHING).replace("{*}", ANYTHING)]
        }
        PathMatch::Text(TextMatch::Suffix(end)) => {
            let operations = allowing.into_iter().flat_map(|rule| &rule.operations);
            let allowed = operations.flat_map(|operation| &operation.paths.any_of);
            let begins = allowed.filter_map(|path| match path {
                PathMatch::Text(TextMatch::Prefix(begin)) => Some(&**begin),
                PathMatch::Text(_) | PathMatch::Template(_) => None,
            });
            let begins = begins.take(MAX_VALUES).chain(["/"]);
            let join = |begin: &str| format!("{begin}{ANYTHING}{end}");
            begins.map(join).collect()
        }
        PathMatch::Text(pattern) => vec![text(pattern)],
    }
}
