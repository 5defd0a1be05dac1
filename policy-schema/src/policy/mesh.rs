//! The settings of the whole mesh.

use std::collections::BTreeSet;

use super::gateway_names::is_gateway;
use super::{Attachment, Gateways, IstioVersion, Labels, Pods};
use crate::document::{
    ExceptionMode, ExtensionProviderSpec, ImagePullPolicy, MtlsMode, Outbound, PathNormalization,
    TelemetrySpec, TlsVersion,
};
use crate::identity::TrustDomains;
use crate::module_url::ModuleUrl;
use crate::reporting::ReportingSpec;
use crate::rule_spec::{Enforcement, Otherwise};
use crate::timestamp::Timestamp;

/// The port of OTLP over gRPC.
pub(crate) const OTLP_PORT: u16 = 4317;

/// The settings of the whole mesh.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// The position of its text among those that were validated.
    pub(crate) source: usize,
    pub(crate) trust_domains: TrustDomains,
    pub(crate) root_namespace: String,
    pub(crate) revision: Option<String>,
    /// How long certificates of workloads are valid, in Istio's format.
    pub(crate) workload_ttl: String,
    pub(crate) cluster_domain: String,
    pub(crate) istio_version: IstioVersion,
    pub(crate) mtls: MtlsPlan,
    pub(crate) path_normalization: PathNormalization,
    pub(crate) filter_image: Option<String>,
    pub(crate) filter_fetching: FilterFetching,
    pub(crate) reporting: ReportingSpec,
    pub(crate) outbound: Outbound,
    pub(crate) network_policies: bool,
    pub(crate) gateways: Gateways,
    /// The pods that may accept connections without mutual TLS in a strict mesh.
    pub(crate) plaintext: Pods<Labels>,
    pub(crate) extension_providers: Vec<ExtensionProviderSpec>,
    pub(crate) telemetry: TelemetrySpec,
    pub(crate) default_enforcement: Enforcement,
    pub(crate) default_owner: Option<String>,
    /// What happens to requests to workloads without a policy.
    pub(crate) otherwise: Otherwise,
    /// The fields that the document leaves to strict defaults.
    pub(crate) unspecified: Vec<&'static str>,
}

/// How sidecars fetch the filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterFetching {
    pub(crate) pull_secret: Option<String>,
    pub(crate) pull_policy: Option<ImagePullPolicy>,
    pub(crate) sha256: Option<String>,
}

/// Mutual TLS between workloads.
#[derive(Clone, Debug)]
pub(crate) struct MtlsPlan {
    /// None if the documents leave the mode to the cluster. Then no `PeerAuthentication` is
    /// rendered, and nothing may assume that plaintext is refused.
    pub(crate) mode: Option<MtlsMode>,
    pub(crate) min_version: TlsVersion,
    /// Whether the document has `mtls`. If so, the oldest TLS version is not left to the cluster.
    pub(crate) is_specified: bool,
    /// Sorted by namespace and name, including expired ones.
    pub(crate) exceptions: Vec<MtlsException>,
    /// The time at which the documents are evaluated.
    pub(crate) at: Timestamp,
}

impl MtlsPlan {
    /// The exceptions that have not expired.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &MtlsException> {
        let exceptions = self.exceptions.iter();
        exceptions.filter(|exception| !exception.has_expired(self.at))
    }
}

/// Workloads of a strict mesh that accept plaintext until an end date.
#[derive(Clone, Debug)]
pub(crate) struct MtlsException {
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// The workload's labels. None for the whole namespace.
    pub(crate) labels: Option<Labels>,
    /// The workload's own ports. Empty for all ports.
    pub(crate) ports: Vec<u16>,
    pub(crate) mode: ExceptionMode,
    pub(crate) owner: String,
    pub(crate) not_after: Timestamp,
    /// Its position in the document.
    pub(crate) position: usize,
}

impl MtlsException {
    /// Whether it has expired at this time.
    pub(crate) fn has_expired(&self, at: Timestamp) -> bool {
        self.not_after <= at
    }
}

/// Since this version, Istio supports more than one external authorizer per workload.
pub(crate) const MANY_PROVIDERS: IstioVersion = IstioVersion::minor(30);

/// Since this version, proxies show the client's certificate to filters (Envoy 1.38).
pub(crate) const WHOLE_CERTIFICATE: IstioVersion = IstioVersion::minor(30);

/// Since this version, proxies report whether they validated it (Envoy 1.39).
const REPORTED_VALIDATION: IstioVersion = IstioVersion::minor(31);

impl Mesh {
    /// The position of its text among those that were validated.
    pub fn source(&self) -> usize {
        self.source
    }

    /// The trust domains whose identities the mesh accepts.
    pub fn trust_domains(&self) -> &TrustDomains {
        &self.trust_domains
    }

    /// How proxies normalize paths before rules see them.
    pub fn path_normalization(&self) -> PathNormalization {
        self.path_normalization
    }

