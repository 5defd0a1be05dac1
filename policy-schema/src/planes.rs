//! Which enforcement point carries out which rule.
//!
//! | what a rule asks | Envoy's RBAC | the filter |
//! |---|---|---|
//! | begin or end at a time | `Allow` at all times; `Deny` and `Audit` left out | exact |
//! | nothing more, since an `Allow` has begun and does not end | exact | exact |
//! | shadow, of rule or policy | left out | recorded |
//! | nothing more, since it has ended | left out | never matches |
//! | names of a client certificate | `Allow` for every certificate from outside the mesh; others left out | exact |
//! | that the gateway validated the certificate | not asked | exact |
//! | the address of the connection's peer | exact | `Allow` from any address; others never match |
//! | effect `Custom` | exact: the provider is asked | recorded |
//! | traffic without HTTP | exact | does not see it |
//! | the end of a namespace, as in `*-prod` | sought in every name of the certificate | exact |
//! | what clients can spell in several ways ([`RbacGap`]) | stops the plain spelling | exact |
//! | all else | exact | exact |
//!
//! What a point cannot see is left to the other: a rule is there where the point then denies at
//! most what the policy denies, and left out where it would deny more. Since a request must pass
//! both, the two together never let through what the policy denies. Rules for which that does not
//! hold are refused.

mod gap;
mod tcp;

use crate::matching::TextMatch;
use crate::plugin_config::PolicyName;
use crate::policy::{Mesh, PolicySet, ServicePolicy};
use crate::rule::{Condition, Operation, Rule, Source, Test};
use crate::rule_spec::{Effect, Enforcement};
use crate::timestamp::{Phase, Timestamp};

pub use gap::RbacGap;

/// What Envoy's RBAC makes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacPlane {
    /// Exactly what the policy says.
    Exact,
    /// It is rendered, but without its times: the filter begins and ends it.
    Untimed,
    /// It is rendered for every client certificate from outside the mesh: the filter checks the names.
    AnyClientCertificate,
    /// The same, and without its times.
    AnyClientCertificateUntimed,
    /// Nothing: the rule runs in the filter alone.
    Absent(FilterOnly),
    /// Nothing, as in the filter: the rule has ended.
    Ended,
}

/// Why a rule runs in the filter alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterOnly {
    /// The policy as a whole is in shadow.
    ShadowPolicy,
    /// The rule is in shadow.
    ShadowRule,
    /// A denial or a record that begins or ends at a time: RBAC would go on before and after.
    Timed,
    /// A denial or a record that names client certificates: RBAC would take them all.
    ClientCertificate,
}

/// What RBAC cannot enforce of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeedsFilter {
    Times,
    CertificateNames,
}

/// What the filter makes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterPlane {
    /// Exactly what the policy says.
    Exact,
    /// It takes the rule to match whatever the peer's address: RBAC checks that.
    AnyPeerIp,
    /// Nothing: the rule runs in RBAC alone.
    Absent(RbacOnly),
}

/// Why a rule runs in RBAC alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RbacOnly {
    /// It depends on the peer's address, which the filter is not told.
    PeerIp,
    /// An external authorizer decides.
    Custom,
}

impl RbacPlane {
    /// What RBAC makes of `rule`.
    pub(crate) fn of_rule(policy: &ServicePolicy, rule: &Rule) -> Self {
        if policy.has_ended(rule) && policy.enforcement == Enforcement::Enforce {
            Self::Ended
        } else {
            Self::of_rule_in(policy.enforcement, rule, policy.at)
        }
    }

    /// What RBAC makes of `rule` of a policy with this enforcement, from `at` until the rule ends.
    pub(crate) fn of_rule_in(enforcement: Enforcement, rule: &Rule, at: Timestamp) -> Self {
        let has_begun_for_good = rule.effect == Effect::Allow
            && rule.validity.not_after.is_none()
            && rule.validity.phase(at) == Phase::Within;
        let is_timed = !rule.validity.is_unlimited() && !has_begun_for_good;
        if enforcement == Enforcement::Shadow {
            Self::Absent(FilterOnly::ShadowPolicy)
        } else if rule.enforcement == Some(Enforcement::Shadow) {
            Self::Absent(FilterOnly::ShadowRule)
        } else {
            let names_certificates = names_certificates_beyond_rbac(rule);
            match (rule.effect, is_timed, names_certificates) {
                (_, false, false) => Self::Exact,
                (Effect::Allow, true, false) => Self::Untimed,
                (Effect::Allow, false, true) => Self::AnyClientCertificate,
                (Effect::Allow, true, true) => Self::AnyClientCertificateUntimed,
                (Effect::Deny | Effect::Audit | Effect::Custom, true, _) => {
                    Self::Absent(FilterOnly::Timed)
                }
                (Effect::Deny | Effect::Audit | Effect::Custom, false, true) => {
                    Self::Absent(FilterOnly::ClientCertificate)
                }
            }
        }
    }

