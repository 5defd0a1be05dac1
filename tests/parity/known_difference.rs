//! The documented differences between RBAC and the filter.

use peergate_tests::random::{Names, TestRequest};
use policy_schema::enforcement_points::RbacGap;
use policy_schema::identity::PeerIdentity;
use policy_schema::istio::authorization_policies;
use policy_schema::istio::authorization_policy::AuthorizationRule;
use policy_schema::policy::{PolicySet, ServicePolicy};
use policy_schema::rule_spec::SourceSpec;

/// Why RBAC may decide differently from the policy on a request that the filter then denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KnownDifference {
    /// RBAC uses any of the names that look like SPIFFE IDs of the mesh, the filter uses none.
    NoSingleId,
    /// RBAC treats a certificate with only empty names as absent, the filter treats it as
    /// malformed.
    EmptyNames,
    /// RBAC searches every name and the subject for a namespace suffix, and every trust domain for
    /// a principal suffix.
    SuffixInOtherName,
    /// RBAC cannot distinguish client certificates from outside the mesh.
    NameOfCertificate,
    /// At a gateway, RBAC treats a certificate that the filter rejects as one from outside the
    /// mesh.
    RejectedCertificate,
    /// RBAC does not split header values, and lets a request pass if any value matches.
    RepeatedHeader,
    /// RBAC compares the host as sent.
    JoinedHosts,
    /// RBAC compares the header case-sensitively.
    CaseOfHostHeader,
    /// RBAC's templates do not match some characters.
    NonTemplateCharacter,
}

impl KnownDifference {
    pub(crate) const ALL: [Self; 9] = [
        Self::NoSingleId,
        Self::EmptyNames,
        Self::SuffixInOtherName,
        Self::NameOfCertificate,
        Self::RejectedCertificate,
        Self::RepeatedHeader,
        Self::JoinedHosts,
        Self::CaseOfHostHeader,
        Self::NonTemplateCharacter,
    ];

    /// The first cell of its row in `docs/language.md`, "Known differences".
    pub(crate) fn row(self) -> &'static str {
        match self {
            Self::NoSingleId => {
                "a certificate with no name or several names that read as SPIFFE IDs, or with an invalid ID"
            }
            Self::EmptyNames => {
                "a certificate without a subject and without URI or DNS names, or with only empty ones"
            }
            Self::SuffixInOtherName => {
                "`namespaces` or `principals` with a `*` at the beginning, and a certificate from outside the mesh, or one with `/ns/` in a DNS name or its subject"
            }
            Self::NameOfCertificate => {
                "a rule with names in `clientCertificates` or `notClientCertificates`"
            }
            Self::RejectedCertificate => {
                "at a gateway, a certificate that could pass for an identity of the mesh, or has an invalid name"
            }
            Self::RepeatedHeader => "a repeated header, or a value with commas",
            Self::JoinedHosts => {
                "a host with user information, percent-encoding, an empty port, a port with leading zeros or several dots at its end, or several hosts in one"
            }
            Self::CaseOfHostHeader => {
                "upper case in a host, in a condition on `request.headers[host]` or `[:authority]`"
            }
            Self::NonTemplateCharacter => {
                "a path with a character outside the template character set, such as `[` or `é`, if a template stops requests"
            }
        }
    }

    /// Whether clients can cause it by how they spell a request, so that RBAC denies less.
    pub(crate) fn is_evasion(self) -> bool {
        match self {
            Self::NoSingleId
            | Self::EmptyNames
            | Self::SuffixInOtherName
            | Self::NameOfCertificate
            | Self::RejectedCertificate => false,
            Self::RepeatedHeader
            | Self::JoinedHosts
            | Self::CaseOfHostHeader
            | Self::NonTemplateCharacter => true,
        }
    }

    /// Whether it can explain this decision by RBAC.
    pub(crate) fn explains(self, is_allowed: bool) -> bool {
        let only_lets_pass = matches!(self, Self::NameOfCertificate | Self::RejectedCertificate);
        is_allowed || !(self.is_evasion() || only_lets_pass)
    }

    /// The differences to expect on this request.
    pub(crate) fn of(set: &PolicySet, asked: &TestRequest) -> Vec<Self> {
        let from_names = asked.certificate.as_ref();
        let from_names = from_names.and_then(|names| Self::from_names(set, asked, names));
        let of_certificate = names_certificates(set).then_some(Self::NameOfCertificate);
        let from_names = from_names.into_iter().chain(of_certificate);
        let gaps = set.policies().iter().flat_map(ServicePolicy::rbac_gaps);
        let gaps: Vec<_> = gaps.collect();
        let evasions = [
            (RbacGap::Header, Self::RepeatedHeader, has_values(asked)),
            (RbacGap::Host, Self::JoinedHosts, has_odd_host(asked)),
            (
                RbacGap::Host,
                Self::CaseOfHostHeader,
                asks_for_case(set, asked),
            ),
            (
                RbacGap::Template,
                Self::NonTemplateCharacter,
                has_odd_path(asked),
            ),
        ];
        let evasions = evasions
            .into_iter()
            .filter(|(gap, _, is_spelled_so)| *is_spelled_so && gaps.contains(gap));
        let evasions = evasions.map(|(_, known, _)| known);
        from_names.chain(evasions).collect()
    }

    fn from_names(set: &PolicySet, asked: &TestRequest, names: &Names) -> Option<Self> {
        let trust_domains: Vec<_> = set.mesh().trust_domains().iter().collect();
        let is_of_mesh = |name: &String| {
            let rest = name.strip_prefix("spiffe://");
            let domain = rest.and_then(|rest| rest.split_once('/'));
            domain.is_some_and(|(domain, _)| trust_domains.contains(&domain))
        };
        let is_of_mesh_alone = names
            .identity()
            .is_some_and(|id| String::from_utf8(id).is_ok_and(|id| is_of_mesh(&id)));
        if accepts_outsiders(set) && !is_of_mesh_alone {
            return match names.client_certificate() {
                Some(_) => asks_for_end(set).then_some(Self::SuffixInOtherName),
                None if has_empty_names_alone(names) => Some(Self::EmptyNames),
                None => Some(Self::RejectedCertificate),
            };
        }
        if is_malformed(asked) {
            let mut ids = names.uris.iter().chain(&names.dns);
            return if ids.any(is_of_mesh) {
                Some(Self::NoSingleId)
            } else {
                has_empty_names_alone(names).then_some(Self::EmptyNames)
            };
        }
        let mut others = names.dns.iter().chain(&names.common_name);
        (others.any(|name| name.contains("/ns/")) && asks_for_end_of_namespace(set))
            .then_some(Self::SuffixInOtherName)
    }
}

