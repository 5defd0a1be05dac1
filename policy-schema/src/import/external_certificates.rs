//! Imports rules at gateways that match client certificates from outside the mesh.
//!
//! In Istio every certificate is an identity: `principals: ["*"]` matches it, and so does a rule
//! without `from`. The language treats such callers separately, so a rule may need an additional
//! part for them.

use super::certificates::{Certificates, certificates_of, name_of};
use super::reading::{Importer, Kind, is_about_identity};
use super::report::Report;
use super::values::Values;
use crate::istio::authorization_policy::{
    Action, AuthorizationPolicySpec, AuthorizationRule, Condition, Source, SourceEntry,
};
use crate::policy::WHOLE_CERTIFICATE;
use crate::rule_spec::{Effect, RuleSpec, SourceSpec};

/// The requirements of a rule's source on the caller's certificate, including conditions of the
/// rule.
struct Asked {
    /// Whether it requires an identity, rather than only excluding some.
    is_positive: bool,
    /// Whether it also excludes identities of the mesh.
    excludes_workloads: bool,
    taken: Certificates,
    excluded: Certificates,
}

impl Asked {
    fn new(source: &Source, conditions: &[Condition], importer: Importer<'_>) -> Self {
        let fields = [
            (Kind::Principal, &source.principals, &source.not_principals),
            (Kind::Namespace, &source.namespaces, &source.not_namespaces),
            (
                Kind::ServiceAccount,
                &source.service_accounts,
                &source.not_service_accounts,
            ),
            (
                Kind::TrustDomain,
                &source.trust_domains,
                &source.not_trust_domains,
            ),
        ];
        let conditions = conditions.iter().map(|condition| {
            let kind = Kind::from_key(&condition.key);
            (kind, &condition.values, &condition.not_values)
        });
        let conditions = conditions.filter(|(kind, ..)| kind.is_of_identity());
        let mut asked = Self {
            is_positive: false,
            excludes_workloads: false,
            taken: Certificates::All,
            excluded: Certificates::NONE,
        };
        let any_of = |kind, values: &[String]| {
            let values = values.iter();
            values
                .map(|value| certificates_of(value, kind, importer))
                .fold(Certificates::NONE, Certificates::or)
        };
        for (kind, values, not_values) in fields.into_iter().chain(conditions) {
            if !values.is_empty() {
                asked.is_positive = true;
                asked.taken = asked.taken.and(any_of(kind, values));
            }
            let excluded = any_of(kind, not_values);
            asked.excludes_workloads |= not_values
                .iter()
                .any(|value| name_of(value, kind, importer).is_none());
            asked.excluded = asked.excluded.or(excluded);
        }
        asked
    }

    /// The fields of a source for these certificates. None if it matches none, and an error if the
    /// language cannot name them.
    fn fields(self) -> Result<Option<SourceSpec>, ()> {
        let not_client_certificates = match self.excluded {
            Certificates::All => return Ok(None),
            Certificates::Named(names) => Some(names).filter(|names| !names.is_empty()),
            Certificates::Inexpressible if self.taken == Certificates::NONE => None,
            Certificates::Inexpressible => return Err(()),
        };
        let client_certificates = match self.taken {
            none if none == Certificates::NONE => return Ok(None),
            Certificates::Named(names) => names,
            Certificates::All => vec!["*".to_owned()],
            Certificates::Inexpressible => return Err(()),
        };
        Ok(Some(SourceSpec {
            client_certificates: Some(client_certificates),
            not_client_certificates,
            ..SourceSpec::default()
        }))
    }
}

const NOT_EXEMPT: &str = "Istio exempts client certificates from outside the mesh here, but this policy does not: a source can exempt either workloads or such certificates, by whole names. Write a rule for each";

const NOT_NAMED: &str =
    "at a gateway, Istio also accepts client certificates of other trust domains as these callers";

/// The part of a rule for client certificates from outside the mesh, if its other part does not
/// match them.
pub(super) fn part_for_certificates(
    rule: &AuthorizationRule,
    whole: &RuleSpec,
    importer: Importer<'_>,
    report: &mut Report<'_>,
) -> Option<RuleSpec> {
    let effect = whole.effect;
    if !importer.at_gateway || effect == Effect::Custom {
        return None;
    }
    let everybody = [Source::default()];
    let sources: Vec<&Source> = if rule.from.is_empty() {
        everybody.iter().collect()
    } else {
        rule.from.iter().map(|from| &from.source).collect()
    };
    let mut from = Vec::new();
    for source in sources {
        let asked = Asked::new(source, &rule.when, importer);
        // A denial that requires no identity matches certificates anyway.
        if effect != Effect::Allow && !asked.is_positive {
            continue;
        }
        match asked.fields() {
            Ok(None) => {}
            Ok(Some(_)) if importer.istio_version < WHOLE_CERTIFICATE => {
                // The filter denies what it cannot see.
                if effect == Effect::Allow {
                    report(
                        false,
                        format!(
                            "client certificates from outside the mesh are denied, although Istio allows them: before Istio {WHOLE_CERTIFICATE}, gateways do not expose the whole certificate to filters"
                        ),
                    );
                    return None;
                }
            }
            Ok(Some(fields)) => from.extend(combined_with(source, importer, effect, fields)),
            Err(()) if effect == Effect::Deny => report(
                true,
                format!(
                    "{NOT_NAMED}, which a policy cannot express; name their trust domains in `principals`, such as `cluster.local/ns/NAMESPACE/*`"
                ),
            ),
            Err(()) => report(
                false,
                format!(
                    "{NOT_NAMED}; this rule accepts none of them. Name those that you expect in `clientCertificates`"
                ),
            ),
        }
    }
    if from.is_empty() {
        return None;
    }
    let mut silent = |_, _: String| {};
    let mut values = Values {
        effect,
        importer,
        report: &mut silent,
    };
    let conditions = rule.when.iter();
    let conditions = conditions.filter(|condition| !is_about_identity(&condition.key));
    let when: Result<Vec<_>, _> = conditions
        .filter_map(|condition| values.condition(condition).transpose())
        .collect();
    let operations = rule.to.iter().map(|to| values.operation(&to.operation));
    let to: Vec<_> = operations.filter_map(Result::ok).collect();
    if to.is_empty() && !rule.to.is_empty() {
        return None;
    }
    Some(RuleSpec {
        id: "-outside".to_owned(),
        from: Some(from),
        to: Some(to).filter(|to| !to.is_empty()),
        when: Some(when.ok()?).filter(|when| !when.is_empty()),
        ..whole.clone()
    })
}

