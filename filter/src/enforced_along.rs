//! Which policies the filter of another one has enforced along, left with the request.
//!
//! Several policies may be for one workload, each with a filter of its own. The first that the
//! request meets decides for all of them, and the others stand aside. A client cannot write what is
//! left here: it is part of the proxy's own state of the request.

use policy_schema::plugin_config::PolicyName;

use crate::host::Host;

const PROPERTY: &[u8] = b"peergate.enforced_along";

/// Tells the filters that come after this one.
pub fn announce<'p>(policies: impl Iterator<Item = &'p PolicyName>, host: &impl Host) {
    let names: Vec<_> = policies.map(PolicyName::to_string).collect();
    host.set_property(PROPERTY, names.join("\n").as_bytes());
}

/// Whether a filter before this one has enforced `policy`.
pub fn includes(policy: &PolicyName, host: &impl Host) -> bool {
    let policy = policy.to_string();
    host.property(PROPERTY).is_some_and(|names| {
        names
            .split(|&byte| byte == b'\n')
            .any(|name| name == policy.as_bytes())
    })
}
