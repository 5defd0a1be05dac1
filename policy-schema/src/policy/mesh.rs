//! What is true of the whole mesh.

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

/// What is true of the whole mesh.
#[derive(Clone, Debug)]
pub struct Mesh {
    pub(crate) trust_domains: TrustDomains,
    pub(crate) root_namespace: String,
    pub(crate) revision: Option<String>,
    /// How long certificates of workloads are valid, as Istio writes it.
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
    /// What becomes of requests to workloads that no policy is for.
    pub(crate) otherwise: Otherwise,
    /// What strictness the document leaves to the defaults.
    pub(crate) unspecified: Vec<&'static str>,
}

/// How sidecars fetch the filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterFetching {
    pub(crate) pull_secret: Option<String>,
    pub(crate) pull_policy: Option<ImagePullPolicy>,
    pub(crate) sha256: Option<String>,
}

/// How workloads ask their callers for mutual TLS.
#[derive(Clone, Debug)]
pub(crate) struct MtlsPlan {
    /// None where the documents leave the mode to the cluster: then no `PeerAuthentication` is
    /// rendered, and nothing may rely on plaintext being refused.
    pub(crate) mode: Option<MtlsMode>,
    pub(crate) min_version: TlsVersion,
    /// Whether the document asks for anything here, so that the oldest TLS is not left to the cluster.
    pub(crate) is_stated: bool,
    /// In the order of namespace and name, with those that have ended.
    pub(crate) exceptions: Vec<MtlsException>,
    /// The time that the documents are read for.
    pub(crate) at: Timestamp,
}

impl MtlsPlan {
    /// The exceptions that have not ended.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &MtlsException> {
        let exceptions = self.exceptions.iter();
        exceptions.filter(|exception| !exception.has_ended(self.at))
    }
}

/// Where a strict mesh accepts plaintext for a while.
#[derive(Clone, Debug)]
pub(crate) struct MtlsException {
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// The workload's labels; none for all of the namespace.
    pub(crate) labels: Option<Labels>,
    /// The workload's own ports; empty for all of them.
    pub(crate) ports: Vec<u16>,
    pub(crate) mode: ExceptionMode,
    pub(crate) owner: String,
    pub(crate) not_after: Timestamp,
    /// Its position in the document.
    pub(crate) position: usize,
}

impl MtlsException {
    /// Whether it has ended at this time.
    pub(crate) fn has_ended(&self, at: Timestamp) -> bool {
        self.not_after <= at
    }
}

/// From this version on Istio can ask more than one external authorizer for a workload.
pub(crate) const MANY_PROVIDERS: IstioVersion = IstioVersion::minor(30);

/// Since this version proxies show filters the client's certificate (Envoy 1.38).
pub(crate) const WHOLE_CERTIFICATE: IstioVersion = IstioVersion::minor(30);

/// Since this version proxies report whether they have validated it (Envoy 1.39).
const REPORTED_VALIDATION: IstioVersion = IstioVersion::minor(31);

impl Mesh {
    /// The trust domains whose identities the mesh accepts.
    pub fn trust_domains(&self) -> &TrustDomains {
        &self.trust_domains
    }

    /// What proxies do to paths before rules see them.
    pub fn path_normalization(&self) -> PathNormalization {
        self.path_normalization
    }

    /// The Istio version that resources are rendered for.
    pub fn istio_version(&self) -> IstioVersion {
        self.istio_version
    }

    /// Whether proxies show filters the whole certificate of a client (Envoy 1.38).
    pub fn shows_whole_certificates(&self) -> bool {
        self.istio_version >= WHOLE_CERTIFICATE
    }

    /// Whether proxies report if they have validated a client's certificate (Envoy 1.39).
    pub fn reports_validation(&self) -> bool {
        self.istio_version >= REPORTED_VALIDATION
    }

    /// The namespace of istiod, and of what is for the whole mesh.
    pub fn root_namespace(&self) -> &str {
        &self.root_namespace
    }