    /// Whether the rule is part of the rendered `AuthorizationPolicy`.
    pub fn is_rendered(self) -> bool {
        match self {
            Self::Exact
            | Self::Untimed
            | Self::AnyClientCertificate
            | Self::AnyClientCertificateUntimed => true,
            Self::Absent(_) | Self::Ended => false,
        }
    }

    /// Whether RBAC takes more than the rule does.
    pub(crate) fn is_wider(self) -> bool {
        match self {
            Self::Untimed | Self::AnyClientCertificate | Self::AnyClientCertificateUntimed => true,
            Self::Exact | Self::Absent(_) | Self::Ended => false,
        }
    }

    /// Why the rule is not enforced as written without the filter. Shadow enforces nothing.
    pub(crate) fn needs_filter(self) -> Option<NeedsFilter> {
        match self {
            Self::Untimed | Self::Absent(FilterOnly::Timed) => Some(NeedsFilter::Times),
            Self::AnyClientCertificate
            | Self::AnyClientCertificateUntimed
            | Self::Absent(FilterOnly::ClientCertificate) => Some(NeedsFilter::CertificateNames),
            Self::Exact
            | Self::Absent(FilterOnly::ShadowPolicy | FilterOnly::ShadowRule)
            | Self::Ended => None,
        }
    }

    /// One sentence for whoever renders, where RBAC differs.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::Untimed => Some("RBAC has no clock: the filter alone begins and ends the rule"),
            Self::AnyClientCertificate => Some(
                "RBAC cannot tell client certificates apart and takes all from outside the mesh: the filter alone checks their names",
            ),
            Self::AnyClientCertificateUntimed => Some(
                "RBAC has no clock and cannot tell client certificates apart: the filter alone begins and ends the rule and checks their names",
            ),
            Self::Ended => Some("has expired and never matches"),
            Self::Absent(FilterOnly::ClientCertificate) => {
                Some("runs in the filter only: RBAC cannot tell client certificates apart")
            }
            Self::Absent(FilterOnly::ShadowPolicy) => {
                Some("runs in the filter only: the policy is in shadow")
            }
            Self::Absent(FilterOnly::ShadowRule) => {
                Some("runs in the filter only: RBAC cannot shadow a single rule")
            }
            Self::Absent(FilterOnly::Timed) => {
                Some("runs in the filter only: RBAC has no clock and would go on at all times")
            }
        }
    }
}

impl FilterPlane {
    /// What the filter makes of `rule`.
    pub(crate) fn of_rule(rule: &Rule) -> Self {
        match (rule.effect, rule.asks_for_peer_ip()) {
            (Effect::Custom, _) => Self::Absent(RbacOnly::Custom),
            (_, false) => Self::Exact,
            (Effect::Allow, true) => Self::AnyPeerIp,
            (Effect::Deny | Effect::Audit, true) => Self::Absent(RbacOnly::PeerIp),
        }
    }

    /// Whether the filter carries out the rule, if not all of it.
    pub(crate) fn is_enforced(self) -> bool {
        match self {
            Self::Exact | Self::AnyPeerIp => true,
            Self::Absent(_) => false,
        }
    }

    /// One sentence for whoever renders, where the filter differs.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::AnyPeerIp => {
                Some("the filter is not told the peer's address: RBAC alone checks it")
            }
            Self::Absent(RbacOnly::PeerIp) => {
                Some("runs in RBAC only: the filter is not told the peer's address")
            }
            Self::Absent(RbacOnly::Custom) => {
                Some("runs in RBAC only, which asks the provider; the filter counts its matches")
            }
        }
    }
}

/// Istio has no other way to ask for the end of a namespace.
const END_OF_NAMESPACE: &str = "RBAC looks for the namespace in every name of a certificate, DNS names and the subject included; the filter looks in the SPIFFE ID alone";

/// The same where there is no filter.
const END_OF_NAMESPACE_IN_RBAC: &str = "RBAC looks for the namespace in every name of a certificate, DNS names and the subject included, and not in the SPIFFE ID alone";

/// Whether a rule asks for a namespace by its end.
fn asks_for_end_of_namespace(rule: &Rule) -> bool {
    let of_source = |source: &Source| {
        let mut namespaces = source
            .namespaces
            .any_of
            .iter()
            .chain(&source.namespaces.none_of);
        namespaces.any(|namespace| matches!(namespace, TextMatch::Suffix(_)))
    };
    let of_condition = |condition: &Condition| matches!(&condition.test, Test::Caller(source) if of_source(source));
    rule.sources.iter().any(of_source) || rule.conditions.iter().any(of_condition)
}

/// Whether a rule tells client certificates apart as RBAC cannot.
pub(crate) fn names_certificates_beyond_rbac(rule: &Rule) -> bool {
    rule.sources.iter().any(|source| {
        let is_told = rule.effect != Effect::Allow && source.excludes_certificates_as_principals();
        source.names_client_certificates() && !is_told
    })
}

