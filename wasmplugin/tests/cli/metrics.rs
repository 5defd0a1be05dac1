use super::*;

const DOCS: &str = include_str!("../../../docs/metrics.md");

#[test]
fn the_tags_are_as_istio_takes_them() {
    insta::assert_snapshot!(stdout_of(&["metrics", "--output", "stat-tags"]));
}

#[test]
fn labels_are_got_out_of_flat_names_by_relabelling() {
    insta::assert_snapshot!(stdout_of(&["metrics", "--output", "relabeling"]));
}

#[test]
fn programs_get_all_metrics_and_labels() {
    insta::assert_snapshot!(stdout_of(&["metrics", "--output", "json"]));
}

#[test]
fn people_get_all_metrics_and_labels() {
    insta::assert_snapshot!(stdout_of(&["metrics"]));
}

#[test]
fn the_page_has_what_is_printed() {
    let tables = stdout_of(&["metrics", "--output", "markdown"]);
    assert!(DOCS.contains(&format!("\n\n{tables}\n")), "{tables}");
}

#[test]
fn the_page_names_every_tag() {
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
