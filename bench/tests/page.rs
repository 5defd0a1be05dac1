//! The published page and charts are those of the published data.

use std::fs;
use std::path::Path;

use peergate_bench::report::{DATA, documents};
use peergate_bench::results::Results;

#[test]
fn the_page_shows_its_raw_data() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let data = fs::read_to_string(docs.join(DATA)).expect("the raw data");
    let results: Results = serde_json::from_str(&data).expect("results");
    for document in documents(&results).expect("documents") {
        let published = fs::read_to_string(docs.join(document.path)).expect(document.path);
        assert!(
            published == document.text,
            "docs/{} is not rendered from docs/{DATA}: run `make bench-page`",
            document.path
        );
    }
}
