use super::*;

const DOCS: &str = include_str!("../../../docs/metrics.md");

#[test]
fn prints_tags_in_istios_format() {
    insta::assert_snapshot!(stdout_of(&["metrics", "--output", "stat-tags"]));
}

#[test]
fn prints_relabeling_that_extracts_labels_from_flat_names() {
    insta::assert_snapshot!(stdout_of(&["metrics", "--output", "relabeling"]));
}

#[test]
fn prints_all_metrics_and_labels_as_json() {
    insta::assert_snapshot!(stdout_of(&["metrics", "--output", "json"]));
}

#[test]
fn prints_all_metrics_and_labels_as_text() {
    insta::assert_snapshot!(stdout_of(&["metrics"]));
}

#[test]
fn the_docs_page_contains_the_printed_table() {
    let tables = stdout_of(&["metrics", "--output", "markdown"]);
    assert!(DOCS.contains(&format!("\n\n{tables}\n")), "{tables}");
}

#[test]
fn the_docs_page_names_every_tag() {
    let printed = stdout_of(&["metrics", "--output", "stat-tags"]);
    let printed: serde_json::Value = serde_saphyr::from_str(&printed).unwrap();
    let tags = printed["meshConfig"]["defaultConfig"]["extraStatTags"].as_array();
    let tags: Vec<_> = tags
        .unwrap()
        .iter()
        .filter_map(|tag| tag.as_str())
        .collect();
    let line = format!("      extraStatTags: [{}]\n", tags.join(", "));
    assert!(DOCS.contains(&line), "{line}");
}
