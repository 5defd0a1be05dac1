//! A rendered object.

use policy_schema::envoy::HttpFilter;
use policy_schema::istio::Resource;
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use serde::{Serialize, Serializer};

use super::{HEADER, annotated};
use crate::generated::with_header;
use crate::serialized::{self, SerializeError};

/// The syntax of rendered objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// YAML, and JSON for plugin configs.
    Yaml,
    /// JSON.
    Json,
}

/// A rendered object.
#[derive(Debug)]
pub enum Object {
    /// A Kubernetes resource, and the file that it is rendered from, if it is only one.
    Resource(Box<Resource>, Option<String>),
    /// A plugin config of the filter.
    PluginConfig(Box<PluginConfig>),
    /// HTTP filters of a plain Envoy, and the policy that they enforce.
    HttpFilters(PolicyName, Vec<HttpFilter>),
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Resource(object, _) => object.serialize(serializer),
            Self::PluginConfig(object) => object.serialize(serializer),
            Self::HttpFilters(_, object) => object.serialize(serializer),
        }
    }
}

impl Object {
    /// A unique name. Namespaces and kinds contain no dots, so the object's own name is unambiguous.
    pub(crate) fn file_name(&self, syntax: Syntax) -> String {
        let (namespace, name, kind) = match self {
            Self::Resource(object, _) => {
                let metadata = object.metadata();
                let kind = object.kind().as_str().to_ascii_lowercase();
                (&*metadata.namespace, &*metadata.name, kind)
            }
            Self::PluginConfig(config) => {
                let (namespace, name) = config.policy.as_pair();
                (namespace, name, "pluginconfig".to_owned())
            }
            Self::HttpFilters(policy, _) => {
                let (namespace, name) = policy.as_pair();
                (namespace, name, "envoy".to_owned())
            }
        };
        let extension = if self.is_json(syntax) { "json" } else { "yaml" };
        format!("{namespace}.{name}.{kind}.{extension}")
    }

    /// The content of a file with the object.
    pub(crate) fn content(&self, syntax: Syntax) -> Result<Vec<u8>, SerializeError> {
        if self.is_json(syntax) {
            return serialized::json(self);
        }
        Ok(with_header(HEADER, &self.yaml()?).into_bytes())
    }

    /// The object as YAML, with comments for people.
    pub(crate) fn yaml(&self) -> Result<String, SerializeError> {
        match self {
            Self::Resource(resource, file) => annotated::yaml(resource, file.as_deref()),
            Self::PluginConfig(_) | Self::HttpFilters(..) => serialized::yaml(self),
        }
    }

    /// Whether the object is a Kubernetes resource.
    pub(crate) fn is_resource(&self) -> bool {
        matches!(self, Self::Resource(..))
    }

    /// Whether the object is written as JSON. A plugin config is JSON within a field.
    fn is_json(&self, syntax: Syntax) -> bool {
        syntax == Syntax::Json || matches!(self, Self::PluginConfig(_))
    }
}
