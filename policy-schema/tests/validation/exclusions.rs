//! Exclusions of identities, under every trust domain or under one.

use super::*;

#[test]
fn values_that_a_source_excludes_under_every_name_never_match() {
    let excluded = [
        "principals: [cluster.local/ns/a/sa/b], notPrincipals: [cluster.local/ns/a/sa/b]",
        "principals: [cluster.local/ns/a/sa/b], notPrincipals: [\"*/b\"]",
        "principals: [cluster.local/ns/a/sa/b], notServiceAccounts: [a/b]",
        "serviceAccounts: [a/b], notServiceAccounts: [a/b]",
        "serviceAccounts: [a/b], notPrincipals: [cluster.local/ns/a/sa/b]",
        "principals: [cluster.local/vm], notPrincipals: [\"cluster.local/*\"]",
    ];
    for source in excluded {
        let policy = policy(&format!("effect: Allow, from: [{{{source}}}]"));
        assert_eq!(codes(&[MESH, &policy]), ["never-matches"], "{source}");
    }
}

#[test]
fn values_that_a_source_excludes_under_one_name_may_match_under_another() {
    let source = "principals: [cluster.local/ns/a/sa/b], notPrincipals: [\"cluster.local/*\"]";
    let policy = policy(&format!("effect: Allow, from: [{{{source}}}]"));
    assert_eq!(codes(&[MESH, &policy]), [""; 0]);
}

#[test]
fn an_allow_rule_that_excludes_everything_never_matches() {
    for rule in [
        "from: [{notPrincipals: [\"*\"]}]",
        "to: [{notMethods: [\"*\"]}]",
        "to: [{notPaths: [\"*\"]}]",
    ] {
        let allow = policy(&format!("effect: Allow, {rule}"));
        assert_eq!(codes(&[MESH, &allow]), ["never-matches"], "{rule}");
        let deny = policy(&format!("effect: Deny, {rule}"));
        let codes = codes(&[MESH, &deny]);
        assert!(!codes.contains(&"never-matches"), "{rule}");
    }
}