impl ServicePolicy {
    /// Whether a rule of this policy, as RBAC enforces it, denies connections on a port without HTTP for
    /// something that only HTTP requests have: Istio drops the question there and keeps the denial.
    pub(crate) fn denies_connections(&self, rule: &Rule, port: u16) -> bool {
        let asks_beside = rule.asks_for_http_beside_operations();
        let needs_beside = rule.needs_http_beside_operations();
        let is_left_out = self.all_tcp_ports().contains(&port);
        let denies = |operation: &Operation| {
            let is_kept_off = is_left_out && (needs_beside || operation.needs_http());
            (asks_beside || operation.asks_for_http()) && operation.takes_port(port) && !is_kept_off
        };
        let mut conditions = rule.conditions.iter();
        rule.effect == Effect::Deny
            && RbacPlane::of_rule(self, rule).is_rendered()
            && conditions.all(|condition| condition.takes_port(port))
            && if rule.operations.is_empty() {
                denies(&Operation::default())
            } else {
                rule.operations.iter().any(denies)
            }
    }

    /// Whether RBAC has to leave a port without HTTP out of a rule of this policy: some of it asks for HTTP there,
    /// and Istio would drop the question and keep the denial.
    pub(crate) fn is_kept_off(&self, rule: &Rule, port: u16) -> bool {
        let beside = rule.needs_http_beside_operations();
        let is_on_port = |operation: &Operation| {
            (beside || operation.needs_http()) && operation.takes_port(port)
        };
        rule.effect != Effect::Allow
            && RbacPlane::of_rule(self, rule).is_rendered()
            && (rule.operations.iter().any(is_on_port) || (beside && rule.operations.is_empty()))
    }
}

/// A port that RBAC leaves out of a rule, because another policy declares that some of the workloads speak
/// something other than HTTP on it.
#[derive(Clone, Copy, Debug)]
pub struct PortLeftToFilter<'s> {
    /// The rule.
    pub rule: &'s str,
    /// The port.
    pub port: u16,
    /// The policy that declares it.
    pub declared_by: &'s PolicyName,
}

impl PolicySet {
    /// The ports that RBAC leaves out of a policy's rules, though they may speak HTTP on some of its workloads.
    pub fn ports_left_to_filter<'s>(
        &'s self,
        policy: &'s ServicePolicy,
    ) -> impl Iterator<Item = PortLeftToFilter<'s>> {
        policy.rules.iter().flat_map(move |rule| {
            let shared = policy.shared_tcp_ports.iter();
            let left = shared
                .filter(|shared| !shared.is_everywhere && policy.is_kept_off(rule, shared.port));
            left.filter_map(|shared| {
                Some(PortLeftToFilter {
                    rule: &rule.id,
                    port: shared.port,
                    declared_by: self.policies.get(shared.policy)?.name(),
                })
            })
        })
    }
}

impl ServicePolicy {
    /// Where RBAC stops less than the rules that it enforces.
    pub fn rbac_gaps(&self) -> impl Iterator<Item = RbacGap> {
        let rendered = self.rules.iter();
        let rendered = rendered.filter(|rule| RbacPlane::of_rule(self, rule).is_rendered());
        rendered.flat_map(RbacGap::of_rule)
    }

    /// The rules that the enforcement points of the mesh do not enforce as they are written, or not alike, in order,
    /// each with what is to be known about it. Where there is no filter, that is about RBAC alone.
    pub fn plane_differences(&self, mesh: &Mesh) -> impl Iterator<Item = (&str, &'static str)> {
        let has_filter = mesh.filter_image().is_some();
        self.rules.iter().flat_map(move |rule| {
            let notes = if has_filter {
                self.notes_with_filter(rule)
            } else {
                self.notes_without_filter(rule)
            };
            notes.into_iter().map(|note| (&*rule.id, note))
        })
    }

    fn notes_with_filter(&self, rule: &Rule) -> Vec<&'static str> {
        let rbac = RbacPlane::of_rule(self, rule);
        let has_ended = rbac == RbacPlane::Ended;
        let filter = Some(FilterPlane::of_rule(rule)).filter(|_| !has_ended);
        let asks_every_name = rbac.is_rendered() && asks_for_end_of_namespace(rule);
        let notes = [
            rbac.note(),
            filter.and_then(FilterPlane::note),
            asks_every_name.then_some(END_OF_NAMESPACE),
        ];
        let are_both = rbac.is_rendered() && filter.is_some_and(FilterPlane::is_enforced);
        let gaps = RbacGap::of_rule(rule).filter(move |_| are_both);
        let notes = notes.into_iter().flatten().chain(gaps.map(RbacGap::note));
        notes.collect()
    }

    /// RBAC enforces nothing of what is in shadow or has ended, as the documents have it.
    fn notes_without_filter(&self, rule: &Rule) -> Vec<&'static str> {
        let rbac = RbacPlane::of_rule(self, rule);
        if !rbac.is_rendered() {
            return Vec::new();
        }
        let end_of_namespace = asks_for_end_of_namespace(rule);
        let gaps = RbacGap::of_rule(rule).map(RbacGap::note_without_filter);
        end_of_namespace
            .then_some(END_OF_NAMESPACE_IN_RBAC)
            .into_iter()
            .chain(gaps)
            .collect()
    }
}
