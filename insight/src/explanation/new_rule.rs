//! Generates a rule that allows exactly a denied request.

use policy_schema::decision_id::{DecisionRecord, MAX_PATH_LEN};
use policy_schema::identity::SpiffeId;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};

use super::RequiredDestination;
use super::scalar::scalar;

/// A rule to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    pub policy: PolicyName,
    pub id: String,
    pub caller: NewCaller,
    pub method: String,
    pub path: String,
    /// The host, if the rule is restricted to it.
    pub host: Option<String>,
    /// The workload port, if the rule is restricted to it.
    pub port: Option<u16>,
}

/// The caller of a new rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewCaller {
    ServiceAccount(String),
    Principal(String),
    /// A client certificate, as `KIND:NAME`.
    Certificate(String),
}

impl NewCaller {
    /// The workload with this SPIFFE ID.
    pub(super) fn workload(id: &str, set: &PolicySet, policy: &ServicePolicy) -> Option<Self> {
        let id = SpiffeId::parse(id.as_bytes()).ok()?;
        let parts: Vec<_> = id.as_str().split('/').collect();
        let is_own = id.trust_domain() == set.mesh().trust_domains().own();
        Some(match parts[..] {
            [_, _, _, "ns", namespace, "sa", account] if is_own => {
                Self::ServiceAccount(if namespace == policy.name().namespace {
                    account.to_owned()
                } else {
                    format!("{namespace}/{account}")
                })
            }
            _ => Self::Principal(id.as_str().to_owned()),
        })
    }

    /// The client with these certificate names, one per line. None for several names, a possibly truncated name, or a name that
    /// would be a pattern.
    pub(super) fn certificate(names: &str) -> Option<Self> {
        let is_whole = names.len() < MAX_PATH_LEN;
        let is_one = !names.contains('\n');
        (is_whole && is_one && !names.contains('*')).then(|| Self::Certificate(names.to_owned()))
    }

    fn name(&self) -> &str {
        let (Self::ServiceAccount(name) | Self::Principal(name) | Self::Certificate(name)) = self;
        name
    }
}

/// A rule for exactly this caller, method and path, and for its host and port if `place` requires them.
pub(super) fn new_rule(
    record: &DecisionRecord,
    caller: NewCaller,
    place: Option<RequiredDestination>,
    policy: &ServicePolicy,
) -> Option<NewRule> {
    let text = |bytes: &Option<Vec<u8>>| {
        let text = String::from_utf8(bytes.clone()?).ok();
        text.filter(|text| !text.contains('*'))
    };
    let path =
        text(&record.path).filter(|path| !record.path_is_truncated && !path.contains('{'))?;
    let method = text(&record.method)?;
    let host = if place.is_some_and(|place| place.host) {
        Some(text(&record.host)?)
    } else {
        None
    };
    let port = if place.is_some_and(|place| place.port) {
        Some(record.port?)
    } else {
        None
    };
    Some(NewRule {
        policy: policy.name().clone(),
        id: unused_id(caller.name().rsplit('/').next().unwrap_or_default(), policy),
        caller,
        method,
        path,
        host,
        port,
    })
}

/// An unused rule ID derived from the caller's name.
fn unused_id(name: &str, policy: &ServicePolicy) -> String {
    let plain: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() {
                char
            } else {
                '-'
            }
        })
        .take(48)
        .collect();
    let plain = match plain.trim_matches('-') {
        "" => "caller",
        plain => plain,
    };
    let known: Vec<_> = policy
        .rule_specs()
        .into_iter()
        .map(|rule| rule.id)
        .collect();
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let mut names = std::iter::once(plain.to_owned()).chain(numbered);
    names.find(|name| !known.contains(name)).unwrap_or_default()
}

impl NewRule {
    /// The rule as YAML lines, without the dash.
    pub(crate) fn lines(&self) -> Vec<String> {
        let source = match &self.caller {
            NewCaller::ServiceAccount(account) => {
                format!("  - serviceAccounts: [{}]", scalar(account))
            }
            NewCaller::Principal(id) => format!("  - principals: [{}]", scalar(id)),
            NewCaller::Certificate(name) => {
                format!("  - clientCertificates: [{}]", scalar(name))
            }
        };
        let mut lines = vec![
            format!("id: {}", scalar(&self.id)),
            "effect: Allow".to_owned(),
            "from:".to_owned(),
            source,
            "to:".to_owned(),
            format!("  - methods: [{}]", scalar(&self.method)),
            format!("    paths: [{}]", scalar(&self.path)),
        ];
        let host = self.host.iter();
        lines.extend(host.map(|host| format!("    hosts: [{}]", scalar(host))));
        lines.extend(self.port.map(|port| format!("    ports: [{port}]")));
        lines
    }
}
