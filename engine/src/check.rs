//! Turns rules as written into rules as meant.
//!
//! Unknown or ambiguous input is reported, and a rule with a problem is not built, so a doubtful
//! text never widens a rule. Policy documents and the plugin config share these checks.

mod client_certificate;
mod condition;
mod context;
mod ip_block;
mod list;
mod names;
mod operation;
mod source;

use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::code;
use crate::problem::{Cursor, Problems};
use crate::rule::{Condition, Rule, Source, Test};
use crate::rule_spec::{Effect, Enforcement, Otherwise, RuleSpec};
use crate::timestamp::{Timestamp, Validity};

pub use context::RuleContext;
use list::{CheckText, check_header_pattern, check_list, check_pattern, check_texts};
pub use names::is_dns_label;
pub use names::{is_dns_subdomain, is_object_name};
pub use operation::check_port;
pub(crate) use source::read_service_account;

/// Checks the rules of one policy. A rule with a problem yields `None`.
pub fn check_rules(
    specs: &[RuleSpec],
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<Option<Rule>> {
    let mut rules = Vec::with_capacity(specs.len());
    let mut ids = FxHashSet::with_capacity_and_hasher(specs.len(), FxBuildHasher);
    for (index, spec) in specs.iter().enumerate() {
        let cursor = cursor.index(index);
        if !ids.insert(spec.id.as_str()) {
            problems.report(
                code::DUPLICATE_RULE_ID,
                &cursor.key("id"),
                format!("rule id `{}` is used twice in this policy", spec.id),
                "use a unique id for each rule",
            );
        }
        rules.push(check_rule(spec, scope, &cursor, problems));
    }
    rules
}

fn check_rule(
    spec: &RuleSpec,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Rule> {
    let before = problems.count();
    if !is_dns_label(&spec.id) {
        problems.report(
            code::INVALID_RULE_ID,
            &cursor.key("id"),
            format!("invalid rule id `{}`", spec.id),
            "use 1 to 63 lower-case letters, digits and `-`; start and end with a letter or digit",
        );
    }
    if scope.enforcement == Enforcement::Shadow && spec.enforcement == Some(Enforcement::Enforce) {
        problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor.key("enforcement"),
            "this rule cannot be enforced: its whole policy is in shadow",
            "enforce the policy and put its other rules in shadow, or remove this field",
        );
    }
    check_otherwise(spec, scope, cursor, problems);
    check_provider(spec, cursor, problems);
    let validity = check_validity(spec, cursor, problems);
    let sources = check_list(
        spec.from.as_deref(),
        &cursor.key("from"),
        problems,
        |spec, cursor, problems| source::check(spec, scope, cursor, problems),
    );
    let operations = check_list(
        spec.to.as_deref(),
        &cursor.key("to"),
        problems,
        operation::check,
    );
    let conditions = check_list(
        spec.when.as_deref(),
        &cursor.key("when"),
        problems,
        |spec, cursor, problems| condition::check(spec, scope, cursor, problems),
    );
    check_custom(spec, &sources, &conditions, cursor, problems);
    check_anonymous(&sources, &conditions, cursor, problems);
    (problems.count() == before).then(|| Rule {
        id: spec.id.as_str().into(),
        effect: spec.effect,
        provider: spec.provider.as_deref().map(Into::into),
        enforcement: spec.enforcement,
        description: spec.description.as_deref().map(Into::into),
        owner: spec.owner.as_deref().map(Into::into),
        validity,
        sources,
        operations,
        conditions,
    })
}

/// With `otherwise: Pass`, an enforced `Allow` rule has no effect.
fn check_otherwise(
    spec: &RuleSpec,
    scope: &RuleContext<'_>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let is_enforced = spec.enforcement != Some(Enforcement::Shadow);
    if scope.otherwise == Otherwise::Pass && spec.effect == Effect::Allow && is_enforced {
        problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor.key("effect"),
            "an `Allow` rule has no effect here: the policy has `otherwise: Pass`",
            "remove `otherwise`, or put the rule in shadow",
        );
    }
}

