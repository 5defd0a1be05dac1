//! The callers of the measured policy.

/// A caller with the operation that its rule allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The SPIFFE ID.
    pub id: String,
    /// The path that the caller requests with `GET`.
    pub path: String,
}

impl Caller {
    /// The caller of a rule.
    pub fn of_rule(rule: usize) -> Self {
        Self {
            id: format!("spiffe://cluster.local/ns/namespace-{rule}/sa/caller-{rule}"),
            path: format!("/orders/{rule}"),
        }
    }

    /// A caller that no rule names.
    pub fn unknown() -> Self {
        Self {
            id: "spiffe://cluster.local/ns/elsewhere/sa/unknown".to_owned(),
            path: "/orders/0".to_owned(),
        }
    }
}
