//! What an apply of the rendered objects closes and opens, in words.

use policy_schema::istio::{Affected, Applied, Denials, Extent, Plaintext};
use policy_schema::wording::counted;

/// What an apply closes and opens, parted by semicolons.
pub(crate) fn text(applied: &Applied) -> String {
    let mut effects = requests(applied);
    effects.extend(gateways(applied));
    effects.extend(of_the_mesh(applied));
    let nothing = effects.is_empty();
    if nothing {
        effects.push("nothing is closed or opened".to_owned());
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

/// What becomes of requests, by the policies for workloads and by the default of the mesh.
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
    add(&applied.closed, "closed to what the policies do not allow");
    let denied = format!("closed to {}", denials(applied.denied.denials));
    add(&applied.denied, &denied);
    let opened = if applied.opened.denials.is_empty() {
        "opened to every request, by policies in shadow".to_owned()
    } else {
        let denials = denials(applied.opened.denials);
        format!("opened by policies in shadow, but closed to {denials}")
    };
    add(&applied.opened, &opened);
    if applied.denies_without_policy {
        effects
            .push("every workload without a policy closed (`defaults.otherwise: Deny`)".to_owned());
    }
    effects
}

fn gateways(applied: &Applied) -> Vec<String> {
    let mut effects = Vec::new();
    let mut add = |names: &[String], but: &str| {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let noun = if names.len() == 1 {
                "gateway"
            } else {
                "gateways"
            };
            effects.push(format!(
                "{noun} {} closed to what no policy exposes or allows{but}",
                names.join(", ")
            ));
        }
    };
    add(&applied.closed_gateways, "");
    add(
        &applied.contested_gateways,
        ", or opened to every request where a policy in shadow selects the pods",
    );
    if applied.exposed_hosts > 0 {
        let hosts = counted(applied.exposed_hosts, "host", "hosts");
        effects.push(format!("{hosts} exposed at gateways (`exposures`)"));
    }
    effects
}

/// What is true of connections, whatever policies say of requests.
fn of_the_mesh(applied: &Applied) -> Vec<String> {
    let plaintext = applied.plaintext.map(|plaintext| match plaintext {
        Plaintext::Refused { exceptions } => {
            let but = match exceptions {
                0 => String::new(),
                _ => format!(", except for {}", counted(exceptions, "exception", "exceptions")),
            };
            format!("plaintext refused in the whole mesh{but} (`mtls.mode: Strict`)")
        }
        Plaintext::Accepted => "plaintext accepted in the whole mesh, also where an existing \
             PeerAuthentication `default` of the root namespace refuses it (`mtls.mode: Permissive`)"
            .to_owned(),
    });
    let outbound = applied.limits_outbound.then(|| {
        "calls of every workload limited to declared services and hosts (`outbound: Declared`)"
            .to_owned()
    });
    let packets = [
        (applied.packets_in, "to", "callers and ports"),
        (applied.packets_out, "from", "destinations"),
    ];
    let packets = packets
        .into_iter()
        .filter(|(extent, _, _)| !extent.is_empty())
        .map(|(extent, direction, what)| {
            format!(
                "packets {direction} {} limited to declared {what} (`networkPolicies: true`)",
                covered(extent)
            )
        });
    let let_in = (!applied.packets_let_in.is_empty()).then(|| {
        format!(
            "packets to {} let in from everywhere, also where an existing NetworkPolicy keeps them out (`networkPolicies: true`)",
            covered(applied.packets_let_in)
        )
    });
    let calls = (applied.called_hosts > 0).then(|| {
        format!(
            "calls to {} made as `service` or `externalHosts` say (DestinationRule)",
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
        (denials.by_rules, "what `Deny` rules match"),
        (denials.by_providers, "what external authorizers refuse"),
        (denials.foreign, "callers of foreign trust domains"),
    ];
    let named = named.into_iter().filter(|(is_there, _)| *is_there);
    let named: Vec<_> = named.map(|(_, denied)| denied).collect();
    listed(&named)
}

fn exceptions(affected: &Affected) -> &'static str {
    if affected.has_exceptions {
        ", except where other policies deny more"
    } else {
        ""
    }
}

/// How much of the mesh it is.
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
