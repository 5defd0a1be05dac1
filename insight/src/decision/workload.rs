//! Where a request goes.

use policy_schema::policy::ServicePolicy;

/// A workload that requests go to.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'s> {
    /// The policy that was named, or that declares the service that was.
    pub policy: &'s ServicePolicy,
    /// The one that decides for all.
    pub leader: &'s ServicePolicy,
    /// The port of the workload that the target names.
    pub port: Option<u16>,
}
