//! Objects → a folder with one file per object and an index.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::files::File;
use super::object::{Object, Syntax};
use super::release;
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

/// Includes the files verbatim, because braces in them are not Helm templates.
const TEMPLATE: &str = r#"{{- range $path, $_ := .Files.Glob "resources/*" }}
---
{{ $.Files.Get $path }}
{{- end }}
"#;

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
        files.push(file("kustomization.yaml", content));
    }
    Ok(files)
}

/// The objects as a Helm chart.
pub fn chart(objects: &[Object], syntax: Syntax) -> Result<Vec<File>, SerializeError> {
    let mut files = files(Path::new("resources"), objects, syntax)?;
    let chart = Chart {
        api_version: "v2",
        name: CHART,
        description: "Istio resources rendered by Peergate",
        kind: "application",
        version: "0.1.0",
    };
    files.push(file("Chart.yaml", serialized::yaml(&chart)?));
    files.push(file("templates/resources.yaml", TEMPLATE.to_owned()));
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
    // The index takes one or two more files.
    let mut files = Vec::with_capacity(objects.len() + 2);
    for object in objects {
        files.push(File {
            path: folder.join(object.file_name(syntax)),
            content: object.content(syntax)?,
        });
    }
    Ok(files)
}

fn file(path: &str, content: String) -> File {
    File {
        path: PathBuf::from(path),
        content: content.into_bytes(),
    }
}
