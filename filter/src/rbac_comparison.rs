//! Compares the decisions of the filter and Envoy's RBAC on a request.
//!
//! Both enforce the same document. If they differ, one of them was edited by hand, does not have
//! the latest revision, or has a bug.

use peergate_engine::engine::DecisionOutcome;
use peergate_engine::telemetry::RbacComparison;

use crate::host::Host;

/// RBAC's last result for the request that is being logged (Envoy, RBAC filter, "Dynamic
/// metadata").
const RBAC_RESULT: &[u8] =
    b"metadata\0filter_metadata\0envoy.filters.http.rbac\0enforced_engine_result";

/// The upstream that the proxy sent the request to. Absent if a filter replied.
const UPSTREAM: &[u8] = b"upstream\0address";

/// Compares RBAC's decision on a request with the filter's, which let it pass. `None` if an earlier
/// filter replied, so that RBAC was not reached.
pub fn compare(filter: DecisionOutcome, host: &impl Host) -> Option<RbacComparison> {
    let rbac = host.property(RBAC_RESULT);
    match (filter, rbac.as_deref()) {
        (DecisionOutcome::Allowed, Some(b"allowed")) => Some(RbacComparison::BothAllow),
        (DecisionOutcome::Allowed, Some(b"denied")) => Some(RbacComparison::OnlyRbacDenies),
        (DecisionOutcome::Denied, Some(b"allowed")) => Some(RbacComparison::OnlyFilterDenies),
        (DecisionOutcome::Denied, Some(b"denied")) => Some(RbacComparison::BothDeny),
        (DecisionOutcome::Allowed | DecisionOutcome::Denied, _) => {
            host.property(UPSTREAM).map(|_| RbacComparison::NoRbac)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::FakeHost;

    #[test]
    fn names_each_pair_of_decisions() {
        for (filter, rbac, expected) in [
            (
                DecisionOutcome::Allowed,
                "allowed",
                RbacComparison::BothAllow,
            ),
            (
                DecisionOutcome::Allowed,
                "denied",
                RbacComparison::OnlyRbacDenies,
            ),
            (
                DecisionOutcome::Denied,
                "allowed",
                RbacComparison::OnlyFilterDenies,
            ),
            (DecisionOutcome::Denied, "denied", RbacComparison::BothDeny),
            (DecisionOutcome::Allowed, "", RbacComparison::NoRbac),
            (DecisionOutcome::Denied, "somehow", RbacComparison::NoRbac),
        ] {
            let host = FakeHost::anonymous()
                .with_property(RBAC_RESULT, rbac.as_bytes())
                .with_property(UPSTREAM, b"127.0.0.1:8080");
            assert_eq!(compare(filter, &host), Some(expected));
        }
    }

    #[test]
    fn ignores_requests_that_did_not_reach_rbac() {
        let host = FakeHost::anonymous();
        assert_eq!(compare(DecisionOutcome::Allowed, &host), None);
        let host = host.with_property(RBAC_RESULT, b"denied");
        let denied = Some(RbacComparison::OnlyRbacDenies);
        assert_eq!(compare(DecisionOutcome::Allowed, &host), denied);
    }
}
