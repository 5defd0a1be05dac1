//! Validates the `Mesh` document.

use super::documents::Documents;
use super::names::{check_label, check_subdomain};
use super::placed::Placed;
use super::traffic::check_duration;
use super::{Options, filter, gateways, mtls, providers};
use crate::check::check_port;
use crate::code;
use crate::diagnostic::Diagnostic;
use crate::document::{MeshDocument, MeshSpec, ServicePolicyDocument, TelemetrySpec};
use crate::plugin_config::{MeshIdentity, check_trust_domains};
use crate::policy::{FilterFetching, Gateways, IstioVersion, Mesh};
use crate::problem::{Cursor, Problems};

/// Reports a missing mesh, at the first policy.
pub(super) fn report_missing(
    policy: &Placed<'_, ServicePolicyDocument>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    policy.report(
        diagnostics,
        code::MISSING_MESH,
        &Cursor::Root.key("kind"),
        "missing `Mesh` document",
        "add a document of kind `Mesh` with the trust domain and the Istio version",
    );
}

/// Checks that there is at most one mesh, and that it is valid.
pub(super) fn check_meshes(
    documents: &Documents<'_>,
    options: Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Mesh> {
    let (first, others) = documents.meshes.split_first()?;
    for other in others {
        other.with_conflict(first).report(
            diagnostics,
            code::DUPLICATE_MESH,
            &Cursor::Root.key("kind"),
            "duplicate `Mesh`",
            "keep one `Mesh` document",
        );
    }
    check_mesh(first, options, diagnostics)
}

fn check_mesh(
    placed: &Placed<'_, MeshDocument>,
    options: Options,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Mesh> {
    let mut problems = Problems::default();
    let cursor = Cursor::Root.key("spec");
    let spec = &placed.document.spec;
    let version = check_version(spec, &cursor, &mut problems);
    let version = options.istio_version.or(version);
    let identity = MeshIdentity {
        trust_domain: spec.trust_domain.clone(),
        trust_domain_aliases: spec.trust_domain_aliases.clone().unwrap_or_default(),
        gateways: Vec::new(),
    };
    let trust_domains = check_trust_domains(&identity, &cursor, &mut problems);
    check_names(&placed.document, &mut problems);
    let filter = spec.filter.clone().unwrap_or_default();
    let at_filter = cursor.key("filter");
    filter::check(&filter, &at_filter, &mut problems);
    let reporting = filter.reporting.unwrap_or_default();
    reporting.check(&at_filter.key("reporting"), &mut problems);
    let defaults = spec.defaults.clone().unwrap_or_default();
    let root_namespace = spec.root_namespace.as_deref().unwrap_or("istio-system");
    let mtls = mtls::check(
        spec.mtls.as_ref(),
        root_namespace,
        options.at,
        &cursor,
        &mut problems,
    );
    let gateways = gateways::check(spec.gateways.as_deref(), version, &cursor, &mut problems);
    let gateways = Gateways::new(gateways);
    let certificates = cursor.key("certificates");
    check_duration(
        workload_ttl(spec),
        &certificates.key("workloadTtl"),
        &mut problems,
    );
    let telemetry = spec.telemetry.clone().unwrap_or_default();
    let extension_providers = spec.extension_providers.clone();
    providers::check(
        extension_providers.as_deref(),
        &telemetry,
        &cursor,
        &mut problems,
    );
    check_telemetry(&telemetry, &cursor.key("telemetry"), &mut problems);
    placed.place(problems, diagnostics);
    Some(Mesh {
        source: placed.source,
        trust_domains: trust_domains?,
        root_namespace: root_namespace.to_owned(),
        revision: spec.revision.clone(),
        workload_ttl: workload_ttl(spec).unwrap_or("24h").to_owned(),
        cluster_domain: spec
            .cluster_domain
            .as_deref()
            .unwrap_or("cluster.local")
            .to_owned(),
        istio_version: version?,
        plaintext: Mesh::plaintext_of(&mtls, &gateways),
        mtls,
        path_normalization: spec.path_normalization.unwrap_or_default(),
        filter_image: filter.image,
        filter_fetching: FilterFetching {
            pull_secret: filter.image_pull_secret,
            pull_policy: filter.image_pull_policy,
            sha256: filter.sha256,
        },
        reporting,
        outbound: spec.outbound.unwrap_or_default(),
        network_policies: spec.network_policies.unwrap_or_default(),
        gateways,
        extension_providers: extension_providers.unwrap_or_default(),
        telemetry,
        default_enforcement: defaults.enforcement.unwrap_or_default(),
        default_owner: defaults.owner,
        otherwise: defaults.otherwise.unwrap_or_default(),
        unspecified: unspecified(spec),
    })
}

fn workload_ttl(spec: &MeshSpec) -> Option<&str> {
    spec.certificates.as_ref()?.workload_ttl.as_deref()
}

/// Strict defaults that may break a mesh that was less strict before.
fn unspecified(spec: &MeshSpec) -> Vec<&'static str> {
    let defaults = spec.defaults.as_ref();
    let otherwise = defaults.and_then(|defaults| defaults.otherwise);
    let deny = "requests that no policy allows are denied, even at workloads without a policy (`defaults.otherwise`)";
    otherwise.is_none().then_some(deny).into_iter().collect()
}

fn check_version(
    spec: &MeshSpec,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) -> Option<IstioVersion> {
    let version = IstioVersion::parse(&spec.istio_version);
    if version.is_none() {
        problems.report(
            code::UNSUPPORTED_ISTIO_VERSION,
            &cursor.key("istioVersion"),
            format!(
                "Peergate does not support Istio version `{}`",
                spec.istio_version
            ),
            format!(
                "use a version from \"{}\" to \"{}\", in quotes",
                IstioVersion::OLDEST,
                IstioVersion::NEWEST
            ),
        );
    }
    version
}

fn check_names(document: &MeshDocument, problems: &mut Problems) {
    let MeshDocument { metadata, spec, .. } = document;
    let cursor = Cursor::Root.key("spec");
    let name = Cursor::Root.key("metadata");
    check_subdomain(&metadata.name, &name.key("name"), problems);
    if spec
        .trust_domain_aliases
        .as_ref()
        .is_some_and(Vec::is_empty)
    {
        problems.report(
            code::EMPTY_LIST,
            &cursor.key("trustDomainAliases"),
            "the list is empty",
            "add an alias, or remove the field",
        );
    }
    if let Some(name) = &spec.root_namespace {
        check_label(name, &cursor.key("rootNamespace"), problems);
    }
    if let Some(name) = &spec.revision {
        check_label(name, &cursor.key("revision"), problems);
    }
    if let Some(name) = &spec.cluster_domain {
        check_subdomain(name, &cursor.key("clusterDomain"), problems);
    }
}

fn check_telemetry(telemetry: &TelemetrySpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    let access_log = telemetry.access_log.as_ref();
    let provider = access_log.and_then(|access_log| access_log.provider.as_deref());
    if provider == Some("") {
        problems.report(
            code::EMPTY_VALUE,
            &cursor.key("accessLog").key("provider"),
            "the provider has no name",
            "use a provider of the mesh config, or remove the field",
        );
    }
    let Some(tracing) = &telemetry.tracing else {
        return;
    };
    let cursor = cursor.key("tracing");
    if tracing.provider.is_empty() {
        problems.report(
            code::EMPTY_VALUE,
            &cursor.key("provider"),
            "the provider has no name",
            "use a provider of the mesh config",
        );
    }
    if let Some(host) = &tracing.service {
        check_subdomain(host, &cursor.key("service"), problems);
    } else if tracing.port.is_some() {
        problems.report(
            code::MISSING_FIELD,
            &cursor,
            "`port` requires a `service`",
            "set `service` to the collector's host, or remove the port",
        );
    }
    if let Some(port) = tracing.port {
        check_port(port, &cursor.key("port"), problems);
    }
    if !(0.0..=100.0).contains(&tracing.sampling_percent) {
        problems.report(
            code::INVALID_VALUE,
            &cursor.key("samplingPercent"),
            format!("`{}` is not a percentage", tracing.sampling_percent),
            "use a number from 0 to 100",
        );
    }
}
