//! The command reference in `docs/` is that of the command line, and man pages can be made of it.

use std::fs;
use std::path::Path;

use peergate_reference::{man_pages, pages};

#[test]
fn the_command_reference_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands");
    let pages = pages();
    for (name, content) in &pages {
        let written = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(written == *content, "{name}: run `make reference`");
    }
    let files = fs::read_dir(&folder).unwrap();
    assert_eq!(
        files.count(),
        pages.len(),
        "a page has no command: remove it"
    );
}

#[test]
fn every_command_has_a_man_page_with_its_options() {
    let pages = man_pages().unwrap();
    let page = |wanted: &str| pages.iter().find(|(name, _)| name == wanted);
    let (_, validate) = page("peergate-validate.1").unwrap();
    assert!(validate.contains(".TH peergate-validate 1"), "{validate}");
    assert!(validate.contains("deny\\-warnings"), "{validate}");
    assert!(page("peergate-certs-root.1").is_some());
}
