//! Istio's mesh config (`istio.mesh.v1alpha1.MeshConfig`), read as istiod reads it.
//!
//! istiod converts YAML to JSON and parses that as a protobuf message (Istio,
//! `mesh.ApplyMeshConfig`). So a field has two spellings, an enum is a name or a number, and `null`
//! means unset. istiod refuses a mesh config with a value of the wrong type, and ignores unknown
//! fields. Here both are problems, so that a misspelled field is not mistaken for its default.

mod fields;
mod message;
mod places;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::message::{Message, Read, Unreadable};
use crate::document::{Outbound, PathNormalization, TlsVersion};
use crate::problem::Problem;
use crate::protobuf::json_name;
use crate::yaml;

pub(crate) use places::{
    Placed, default_for_installation, find, find_in_values, find_other_unread, find_unread,
};

/// Istio's default.
pub(crate) const TRUST_DOMAIN: &str = "cluster.local";
pub(crate) const ROOT_NAMESPACE: &str = "istio-system";

/// The part of a mesh config that affects authorization. Fields contain the effective values,
/// including defaults. `None` is a value that could not be read, which is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MeshConfig {
    pub(crate) trust_domain: Option<String>,
    pub(crate) trust_domain_aliases: Option<BTreeSet<String>>,
    pub(crate) root_namespace: Option<String>,
    pub(crate) path_normalization: Option<PathNormalization>,
    /// The oldest TLS version between workloads.
    pub(crate) min_version: Option<TlsVersion>,
    pub(crate) outbound: Option<Outbound>,
    /// In the order of the text. Of two with the same name, Istio uses the last.
    pub(crate) providers: Option<Vec<Provider>>,
    /// The fields of [`EXTERNAL_FIELDS`] that are set, by JSON name.
    pub(crate) beyond: Vec<String>,
    /// The selectors of the namespaces that Istio sees, as written. None for all.
    pub(crate) discovery_selectors: Option<Value>,
    /// `defaultConfig`: how proxies start, as written.
    pub(crate) proxy_config: Option<Value>,
}

/// An extension provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(crate) name: String,
    /// The external authorizer. None if the provider is something else.
    pub(crate) authorizer: Option<Authorizer>,
}

/// An external authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorizer {
    /// Whether requests pass if it does not answer. None if that could not be read.
    pub(crate) fails_open: Option<bool>,
}

/// The modes of `pathNormalization`, with their numbers. `DEFAULT` is `BASE`.
const NORMALIZATIONS: [(&str, i64, PathNormalization); 5] = [
    ("DEFAULT", 0, PathNormalization::Base),
    ("NONE", 1, PathNormalization::None),
    ("BASE", 2, PathNormalization::Base),
    ("MERGE_SLASHES", 3, PathNormalization::MergeSlashes),
    (
        "DECODE_AND_MERGE_SLASHES",
        4,
        PathNormalization::DecodeAndMergeSlashes,
    ),
];

/// TLS versions, with their numbers. Istio's default is 1.2.
const TLS_VERSIONS: [(&str, i64, TlsVersion); 3] = [
    ("TLS_AUTO", 0, TlsVersion::V1_2),
    ("TLSV1_2", 1, TlsVersion::V1_2),
    ("TLSV1_3", 2, TlsVersion::V1_3),
];

/// The modes of `outboundTrafficPolicy`, with their numbers.
const OUTBOUNDS: [(&str, i64, Outbound); 3] = [
    ("REGISTRY_ONLY", 0, Outbound::Declared),
    ("ALLOW_ANY", 1, Outbound::Any),
    ("ALLOW_ANY_DYNAMIC_DNS", 3, Outbound::Any),
];

/// Fields whose effect depends on something outside the mesh config: other authorities, and other
/// sources of policies.
const EXTERNAL_FIELDS: [&str; 3] = ["ca", "ca_certificates", "config_sources"];

/// The first document of a YAML text: istiod reads no other. None if it is not YAML.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let manifests: Option<Vec<_>> = yaml::manifests(text).map(Result::ok).collect();
    let manifests = manifests?;
    let Some(first) = manifests.first() else {
        return Some(Value::Null);
    };
    let (config, faults) = yaml::read::<Value>(&first.document);
    config.filter(|_| faults.is_empty())
}