/// These fields, combined with the source's other requirements than identity. None if that never
/// matches.
fn combined_with(
    source: &Source,
    importer: Importer<'_>,
    effect: Effect,
    fields: SourceSpec,
) -> Option<SourceSpec> {
    let mut silent = |_, _: String| {};
    let mut values = Values {
        effect,
        importer,
        report: &mut silent,
    };
    let rest = without_identity(source);
    let rest = if rest == Source::default() {
        SourceSpec::default()
    } else {
        values.source(&rest).ok()?
    };
    Some(SourceSpec {
        anonymous: fields.anonymous,
        client_certificates: fields.client_certificates,
        not_client_certificates: fields.not_client_certificates,
        ..rest
    })
}

fn without_identity(source: &Source) -> Source {
    Source {
        principals: Vec::new(),
        not_principals: Vec::new(),
        namespaces: Vec::new(),
        not_namespaces: Vec::new(),
        service_accounts: Vec::new(),
        not_service_accounts: Vec::new(),
        trust_domains: Vec::new(),
        not_trust_domains: Vec::new(),
        ..source.clone()
    }
}

/// The source of a denying rule, as `carried`, with the certificates from outside the mesh that it
/// excludes.
pub(super) fn with_exclusions(
    source: &Source,
    carried: SourceSpec,
    rule: &AuthorizationRule,
    effect: Effect,
    importer: Importer<'_>,
    report: &mut Report<'_>,
) -> SourceSpec {
    let asked = Asked::new(source, &rule.when, importer);
    if !importer.at_gateway || effect == Effect::Allow || asked.is_positive {
        return carried;
    }
    let has_conditions = rule
        .when
        .iter()
        .any(|condition| is_about_identity(&condition.key));
    let fields = match asked.excluded {
        none if none == Certificates::NONE => return carried,
        Certificates::All if !has_conditions => Some(SourceSpec {
            anonymous: Some(true),
            ..SourceSpec::default()
        }),
        Certificates::Named(names)
            if !(has_conditions || asked.excludes_workloads)
                && importer.istio_version >= WHOLE_CERTIFICATE =>
        {
            Some(SourceSpec {
                not_client_certificates: Some(names),
                ..SourceSpec::default()
            })
        }
        Certificates::All | Certificates::Named(_) | Certificates::Inexpressible => None,
    };
    let Some(source) = fields.and_then(|fields| combined_with(source, importer, effect, fields))
    else {
        report(false, NOT_EXEMPT.to_owned());
        return carried;
    };
    source
}

/// Reports the certificates from outside the mesh that the conditions of a denying rule without
/// `from` exclude.
pub(super) fn report_exclusions(
    rule: &AuthorizationRule,
    effect: Effect,
    importer: Importer<'_>,
    report: &mut Report<'_>,
) {
    let asked = Asked::new(&Source::default(), &rule.when, importer);
    let denies = importer.at_gateway && effect != Effect::Allow && !asked.is_positive;
    if denies && asked.excluded != Certificates::NONE {
        report(false, NOT_EXEMPT.to_owned());
    }
}

/// Whether a policy that also applies to other workloads than gateways denies client certificates
/// that Istio allows at gateways.
pub(super) fn denies_at_gateways(policy: &AuthorizationPolicySpec, importer: Importer<'_>) -> bool {
    let at_gateway = Importer {
        at_gateway: true,
        ..importer
    };
    let may_allow = |rule: &AuthorizationRule| {
        let everybody = [SourceEntry::default()];
        let sources = if rule.from.is_empty() {
            &everybody[..]
        } else {
            &rule.from
        };
        sources.iter().any(|from| {
            let asked = Asked::new(&from.source, &rule.when, at_gateway);
            asked.taken != Certificates::NONE && asked.excluded != Certificates::All
        })
    };
    match policy.action {
        Action::Allow => policy.rules.iter().any(may_allow),
        // In Istio, everything that it does not deny passes.
        Action::Deny => true,
        Action::Audit | Action::Custom => false,
    }
}
