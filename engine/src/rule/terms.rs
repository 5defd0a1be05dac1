//! The terms of a rule field.

/// An attribute must match ANY value of one list and NONE of the other. An empty list imposes no
/// condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms<L> {
    /// One of these must match, unless the list is empty.
    pub any_of: L,
    /// None of these may match.
    pub none_of: L,
}

impl<L> Terms<L> {
    /// The same terms with other lists.
    pub fn map<M>(self, mut list: impl FnMut(L) -> M) -> Terms<M> {
        Terms {
            any_of: list(self.any_of),
            none_of: list(self.none_of),
        }
    }

    /// The same lists, borrowed.
    pub const fn as_ref(&self) -> Terms<&L> {
        Terms {
            any_of: &self.any_of,
            none_of: &self.none_of,
        }
    }
}

impl<T> Terms<Vec<T>> {
    /// Whether there is no condition on the attribute.
    pub const fn is_empty(&self) -> bool {
        self.any_of.is_empty() && self.none_of.is_empty()
    }

    /// The values of both lists.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.any_of.iter().chain(&self.none_of)
    }

    /// Whether an attribute satisfies the terms. `matches` tells whether it matches a value.
    pub fn are_met(&self, matches: impl Fn(&T) -> bool) -> bool {
        (self.any_of.is_empty() || self.any_of.iter().any(&matches))
            && !self.none_of.iter().any(&matches)
    }
}
