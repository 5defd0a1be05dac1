//! Resolves a destination to a workload.

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::{InvalidPolicyName, PolicyName};
use policy_schema::policy::{Labels, PolicySet, UnknownHost};
use thiserror::Error;

use super::workload::Workload;
use crate::policy_lookup::{self, PolicyLookupError};

/// The destination of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The workloads of a policy.
    Policy(PolicyName),
    /// The service with this host and optional port.
    Host(String),
}

impl Target {
    /// Parses `NAMESPACE/POLICY` or a host.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((scheme, rest)) = text.split_once("://") {
            let host = rest.split('/').next().unwrap_or_default();
            return Err(format!(
                "remove `{scheme}://`: write only the host, `{host}`"
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

/// Why a destination is not a workload.
#[derive(Debug, Error)]
pub enum UnknownTarget {
    /// No destination is given, and there are this many policies.
    #[error("expected exactly one policy, found {0}")]
    NotNamed(usize),
    /// The policy does not exist.
    #[error(transparent)]
    Policy(#[from] PolicyLookupError),
    /// No policy declares a service with this host.
    #[error("no policy declares a `service` with the host `{0}`")]
    NoService(String),
    /// The service does not have the port.
    #[error("the service of `{host}` has no port {port}")]
    NoPort {
        /// The host, with the port.
        host: String,
        /// The port.
        port: u16,
        /// A hint with the declared ports.
        help: String,
    },
    /// Several namespaces have a service with this host.
    #[error("several namespaces have a service `{host}`")]
    Ambiguous {
        /// The host.
        host: String,
        /// A hint with the candidates.
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
                let help = format!("use one of `{}`", hosts.join("`, `"));
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
            Self::NotNamed(_) => Some("add `--to HOST` or `--to NAMESPACE/POLICY`"),
            Self::Policy(reason) => reason.help(),
            Self::NoService(_) => Some("use a policy instead: `NAMESPACE/NAME`"),
            Self::NoPort { help, .. } | Self::Ambiguous { help, .. } => Some(help),
        }
    }
}

impl Target {
    /// The host, if the destination is one.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Host(host) => Some(host),
            Self::Policy(_) => None,
        }
    }
}

/// Finds the workload of a destination. The default is the only policy.
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
    fn parses_policies_and_hosts() {
        let shop = Target::parse("shop/cart").unwrap();
        assert!(matches!(shop, Target::Policy(name) if name.to_string() == "shop/cart"));
        for host in ["cart", "cart.shop:7070", "cart.shop.svc.cluster.local"] {
            assert_eq!(Target::parse(host).unwrap(), Target::Host(host.to_owned()));
        }
        let refused = Target::parse("http://cart.shop:7070/x").unwrap_err();
        assert!(
            refused.contains("write only the host, `cart.shop:7070`"),
            "{refused}"
        );
        for wrong in ["", "a b", "shop/", "/cart", "ca*"] {
            Target::parse(wrong).unwrap_err();
        }
    }
}
