//! The effects of applying the rendered objects, as text.

use policy_schema::istio::{Affected, Applied, Denials, Extent, Plaintext};
use policy_schema::wording::counted;

/// The effects of an apply, separated by semicolons.
pub(crate) fn text(applied: &Applied) -> String {
    let mut effects = requests(applied);
    effects.extend(gateways(applied));
    effects.extend(connections(applied));
    let nothing = effects.is_empty();
    if nothing {
        effects.push("nothing changes".to_owned());
    }
    let passed = &applied.passed;
    if !passed.extent.is_empty() {
        effects.push(format!(
            "policies for {} deny nothing{}",
            covered(passed.extent),
            exceptions(passed)
        ));
    }
    effects.join("; ")
}

/// The effects on requests, from policies and the default of the mesh.
fn requests(applied: &Applied) -> Vec<String> {
    let mut effects = Vec::new();
    let mut add = |affected: &Affected, effect: &str| {
        if !affected.extent.is_empty() {
            effects.push(format!(
                "{} {effect}{}",
                covered(affected.extent),
                exceptions(affected)
            ));
        }
    };
    add(&applied.closed, "will deny requests that no policy allows");
    let denied = format!("will deny {}", denials(applied.denied.denials));
    add(&applied.denied, &denied);
    let opened = if applied.opened.denials.is_empty() {
        "will accept every request, because their policies are in shadow".to_owned()
    } else {
        let denials = denials(applied.opened.denials);
        format!("will accept every request except {denials}, because their policies are in shadow")
    };
    add(&applied.opened, &opened);
    if applied.denies_without_policy {
        effects.push(
            "workloads without a policy deny every request (`defaults.otherwise: Deny`)".to_owned(),
        );
    }
    effects
}

fn gateways(applied: &Applied) -> Vec<String> {
    let mut effects = Vec::new();
    let mut add = |names: &[String], unless: &str| {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let (noun, verb) = if names.len() == 1 {
                ("gateway", "will deny")
            } else {
                ("gateways", "will deny")
            };
            effects.push(format!(
                "{noun} {} {verb} requests that no policy exposes or allows{unless}",
                names.join(", ")
            ));
        }
    };
    add(&applied.closed_gateways, "");
    add(
        &applied.contested_gateways,
        ", or accept every request if a policy in shadow selects their pods",
    );
    if applied.exposed_hosts > 0 {
        let hosts = counted(applied.exposed_hosts, "host", "hosts");
        effects.push(format!("gateways expose {hosts} (`exposures`)"));
    }
    effects
}

/// The effects on connections, independent of the rules for requests.
fn connections(applied: &Applied) -> Vec<String> {
    let plaintext = applied.plaintext.map(|plaintext| match plaintext {
        Plaintext::Refused { exceptions } => {
            let except = match exceptions {
                0 => String::new(),
                _ => format!(", except for {}", counted(exceptions, "exception", "exceptions")),
            };
            format!("the whole mesh rejects plaintext{except} (`mtls.mode: Strict`)")
        }
        Plaintext::Accepted => "the whole mesh accepts plaintext, even if an existing PeerAuthentication `default` of the \
             root namespace rejects it (`mtls.mode: Permissive`)"
            .to_owned(),
    });
    let outbound = applied.limits_outbound.then(|| {
        "workloads can only call declared services and hosts (`outbound: Declared`)".to_owned()
    });
    let packets = [
        (applied.packets_in, "to", "callers and ports"),
        (applied.packets_out, "from", "destinations"),
    ];
    let packets = packets
        .into_iter()
        .filter(|(extent, _, _)| !extent.is_empty())
        .map(|(extent, direction, peers)| {
            format!(
                "packets {direction} {} are limited to declared {peers} (`networkPolicies: true`)",
                covered(extent)
            )
        });
    let let_in = (!applied.packets_let_in.is_empty()).then(|| {
        format!(
            "packets to {} are accepted from anywhere, even if an existing NetworkPolicy blocks them (`networkPolicies: true`)",
            covered(applied.packets_let_in)
        )
    });
    let calls = (applied.called_hosts > 0).then(|| {
        format!(
            "calls to {} use the settings of `service` or `externalHosts` (DestinationRule)",
            counted(applied.called_hosts, "host", "hosts")
        )
    });
    plaintext
        .into_iter()
        .chain(outbound)
        .chain(packets)
        .chain(let_in)
        .chain(calls)
        .collect()
}

fn denials(denials: Denials) -> String {
    let named = [
        (denials.by_rules, "requests that `Deny` rules match"),
        (
            denials.by_providers,
            "requests that external authorizers deny",
        ),
        (denials.foreign, "requests of foreign trust domains"),
    ];
    let named = named.into_iter().filter(|(is_there, _)| *is_there);
    let named: Vec<_> = named.map(|(_, denied)| denied).collect();
    listed(&named)
}

fn exceptions(affected: &Affected) -> &'static str {
    if affected.has_exceptions {
        ", unless other policies deny more"
    } else {
        ""
    }
}

/// The covered part of the mesh.
fn covered(extent: Extent) -> String {
    let Extent {
        whole_mesh,
        selectors_of_mesh,
        whole_namespaces,
        workloads,
        namespaces_of_workloads,
    } = extent;
    let workloads = (workloads > 0).then(|| {
        format!(
            "{} in {}",
            counted(workloads, "workload", "workloads"),
            counted(namespaces_of_workloads, "namespace", "namespaces")
        )
    });
    let parts = [
        whole_mesh.then(|| "the whole mesh".to_owned()),
        (selectors_of_mesh > 0).then(|| {
            let selectors = counted(selectors_of_mesh, "selector", "selectors");
            format!("the pods of {selectors} in every namespace")
        }),
        (whole_namespaces > 0)
            .then(|| counted(whole_namespaces, "whole namespace", "whole namespaces")),
        workloads,
    ];
    let parts: Vec<_> = parts.iter().flatten().map(String::as_str).collect();
    listed(&parts)
}

fn listed(parts: &[&str]) -> String {
    match parts {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        parts => parts.concat(),
    }
}