fn has_values(asked: &TestRequest) -> bool {
    let names: Vec<_> = asked
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    let is_repeated = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    let has_parts = |value: &[u8]| value.iter().any(|byte| b",;".contains(byte));
    names.iter().any(is_repeated) || asked.headers.iter().any(|(_, value)| has_parts(value))
}

fn has_odd_host(asked: &TestRequest) -> bool {
    let host = asked.host.as_deref().unwrap_or_default();
    host.iter().any(|byte| b"@,%".contains(byte))
        || host.ends_with(b":")
        || host.windows(2).any(|pair| pair == b":0")
}

fn asks_for_case(set: &PolicySet, asked: &TestRequest) -> bool {
    let host = asked.host.as_deref().unwrap_or_default();
    let mut rules = rendered_rules(set);
    host.iter().any(u8::is_ascii_uppercase)
        && rules.any(|rule| {
            rule.when.iter().any(|when| {
                let key = when.key.to_ascii_lowercase();
                ["request.headers[host]", "request.headers[:authority]"].contains(&&*key)
            })
        })
}

/// The rendered rules of the policies.
fn rendered_rules(set: &PolicySet) -> impl Iterator<Item = AuthorizationRule> {
    let policies = set.policies().iter();
    let objects = policies.flat_map(move |policy| authorization_policies(&set.rollout(policy)));
    objects.flat_map(|object| object.spec.rules)
}

fn has_odd_path(asked: &TestRequest) -> bool {
    let path = asked.path.as_deref().unwrap_or_default();
    !path.is_ascii() || path.iter().any(|byte| b"[]|^{}\"<>\\`".contains(byte))
}

fn is_malformed(asked: &TestRequest) -> bool {
    asked.with_request(|request| request.peer == PeerIdentity::Malformed)
}

fn has_empty_names_alone(names: &Names) -> bool {
    let mut all = names.uris.iter().chain(&names.dns);
    names.common_name.is_none() && all.all(String::is_empty)
}

/// Whether RBAC matches a namespace by suffix. All other namespaces are rendered as principals.
fn asks_for_end_of_namespace(set: &PolicySet) -> bool {
    rendered_rules(set).any(|rule| {
        let of_sources = rule.from.iter().any(|from| {
            !(from.source.namespaces.is_empty() && from.source.not_namespaces.is_empty())
        });
        of_sources || rule.when.iter().any(|when| when.key == "source.namespace")
    })
}

/// Whether RBAC matches a principal or a namespace by suffix.
fn asks_for_end(set: &PolicySet) -> bool {
    let is_end = |principal: &String| principal.len() > 1 && principal.starts_with('*');
    asks_for_end_of_namespace(set)
        || rendered_rules(set).any(|rule| {
            let sources = rule.from.iter().map(|from| &from.source);
            let of_sources =
                sources.flat_map(|source| [&source.principals, &source.not_principals]);
            let conditions = rule
                .when
                .iter()
                .filter(|when| when.key == "source.principal");
            let of_conditions = conditions.flat_map(|when| [&when.values, &when.not_values]);
            of_sources.chain(of_conditions).flatten().any(is_end)
        })
}

/// Whether the policy depends on names of client certificates from outside the mesh.
fn names_certificates(set: &PolicySet) -> bool {
    let names_some = |source: &SourceSpec| {
        let named = source.client_certificates.iter().flatten();
        let excluded = source.not_client_certificates.is_some();
        excluded || (source.client_certificates.is_some() && named.clone().all(|name| name != "*"))
    };
    let rules = set.policies().iter().flat_map(ServicePolicy::rule_specs);
    rules
        .into_iter()
        .any(|rule| rule.from.iter().flatten().any(names_some))
}

/// Whether the policy is for a gateway where client certificates from outside the mesh identify
/// callers.
fn accepts_outsiders(set: &PolicySet) -> bool {
    set.policies()
        .iter()
        .any(|policy| set.plugin_config(policy).at_gateway)
}
