//! Objects → a folder with one file per object and an index.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::files::File;
use super::object::{Object, Syntax};
use super::{HEADER, release};
use crate::generated::with_header;
use crate::serialized::{self, SerializeError};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    sort_options: SortOptions,
    resources: Vec<String>,
}

/// By default kustomize sorts objects by kind, which would apply denials before the rules that allow.
#[derive(Serialize)]
struct SortOptions {
    order: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chart {
    api_version: &'static str,
    name: &'static str,
    description: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
}

/// The chart's name.
const CHART: &str = "peergate-policies";

/// Installs the files below `resources`, changed as the values ask. Helm does not evaluate them, so braces in them are
/// safe.
const TEMPLATE: &str = include_str!("chart/resources.yaml");

/// The values of the chart, which change nothing.
const VALUES: &str = include_str!("chart/values.yaml");

/// The objects as files, with a `kustomization.yaml` for `kubectl apply -k` if all of them are resources.
pub fn kustomization(objects: &[Object], syntax: Syntax) -> Result<Vec<File>, SerializeError> {
    let mut files = files(Path::new(""), objects, syntax)?;
    if objects.iter().all(Object::is_resource) {
        let resources = objects.iter().map(|object| object.file_name(syntax));
        let kustomization = Kustomization {
            api_version: "kustomize.config.k8s.io/v1beta1",
            kind: "Kustomization",
            sort_options: SortOptions { order: "fifo" },
            resources: resources.collect(),
        };
        let content = serialized::yaml(&kustomization)?;
        files.push(file("kustomization.yaml", &content));
    }
    Ok(files)
}

/// The objects as a Helm chart.
pub fn chart(objects: &[Object], syntax: Syntax) -> Result<Vec<File>, SerializeError> {
    let mut files = files(Path::new("resources"), objects, syntax)?;
    let chart = Chart {
        api_version: "v2",
        name: CHART,
        description: "Access policies of a mesh, rendered by Peergate",
        kind: "application",
        version: env!("CARGO_PKG_VERSION"),
    };
    files.push(file("Chart.yaml", &serialized::yaml(&chart)?));
    files.push(file("values.yaml", VALUES));
    files.push(file("templates/resources.yaml", TEMPLATE));
    Ok(files)
}

/// An error text if the chart is too large for Helm.
pub fn too_large_for_helm(chart: &[File]) -> Result<Option<String>, SerializeError> {
    let bytes = release::bytes(chart)?;
    Ok((bytes > release::MAX_BYTES).then(|| {
        format!(
            "Helm cannot install the chart: its release has about {bytes} bytes, but the Secret that stores it is limited \
             to {}; use `--layout kustomization` and `kubectl apply -k`, or one stream and `kubectl apply -f -`",
            release::MAX_BYTES
        )
    }))
}

/// One file per object.
fn files(folder: &Path, objects: &[Object], syntax: Syntax) -> Result<Vec<File>, SerializeError> {
    // The index takes up to three more files.
    let mut files = Vec::with_capacity(objects.len() + 3);
    for object in objects {
        files.push(File {
            path: folder.join(object.file_name(syntax)),
            content: object.content(syntax)?,
        });
    }
    Ok(files)
}

fn file(path: &str, content: &str) -> File {
    File {
        path: PathBuf::from(path),
        content: with_header(HEADER, content).into_bytes(),
    }
}
