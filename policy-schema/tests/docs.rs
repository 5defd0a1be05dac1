//! Checks that the documentation and the examples agree with the code.

#![expect(
    clippy::disallowed_methods,
    reason = "the pages and the examples are files"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the tests share may fail as the tests do"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use policy_schema::code::{self, Code, Severity};
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::{CompiledPolicy, DecisionOutcome, Request};
use policy_schema::identity::PeerIdentity;
use policy_schema::istio::ResourceKind;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, Validated, validate};
use policy_schema::verify::FindingCode;
use serde::Deserialize;

/// A fixed time: an example that expires must not break the tests later.
const NOW: &str = "2026-06-01T00:00:00Z";

#[test]
fn every_diagnostic_is_documented_once_with_explanation_and_severity() {
    let explained = code::all().map(|known| {
        (
            known.code.as_str(),
            known.explanation,
            known.code.severity(),
        )
    });
    assert_documented("docs/diagnostics.md", explained);
}

#[test]
fn every_finding_is_documented_once_with_explanation_and_severity() {
    let codes = FindingCode::ALL.iter();
    let explained = codes.map(|code| (code.as_str(), code.explanation(), code.severity()));
    assert_documented("docs/verify.md", explained);
}

/// Asserts that a page has one section for each of these codes, in any order.
fn assert_documented<'c>(page: &str, codes: impl Iterator<Item = (&'c str, &'c str, Severity)>) {
    let sections = sections(page);
    let known: BTreeMap<_, _> = codes
        .map(|(code, explained, severity)| (code, (explained, severity)))
        .collect();
    let mut documented: Vec<_> = sections
        .iter()
        .map(|section| section.code.as_str())
        .collect();
    documented.sort_unstable();
    assert!(documented.iter().eq(known.keys()), "the headings of {page}");
    for section in &sections {
        let code = section.code.as_str();
        let (explained, severity) = *known.get(code).unwrap();
        let mut paragraphs = section.body.split("\n\n").map(words);
        let explanation = paragraphs.next().unwrap_or_default();
        assert_eq!(explanation, words(explained), "{code}");
        let written = paragraphs.next().unwrap_or_default();
        let expected = match severity {
            Severity::Error => "Severity: **error**",
            Severity::Warning => "Severity: **warning**",
        };
        assert!(written.starts_with(expected), "{code}: {written}");
        assert!(paragraphs.next().is_some(), "{code} has no remedy");
    }
}

#[test]
fn every_documented_example_has_its_diagnostic_and_no_other() {
    for section in sections("docs/diagnostics.md") {
        let examples = code_blocks(&section.body);
        assert!(!examples.is_empty(), "{} has no example", section.code);
        for (label, text) in examples {
            let found = diagnostics_of(&validated(&[complete(&label, &text)]));
            let codes: BTreeSet<_> = found.iter().map(|(code, _)| code.as_str()).collect();
            let expected = BTreeSet::from([section.code.as_str()]);
            assert_eq!(codes, expected, "{text}\n{found:#?}");
        }
    }
}

#[test]
fn examples_of_the_pages_are_accepted() {
    let pages = ["introduction", "language", "life-of-a-rule"];
    let pages = pages.map(|page| read(&root().join(format!("docs/{page}.md"))));
    let examples: Vec<_> = pages.iter().flat_map(|page| code_blocks(page)).collect();
    assert!(examples.len() >= 9, "found {}", examples.len());
    for (label, text) in examples {
        let found = diagnostics_of(&validated(&[complete(&label, &text)]));
        assert!(found.is_empty(), "{text}\n{found:#?}");
    }
}

#[test]
fn example_folders_validate_without_diagnostics() {
    for folder in example_folders() {
        let outcome = validated(&sources(&folder));
        let found = diagnostics_of(&outcome);
        assert!(found.is_empty(), "{}: {found:#?}", folder.display());
        assert!(outcome.policies.is_some(), "{}", folder.display());
    }
}

#[test]
fn every_kind_of_resource_is_documented_and_no_other() {
    let page = read(&root().join("docs/resources.md"));
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(2);
    let documented: BTreeSet<_> = rows
        .filter_map(|row| row.split('|').nth(2)?.split('`').nth(1))
        .collect();
    let kinds = ResourceKind::ALL.map(ResourceKind::as_str);
    assert_eq!(documented, BTreeSet::from(kinds));
}

/// To find leftovers, users list every kind that Peergate renders.
#[test]
fn leftovers_are_listed_for_every_kind() {
    let page = read(&root().join("docs/resources.md"));
    let (_, command) = page.split_once("kubectl get ").unwrap();
    let (command, _) = command.split_once("```").unwrap();
    let words = command.split([' ', ',', '\n']);
    let asked: BTreeSet<_> = words
        .filter_map(|word| word.split('.').next())
        .map(str::to_owned)
        .collect();
    for kind in ResourceKind::ALL {
        let kind = kind.as_str().to_ascii_lowercase();
        let plural = match kind.strip_suffix('y') {
            Some(stem) if kind != "gateway" => format!("{stem}ies"),
            _ => format!("{kind}s"),
        };
        assert!(asked.contains(&plural), "{plural}");
    }
}

#[test]
fn example_decisions_hold() {
    let mut folders = 0;
    for folder in example_folders() {
        let decisions = folder.join("decisions.ndjson");
        if !decisions.exists() {
            continue;
        }
        folders += 1;
        let policies = validated(&sources(&folder)).policies.unwrap();
        let compiled = compile(&policies);
        let mut tried = BTreeMap::new();
        for line in read(&decisions).lines() {
            let expected: Expected = serde_json::from_str(line).unwrap();
            expected.assert_holds(&compiled, line);
            *tried.entry(expected.to).or_insert(0) += 1;
        }
        for (workload, _) in compiled {
            let count = tried.get(&workload).copied().unwrap_or_default();
            assert!(count >= 3, "{workload} has {count} decisions");
        }
    }
    assert!(folders > 0, "no example has decisions");
}

