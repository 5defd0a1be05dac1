//! What is rendered, alone and together.

use peergate_fault::Failure;
use policy_schema::envoy::HttpFilter;
use policy_schema::istio::Resource;
use policy_schema::plugin_config::{PluginConfig, PolicyName};
use serde::{Serialize, Serializer};

use super::error::RenderError;
use crate::output::{self, Format, OutputError};
use crate::report;

/// Something rendered.
#[derive(Debug)]
pub(super) enum Object {
    Resource(Box<Resource>),
    PluginConfig(Box<PluginConfig>),
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
            Self::Resource(object) => object.serialize(serializer),
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
            Self::Resource(object) => {
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
        let extension = if self.is_json(format) { "json" } else { "yaml" };
        format!("{namespace}.{name}.{kind}.{extension}")
    }

    /// The object alone.
    pub(super) fn content(&self, format: Format) -> Result<Vec<u8>, OutputError> {
        if self.is_json(format) {
            output::json(self)
        } else {
            output::yaml(self).map(String::into_bytes)
        }
    }

    /// Whether a cluster takes it.
    pub(super) fn is_resource(&self) -> bool {
        matches!(self, Self::Resource(_))
    }

    /// Whether the object is written as JSON: as such it goes into a plugin config's field.
    fn is_json(&self, format: Format) -> bool {
        format == Format::Json || matches!(self, Self::PluginConfig(_))
    }
}

/// The most that an object may have, as JSON: etcd takes requests of 1.5 MiB (`--max-request-bytes`),
/// in which Kubernetes keeps what it adds itself.
const MAX_BYTES: usize = 1024 * 1024;

/// The most that all annotations of an object may have, of which `kubectl apply` makes one that has
/// the whole object.
const MAX_ANNOTATION_BYTES: usize = 256 * 1024;

/// Refuses objects that a cluster would, and says of each how large it is; counts those that `kubectl`
/// applies by the server alone.
pub(super) fn check_sizes(objects: &[Object]) -> Result<usize, Failure> {
    let (mut refused, mut large) = (0, 0);
    for object in objects {
        let Object::Resource(resource) = object else {
            continue;
        };
        let bytes = output::json_bytes(resource)?;
        if bytes > MAX_BYTES {
            let metadata = resource.metadata();
            report::error(&format!(
                "{} `{}/{}` has {bytes} bytes, and a cluster takes {MAX_BYTES}",
                resource.kind().as_str(),
                metadata.namespace,
                metadata.name
            ));
            refused += 1;
        } else if bytes > MAX_ANNOTATION_BYTES {
            large += 1;
        }
    }
    if refused > 0 {
        return Err(RenderError::TooLarge(refused).into());
    }
    Ok(large)
}

/// All objects in one text.
pub(super) fn together(objects: &[Object], format: Format) -> Result<Vec<u8>, OutputError> {
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
            let mut text = String::new();
            for (number, object) in objects.iter().enumerate() {
                if number > 0 {
                    text.push_str("---\n");
                }
                text.push_str(&output::yaml(object)?);
            }
            Ok(text.into_bytes())
        }
    }
}
