//! The edge of the mesh, and what of the inside is reached through it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::{HostName, RoutedPath, TimeSpan};
use super::{Selector, TlsVersion, together};
use crate::forms::{Distinct, Label, NonEmpty, ObjectName, Port};

/// A gateway that lets requests of the outside in.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[schemars(extend("allOf" = together::gateway()))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewaySpec {
    /// The name by which policies expose services at it. A DNS label.
    #[schemars(with = "Label")]
    pub name: String,
    /// The namespace of its pods and its certificates.
    #[schemars(with = "Label")]
    pub namespace: String,
    /// Which resources configure it. `Istio` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = GatewayApi::default()))]
    pub api: Option<GatewayApi>,
    /// Its pods. Required for `Istio`; of the Gateway API's gateways Istio makes the pods itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Its identity towards services. Required for `Istio`; for `Kubernetes` it is what Istio makes
    /// of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub service_account: Option<String>,
    /// Whether its listeners may accept client certificates that they have not validated, because
    /// something beside these documents makes them, such as an `EnvoyFilter`. Such certificates are
    /// then no identities. `false` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub unvalidated_certificates: Option<bool>,
    /// What it answers for.
    #[schemars(with = "Distinct<ServerSpec>")]
    pub servers: Vec<ServerSpec>,
}

/// Which resources configure a gateway.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum GatewayApi {
    /// Istio's `Gateway` and `VirtualService`.
    #[default]
    Istio,
    /// The Kubernetes Gateway API's `Gateway` and `HTTPRoute`.
    Kubernetes,
}

/// Hosts that a gateway answers for with one certificate.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServerSpec {
    /// The hosts: DNS names, or `*.` and a DNS name.
    #[schemars(with = "Distinct<HostName>")]
    pub hosts: Vec<String>,
    /// How TLS is spoken with clients. There is no gateway without.
    pub tls: ServerTlsSpec,
    /// The port for HTTPS. 443 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>", extend("default" = 443, "not" = together::reserved_ports()))]
    pub port: Option<u16>,
    /// The port on which plain HTTP is answered with a redirect to HTTPS. 80 when left out.
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
    /// Whether clients need certificates. `Simple` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ServerTlsMode::default()))]
    pub mode: Option<ServerTlsMode>,
    /// The oldest TLS that is accepted. `"1.3"` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = TlsVersion::default()))]
    pub min_version: Option<TlsVersion>,
}

/// Whether clients of a gateway need certificates.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
pub enum ServerTlsMode {
    /// The gateway has a certificate.
    #[default]
    Simple,
    /// The client needs one too, of the CA in the secret.
    Mutual,
}

/// What a policy's service answers for at a gateway.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExposureSpec {
    /// The gateway's name, as the `Mesh` has it.
    pub gateway: String,
    /// The hosts: of those that the gateway answers for.
    #[schemars(with = "Distinct<HostName>")]
    pub hosts: Vec<String>,
    /// The paths: `/a` for that one, `/a/*` for all that begin so. All when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NonEmpty<RoutedPath>>")]
    pub paths: Option<Vec<String>>,
    /// The service's port. Its only one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Port>")]
    pub port: Option<u16>,
    /// How long a request may take, such as `30s`. Without limit when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TimeSpan>")]
    pub timeout: Option<String>,
}
