//! Files of a chart → how large the release is that Helm keeps of it.
//!
//! Helm keeps of each release the whole chart and all that it rendered of it: as JSON, by gzip, in base64,
//! in one Secret (Helm 3 and 4, `storage/driver`).

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

/// The most that a Secret takes (Kubernetes, `core/v1`, `MaxSecretSize`).
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// A release, as far as it grows with the chart.
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

/// What the files are rendered to: themselves, one after the other.
struct Manifest<'f>(&'f [&'f File]);

/// How many bytes Helm keeps of a chart with these files, by and large: it does
/// not gzip quite as is done here.
pub(crate) fn bytes(files: &[File]) -> Result<usize, SerializeError> {
    // Helm reads a folder in the order of names.
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

/// Writes a text as it is made, without a copy of all of it.
fn as_text<T: Display, S: Serializer>(text: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(text)
}
