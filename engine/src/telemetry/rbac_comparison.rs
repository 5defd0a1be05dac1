//! The decisions of the filter and Envoy's RBAC on the same request.

use super::word::words;

words! {
    "RBAC comparison"
    /// The decisions of the filter and RBAC on one request.
    RbacComparison {
        /// Both allowed it.
        BothAllow = "both-allow",
        /// Both denied it. The filter's policy is in shadow, otherwise RBAC would not have seen the
        /// request.
        BothDeny = "both-deny",
        /// Only RBAC denied it.
        OnlyRbacDenies = "only-rbac-denies",
        /// Only the filter would have denied it; its policy is in shadow.
        OnlyFilterDenies = "only-filter-denies",
        /// The request reached the workload without a decision by RBAC.
        NoRbac = "no-rbac",
    }
}

impl RbacComparison {
    /// Whether one allowed what the other denied.
    pub const fn disagree(self) -> bool {
        match self {
            Self::OnlyRbacDenies | Self::OnlyFilterDenies => true,
            Self::BothAllow | Self::BothDeny | Self::NoRbac => false,
        }
    }
}