/// One line of a `decisions.ndjson`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    to: String,
    from: String,
    method: String,
    path: String,
    host: Option<String>,
    port: Option<u16>,
    expect: String,
    reason: String,
    rule: Option<String>,
}

impl Expected {
    fn assert_holds(&self, policies: &BTreeMap<String, CompiledPolicy>, line: &str) {
        let policy = policies.get(&self.to).expect(line);
        let caller = (self.from != "anonymous").then_some(self.from.as_bytes());
        let decision = policy.evaluate(&Request {
            method: Some(self.method.as_bytes()),
            path: Some(self.path.as_bytes()),
            authority: self.host.as_deref().map(str::as_bytes),
            port: self.port,
            ..Request::from_peer(
                PeerIdentity::from_uri_san(caller),
                Timestamp::parse(NOW).unwrap(),
            )
        });
        let effect = match decision.outcome() {
            DecisionOutcome::Allowed => "allow",
            DecisionOutcome::Denied => "deny",
        };
        if self.expect == "refused" {
            // The rules deny everything that the sidecar refuses.
            assert_eq!(effect, "deny", "{line}");
            return;
        }
        assert_eq!(effect, self.expect, "{line}");
        assert_eq!(decision.reason().code().as_str(), self.reason, "{line}");
        let rule = decision.reason().rule().map(|rule| rule.id().to_owned());
        assert_eq!(rule, self.rule, "{line}");
    }
}

fn compile(policies: &PolicySet) -> BTreeMap<String, CompiledPolicy> {
    let compile = |policy| CompiledPolicy::try_from(policies.plugin_config(policy));
    policies
        .policies()
        .iter()
        .map(|policy| (policy.name().to_string(), compile(policy).unwrap()))
        .collect()
}

/// The section of a page about one code.
struct Section {
    code: String,
    body: String,
}

fn sections(page: &str) -> Vec<Section> {
    let page = read(&root().join(page));
    let sections = page.split("\n### `").skip(1);
    sections
        .map(|section| {
            let (code, rest) = section.split_once("`\n").expect(section);
            // A heading of a higher level begins the next group.
            let body = rest.split("\n## ").next().unwrap_or_default();
            Section {
                code: code.to_owned(),
                body: body.trim().to_owned(),
            }
        })
        .collect()
}

/// The YAML blocks of a page, each with the word that names its context.
fn code_blocks(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```yaml ").skip(1);
    blocks
        .map(|block| {
            let (label, rest) = block.split_once('\n').expect(block);
            let (text, _) = rest.split_once("```").expect(block);
            (label.to_owned(), text.to_owned())
        })
        .collect()
}

/// The document that contains an example.
fn complete(label: &str, example: &str) -> String {
    let mesh = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: shop}\nspec:\n";
    let standard = "  trustDomain: cluster.local\n  istioVersion: \"1.29\"\n  filter: {image: \"file:///filter.wasm\"}\n";
    let policy = "apiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\n\
                  metadata: {name: cart, namespace: shop}\nspec:\n";
    match label {
        "file" => example.to_owned(),
        "policy" => format!("{mesh}{standard}---\n{example}"),
        "mesh" => format!("{mesh}{}", indented(example, 2)),
        "rule" => format!(
            "{mesh}{standard}---\n{policy}  selector: {{matchLabels: {{app: cart}}}}\n  service: {{ports: [{{port: 80, targetPort: 8080}}]}}\n  rules:\n{}",
            indented(example, 4)
        ),
        "permissive-rule" => complete("rule", example).replacen(
            standard,
            &format!("{standard}  mtls: {{mode: Permissive}}\n"),
            1,
        ),
        "rule-without-filter" => complete("rule", example).replacen(
            "  filter: {image: \"file:///filter.wasm\"}\n",
            "",
            1,
        ),
        "long-rule" => complete("rule", &example.replace('…', &"x".repeat(1 << 20))),
        "many-policies" => {
            let policies = (0..300).map(|number| example.replace("NUMBER", &number.to_string()));
            let policies: Vec<_> = policies.collect();
            complete("policy", &policies.join("---\n"))
        }
        other => panic!("no kind of example is called `{other}`"),
    }
}

fn indented(text: &str, spaces: usize) -> String {
    let indent = " ".repeat(spaces);
    let lines: Vec<_> = text.lines().map(|line| [&indent, line].concat()).collect();
    lines.join("\n")
}

fn validated(texts: &[String]) -> Validated {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| SourceText {
            name: "example".to_owned(),
            text: text.clone(),
        })
        .collect();
    let options = Options {
        at: Timestamp::parse(NOW).unwrap(),
        istio_version: None,
    };
    validate(&sources, options)
}

fn diagnostics_of(outcome: &Validated) -> Vec<(Code, String)> {
    let diagnostics = outcome.diagnostics.iter();
    diagnostics
        .map(|diagnostic| (diagnostic.code, diagnostic.message.clone()))
        .collect()
}

fn example_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples")).unwrap();
    let folders: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert!(!folders.is_empty(), "there are no examples");
    folders
}

/// The texts of all YAML files below `folder`.
fn sources(folder: &Path) -> Vec<String> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let texts = paths.iter().flat_map(|path| {
        if path.is_dir() {
            sources(path)
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            vec![read(path)]
        } else {
            Vec::new()
        }
    });
    texts.collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text with every run of white space replaced by one space.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