    /// The Istio version that resources are rendered for.
    pub fn istio_version(&self) -> IstioVersion {
        self.istio_version
    }

    /// Whether proxies show the client's whole certificate to filters (Envoy 1.38).
    pub fn shows_whole_certificates(&self) -> bool {
        self.istio_version >= WHOLE_CERTIFICATE
    }

    /// Whether proxies report if they validated a client's certificate (Envoy 1.39).
    pub fn reports_validation(&self) -> bool {
        self.istio_version >= REPORTED_VALIDATION
    }

    /// The namespace of istiod and of resources for the whole mesh.
    pub fn root_namespace(&self) -> &str {
        &self.root_namespace
    }

    /// The Secrets with the certificates of gateways, each as namespace and name.
    pub fn gateway_secrets(&self) -> BTreeSet<(&str, &str)> {
        let gateways = self.gateways.iter();
        gateways
            .flat_map(|gateway| {
                let servers = gateway.servers.iter();
                servers.map(|server| (gateway.namespace.as_str(), server.secret.as_str()))
            })
            .collect()
    }

    /// The service accounts of gateways of either API, deduplicated, as `NAMESPACE/NAME`.
    pub(crate) fn gateway_accounts(&self) -> Vec<String> {
        let accounts = self
            .gateways
            .iter()
            .map(|gateway| gateway.account.to_string());
        accounts.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Where sidecars fetch the filter.
    pub fn filter_image(&self) -> Option<&str> {
        self.filter_image.as_deref()
    }

    /// The port that sidecars fetch the filter from. None for a local file.
    pub(crate) fn filter_port(&self) -> Option<u16> {
        ModuleUrl::parse(self.filter_image()?).ok()?.port()
    }

    /// The services that proxies call themselves, each with its port.
    pub(crate) fn proxy_destinations(&self) -> BTreeSet<(&str, u16)> {
        let tracing = self.telemetry.tracing.as_ref();
        let collector = tracing.and_then(|tracing| {
            let port = tracing.port.unwrap_or(OTLP_PORT);
            Some((tracing.service.as_deref()?, port))
        });
        let providers = self.extension_providers.iter();
        let providers = providers.map(|provider| (provider.service.as_str(), provider.port));
        providers.chain(collector).collect()
    }

    /// Whether the documents declare the extension provider of this name.
    pub fn has_extension_provider(&self, name: &str) -> bool {
        let mut providers = self.extension_providers.iter();
        providers.any(|provider| provider.name == name)
    }

    /// Whether proxies reach declared services only.
    pub fn limits_outbound(&self) -> bool {
        self.outbound == Outbound::Declared
    }

    /// Whether callers without an identity may reach pods of a policy in `namespace`. Gateways are
    /// subject to no mode of mutual TLS, and waypoints to no exception of a workload behind them.
    pub(crate) fn accepts_plaintext(&self, namespace: &str, attachment: &Attachment) -> bool {
        if let Attachment::Targets(targets) = attachment {
            let mut targets = targets.iter();
            return !self.is_strict()
                || targets.any(|target| is_gateway(&target.kind, &target.name));
        }
        !self.is_strict()
            || self.is_at_gateway(namespace, attachment)
            || self
                .plaintext
                .selected_by(namespace, attachment)
                .next()
                .is_some()
    }

    /// The namespace and name of each expired exception from mutual TLS.
    pub fn expired_exceptions(&self) -> impl Iterator<Item = (&str, &str)> {
        let exceptions = self.mtls.exceptions.iter();
        let ended = exceptions.filter(|exception| exception.has_expired(self.mtls.at));
        ended.map(|exception| (exception.namespace.as_str(), exception.name.as_str()))
    }

    /// The pods of exceptions, including expired ones, and of gateways. If Istio creates a
    /// gateway's pods, they may be any of its namespace.
    pub(crate) fn plaintext_of(mtls: &MtlsPlan, gateways: &Gateways) -> Pods<Labels> {
        let exceptions = mtls.exceptions.iter().map(|exception| {
            let labels = exception.labels.clone().unwrap_or_default();
            (exception.namespace.as_str(), labels)
        });
        let gateways = gateways.iter();
        let gateways = gateways.map(|gateway| (gateway.namespace.as_str(), gateway.labels.clone()));
        Pods::new(exceptions.chain(gateways))
    }

    /// Whether workloads refuse plaintext, apart from exceptions.
    pub(crate) fn is_strict(&self) -> bool {
        self.mtls.mode == Some(MtlsMode::Strict)
    }

    /// Whether the documents set the mode of mutual TLS, so that `PeerAuthentication` objects are
    /// rendered.
    pub fn sets_mtls_mode(&self) -> bool {
        self.mtls.mode.is_some()
    }

    /// The fields that the document leaves to strict defaults.
    pub fn unspecified(&self) -> &[&'static str] {
        &self.unspecified
    }

    /// What happens to requests to workloads without a policy.
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }
}
