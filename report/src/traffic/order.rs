//! The sort order of rows.

use peergate_insight::traffic::reading::Count;
use peergate_insight::traffic::snapshot::Tally;

/// The sort order of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By policy and rule, or by caller
    #[default]
    Name,
    /// What is denied most
    Denied,
    /// What is denied or allowed most in shadow
    Shadow,
    /// What is allowed most
    Allowed,
}

impl Order {
    /// The name of the order.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Denied => "denied",
            Self::Shadow => "shadow",
            Self::Allowed => "allowed",
        }
    }

    /// The next order in the cycle.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Name => Self::Denied,
            Self::Denied => Self::Shadow,
            Self::Shadow => Self::Allowed,
            Self::Allowed => Self::Name,
        }
    }

    /// Sorts rows that are sorted by name. The sort is stable.
    pub(crate) fn sort<R>(self, rows: &mut [R], tally: impl Fn(&R) -> &Tally) {
        let count = |row: &R| match self {
            Self::Name => Count::default(),
            Self::Denied => tally(row).denied,
            Self::Shadow => tally(row).shadow,
            Self::Allowed => tally(row).allowed,
        };
        rows.sort_by(|a, b| {
            let (a, b) = (count(a), count(b));
            let rate = |count: Count| count.rate.unwrap_or_default();
            rate(b)
                .total_cmp(&rate(a))
                .then(b.total.total_cmp(&a.total))
        });
    }
}
