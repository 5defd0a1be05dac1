//! An object as it is applied to a cluster, whatever its kind.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::object_metadata::ObjectMetadata;
use crate::policy::IstioVersion;

/// The policy that an object is made of.
pub(super) const POLICY_ANNOTATION: &str = "peergate.dev/policy";

/// An object as it is applied to a cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    api_version: String,
    kind: ResourceKind,
    metadata: ObjectMetadata,
    #[serde(flatten)]
    content: Content,
    /// What of the documents it is made of, in words, where no annotation says it.
    #[serde(skip)]
    source: Option<String>,
}

/// What a [`Resource`] has beside its metadata, by the name of the field.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Spec(Box<dyn Spec>),
    /// Texts by their names, of a `ConfigMap`.
    Data(BTreeMap<&'static str, String>),
}

/// What a [`Resource`] of one kind says.
pub(super) trait Spec: fmt::Debug + erased_serde::Serialize {
    /// The kind.
    fn kind(&self) -> ResourceKind;

    /// The version of the kind that is written for Istio of this version.
    fn api_version(&self, istio: IstioVersion) -> &'static str;
}

erased_serde::serialize_trait_object!(Spec);

/// Defines the kinds of resources, each with its name.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// The kind of a [`Resource`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ResourceKind {
            $($(#[$doc])* $kind,)+
        }

        impl ResourceKind {
            /// Every kind.
            pub const ALL: [Self; [$(Self::$kind),+].len()] = [$(Self::$kind),+];

            /// The kind as objects name it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// Who may call a workload (Istio, security).
    AuthorizationPolicy = "AuthorizationPolicy",
    /// How Istio runs what it makes of a gateway (Kubernetes).
    ConfigMap = "ConfigMap",
    /// How a host is called (Istio, networking).
    DestinationRule = "DestinationRule",
    /// What a gateway answers for (Istio, networking; Kubernetes Gateway API).
    Gateway = "Gateway",
    /// Where a gateway leads requests (Kubernetes Gateway API).
    HttpRoute = "HTTPRoute",
    /// Which packets reach a workload (Kubernetes, networking).
    NetworkPolicy = "NetworkPolicy",
    /// Whether a workload accepts plaintext (Istio, security).
    PeerAuthentication = "PeerAuthentication",
    /// A host outside the mesh (Istio, networking).
    ServiceEntry = "ServiceEntry",
    /// What a workload reaches (Istio, networking).
    Sidecar = "Sidecar",
    /// What proxies tell about requests (Istio, telemetry).
    Telemetry = "Telemetry",
    /// The filter (Istio, extensions, from 1.30).
    TrafficExtension = "TrafficExtension",
    /// Where a gateway leads requests (Istio, networking).
    VirtualService = "VirtualService",
    /// The filter (Istio, extensions).
    WasmPlugin = "WasmPlugin",
}

impl Serialize for ResourceKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Resource {
    pub(super) fn new(
        istio: IstioVersion,
        metadata: ObjectMetadata,
        spec: impl Spec + 'static,
    ) -> Self {
        Self {
            api_version: spec.api_version(istio).to_owned(),
            kind: spec.kind(),
            metadata,
            content: Content::Spec(Box::new(spec)),
            source: None,
        }
    }

    /// An object whose version is known.
    pub(super) fn of_version(
        api_version: String,
        metadata: ObjectMetadata,
        spec: impl Spec + 'static,
    ) -> Self {
        Self {
            api_version,
            kind: spec.kind(),
            metadata,
            content: Content::Spec(Box::new(spec)),
            source: None,
        }
    }

    /// The object, made of this part of the documents.
    pub(super) fn made_of(self, source: String) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// A `ConfigMap` of these texts.
    pub(super) fn config_map(
        metadata: ObjectMetadata,
        data: BTreeMap<&'static str, String>,
    ) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: ResourceKind::ConfigMap,
            metadata,
            content: Content::Data(data),
            source: None,
        }
    }

    /// The object's kind.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The group of its kind; empty for Kubernetes' own.
    pub fn group(&self) -> &str {
        let versioned = self.api_version.split_once('/');
        versioned.map_or("", |(group, _)| group)
    }

    /// What of the documents it is made of, in words.
    pub fn source(&self) -> String {
        let policy = self.metadata.annotations.get(POLICY_ANNOTATION);
        match (&self.source, policy) {
            (Some(source), _) => source.clone(),
            (None, Some(policy)) => format!("policy `{}/{policy}`", self.metadata.namespace),
            (None, None) => "the mesh".to_owned(),
        }
    }

    /// The object's name and namespace.
    pub fn metadata(&self) -> &ObjectMetadata {
        &self.metadata
    }
}

/// The metadata of an object that is made of more than one policy.
pub(super) fn metadata(name: impl Into<String>, namespace: &str) -> ObjectMetadata {
    ObjectMetadata {
        name: name.into(),
        namespace: namespace.to_owned(),
        labels: managed(),
        annotations: BTreeMap::new(),
    }
}

/// A host as part of a name, in which no `*` can be: `any` stands for it, and before those that begin
/// so themselves there is `one`, so that no two hosts have the same.
pub(super) fn host_in_name(host: &str) -> String {
    match (host.strip_prefix("*."), host.split('.').next()) {
        (Some(rest), _) => format!("any.{rest}"),
        (None, Some("any" | "one")) => format!("one.{host}"),
        (None, _) => host.to_owned(),
    }
}

/// The label by which all that Peergate makes is found again.
pub(super) fn managed() -> BTreeMap<String, String> {
    let text = str::to_owned;
    [(text("app.kubernetes.io/managed-by"), text("peergate"))].into()
}
