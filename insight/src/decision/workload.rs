//! The workload that receives a request.

use policy_schema::policy::ServicePolicy;

/// A workload that receives requests.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'s> {
    /// The policy in the question, or the policy that declares the service.
    pub policy: &'s ServicePolicy,
    /// The leader.
    pub leader: &'s ServicePolicy,
    /// The workload port of the destination.
    pub port: Option<u16>,
}
