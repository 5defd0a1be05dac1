//! Install values → files.

use std::path::PathBuf;

use policy_schema::istio::{InstallContent, install_files};
use policy_schema::policy::PolicySet;

use super::files::File;
use crate::generated::with_header;
use crate::serialized::{SerializeError, yaml};

/// The purpose in the comment of each file.
const HEADER: &str = "generated from the Mesh document. Do not edit";

/// The values and objects to install Istio as the `Mesh` document requires.
pub fn files(set: &PolicySet) -> Result<Vec<File>, SerializeError> {
    let files = install_files(set).into_iter().map(|file| {
        let content = match file.content {
            InstallContent::Document(document) => yaml(&document)?,
            InstallContent::Objects(objects) => {
                let objects = objects.iter().map(yaml);
                objects.collect::<Result<Vec<_>, _>>()?.join("---\n")
            }
        };
        Ok(File {
            path: PathBuf::from(format!("{}.yaml", file.name)),
            content: with_header(HEADER, &content).into_bytes(),
        })
    });
    files.collect()
}
