//! The size of the release that Helm stores for a chart.
//!
//! Helm stores the whole chart and all rendered manifests of a release in one Secret, as base64 of gzipped JSON (Helm 3
//! and 4, `storage/driver`).

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Serialize, Serializer};

use super::files::File;
use crate::serialized::{ByteCount, SerializeError};

/// The maximum size of a Secret (Kubernetes, `core/v1`, `MaxSecretSize`).
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// The parts of a release that grow with the chart.
#[derive(Serialize)]
struct Release<'f> {
    chart: Chart<'f>,
    #[serde(serialize_with = "as_text")]
    manifest: Manifest<'f>,
}

#[derive(Serialize)]
struct Chart<'f> {
    files: Vec<ChartFile<'f>>,
}

#[derive(Serialize)]
struct ChartFile<'f> {
    name: &'f Path,
    #[serde(serialize_with = "as_text")]
    data: Base64Display<'f, 'static, base64::engine::GeneralPurpose>,
}

/// The rendered manifest: the concatenated files.
struct Manifest<'f>(&'f [&'f File]);

/// The approximate number of bytes that Helm stores. Its gzip implementation differs slightly.
pub(crate) fn bytes(files: &[File]) -> Result<usize, SerializeError> {
    // Helm reads a folder in order of names.
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let release = Release {
        chart: Chart {
            files: files.iter().map(|file| ChartFile::new(file)).collect(),
        },
        manifest: Manifest(&files),
    };
    let mut gzip = GzEncoder::new(ByteCount::default(), Compression::best());
    serde_json::to_writer(io::BufWriter::new(&mut gzip), &release)?;
    let gzipped = gzip.finish().map_err(serde_json::Error::io)?;
    Ok(gzipped.bytes().div_ceil(3) * 4)
}

impl<'f> ChartFile<'f> {
    fn new(file: &'f File) -> Self {
        Self {
            name: &file.path,
            data: Base64Display::new(&file.content, &STANDARD),
        }
    }
}

impl Display for Manifest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in self.0 {
            let content = String::from_utf8_lossy(&file.content);
            write!(f, "---\n# Source: templates/resources.yaml\n{content}\n")?;
        }
        Ok(())
    }
}

/// Streams a text without a copy.
fn as_text<T: Display, S: Serializer>(text: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(text)
}
