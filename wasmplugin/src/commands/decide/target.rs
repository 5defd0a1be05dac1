//! Where a request goes, as `--to` names it.

use peergate_fault::Failure;
use peergate_insight::decision::workload::Workload;
use policy_schema::plugin_config::{InvalidPolicyName, PolicyName};
use policy_schema::policy::{Labels, PolicySet, UnknownHost};

use super::error::QuestionError;
use crate::policies;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The workloads of a policy.
    Policy(PolicyName),
    /// The service of this host, perhaps with a port.
    Host(String),
}

impl Target {
    /// Reads `NAMESPACE/POLICY` or a host.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
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

/// The workload that a target names; without target that of the only policy.
pub(super) fn find<'s>(
    set: &'s PolicySet,
    target: Option<&Target>,
    labels: &Labels,
) -> Result<Workload<'s>, Failure> {
    let (policy, port) = match target {
        None if set.policies().len() > 1 => {
            return Err(QuestionError::InvalidQuestion {
                message: format!("there are {} policies", set.policies().len()),
                help: "name the host or the policy that the request goes to: `--to HOST` or `--to NAMESPACE/POLICY`"
                    .to_owned(),
            }.into());
        }
        None => (policies::only(set.policies())?, None),
        Some(Target::Policy(name)) => (policies::named(set, name)?, None),
        Some(Target::Host(host)) => {
            let found = set
                .service_at(host)
                .map_err(|reason| unknown(host, &reason))?;
            (found.policy, found.port)
        }
    };
    Ok(Workload {
        policy,
        leader: set.leader_of(policy, labels),
        port,
    })
}

fn unknown(host: &str, reason: &UnknownHost) -> QuestionError {
    let (message, help) = match reason {
        UnknownHost::NoService => (
            format!("no policy declares a `service` with the host `{host}`"),
            "name the policy: `NAMESPACE/NAME`".to_owned(),
        ),
        UnknownHost::NoPort { port, known } => {
            let known: Vec<_> = known.iter().map(u16::to_string).collect();
            (
                format!("the service of `{host}` has no port {port}"),
                format!("the policy declares {}", known.join(", ")),
            )
        }
        UnknownHost::Ambiguous(hosts) => (
            format!("several namespaces have a service `{host}`"),
            format!("name one of them: `{}`", hosts.join("`, `")),
        ),
    };
    QuestionError::InvalidQuestion { message, help }
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
