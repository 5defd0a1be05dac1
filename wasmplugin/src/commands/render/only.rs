//! Which kinds are rendered.

use peergate_fault::Failure;
use policy_schema::istio::ResourceKind;

use super::error::RenderError;

/// A kind that can be rendered alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Only {
    /// Rules that Envoy's RBAC enforces
    AuthorizationPolicy,
    /// TLS and load balancing towards hosts
    DestinationRule,
    /// Gateways of both APIs, and how Istio deploys them
    Gateway,
    /// Routes of the Kubernetes Gateway API
    HttpRoute,
    /// Packets that may reach workloads
    NetworkPolicy,
    /// Strict mutual TLS and its exceptions
    PeerAuthentication,
    /// Hosts outside the mesh
    ServiceEntry,
    /// Hosts that workloads may reach
    Sidecar,
    /// Metrics, access logs and traces
    Telemetry,
    /// Routes of Istio gateways
    VirtualService,
    /// The filter, as a `WasmPlugin` or `TrafficExtension`
    WasmPlugin,
    /// The filter's configuration for one policy, or for each in a folder
    PluginConfig,
    /// HTTP filters for an Envoy without Istio: the filter, and RBAC as Istio configures it; for one policy, or for each
    /// in a folder
    Envoy,
}

impl Only {
    fn is_for_one_proxy(self) -> bool {
        matches!(self, Self::PluginConfig | Self::Envoy)
    }

    fn takes(self, kind: ResourceKind) -> bool {
        match self {
            Self::AuthorizationPolicy => kind == ResourceKind::AuthorizationPolicy,
            Self::DestinationRule => kind == ResourceKind::DestinationRule,
            Self::Gateway => matches!(kind, ResourceKind::ConfigMap | ResourceKind::Gateway),
            Self::HttpRoute => kind == ResourceKind::HttpRoute,
            Self::NetworkPolicy => kind == ResourceKind::NetworkPolicy,
            Self::PeerAuthentication => kind == ResourceKind::PeerAuthentication,
            Self::ServiceEntry => kind == ResourceKind::ServiceEntry,
            Self::Sidecar => kind == ResourceKind::Sidecar,
            Self::Telemetry => kind == ResourceKind::Telemetry,
            Self::VirtualService => kind == ResourceKind::VirtualService,
            Self::WasmPlugin => {
                matches!(
                    kind,
                    ResourceKind::WasmPlugin | ResourceKind::TrafficExtension
                )
            }
            Self::PluginConfig | Self::Envoy => false,
        }
    }
}

/// The chosen kinds; none means every kind that a cluster takes.
#[derive(Debug)]
pub(super) struct Chosen(Vec<Only>);

impl Chosen {
    /// # Errors
    ///
    /// If the configuration of a single proxy is combined with other kinds.
    pub(super) fn new(only: &[Only]) -> Result<Self, Failure> {
        if only.len() > 1 && only.iter().any(|only| only.is_for_one_proxy()) {
            return Err(RenderError::NotTogether.into());
        }
        Ok(Self(only.to_vec()))
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_for_one_proxy(&self) -> bool {
        self.0.iter().any(|only| only.is_for_one_proxy())
    }

    pub(super) fn is(&self, only: Only) -> bool {
        self.0.contains(&only)
    }

    /// Whether objects of this kind are rendered.
    pub(super) fn takes(&self, kind: ResourceKind) -> bool {
        self.is_everything() || self.0.iter().any(|only| only.takes(kind))
    }
}
