//! The filter's verdict and that of Envoy's RBAC on the same request.

use super::word::words;

words! {
    "pair of verdicts"
    /// What the filter and RBAC decided about one request.
    Verdicts {
        /// Both allowed it.
        BothAllow = "both-allow",
        /// Both denied it: the filter's policy is in shadow, or RBAC would not have been asked.
        BothDeny = "both-deny",
        /// Only RBAC denied it.
        OnlyRbacDenies = "only-rbac-denies",
        /// Only the filter would have denied it: its policy is in shadow.
        OnlyFilterDenies = "only-filter-denies",
        /// It went to the workload, and no RBAC had judged it.
        NoRbac = "no-rbac",
    }
}

impl Verdicts {
    /// Whether one allowed what the other denied.
    pub const fn disagree(self) -> bool {
        match self {
            Self::OnlyRbacDenies | Self::OnlyFilterDenies => true,
            Self::BothAllow | Self::BothDeny | Self::NoRbac => false,
        }
    }
}
