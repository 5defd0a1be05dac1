//! Shared code for integration tests. The tests themselves are next to this crate's manifest.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "it is part of tests, which fail by panicking"
)]

pub mod large_mesh;
pub mod monitoring;
pub mod random;
pub mod scrape;

use std::path::{Path, PathBuf};

/// The module built by `make filter`, or the one named by `PEERGATE_FILTER`.
pub fn module() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    let path = std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: run `make filter`",
        path.display()
    );
    path
}
