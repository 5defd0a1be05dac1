//! The requests that the filter let pass and whose end is still to come.

use peergate_engine::engine::DecisionOutcome;
use rustc_hash::FxHashMap;

use crate::contexts::ContextId;

/// The least number of requests for which it is worth checking whether they still exist.
const MIN_MANY: usize = 1_024;

/// A request that the filter let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedRequest {
    /// The root whose policy decided it.
    pub root: ContextId,
    /// The decision.
    pub outcome: DecisionOutcome,
}

/// The requests that have not ended.
#[derive(Debug, Default)]
pub struct PassedRequests {
    by_id: FxHashMap<ContextId, PassedRequest>,
    /// The number of requests that were left at the last check.
    left: usize,
}

impl PassedRequests {
    /// Adds a request.
    pub fn add(&mut self, id: ContextId, request: PassedRequest) {
        self.by_id.insert(id, request);
    }

    /// Removes a request that ends.
    pub fn remove(&mut self, id: ContextId) -> Option<PassedRequest> {
        self.by_id.remove(&id)
    }

    /// Whether the number of requests has doubled since the last check, so that those whose end
    /// the proxy did not report must be removed.
    pub fn are_many(&self) -> bool {
        self.by_id.len() >= MIN_MANY.max(self.left.saturating_mul(2))
    }

    /// Removes the requests that no longer exist.
    pub fn retain(&mut self, is_alive: &mut dyn FnMut(ContextId) -> bool) {
        self.by_id.retain(|id, _| is_alive(*id));
        self.left = self.by_id.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSED: PassedRequest = PassedRequest {
        root: ContextId(1),
        outcome: DecisionOutcome::Allowed,
    };

    #[test]
    fn each_request_ends_once() {
        let mut requests = PassedRequests::default();
        requests.add(ContextId(2), PASSED);
        assert_eq!(requests.remove(ContextId(3)), None);
        assert_eq!(requests.remove(ContextId(2)), Some(PASSED));
        assert_eq!(requests.remove(ContextId(2)), None);
    }

    /// Sends requests that never end, of which the last `alive` exist. Returns the largest number
    /// kept, and the number of checks.
    fn kept(count: u32, alive: u32) -> (usize, usize) {
        let mut requests = PassedRequests::default();
        let (mut most, mut checks) = (0, 0);
        for id in 0..count {
            if requests.are_many() {
                requests.retain(&mut |ContextId(other)| {
                    checks += 1;
                    other + alive > id
                });
            }
            requests.add(ContextId(id), PASSED);
            most = most.max(requests.by_id.len());
        }
        (most, checks)
    }

    #[test]
    fn forgets_requests_whose_end_is_not_reported() {
        let (most, checks) = kept(100_000, 10);
        assert_eq!(most, MIN_MANY);
        assert!(checks < 110_000, "{checks}");
        let (most, checks) = kept(100_000, 5_000);
        assert!(most <= 10_000, "{most}");
        assert!(checks < 250_000, "{checks}");
    }
}
