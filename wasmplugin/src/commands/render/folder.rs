//! Objects → a folder: a file for each, and one that lists them.

use std::path::Path;

use serde::Serialize;

use super::object::Object;
use super::release;
use crate::output::{self, Format, NewFile, OutputError};
use crate::report;

/// What lists the objects of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Layout {
    /// A `kustomization.yaml`, for `kubectl apply -k`
    #[default]
    Kustomization,
    /// A chart, for `helm upgrade --install`
    HelmChart,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    sort_options: SortOptions,
    resources: Vec<String>,
}

/// Without it, kustomize sorts objects by their kind, and what denies would come before what allows.
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

/// What the chart installs: the files as they are, since braces in them are not Helm's.
const TEMPLATE: &str = r#"{{- range $path, $_ := .Files.Glob "resources/*" }}
---
{{ $.Files.Get $path }}
{{- end }}
"#;

/// Writes the objects into the folder `path`.
pub(super) fn write(
    objects: &[Object],
    path: &Path,
    layout: Layout,
    format: Format,
) -> Result<(), OutputError> {
    let is_chart = layout == Layout::HelmChart;
    let resources = if is_chart {
        path.join("resources")
    } else {
        path.to_owned()
    };
    let mut files = Vec::with_capacity(objects.len() + 2);
    for object in objects {
        files.push(NewFile {
            path: resources.join(object.file_name(format)),
            content: object.content(format)?,
        });
    }
    let mut list = |name: &str, content: String| {
        files.push(NewFile {
            path: path.join(name),
            content: content.into_bytes(),
        });
    };
    if is_chart {
        let chart = Chart {
            api_version: "v2",
            name: CHART,
            description: "What Peergate rendered of the policies of a mesh",
            kind: "application",
            version: "0.1.0",
        };
        list("Chart.yaml", output::yaml(&chart)?);
        list("templates/resources.yaml", TEMPLATE.to_owned());
    } else if objects.iter().all(Object::is_resource) {
        let kustomization = Kustomization {
            api_version: "kustomize.config.k8s.io/v1beta1",
            kind: "Kustomization",
            sort_options: SortOptions { order: "fifo" },
            resources: objects
                .iter()
                .map(|object| object.file_name(format))
                .collect(),
        };
        list("kustomization.yaml", output::yaml(&kustomization)?);
    }
    let release = is_chart.then(|| release::bytes(path, &files)).transpose()?;
    output::create_folder(&resources)?;
    if is_chart {
        output::create_folder(&path.join("templates"))?;
    }
    output::write_files(files)?;
    if let Some(bytes) = release.filter(|bytes| *bytes > release::MAX_BYTES) {
        report::note(&format!(
            "Helm cannot install the chart: its release has about {bytes} bytes, and the Secret that it keeps that in \
             takes {}; use `--layout kustomization` and `kubectl apply -k`, or one stream and `kubectl apply -f -`",
            release::MAX_BYTES
        ));
    }
    Ok(())
}
