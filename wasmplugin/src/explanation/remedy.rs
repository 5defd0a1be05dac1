//! What would make a denied request be allowed: a change of a document, or what people must do.

use policy_schema::decision_id::{DecisionRecord, RecordedCaller};
use policy_schema::identity::SpiffeId;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::timestamp::Timestamp;

use super::Explanation;
use crate::policy_edit::{Edit, EditError, PolicyText};

/// What would make a request be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// One more rule, for this caller and this request alone.
    AddRule(NewRule),
    /// Another end for a rule that has expired.
    Prolong { rule: PolicyRule, until: Timestamp },
    /// Another beginning for a rule that does not apply yet.
    Begin { rule: PolicyRule, from: Timestamp },
    /// An exception for this caller from a `Deny` rule.
    Except { rule: PolicyRule, caller: String },
    /// No change of a policy is called for.
    Advice(&'static str),
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyRule {
    pub(crate) policy: PolicyName,
    pub(crate) id: String,
}

/// A rule to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRule {
    pub(crate) policy: PolicyName,
    pub(crate) id: String,
    pub(crate) caller: NewCaller,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Whom a new rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewCaller {
    ServiceAccount(String),
    Principal(String),
}

/// What may be chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// The new end of a rule that has expired.
    pub(crate) until: Timestamp,
}

/// What would make the request be allowed.
pub(crate) fn remedy(
    record: &DecisionRecord,
    explanation: &Explanation,
    set: &PolicySet,
    policy: &ServicePolicy,
    choice: Choice,
) -> Remedy {
    let rule = || {
        let rule = explanation.rule.as_ref()?;
        let (namespace, name) = rule.policy.split_once('/')?;
        let policy = PolicyName {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        Some(PolicyRule {
            policy,
            id: rule.id.clone(),
        })
    };
    let by_rule = |change: &dyn Fn(PolicyRule) -> Remedy| {
        rule().map_or(Remedy::Advice("ask who owns the policy"), change)
    };
    match (explanation.reason, &record.caller) {
        (_, _) if explanation.is_allowed => {
            Remedy::Advice("the documents allow it: see that the sidecar has their revision (`peergate verify`)")
        }
        // A change would be for another decision than the one that was made.
        (_, _) if !explanation.is_as_given => Remedy::Advice(
            "find out which rules the sidecar has: these documents come to another decision than its filter did. Its \
             rules may have been edited in place, or be of another revision (`peergate verify`), or look at headers, \
             tokens or addresses, which no id has",
        ),
        ("no-identity", _) => Remedy::Advice(
            "give the caller an identity: put it into the mesh. Only what everybody may call takes a rule with the \
             source `anonymous: true`",
        ),
        ("malformed-identity", _) => Remedy::Advice(
            "give the caller a certificate with one SPIFFE ID, as Istio's CA makes it (`peergate certs read` says what \
             is wrong with one)",
        ),
        ("foreign-trust-domain", _) => Remedy::Advice(
            "call from within the mesh. Only if the caller's trust domain is another name of this mesh does it belong \
             under `trustDomainAliases` of the `Mesh`",
        ),
        ("expired-rule", _) => by_rule(&|rule| Remedy::Prolong {
            rule,
            until: choice.until,
        }),
        ("rule-not-yet-valid", _) => by_rule(&|rule| Remedy::Begin {
            rule,
            from: super::at(record),
        }),
        ("denied-by-rule", RecordedCaller::Workload(caller)) => by_rule(&|rule| Remedy::Except {
            rule,
            caller: caller.clone(),
        }),
        ("denied-by-rule", _) => Remedy::Advice(
            "give the caller an identity: from a rule that denies, only a caller who is known can be excepted",
        ),
        (_, RecordedCaller::Workload(caller)) => new_rule(record, caller, set, policy).map_or(
            Remedy::Advice("write a rule by hand: the id does not have all of the request, or it cannot be written in one"),
            Remedy::AddRule,
        ),
        (_, RecordedCaller::Anonymous | RecordedCaller::Malformed) => {
            Remedy::Advice("give the caller an identity of the mesh")
        }
    }
}

/// A rule for this caller, this method and this path alone.
fn new_rule(
    record: &DecisionRecord,
    caller: &str,
    set: &PolicySet,
    policy: &ServicePolicy,
) -> Option<NewRule> {
    let text = |bytes: &Option<Vec<u8>>| String::from_utf8(bytes.clone()?).ok();
    let path =
        text(&record.path).filter(|path| !record.path_is_cut && !path.contains(['*', '{']))?;
    let method = text(&record.method).filter(|method| !method.contains('*'))?;
    let id = SpiffeId::parse(caller.as_bytes()).ok()?;
    let parts: Vec<_> = id.as_str().split('/').collect();
    let is_own = id.trust_domain() == set.mesh().trust_domains().own();
    let caller = match parts[..] {
        [_, _, _, "ns", namespace, "sa", account] if is_own => {
            NewCaller::ServiceAccount(if namespace == policy.name().namespace {
                account.to_owned()
            } else {
                format!("{namespace}/{account}")
            })
        }
        _ => NewCaller::Principal(caller.to_owned()),
    };
    Some(NewRule {
        policy: policy.name().clone(),
        id: unused_id(parts.last().copied().unwrap_or_default(), policy),
        caller,
        method,
        path,
    })
}

/// The caller's name as the id of a rule that the policy does not have.
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

impl Remedy {
    /// The policy that it changes.
    pub(crate) fn policy(&self) -> Option<&PolicyName> {
        match self {
            Self::AddRule(rule) => Some(&rule.policy),
            Self::Prolong { rule, .. } | Self::Begin { rule, .. } | Self::Except { rule, .. } => {
                Some(&rule.policy)
            }
            Self::Advice(_) => None,
        }
    }

    /// The changes of the text that has the policy.
    pub(crate) fn edits(&self, text: &PolicyText<'_>) -> Result<Vec<Edit>, EditError> {
        match self {
            Self::AddRule(rule) => Ok(vec![text.append_rule(&rule.policy, &rule.lines())?]),
            Self::Prolong { rule, until } => {
                let value = format!("\"{until}\"");
                Ok(vec![text.replace_rule_field(
                    &rule.policy,
                    &rule.id,
                    "notAfter",
                    &value,
                )?])
            }
            Self::Begin { rule, from } => {
                let value = format!("\"{from}\"");
                Ok(vec![text.replace_rule_field(
                    &rule.policy,
                    &rule.id,
                    "notBefore",
                    &value,
                )?])
            }
            Self::Except { rule, caller } => {
                text.except_from_sources(&rule.policy, &rule.id, &scalar(caller))
            }
            Self::Advice(_) => Ok(Vec::new()),
        }
    }
}

impl NewRule {
    /// The rule in YAML, line by line, without the dash.
    fn lines(&self) -> Vec<String> {
        let source = match &self.caller {
            NewCaller::ServiceAccount(account) => {
                format!("    - serviceAccounts: [{}]", scalar(account))
            }
            NewCaller::Principal(id) => format!("    - principals: [{}]", scalar(id)),
        };
        vec![
            format!("id: {}", scalar(&self.id)),
            "effect: Allow".to_owned(),
            "from:".to_owned(),
            source.replacen("    ", "  ", 1),
            "to:".to_owned(),
            format!("  - methods: [{}]", scalar(&self.method)),
            format!("    paths: [{}]", scalar(&self.path)),
        ]
    }
}

/// A text as YAML: plain where that can only be text.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'.' | b'-'));
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if is_plain && !words.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
