//! The gateways of the mesh, and the services that they expose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::{HostName, RoutedPath, TimeSpan};
use super::{Selector, TlsVersion, together};
use crate::forms::{Distinct, Label, NonEmpty, ObjectName, Port};

/// A gateway that admits requests from outside the mesh.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("allOf" = together::gateway()))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewaySpec {
    /// The name that policies use to expose services at the gateway. A DNS label.
    #[schemars(with = "Label")]
    pub name: String,
    /// The namespace of the gateway's pods and certificates.
    #[schemars(with = "Label")]
    pub namespace: String,
    /// The API of the resources that configure it. Default: `Istio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = GatewayApi::default()))]
    pub api: Option<GatewayApi>,
    /// The gateway's pods. Required for `Istio`. For `Kubernetes`, Istio creates the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// The service account that the gateway presents to services. Required for `Istio`. For
    /// `Kubernetes`, the default is the name that Istio gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub service_account: Option<String>,
    /// Whether its listeners may accept client certificates that they have not validated, for
    /// example because an `EnvoyFilter` configures them so. Such certificates are then not accepted
    /// as identities. Default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub unvalidated_certificates: Option<bool>,
    /// The hosts that the gateway serves.
    #[schemars(with = "Distinct<ServerSpec>")]
    pub servers: Vec<ServerSpec>,
}

/// The API of the resources that configure a gateway.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum GatewayApi {
    /// Istio's `Gateway` and `VirtualService`.
    #[default]
    Istio,
    /// The Kubernetes Gateway API's `Gateway` and `HTTPRoute`.
    Kubernetes,
}

/// Hosts that a gateway serves with one certificate.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSpec {
    /// The hosts: DNS names, optionally with the prefix `*.`.
    #[schemars(with = "Distinct<HostName>")]
    pub hosts: Vec<String>,
    /// TLS between the gateway and its clients. Required: a gateway serves no plaintext.
    pub tls: ServerTlsSpec,
    /// The HTTPS port. Default: 443.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>", extend("default" = 443, "not" = together::reserved_ports()))]
    pub port: Option<u16>,
    /// The port that redirects plain HTTP to HTTPS. Default: 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>", extend("default" = 80, "not" = together::reserved_ports()))]
    pub redirect_port: Option<u16>,
}

/// TLS between a gateway and its clients.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerTlsSpec {
    /// The Kubernetes `Secret` with the certificate, in the gateway's namespace.
    #[schemars(with = "ObjectName")]
    pub secret: String,
    /// Whether clients must present a certificate. Default: `Simple`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ServerTlsMode::default()))]
    pub mode: Option<ServerTlsMode>,
    /// The oldest accepted TLS version. Default: `"1.3"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = TlsVersion::default()))]
    pub min_version: Option<TlsVersion>,
}

/// Whether clients of a gateway must present a certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ServerTlsMode {
    /// Only the gateway presents a certificate.
    #[default]
    Simple,
    /// The client must also present one, issued by the CA in the secret.
    Mutual,
}

/// The hosts and paths under which a gateway serves a policy's service.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExposureSpec {
    /// The gateway's name in the `Mesh`.
    pub gateway: String,
    /// The hosts. The gateway must serve them.
    #[schemars(with = "Distinct<HostName>")]
    pub hosts: Vec<String>,
    /// The paths: `/a` for exactly that path, `/a/*` for all paths with that prefix. Default: all
    /// paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<RoutedPath>>")]
    pub paths: Option<Vec<String>>,
    /// The service's port. Default: its only port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>")]
    pub port: Option<u16>,
    /// The timeout of a request, such as `30s`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub timeout: Option<String>,
}
