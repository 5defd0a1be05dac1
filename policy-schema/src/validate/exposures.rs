//! Checks the exposures of services at the mesh's gateways.

use std::collections::BTreeMap;

use super::documents_by_name::DocumentsByName;
use super::gateways::{check_hostnames, check_hosts};
use super::lists::check_not_empty;
use super::traffic::check_duration;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::document::{ExposureSpec, GatewayApi};
use crate::lint::closest;
use crate::matching::TextMatch;
use crate::policy::{
    Exposure, Gateway, IstioVersion, Mesh, MeshCaller, PolicySet, Reachability, Service,
    ServicePolicy,
};
use crate::problem::{Cursor, Problems};
use crate::rule::Operation;

/// Reads a policy's exposures. `cursor` is at them.
pub(super) fn check(
    specs: Option<&[ExposureSpec]>,
    service: Option<&Service>,
    mesh: Option<&Mesh>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Vec<Exposure>> {
    let before = problems.count();
    check_not_empty(specs, "remove the field", cursor, problems);
    let specs = specs.unwrap_or_default();
    if service.is_none() && !specs.is_empty() {
        problems.report(
            code::MISSING_SERVICE,
            cursor,
            "missing `service`: the gateway has nothing to call",
            "add its name and ports under `service`",
        );
    }
    let mut exposures = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let exposure = check_exposure(spec, service, mesh?, &cursor.index(index), problems);
        exposures.extend(exposure);
    }
    (problems.count() == before).then_some(exposures)
}

fn check_exposure(
    spec: &ExposureSpec,
    service: Option<&Service>,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<Exposure> {
    let hosts = check_hosts(&spec.hosts, &cursor.key("hosts"), problems);
    let paths = check_paths(spec.paths.as_deref(), &cursor.key("paths"), problems);
    check_duration(spec.timeout.as_deref(), &cursor.key("timeout"), problems);
    let port = check_port(spec, service?, cursor, problems);
    let Some(gateway) = mesh.gateways.position(&spec.gateway) else {
        let names = mesh.gateways.iter().map(|gateway| gateway.name.as_str());
        let help = closest(&spec.gateway, names).map_or_else(
            || "use one of the `gateways` of the `Mesh`, or add it there".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        problems.report(
            code::UNKNOWN_GATEWAY,
            &cursor.key("gateway"),
            format!("the mesh has no gateway `{}`", spec.gateway),
            help,
        );
        return None;
    };
    let named = mesh.gateways.get(gateway)?;
    if named.api == GatewayApi::Kubernetes {
        check_hostnames(&hosts, &cursor.key("hosts"), problems);
        check_routable(&paths, &cursor.key("paths"), problems);
        if spec.timeout.is_some() && mesh.istio_version < ROUTE_TIMEOUTS {
            problems.report(
                code::UNSUPPORTED_BY_ISTIO,
                &cursor.key("timeout"),
                format!(
                    "Istio {} uses a Kubernetes Gateway API version without timeouts",
                    mesh.istio_version
                ),
                format!("upgrade to {ROUTE_TIMEOUTS}, remove the field, or use a gateway with `api: Istio`"),
            );
        }
    }
    for (index, host) in hosts.iter().enumerate() {
        if named.hosts.covering(host).is_none() {
            problems.report(
                code::UNKNOWN_GATEWAY,
                &cursor.key("hosts").index(index),
                format!("gateway `{}` does not serve `{host}`", spec.gateway),
                "add the host to the gateway's server with its certificate",
            );
        }
    }
    Some(Exposure {
        gateway,
        hosts,
        paths,
        port: port?,
        timeout: spec.timeout.clone(),
    })
}

fn check_paths(
    paths: Option<&[String]>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Vec<TextMatch> {
    let Some(paths) = paths else {
        return vec![TextMatch::Prefix("/".into())];
    };
    if paths.is_empty() {
        problems.report(
            code::EMPTY_LIST,
            cursor,
            "the list is empty",
            "add a path, or remove the field to expose all",
        );
    }
    let mut checked = Vec::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        let pattern = TextMatch::parse(path).ok();
        match pattern {
            Some(pattern @ (TextMatch::Exact(_) | TextMatch::Prefix(_)))
                if path.starts_with('/') && !path.contains(['{', '}', '?', '#']) =>
            {
                checked.push(pattern);
            }
            _ => problems.report(
                code::INVALID_VALUE,
                &cursor.index(index),
                format!("a gateway cannot route by path `{path}`"),
                "use `/a` for an exact path, or `/a/*` for a prefix",
            ),
        }
    }
    checked
}

/// The maximum number of matches in a rule of an `HTTPRoute`, in the oldest version of the API.
const MAX_MATCHES: usize = 8;

/// Texts that no path of an `HTTPRoute` may contain.
const REFUSED_WITHIN: [&str; 6] = ["//", "/./", "/../", "%2f", "%2F", "#"];

/// Texts that no path of an `HTTPRoute` may end with.
const REFUSED_AT_END: [&str; 2] = ["/.", "/.."];

/// The first version of Istio that supports version 1.2 of the Kubernetes Gateway API, whose
/// standard channel is the first with `timeouts`.
const ROUTE_TIMEOUTS: IstioVersion = IstioVersion::minor(24);

/// Reports paths that the Kubernetes Gateway API cannot route (`HTTPPathMatch`, and the CEL rules
/// of its definition).
fn check_routable(paths: &[TextMatch], cursor: &Cursor<'_>, problems: &mut Problems) {
    for (index, path) in paths.iter().enumerate() {
        if matches!(path, TextMatch::Prefix(start) if !start.ends_with('/')) {
            problems.report(
                code::UNSUPPORTED_BY_ISTIO,
                &cursor.index(index),
                format!("the Gateway API routes by whole segments, not by `{path}`"),
                "use `/a/*`, or a gateway with `api: Istio`",
            );
        }
        let literal = path.literal();
        let within = REFUSED_WITHIN.iter().find(|part| literal.contains(**part));
        let at_end = REFUSED_AT_END.iter().find(|part| literal.ends_with(**part));
        if let Some(part) = within.or(at_end) {
            problems.report(
                code::UNSUPPORTED_BY_ISTIO,
                &cursor.index(index),
                format!("a Gateway API path cannot contain `{part}`, as in `{path}`"),
                "write the normalized path, or use a gateway with `api: Istio`",
            );
        }
    }
    if paths.len() > MAX_MATCHES {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "an `HTTPRoute` has at most {MAX_MATCHES} paths, not {}",
                paths.len()
            ),
            "split them into several exposures",
        );
    }
}

