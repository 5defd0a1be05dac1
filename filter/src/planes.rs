//! The filter beside Envoy's RBAC: what the two said of one request.
//!
//! Both enforce the same document. Where they differ, one of them was changed by hand, has not got the
//! latest revision, or is wrong.

use policy_schema::engine::Outcome;

use crate::host::Host;

/// What RBAC said last, of the request that is being logged (Envoy, RBAC filter, "Dynamic metadata").
const RBAC_RESULT: &[u8] =
    b"metadata\0filter_metadata\0envoy.filters.http.rbac\0enforced_engine_result";

/// Where the proxy sent the request on to: there is none of a request that something on the way answered.
const UPSTREAM: &[u8] = b"upstream\0address";

/// What the two said of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdicts {
    /// Both allowed it.
    BothAllow,
    /// Both denied it: the filter's policy is in shadow, or RBAC would not have been asked.
    BothDeny,
    /// Only RBAC denied it.
    OnlyRbacDenies,
    /// Only the filter would have: its policy is in shadow.
    OnlyFilterDenies,
    /// It went to the workload, and no RBAC had judged it.
    NoRbac,
}

impl Verdicts {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::BothAllow,
        Self::BothDeny,
        Self::OnlyRbacDenies,
        Self::OnlyFilterDenies,
        Self::NoRbac,
    ];

    /// The label's value.
    pub fn label(self) -> &'static str {
        match self {
            Self::BothAllow => "both-allow",
            Self::BothDeny => "both-deny",
            Self::OnlyRbacDenies => "only-rbac-denies",
            Self::OnlyFilterDenies => "only-filter-denies",
            Self::NoRbac => "no-rbac",
        }
    }

    /// Asks what RBAC said of a request that the filter let pass, and had judged so; none where RBAC
    /// was not asked, because something before it answered.
    pub fn of_request(filter: Outcome, host: &impl Host) -> Option<Self> {
        let rbac = host.property(RBAC_RESULT);
        match (filter, rbac.as_deref()) {
            (Outcome::Allowed, Some(b"allowed")) => Some(Self::BothAllow),
            (Outcome::Allowed, Some(b"denied")) => Some(Self::OnlyRbacDenies),
            (Outcome::Denied, Some(b"allowed")) => Some(Self::OnlyFilterDenies),
            (Outcome::Denied, Some(b"denied")) => Some(Self::BothDeny),
            (Outcome::Allowed | Outcome::Denied, _) => {
                host.property(UPSTREAM).map(|_| Self::NoRbac)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::FakeHost;

    #[test]
    fn each_pair_of_verdicts_has_a_name() {
        for (filter, rbac, expected) in [
            (Outcome::Allowed, "allowed", Verdicts::BothAllow),
            (Outcome::Allowed, "denied", Verdicts::OnlyRbacDenies),
            (Outcome::Denied, "allowed", Verdicts::OnlyFilterDenies),
            (Outcome::Denied, "denied", Verdicts::BothDeny),
            (Outcome::Allowed, "", Verdicts::NoRbac),
            (Outcome::Denied, "somehow", Verdicts::NoRbac),
        ] {
            let host = FakeHost::anonymous()
                .with_property(RBAC_RESULT, rbac.as_bytes())
                .with_property(UPSTREAM, b"127.0.0.1:8080");
            assert_eq!(Verdicts::of_request(filter, &host), Some(expected));
        }
    }

    #[test]
    fn what_was_answered_on_the_way_says_nothing_of_rbac() {
        let host = FakeHost::anonymous();
        assert_eq!(Verdicts::of_request(Outcome::Allowed, &host), None);
        let host = host.with_property(RBAC_RESULT, b"denied");
        let denied = Some(Verdicts::OnlyRbacDenies);
        assert_eq!(Verdicts::of_request(Outcome::Allowed, &host), denied);
    }
}
