//! What is rendered, alone and together.

use policy_schema::envoy::HttpFilter;
use policy_schema::istio::{AuthorizationPolicy, WasmPlugin};
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::output::{self, Format};

/// Something rendered.
#[derive(Debug)]
pub(super) enum Object {
    AuthorizationPolicy(AuthorizationPolicy),
    WasmPlugin(Box<WasmPlugin>),
    PluginConfig(PluginConfig),
    /// The filters of a plain Envoy, and the policy that they enforce.
    HttpFilters(PolicyName, Vec<HttpFilter>),
}

/// Several resources as one, as `kubectl` takes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'o> {
    api_version: &'static str,
    kind: &'static str,
    items: &'o [Object],
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AuthorizationPolicy(object) => object.serialize(serializer),
            Self::WasmPlugin(object) => object.serialize(serializer),
            Self::PluginConfig(object) => object.serialize(serializer),
            Self::HttpFilters(_, object) => object.serialize(serializer),
        }
    }
}

impl Object {
    /// A name that no other object has: neither namespaces nor kinds have a dot, so that it is
    /// plain where the object's own name begins and ends.
    pub(super) fn file_name(&self, format: Format) -> String {
        let (namespace, name, kind) = match self {
            Self::AuthorizationPolicy(object) => {
                let metadata = &object.metadata;
                (&*metadata.namespace, &*metadata.name, "authorizationpolicy")
            }
            Self::WasmPlugin(object) => {
                let metadata = object.metadata();
                (&*metadata.namespace, &*metadata.name, "wasmplugin")
            }
            Self::PluginConfig(PluginConfig { policy, .. }) => {
                let (namespace, name) = policy.as_pair();
                (namespace, name, "pluginconfig")
            }
            Self::HttpFilters(policy, _) => {
                let (namespace, name) = policy.as_pair();
                (namespace, name, "envoy")
            }
        };
        let extension = if self.is_json(format) { "json" } else { "yaml" };
        format!("{namespace}.{name}.{kind}.{extension}")
    }

    /// The object alone.
    pub(super) fn content(&self, format: Format) -> Result<Vec<u8>, Failure> {
        if self.is_json(format) {
            output::json(self)
        } else {
            output::yaml(self).map(String::into_bytes)
        }
    }

    /// Whether the object is written as JSON: as such it goes into a plugin config's field.
    fn is_json(&self, format: Format) -> bool {
        format == Format::Json || matches!(self, Self::PluginConfig(_))
    }
}

/// All objects in one text.
pub(super) fn together(objects: &[Object], format: Format) -> Result<Vec<u8>, Failure> {
    if let [only @ (Object::PluginConfig(_) | Object::HttpFilters(..))] = objects {
        return only.content(format);
    }
    match format {
        Format::Json => output::json(&List {
            api_version: "v1",
            kind: "List",
            items: objects,
        }),
        Format::Human => {
            let documents = objects.iter().map(output::yaml);
            let documents = documents.collect::<Result<Vec<_>, _>>()?;
            Ok(documents.join("---\n").into_bytes())
        }
    }
}
