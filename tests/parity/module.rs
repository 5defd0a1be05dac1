//! The module under test.

use std::path::{Path, PathBuf};

/// The module that `make filter` leaves.
pub(crate) fn module() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/filter/peergate_filter.wasm");
    let path = std::env::var_os("PEERGATE_FILTER").map_or(built, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: run `make filter`",
        path.display()
    );
    path
}
