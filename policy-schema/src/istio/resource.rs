//! A Kubernetes object of any kind, ready to be applied.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::object_metadata::ObjectMetadata;
use crate::plugin_config::PolicyName;
use crate::policy::IstioVersion;

/// The annotation with the policy that an object is rendered from.
pub(super) const POLICY_ANNOTATION: &str = "peergate.dev/policy";

/// A Kubernetes object, ready to be applied.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    api_version: String,
    kind: ResourceKind,
    metadata: ObjectMetadata,
    #[serde(flatten)]
    content: Content,
    /// The part of the documents that it is rendered from, in words, if no annotation has it.
    #[serde(skip)]
    source: Option<String>,
    /// The policy that the object is rendered from, if no annotation names it.
    #[serde(skip)]
    policy: Option<PolicyName>,
}

/// The content of a [`Resource`], by the name of the field.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Spec(Box<dyn Spec>),
    /// The entries of a `ConfigMap`.
    Data(BTreeMap<&'static str, String>),
}

/// The content of a [`Resource`] of one kind.
pub(super) trait Spec: fmt::Debug + erased_serde::Serialize {
    /// The kind.
    fn kind(&self) -> ResourceKind;

    /// The API version for this version of Istio.
    fn api_version(&self, istio: IstioVersion) -> &'static str;

    /// See [`Resource::rule_ids`].
    fn rule_ids(&self) -> Vec<Option<&str>> {
        Vec::new()
    }
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
            /// All kinds.
            pub const ALL: [Self; [$(Self::$kind),+].len()] = [$(Self::$kind),+];

            /// The kind as in the YAML of objects.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// Which requests a workload allows (Istio, security).
    AuthorizationPolicy = "AuthorizationPolicy",
    /// How Istio runs a gateway (Kubernetes).
    ConfigMap = "ConfigMap",
    /// How callers call a host (Istio, networking).
    DestinationRule = "DestinationRule",
    /// The listeners of a gateway (Istio, networking; Kubernetes Gateway API).
    Gateway = "Gateway",
    /// The routes of a gateway (Kubernetes Gateway API).
    HttpRoute = "HTTPRoute",
    /// Which packets reach a workload (Kubernetes, networking).
    NetworkPolicy = "NetworkPolicy",
    /// Whether a workload accepts plaintext (Istio, security).
    PeerAuthentication = "PeerAuthentication",
    /// A host outside the mesh (Istio, networking).
    ServiceEntry = "ServiceEntry",
    /// Which hosts a workload can reach (Istio, networking).
    Sidecar = "Sidecar",
    /// What proxies report about requests (Istio, telemetry).
    Telemetry = "Telemetry",
    /// The filter (Istio, extensions, from 1.30).
    TrafficExtension = "TrafficExtension",
    /// The routes of a gateway (Istio, networking).
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
            policy: None,
        }
    }

    /// An object with a known API version.
    pub(super) fn with_api_version(
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
            policy: None,
        }
    }

    /// Sets the policy that the object is rendered from.
    pub(super) fn with_policy(self, policy: &PolicyName) -> Self {
        Self {
            policy: Some(policy.clone()),
            ..self
        }
    }

    /// Sets the part of the documents that the object is rendered from.
    pub(super) fn with_source(self, source: String) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// A `ConfigMap` with these entries.
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
            policy: None,
        }
    }

    /// The kind of the object.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The API group of its kind. Empty for the core group.
    pub fn group(&self) -> &str {
        let versioned = self.api_version.split_once('/');
        versioned.map_or("", |(group, _)| group)
    }

    /// The part of the documents that it is rendered from, in words.
    pub fn source(&self) -> String {
        match (&self.source, self.policy()) {
            (Some(source), _) => source.clone(),
            (None, Some(policy)) => format!("policy `{policy}`"),
            (None, None) => "the mesh".to_owned(),
        }
    }

    /// The policy that it is rendered from. `None` if it is rendered from the mesh, or from several policies.
    pub fn policy(&self) -> Option<PolicyName> {
        let annotated = || {
            let name = self.metadata.annotations.get(POLICY_ANNOTATION)?;
            Some(PolicyName {
                namespace: self.metadata.namespace.clone(),
                name: name.clone(),
            })
        };
        self.policy.clone().or_else(annotated)
    }

    /// The IDs of the rules that the elements of an `AuthorizationPolicy`'s `rules` are rendered from, in their order.
    /// `None` for an element without such a rule. Empty for other kinds.
    pub fn rule_ids(&self) -> Vec<Option<&str>> {
        match &self.content {
            Content::Spec(spec) => spec.rule_ids(),
            Content::Data(_) => Vec::new(),
        }
    }

    /// The object's name and namespace.
    pub fn metadata(&self) -> &ObjectMetadata {
        &self.metadata
    }
}

/// The metadata of an object that is rendered from more than one policy.
pub(super) fn metadata(name: impl Into<String>, namespace: &str) -> ObjectMetadata {
    ObjectMetadata {
        name: name.into(),
        namespace: namespace.to_owned(),
        labels: managed(),
        annotations: BTreeMap::new(),
    }
}

/// A host as part of a name, which cannot contain `*`. `any` replaces the wildcard. `one` precedes
/// hosts that begin with `any` or `one` themselves, so that all names are unique.
pub(super) fn host_in_name(host: &str) -> String {
    match (host.strip_prefix("*."), host.split('.').next()) {
        (Some(rest), _) => format!("any.{rest}"),
        (None, Some("any" | "one")) => format!("one.{host}"),
        (None, _) => host.to_owned(),
    }
}

/// The label of all objects that Peergate renders.
pub(super) fn managed() -> BTreeMap<String, String> {
    let text = str::to_owned;
    [(text("app.kubernetes.io/managed-by"), text("peergate"))].into()
}
