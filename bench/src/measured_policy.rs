//! The policy that every row enforces: one `Allow` rule per caller.

use policy_schema::diagnostic::SourceText;
use policy_schema::envoy::{HttpFilter, http_filters};
use policy_schema::policy::{PolicySet, Rollout};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::Value;

use crate::caller::Caller;
use crate::error::BenchError;
use crate::policies::Shape;
use crate::rows::Reporting;

/// A policy with one rule for each of its callers.
#[derive(Debug)]
pub struct MeasuredPolicy {
    set: PolicySet,
    shape: Shape,
    rules: usize,
}

impl MeasuredPolicy {
    /// A validated policy with this number of rules.
    pub fn new(shape: Shape, rules: usize, reporting: Reporting) -> Result<Self, BenchError> {
        let source = SourceText {
            name: "bench.yaml".to_owned(),
            text: documents(shape, rules, reporting),
        };
        let options = Options {
            at: Timestamp::from_unix_nanoseconds(0),
            istio_version: None,
        };
        let set = validate(&[source], options).policies;
        Ok(Self {
            set: set.ok_or(BenchError::Policy { rules })?,
            shape,
            rules,
        })
    }

    /// What the rules test.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All callers, in the order of their rules.
    pub fn callers(&self) -> impl Iterator<Item = Caller> {
        (0..self.rules).map(Caller::of_rule)
    }

    /// The configuration of Peergate's filter.
    pub fn plugin_config(&self) -> Result<String, BenchError> {
        Ok(serde_json::to_string(self.rollout()?.config())?)
    }

    /// The caller that RBAC compares last. A policy without rules has none, and gets the caller of the first rule.
    pub fn last_caller(&self) -> Result<Caller, BenchError> {
        let rbac = self.rbac()?;
        let policies = rbac
            .last()
            .and_then(|filter| filter.pointer("/typed_config/rules/policies")?.as_object());
        // Envoy sorts policies by name.
        let last = policies
            .into_iter()
            .flatten()
            .max_by_key(|(name, _)| *name)
            .and_then(|(_, policy)| last_text(policy.get("principals")?));
        let caller = self.callers().find(|caller| Some(&*caller.id) == last);
        Ok(caller.unwrap_or_else(|| Caller::of_rule(0)))
    }

    fn rollout(&self) -> Result<Rollout<'_>, BenchError> {
        let policy = self.set.policies().first();
        let policy = policy.ok_or(BenchError::Policy { rules: self.rules })?;
        Ok(self.set.rollout(policy))
    }

    /// Envoy's RBAC filters, as Istio configures them.
    pub fn rbac(&self) -> Result<Vec<Value>, BenchError> {
        let filters = http_filters(&self.rollout()?, "")?;
        let rbac = filters.iter().filter_map(|filter| match filter {
            HttpFilter::Rbac(rbac) => Some(serde_json::to_value(rbac)),
            HttpFilter::Wasm(_) => None,
        });
        Ok(rbac.collect::<Result<_, _>>()?)
    }
}

/// The last text in nested lists and objects.
fn last_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(items) => last_text(items.last()?),
        Value::Object(members) => last_text(members.values().next_back()?),
        _ => None,
    }
}

fn documents(shape: Shape, rules: usize, reporting: Reporting) -> String {
    let reporting = match reporting {
        Reporting::Metrics => "{}",
        Reporting::UpstreamHeader => "{upstreamHeader: true}",
        Reporting::AccessLog => "{accessLog: All}",
        Reporting::Learning => "{learning: {}}",
    };
    let rules = (0..rules).map(|rule| {
        let to = match shape {
            Shape::Identity => String::new(),
            Shape::Request => format!(
                ", to: [{{methods: [GET], paths: [\"{}\"]}}]",
                Caller::of_rule(rule).path
            ),
        };
        format!(
            "    {{id: rule-{rule}, effect: Allow, from: [{{serviceAccounts: [namespace-{rule}/caller-{rule}]}}]{to}}},\n"
        )
    });
    format!(
        "apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata: {{name: mesh}}
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\"
  filter: {{image: \"file:///filter.wasm\", reporting: {reporting}}}
---
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata: {{name: orders, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: orders}}}}
  rules: [
{}    ]
",
        rules.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use policy_schema::engine::{CompiledPolicy, Request};
    use policy_schema::identity::PeerIdentity;

    use super::*;

    /// Whether the engine allows a `GET` of the caller.
    fn is_allowed(policy: &MeasuredPolicy, caller: &Caller) -> bool {
        let config = policy.plugin_config().expect("a config");
        let engine = CompiledPolicy::from_json(config.as_bytes()).expect("an engine");
        let request = Request {
            method: Some(b"GET"),
            path: Some(caller.path.as_bytes()),
            ..Request::from_peer(
                PeerIdentity::from_uri_san(Some(caller.id.as_bytes())),
                Timestamp::from_unix_nanoseconds(0),
            )
        };
        engine.evaluate(&request).lets_pass()
    }

    #[test]
    fn allows_its_callers_only() {
        for shape in Shape::ALL {
            let policy = MeasuredPolicy::new(shape, 10, Reporting::Metrics).expect("a policy");
            assert!(policy.callers().all(|caller| is_allowed(&policy, &caller)));
            assert!(!is_allowed(&policy, &Caller::unknown()));
        }
    }

    #[test]
    fn the_last_caller_is_the_last_principal_of_the_last_policy() {
        let last = |rules| {
            let policy = MeasuredPolicy::new(Shape::Identity, rules, Reporting::Metrics);
            policy.expect("a policy").last_caller().expect("a caller")
        };
        assert_eq!([0, 1, 2, 10].map(last), [0, 0, 1, 9].map(Caller::of_rule));
        // As texts, `rule[9]` comes after `rule[10]`.
        assert_eq!(last(11), Caller::of_rule(9));
    }

    #[test]
    fn the_last_caller_of_a_large_policy_is_one_of_its_callers() {
        for shape in Shape::ALL {
            let policy = MeasuredPolicy::new(shape, 1_000, Reporting::Metrics).expect("a policy");
            let caller = policy.last_caller().expect("a caller");
            assert_ne!(caller, Caller::of_rule(0));
            assert!(is_allowed(&policy, &caller));
        }
    }
}