impl MeshConfig {
    /// Reads a mesh config, and reports what istiod refuses or ignores. None if it is not a
    /// message.
    pub(crate) fn read(config: &Value) -> (Option<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let empty = Value::Object(Map::new());
        let config = if config.is_null() { &empty } else { config };
        let message = Message::root(config, &fields::MESH_CONFIG, &mut problems);
        let read = message.map(|message| Self::from_message(&message, &mut problems));
        (read, problems)
    }

    fn from_message(config: &Message<'_>, problems: &mut Vec<Problem>) -> Self {
        config.check_types(&types::MESH_CONFIG, problems);
        config.check_types_in("default_config", &types::PROXY_CONFIG, problems);
        let mut text = |name, default: &str| {
            let text = config.text(name, problems).ok()?.unwrap_or(default);
            if text.is_empty() {
                config.refuse(name, "is empty", problems);
                return None;
            }
            Some(text.to_owned())
        };
        let trust_domain = text("trust_domain", TRUST_DOMAIN);
        let root_namespace = text("root_namespace", ROOT_NAMESPACE);
        let aliases = config.texts("trust_domain_aliases", problems);
        let normalization = config.choice_in(
            "path_normalization",
            "normalization",
            &fields::PATH_NORMALIZATION,
            &NORMALIZATIONS,
            problems,
        );
        let min_version = config.choice_in(
            "mesh_mTLS",
            "min_protocol_version",
            &fields::TLS_CONFIG,
            &TLS_VERSIONS,
            problems,
        );
        Self {
            trust_domain,
            trust_domain_aliases: aliases
                .ok()
                .map(|aliases| aliases.into_iter().map(str::to_owned).collect()),
            root_namespace,
            path_normalization: normalization
                .ok()
                .map(|mode| mode.flatten().unwrap_or_default()),
            min_version: min_version
                .ok()
                .map(|version| version.flatten().unwrap_or(TlsVersion::V1_2)),
            outbound: outbound(config, problems).ok(),
            providers: providers(config, problems).ok(),
            beyond: EXTERNAL_FIELDS
                .into_iter()
                .filter(|name| config.has_elements(name))
                .map(json_name)
                .collect(),
            discovery_selectors: config
                .value("discovery_selectors")
                .filter(|selectors| selectors.as_array().is_none_or(|list| !list.is_empty()))
                .cloned(),
            proxy_config: config.value("default_config").cloned(),
        }
    }
}

/// Without the message, everything is reachable. A message without a mode has the mode with number
/// 0.
fn outbound(config: &Message<'_>, problems: &mut Vec<Problem>) -> Result<Outbound, Unreadable> {
    let mode = config.choice_in(
        "outbound_traffic_policy",
        "mode",
        &fields::OUTBOUND_TRAFFIC_POLICY,
        &OUTBOUNDS,
        problems,
    )?;
    Ok(match mode {
        None => Outbound::Any,
        Some(mode) => mode.unwrap_or(Outbound::Declared),
    })
}

fn providers(
    config: &Message<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Provider>, Unreadable> {
    let elements = config.messages("extension_providers", &fields::EXTENSION_PROVIDER, problems)?;
    let providers = elements
        .iter()
        .map(|message| provider(message, problems))
        .collect::<Vec<_>>();
    providers.into_iter().collect()
}

fn provider(message: &Message<'_>, problems: &mut Vec<Problem>) -> Result<Provider, Unreadable> {
    let name = message.text("name", problems)?.unwrap_or_default();
    // Istio uses the last one in the order of its own fields.
    let mut kinds = fields::EXTENSION_PROVIDER.iter().skip(1);
    let (first, second) = {
        let mut set = kinds.by_ref().filter(|kind| message.value(kind).is_some());
        (set.next(), set.next())
    };
    if let Some(second) = second {
        message.refuse(
            second,
            "cannot be combined with another kind of provider",
            problems,
        );
        return Err(Unreadable);
    }
    let authorizer = match first.copied() {
        Some(kind @ "envoy_ext_authz_http") => {
            message.message(kind, &fields::HTTP_AUTHORIZER, problems)?
        }
        Some(kind @ "envoy_ext_authz_grpc") => {
            message.message(kind, &fields::GRPC_AUTHORIZER, problems)?
        }
        _ => None,
    };
    Ok(Provider {
        name: name.to_owned(),
        authorizer: authorizer.map(|authorizer| Authorizer {
            fails_open: fails_open(authorizer.boolean("fail_open", problems)),
        }),
    })
}

fn fails_open(read: Read<bool>) -> Option<bool> {
    read.ok().map(Option::unwrap_or_default)
}
