//! Module → layer.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::hash::digest;

/// The only file of the layer. Istio requires this name.
const FILE_NAME: &str = "plugin.wasm";

/// A layer.
pub(super) struct Layer {
    pub(super) compressed: Vec<u8>,
    /// The digest before compression.
    pub(super) diff_id: String,
}

/// The layer with the module.
pub(super) fn from_module(module: &[u8]) -> Layer {
    let archive = archive([(FILE_NAME, module)]);
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(&archive);
    Layer {
        compressed: encoder.finish().unwrap_or_default(),
        diff_id: digest(&archive),
    }
}

/// A tar archive of these files, without owners and times.
pub(super) fn archive<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        // Names are short, and writing into memory cannot fail.
        let _ = archive.append_data(&mut header, name, content);
    }
    archive.into_inner().unwrap_or_default()
}
