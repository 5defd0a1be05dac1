//! Golden files: `snapshots/NAME.snap`.

use std::path::{Path, PathBuf};

use crate::tolerance::Figures;

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    folder.join(name).with_extension("snap")
}

/// The lines of a golden file.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let path = path(name);
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

/// Compares a text with its golden file, which also contains the description.
pub(crate) fn assert_text(name: &str, text: &str, description: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Compares figures with their golden file, with a tolerance.
pub(crate) fn assert_figures(name: &str, figures: &Figures, description: &str) {
    let golden = std::fs::read_to_string(path(name)).unwrap_or_default();
    let (settled, deviations) = figures.settled(&golden);
    for deviation in &deviations {
        println!("{deviation}");
    }
    if !deviations.is_empty() {
        println!("if a change is meant to cost that, accept it with `cargo insta review`");
    }
    assert_text(name, &settled.text(), description);
}