    /// The Secrets with the certificates of gateways, each by its namespace and name.
    pub fn gateway_secrets(&self) -> BTreeSet<(&str, &str)> {
        let gateways = self.gateways.iter();
        gateways
            .flat_map(|gateway| {
                let servers = gateway.servers.iter();
                servers.map(|server| (gateway.namespace.as_str(), server.secret.as_str()))
            })
            .collect()
    }

    /// The service accounts of gateways, of either API, each once, as `NAMESPACE/NAME`.
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

    /// The port that sidecars fetch the filter from; none where it is a file of theirs.
    pub(crate) fn filter_port(&self) -> Option<u16> {
        ModuleUrl::parse(self.filter_image()?).ok()?.port()
    }

    /// The services that proxies call by themselves, each with its port.
    pub(crate) fn called_by_proxies(&self) -> BTreeSet<(&str, u16)> {
        let tracing = self.telemetry.tracing.as_ref();
        let collector = tracing.and_then(|tracing| {
            let port = tracing.port.unwrap_or(OTLP_PORT);
            Some((tracing.service.as_deref()?, port))
        });
        let providers = self.extension_providers.iter();
        let providers = providers.map(|provider| (provider.service.as_str(), provider.port));
        providers.chain(collector).collect()
    }

    /// Whether the documents say where the extension provider of this name is.
    pub fn has_extension_provider(&self, name: &str) -> bool {
        let mut providers = self.extension_providers.iter();
        providers.any(|provider| provider.name == name)
    }

    /// Whether proxies reach declared services only.
    pub fn limits_outbound(&self) -> bool {
        self.outbound == Outbound::Declared
    }

    /// Whether callers without an identity may come where a policy of `namespace` is for. No mode of mutual
    /// TLS applies to gateways, and no exception of a workload to the waypoint in front of it.
    pub(crate) fn takes_plaintext(&self, namespace: &str, attachment: &Attachment) -> bool {
        if let Attachment::Targets(targets) = attachment {
            let mut targets = targets.iter();
            return !self.is_strict()
                || targets.any(|target| is_gateway(&target.kind, &target.name));
        }
        !self.is_strict()
            || self.is_at_gateway(namespace, attachment)
            || self
                .plaintext
                .met_by(namespace, attachment)
                .next()
                .is_some()
    }

    /// The namespace and name of each exception from mutual TLS that has ended.
    pub fn ended_exceptions(&self) -> impl Iterator<Item = (&str, &str)> {
        let exceptions = self.mtls.exceptions.iter();
        let ended = exceptions.filter(|exception| exception.has_ended(self.mtls.at));
        ended.map(|exception| (exception.namespace.as_str(), exception.name.as_str()))
    }

    /// The pods of exceptions, also of those that have ended, and of gateways. Where Istio makes the pods of a gateway, they may be any of its namespace.
    pub(crate) fn plaintext_of(mtls: &MtlsPlan, gateways: &Gateways) -> Pods<Labels> {
        let exceptions = mtls.exceptions.iter().map(|exception| {
            let labels = exception.labels.clone().unwrap_or_default();
            (exception.namespace.as_str(), labels)
        });
        let gateways = gateways.iter();
        let gateways = gateways.map(|gateway| (gateway.namespace.as_str(), gateway.labels.clone()));
        Pods::of(exceptions.chain(gateways))
    }

    /// Whether the documents have workloads refuse plaintext, exceptions aside.
    pub(crate) fn is_strict(&self) -> bool {
        self.mtls.mode == Some(MtlsMode::Strict)
    }

    /// Whether the documents set how workloads accept mutual TLS, so that `PeerAuthentication`
    /// objects are rendered.
    pub fn sets_mtls_mode(&self) -> bool {
        self.mtls.mode.is_some()
    }

    /// What is strict because the document says nothing, with the field that would.
    pub fn unspecified(&self) -> &[&'static str] {
        &self.unspecified
    }

    /// What becomes of requests to workloads that no policy is for.
    pub fn otherwise(&self) -> Otherwise {
        self.otherwise
    }
}
