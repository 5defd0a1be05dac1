//! Where a request goes, as people name it → the workload.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::{InvalidPolicyName, PolicyName};
use policy_schema::policy::{Labels, PolicySet, UnknownHost};
use thiserror::Error;

use super::workload::Workload;
use crate::policy_lookup::{self, PolicyLookupError};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The workloads of a policy.
    Policy(PolicyName),
    /// The service of this host, perhaps with a port.
    Host(String),
}

impl Target {
    /// Reads `NAMESPACE/POLICY` or a host; or says how to write one.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((scheme, rest)) = text.split_once("://") {
            let host = rest.split('/').next().unwrap_or_default();
            return Err(format!(
                "leave out `{scheme}://`: write the host alone, `{host}`"
            ));
        }
        if text.contains('/') {
            return match text.parse() {
                Ok(name) => Ok(Self::Policy(name)),
                Err(InvalidPolicyName) => Err(InvalidPolicyName.to_string()),
            };
        }
        let is_host = !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
        if is_host {
            Ok(Self::Host(text.to_owned()))
        } else {
            Err("write a host such as `cart.shop:7070`, or a policy as `NAMESPACE/NAME`".to_owned())
        }
    }
}

/// Why a target leads to no workload.
#[derive(Debug, Error)]
pub enum UnknownTarget {
    /// No target is named, and there are so many policies.
    #[error("there are {0} policies")]
    NotNamed(usize),
    /// There is no such policy.
    #[error(transparent)]
    Policy(#[from] PolicyLookupError),
    /// No policy declares a service with the host.
    #[error("no policy declares a `service` with the host `{0}`")]
    NoService(String),
    /// The service of the host has other ports than the one that is named.
    #[error("the service of `{host}` has no port {port}")]
    NoPort {
        /// The host, with the port.
        host: String,
        /// The port.
        port: u16,
        /// Which ports the service has.
        help: String,
    },
    /// The host may be a service of several namespaces.
    #[error("several namespaces have a service `{host}`")]
    Ambiguous {
        /// The host.
        host: String,
        /// Which services it may be.
        help: String,
    },
}

impl UnknownTarget {
    fn host(host: &str, reason: UnknownHost) -> Self {
        let host = host.to_owned();
        match reason {
            UnknownHost::NoService => Self::NoService(host),
            UnknownHost::NoPort { port, known } => {
                let known: Vec<_> = known.iter().map(u16::to_string).collect();
                let help = format!("the policy declares {}", known.join(", "));
                Self::NoPort { host, port, help }
            }
            UnknownHost::Ambiguous(hosts) => {
                let help = format!("name one of them: `{}`", hosts.join("`, `"));
                Self::Ambiguous { host, help }
            }
        }
    }
}

impl Fault for UnknownTarget {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        match self {
            Self::NotNamed(_) => Some(
                "name the host or the policy that the request goes to: `--to HOST` or `--to NAMESPACE/POLICY`",
            ),
            Self::Policy(reason) => reason.help(),
            Self::NoService(_) => Some("name the policy: `NAMESPACE/NAME`"),
            Self::NoPort { help, .. } | Self::Ambiguous { help, .. } => Some(help),
        }
    }
}

impl Target {
    /// The host, if it is one.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Host(host) => Some(host),
            Self::Policy(_) => None,
        }
    }
}

/// The workload that a target names; without target that of the only policy.
pub fn find<'s>(
    set: &'s PolicySet,
    target: Option<&Target>,
    labels: &Labels,
) -> Result<Workload<'s>, UnknownTarget> {
    let (policy, port) = match target {
        None if set.policies().len() > 1 => {
            return Err(UnknownTarget::NotNamed(set.policies().len()));
        }
        None => (policy_lookup::only(set.policies())?, None),
        Some(Target::Policy(name)) => (policy_lookup::named(set, name)?, None),
        Some(Target::Host(host)) => {
            let found = set.service_at(host);
            let found = found.map_err(|reason| UnknownTarget::host(host, reason))?;
            (found.policy, found.port)
        }
    };
    Ok(Workload {
        policy,
        leader: set.leader_of(policy, labels),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_policy_or_a_host() {
        let shop = Target::parse("shop/cart").unwrap();
        assert!(matches!(shop, Target::Policy(name) if name.to_string() == "shop/cart"));
        for host in ["cart", "cart.shop:7070", "cart.shop.svc.cluster.local"] {
            assert_eq!(Target::parse(host).unwrap(), Target::Host(host.to_owned()));
        }
        let refused = Target::parse("http://cart.shop:7070/x").unwrap_err();
        assert!(
            refused.contains("write the host alone, `cart.shop:7070`"),
            "{refused}"
        );
        for wrong in ["", "a b", "shop/", "/cart", "ca*"] {
            Target::parse(wrong).unwrap_err();
        }
    }
}
