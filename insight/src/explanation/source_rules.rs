//! The rules of policies as written in the documents.

use std::collections::BTreeMap;

use policy_schema::engine::{CompiledPolicy, CompiledRule};
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::ServicePolicy;
use policy_schema::rule_spec::RuleSpec;

/// The rules of one policy by ID.
type ById = BTreeMap<String, RuleSpec>;

/// The source rules of a compiled policy.
#[derive(Debug, Default)]
pub(super) struct SourceRules(BTreeMap<PolicyName, ById>);

impl SourceRules {
    /// Collects the rules of the policies that `policy_of` finds.
    pub(super) fn new<'p>(
        compiled: &CompiledPolicy,
        policy_of: impl Fn(&PolicyName) -> Option<&'p ServicePolicy>,
    ) -> Self {
        let mut policies = BTreeMap::new();
        for name in compiled.rules().iter().map(CompiledRule::policy) {
            if !policies.contains_key(name) {
                let specs = policy_of(name).map(ServicePolicy::rule_specs);
                let specs = specs.into_iter().flatten();
                let by_id: ById = specs.map(|spec| (spec.id.clone(), spec)).collect();
                policies.insert(name.clone(), by_id);
            }
        }
        Self(policies)
    }

    /// Finds a rule.
    pub(super) fn find(&self, rule: &CompiledRule) -> Option<&RuleSpec> {
        self.0.get(rule.policy())?.get(rule.id())
    }
}