/// `Custom` rules, and only they, name a provider.
fn check_provider(spec: &RuleSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    match (spec.effect, spec.provider.as_deref()) {
        (Effect::Custom, None) => problems.report(
            code::MISSING_FIELD,
            cursor,
            "a `Custom` rule needs a `provider`",
            "set `provider` to the name of an extension provider in Istio's mesh config",
        ),
        (Effect::Custom, Some("")) => problems.report(
            code::EMPTY_VALUE,
            &cursor.key("provider"),
            "the value is empty",
            "set `provider` to the name of an extension provider in Istio's mesh config",
        ),
        (Effect::Allow | Effect::Deny | Effect::Audit, Some(_)) => problems.report(
            code::EXCLUSIVE_FIELDS,
            &cursor.key("provider"),
            "only `Custom` rules can have a provider",
            "remove the field, or use `effect: Custom`",
        ),
        _ => {}
    }
}

/// Istio asks the provider before it knows the caller, so it rejects conditions on identities.
fn check_custom(
    spec: &RuleSpec,
    sources: &[Source],
    conditions: &[Condition],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if spec.effect != Effect::Custom {
        return;
    }
    for (key, is_present) in [
        ("notBefore", spec.not_before.is_some()),
        ("notAfter", spec.not_after.is_some()),
    ] {
        if is_present {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &cursor.key(key),
                "a `Custom` rule cannot be limited in time: only RBAC calls the provider, and it has no clock",
                "remove the field",
            );
        }
    }
    let from = cursor.key("from");
    let asks = |source: &Source| {
        source.uses_identity()
            || source.uses_request_principal()
            || source.uses_client_certificate()
    };
    for (index, source) in sources.iter().enumerate() {
        if source.anonymous || asks(source) {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &from.index(index),
                "a `Custom` rule cannot test callers or claims: Istio rejects it",
                "use `ipBlocks`, `remoteIpBlocks`, `to` or `when` instead",
            );
        }
    }
    let when = cursor.key("when");
    for (index, condition) in conditions.iter().enumerate() {
        let uses_identity = match &condition.test {
            Test::Caller(source) => asks(source),
            Test::Metadata { key, .. } => key.is_claim(),
            _ => false,
        };
        if uses_identity {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &when.index(index).key("key"),
                "a `Custom` rule cannot test callers or claims: Istio rejects it",
                "remove the condition",
            );
        }
    }
}

/// Anonymous callers cannot match conditions on identities.
fn check_anonymous(
    sources: &[Source],
    conditions: &[Condition],
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let lacks_identity = |source: &Source| source.anonymous || source.uses_client_certificate();
    if !sources.iter().any(lacks_identity) {
        return;
    }
    let when = cursor.key("when");
    for (index, condition) in conditions.iter().enumerate() {
        if matches!(&condition.test, Test::Caller(source) if source.uses_identity()) {
            problems.report(
                code::EXCLUSIVE_FIELDS,
                &when.index(index).key("key"),
                "callers without a mesh identity cannot match this condition",
                "move the sources with `anonymous` and `clientCertificates` to a separate rule",
            );
        }
    }
}

fn check_validity(spec: &RuleSpec, cursor: &Cursor<'_>, problems: &mut Problems) -> Validity {
    let mut read = |text: &Option<String>, key| -> Option<Timestamp> {
        let text = text.as_deref()?;
        let time = Timestamp::parse(text);
        if time.is_err() {
            problems.report(
                code::INVALID_TIME,
                &cursor.key(key),
                format!("`{text}` is not a UTC time"),
                "write it as `2026-12-31T23:59:59Z`",
            );
        }
        time.ok()
    };
    let validity = Validity {
        not_before: read(&spec.not_before, "notBefore"),
        not_after: read(&spec.not_after, "notAfter"),
    };
    if let (Some(start), Some(end)) = (validity.not_before, validity.not_after)
        && start >= end
    {
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key("notAfter"),
            "the rule ends before it begins",
            "make `notAfter` later than `notBefore`",
        );
    }
    validity
}

/// Checks a list of a workload's ports.
pub fn check_ports(
    values: Option<&[u16]>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<u16> {
    check_list(values, cursor, problems, |&port, cursor, problems| {
        operation::check_port(port, cursor, problems)
    })
}

#[cfg(test)]
mod tests;
