//! The schema accepts what `validate` accepts.

use peergate_fuzz::{Target, fuzz};
use policy_schema::diagnostic::SourceText;
use policy_schema::import::{Options, import};
use serde_json::Value;

use crate::files::{blocks, read, root, yaml_files};
use crate::golden::MISSED;
use crate::schema::{documents, refusals};
use crate::written::{MESH, errors};

/// Errors of the schema in documents without an error of `validate` that the schema can detect.
fn false_alarms(text: &str) -> (usize, Vec<String>) {
    let (mut accepted, mut alarms) = (0, Vec::new());
    for document in documents(text).unwrap_or_default() {
        let written = document.to_string();
        let is_mesh = document.get("kind") == Some(&Value::from("Mesh"));
        let found = if is_mesh {
            errors(&[&written])
        } else {
            errors(&[MESH, &written])
        };
        // Documents that YAML rejects do not test the schema.
        if found.iter().any(|code| code.starts_with("yaml-")) {
            continue;
        }
        let is_missed = |code: &&str| MISSED.iter().any(|(missed, _)| missed == code);
        if found.iter().all(is_missed) {
            accepted += 1;
            let refused = refusals(&document).into_iter();
            alarms.extend(refused.map(|refusal| format!("{refusal}\n{written}")));
        }
    }
    (accepted, alarms)
}

#[test]
fn documents_of_the_repository_are_accepted() {
    let mut accepted = 0;
    for (path, text) in yaml_files() {
        let (count, alarms) = false_alarms(&text);
        accepted += count;
        assert!(alarms.is_empty(), "{}: {alarms:#?}", path.display());
    }
    assert!(accepted > 150, "{accepted}");
}

#[test]
fn documents_of_the_pages_are_accepted() {
    let mut accepted = 0;
    for page in ["docs/language.md", "docs/diagnostics.md"] {
        for text in ["file", "policy"]
            .iter()
            .flat_map(|label| blocks(page, label))
        {
            let (count, alarms) = false_alarms(&text);
            accepted += count;
            assert!(alarms.is_empty(), "{page}: {alarms:#?}");
        }
    }
    assert!(accepted > 40, "{accepted}");
}

#[test]
fn imported_documents_are_accepted() {
    let mut imports = 0;
    for (path, text) in yaml_files() {
        let source = SourceText {
            name: "istio.yaml".to_owned(),
            text,
        };
        let Some(imported) = import(&[source], &Options::default()).documents else {
            continue;
        };
        let mesh = serde_json::to_value(&imported.mesh).unwrap();
        let policies = imported.policies.iter();
        let policies = policies.map(|policy| serde_json::to_value(&policy.document).unwrap());
        for document in std::iter::once(mesh).chain(policies) {
            let (_, alarms) = false_alarms(&document.to_string());
            assert!(alarms.is_empty(), "{}: {alarms:#?}", path.display());
        }
        imports += 1;
    }
    assert!(imports > 3, "{imports}");
}

/// Random edits of valid documents, as while typing.
#[test]
fn documents_that_are_changed_at_random_are_accepted() {
    const TARGET: Target<'_> = Target {
        name: "schema",
        seeds: &[
            "fuzz/corpus/yaml",
            "wasmplugin/tests/policies",
            "wasmplugin/tests/diagnostics",
            "examples/online-boutique",
        ],
        dictionary: &[
            "a",
            "A",
            "0",
            "-",
            ".",
            "/",
            "*",
            "[]",
            "{}",
            "[a]",
            "\"*\"",
            ": ",
            "- ",
            "\n",
            "  ",
            "Shadow",
            "Pass",
            "Deny",
            "Custom",
            "Kubernetes",
        ],
    };
    fuzz(TARGET, |input| {
        let text = String::from_utf8_lossy(input);
        let (accepted, alarms) = false_alarms(&text);
        assert!(alarms.is_empty(), "{alarms:#?}");
        accepted.min(3).to_string()
    });
}

#[test]
fn words_that_look_like_numbers_are_accepted_as_they_are() {
    let mesh = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: shop}\nspec:\n  \
                trustDomain: cluster.local\n  istioVersion: \"1.29\"\n  mtls: {minVersion: 1.3}\n";
    assert_eq!(false_alarms(mesh), (1, Vec::new()));
}

#[test]
fn the_document_with_every_field_is_accepted_as_it_is() {
    let text = read(&root().join("fuzz/corpus/yaml/everything.yaml"));
    for document in documents(&text).unwrap() {
        let refused = refusals(&document);
        assert!(refused.is_empty(), "{refused:#?}");
    }
}