fn check_port(
    spec: &ExposureSpec,
    service: &Service,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<u16> {
    match (spec.port, service.ports.as_slice()) {
        (None, [only]) => Some(only.port),
        (None, _) => {
            problems.report(
                code::MISSING_FIELD,
                cursor,
                "the service has several ports",
                "set `port` to the one that the gateway calls",
            );
            None
        }
        (Some(port), ports) => {
            if !ports.iter().any(|other| other.port == port) {
                problems.report(
                    code::INVALID_VALUE,
                    &cursor.key("port"),
                    format!("the service has no port {port}"),
                    "use one of the `ports` of the service",
                );
            }
            Some(port)
        }
    }
}

/// Reports exposures that no rule allows, and conflicting exposures.
pub(super) fn check_across_policies(
    documents: &DocumentsByName<'_>,
    set: &PolicySet,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let policies = set.policies().iter().enumerate();
    let exposed: Vec<_> = policies
        .filter(|(_, policy)| !policy.exposures.is_empty())
        .collect();
    if exposed.is_empty() {
        return;
    }
    // Documents stay valid when a rule expires.
    let reachability = Reachability::with_expired_rules(set);
    let mut taken: BTreeMap<(usize, &str, &TextMatch), &ServicePolicy> = BTreeMap::new();
    for (number, policy) in exposed {
        let mut report = |code, cursor: &Cursor<'_>, message: String, help: String| {
            if let Some(document) = documents.get(policy) {
                document.report(diagnostics, code, cursor, message, help);
            }
        };
        let cursor = Cursor::Root;
        let cursor = cursor.key("spec");
        let cursor = cursor.key("exposures");
        for (index, exposure) in policy.exposures.iter().enumerate() {
            let cursor = cursor.index(index);
            let Some(gateway) = set.mesh.gateways.get(exposure.gateway) else {
                continue;
            };
            // A gateway without an account has been reported already.
            let has_account = !gateway.account.name.is_empty();
            if has_account && !allows_gateway(gateway, exposure, (number, policy), &reachability) {
                report(
                    code::EXPOSURE_WITHOUT_RULE,
                    &cursor,
                    format!(
                        "no rule allows gateway `{}` to call the service with these hosts and paths",
                        gateway.name
                    ),
                    format!(
                        "add an `Allow` rule with `from: [{{serviceAccounts: [{}]}}]`, and the permitted requests under `to`",
                        gateway.account
                    ),
                );
            }
            for (position, host) in exposure.hosts.iter().enumerate() {
                for path in &exposure.paths {
                    let other = taken.insert((exposure.gateway, host, path), policy);
                    let Some(other) = other else { continue };
                    let cursor = cursor.key("hosts");
                    report(
                        code::DUPLICATE_HOST,
                        &cursor.index(position),
                        format!(
                            "`{host}` with path `{path}` already routes to `{}`",
                            other.name
                        ),
                        "use each host and path once".to_owned(),
                    );
                }
            }
        }
    }
}

/// Whether a rule allows the gateway, for any request that the exposure routes to the service.
fn allows_gateway(
    gateway: &Gateway,
    exposure: &Exposure,
    (position, policy): (usize, &ServicePolicy),
    reachability: &Reachability<'_>,
) -> bool {
    let caller = MeshCaller {
        namespace: &gateway.account.namespace,
        service_account: Some(&gateway.account.name),
    };
    let mut ports = policy.service.iter().flat_map(|service| &service.ports);
    let port = ports.find(|port| port.port == exposure.port);
    let target = port.map(|port| port.target_port);
    reachability.may_allow(position, caller, |rule| {
        let mut operations = rule.operations.iter();
        rule.operations.is_empty()
            || operations.any(|operation| may_match(operation, exposure, target))
    })
}

/// Whether a request can match both the operation and the exposure.
fn may_match(operation: &Operation, exposure: &Exposure, target_port: Option<u16>) -> bool {
    let has_host = |pattern: &TextMatch| {
        exposure
            .hosts
            .iter()
            .any(|host| match host.strip_prefix('*') {
                Some(end) => pattern.overlaps(&TextMatch::Suffix(end.into())),
                // With or without a port.
                None => {
                    pattern.matches(host.as_bytes())
                        || pattern.overlaps(&TextMatch::Prefix(format!("{host}:").into()))
                }
            })
    };
    (operation.hosts.any_of.is_empty() || operation.hosts.any_of.iter().any(has_host))
        && (operation.paths.any_of.is_empty()
            || operation.paths.any_of.iter().any(|path| {
                exposure
                    .paths
                    .iter()
                    .any(|exposed| path.may_overlap(exposed))
            }))
        && (operation.ports.any_of.is_empty()
            || target_port.is_none_or(|port| operation.ports.any_of.contains(&port)))
        && target_port.is_none_or(|port| !operation.ports.none_of.contains(&port))
}
