//! Proposals → the text of a policy document.
//!
//! A policy that exists keeps its text, comments included: the rules are put behind its own.

use std::fmt::Write as _;

use policy_schema::code::Code;
use policy_schema::diagnostic::{Diagnostic, SourceText};
use policy_schema::document::{
    PolicyMetadata, Selector, ServicePolicyDocument, ServicePolicyKind, ServicePolicySpec,
    ServiceSpec,
};
use policy_schema::plugin_config::{ApiVersion, PolicyName};
use policy_schema::rule_spec::{Enforcement, RuleSpec};
use policy_schema::validate::validate;
use policy_schema::yaml::{self, Node};

use super::Args;
use super::human::call_line;
use super::known::Known;
use crate::failure::Failure;
use crate::learning::caller::RuleIds;
use crate::learning::proposal::{Proposals, ProposedCall};
use crate::learning::rule::rule;
use crate::{output, report};

/// More calls than these are not listed in comments.
const MOST_COMMENTS: usize = 40;

/// A policy with rules that were learnt.
#[derive(Debug)]
pub(super) struct Document {
    /// Whether there was no policy before.
    pub(super) is_new: bool,
    pub(super) text: String,
    pub(super) rules: Vec<RuleSpec>,
    replaces: Option<Replaced>,
}

/// What a document is in the place of.
#[derive(Debug)]
struct Replaced {
    /// The text that it is part of, among the sources.
    source: usize,
    old: String,
    new: String,
}

/// Where a policy stands in the sources.
struct Place<'t> {
    source: usize,
    document: &'t str,
    /// The whole text, where the document is the only one in it.
    whole: Option<&'t str>,
}

impl Document {
    /// The document; none where nothing is proposed.
    pub(super) fn of(
        name: &PolicyName,
        proposals: &Proposals,
        known: &Known,
        args: &Args,
    ) -> Result<Option<Self>, Failure> {
        if proposals.learnt.is_empty() {
            return Ok(None);
        }
        let existing = known.enforcement(name);
        // What a policy in shadow has is in shadow anyway, and counts only without saying so again.
        let enforcement = (existing == Some(Enforcement::Enforce) && !args.enforce)
            .then_some(Enforcement::Shadow);
        let mut ids = RuleIds::beside(known.rule_ids(name));
        let rules: Vec<_> = proposals
            .learnt
            .iter()
            .map(|(caller, calls)| rule(caller, calls, &name.namespace, enforcement, &mut ids))
            .collect();
        let text = fragment(&rules, proposals)?;
        let rare = rare_comments(&proposals.rare);
        let document = match place(name, known) {
            None => Self {
                is_new: true,
                text: new_document(name, &text, args)? + &rare,
                rules,
                replaces: None,
            },
            Some(place) => {
                let old = place.document.to_owned();
                let new = with_line_end(&extended(&old, &text, &rules)?);
                // What stands around the only document, such as a comment at the top, is part of it.
                let text = place.whole.map_or_else(
                    || new.clone(),
                    |whole| with_line_end(&whole.replacen(&old, &new, 1)),
                );
                Self {
                    is_new: false,
                    text: text + &rare,
                    rules,
                    replaces: Some(Replaced {
                        source: place.source,
                        old,
                        new,
                    }),
                }
            }
        };
        Ok(Some(document))
    }
}

/// What is to be written must be accepted beside the `Mesh` and the other policies.
pub(super) fn check(documents: &[&Document], known: &Known) -> Result<(), Failure> {
    let mut sources = known.sources.clone();
    for document in documents {
        match &document.replaces {
            Some(Replaced { source, old, new }) => {
                if let Some(source) = sources.get_mut(*source) {
                    source.text = source.text.replacen(old, new, 1);
                }
            }
            None => sources.push(SourceText {
                name: "<learnt>".to_owned(),
                text: document.text.clone(),
            }),
        }
    }
    let validated = validate(&sources, known.options);
    if validated.policies.is_some() {
        return Ok(());
    }
    report::diagnostics(&validated.diagnostics, &sources);
    let severities = validated.diagnostics.iter().map(Diagnostic::severity);
    let counts = report::counts(severities);
    let mut codes = validated.diagnostics.iter().map(|found| found.code);
    if codes.any(|code| code == Code::MissingService) {
        return Err(Failure::LearntWithoutService(counts));
    }
    Err(Failure::NotLearnt(counts))
}

/// The rules as a YAML list, with what was seen above each.
fn fragment(rules: &[RuleSpec], proposals: &Proposals) -> Result<String, Failure> {
    let mut text = String::new();
    for (rule, calls) in rules.iter().zip(proposals.learnt.values()) {
        for call in calls.iter().take(MOST_COMMENTS) {
            let _ = writeln!(text, "# {}", call_line(call));
        }
        if let Some(more @ 1..) = calls.len().checked_sub(MOST_COMMENTS) {
            let _ = writeln!(text, "# and {more} more");
        }
        text.push_str(&output::yaml(&[rule])?);
    }
    Ok(text)
}

fn rare_comments(rare: &[ProposedCall]) -> String {
    let mut text = String::new();
    if !rare.is_empty() {
        text.push_str("# Rare, and therefore not learnt:\n");
    }
    for call in rare.iter().take(MOST_COMMENTS) {
        let _ = writeln!(text, "#   {}: {}", call.caller, call_line(call));
    }
    if let Some(more @ 1..) = rare.len().checked_sub(MOST_COMMENTS) {
        let _ = writeln!(text, "#   and {more} more");
    }
    text
}

fn new_document(name: &PolicyName, rules: &str, args: &Args) -> Result<String, Failure> {
    let mut labels: std::collections::BTreeMap<_, _> = args.selector.iter().cloned().collect();
    let is_guessed = labels.is_empty();
    if is_guessed {
        labels.insert("app".to_owned(), name.name.clone());
    }
    let service = (!args.service_ports.is_empty()).then(|| ServiceSpec {
        name: None,
        ports: args.service_ports.clone(),
        mtls: None,
        subsets: None,
        traffic: None,
    });
    let document = ServicePolicyDocument {
        api_version: ApiVersion::V1Alpha1,
        kind: ServicePolicyKind::ServicePolicy,
        metadata: PolicyMetadata {
            name: name.name.clone(),
            namespace: name.namespace.clone(),
            labels: None,
            annotations: None,
        },
        spec: ServicePolicySpec {
            scope: None,
            selector: Some(Selector {
                match_labels: labels,
            }),
            target_refs: None,
            service_account: None,
            service,
            exposures: None,
            external_hosts: None,
            otherwise: None,
            tcp_ports: None,
            enforcement: (!args.enforce).then_some(Enforcement::Shadow),
            rules: Vec::new(),
        },
    };
    let mut text = String::new();
    if is_guessed {
        text.push_str(
            "# The selector is a guess: see that it names the labels of the workload's pods.\n",
        );
    }
    let document = output::yaml(&document)?;
    // The rules are the last field.
    let head = document.trim_end().trim_end_matches("rules: []");
    text.push_str(head);
    text.push_str("rules:\n");
    text.push_str(&indented(rules, 4));
    Ok(text)
}

fn indented(text: &str, by: usize) -> String {
    let mut indented = String::with_capacity(text.len());
    for line in text.lines() {
        let _ = writeln!(indented, "{:by$}{line}", "");
    }
    indented
}

fn with_line_end(text: &str) -> String {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}")
}

/// Finds a policy in the sources.
fn place<'k>(name: &PolicyName, known: &'k Known) -> Option<Place<'k>> {
    known.sources.iter().enumerate().find_map(|(source, text)| {
        let text = text.text.as_str();
        let nodes = yaml::parse(text).ok()?;
        let node = nodes.iter().find(|node| is_of(node, name))?;
        let span = node.span();
        let start = text.get(..span.start)?.rfind('\n').map_or(0, |end| end + 1);
        let end = text.get(..span.end)?.trim_end().len();
        let line = text.get(end..)?;
        let end = end + line.find('\n').map_or(line.len(), |end| end + 1);
        Some(Place {
            source,
            document: text.get(start..end)?,
            whole: (nodes.len() == 1).then_some(text),
        })
    })
}

fn is_of(node: &Node, name: &PolicyName) -> bool {
    let metadata = |key| node.field("metadata")?.field(key)?.as_str();
    node.field("kind").and_then(Node::as_str) == Some("ServicePolicy")
        && (metadata("namespace"), metadata("name")) == (Some(&name.namespace), Some(&name.name))
}

/// The document with more rules. One in YAML's flow style, such as JSON, is written anew.
fn extended(document: &str, fragment: &str, rules: &[RuleSpec]) -> Result<String, Failure> {
    if let Some(text) = spliced(document, fragment) {
        return Ok(text);
    }
    let nodes = yaml::parse(document).unwrap_or_default();
    let read = nodes
        .first()
        .and_then(|node| yaml::read::<ServicePolicyDocument>(node).0);
    match read {
        Some(mut read) => {
            read.spec.rules.extend_from_slice(rules);
            output::yaml(&read)
        }
        // It was read before, so this is for whoever changes either reader.
        None => Ok(document.to_owned()),
    }
}

/// Puts rules behind those of a document in block style.
fn spliced(document: &str, fragment: &str) -> Option<String> {
    let nodes = yaml::parse(document).ok()?;
    let rules = nodes.first()?.field("spec")?.field("rules")?;
    let span = rules.span();
    let Some(first) = rules.elements().first() else {
        let key = document.get(..span.start)?;
        let line = key.get(key.rfind('\n')? + 1..)?;
        let indent = line.strip_suffix("rules: ")?;
        let is_block = indent.bytes().all(|byte| byte == b' ') && !indent.is_empty();
        let head = key.strip_suffix(' ')?;
        let rest = document.get(span.end..)?;
        return is_block.then(|| {
            let rules = indented(fragment, indent.len() + 2);
            let rest = rest.strip_prefix('\n').unwrap_or(rest);
            format!("{head}\n{rules}{rest}")
        });
    };
    let before = document.get(..first.span().start)?;
    let line = before.get(before.rfind('\n')? + 1..)?;
    let indent = line.strip_suffix("- ")?;
    if !indent.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let end = document.get(..span.end)?.trim_end().len();
    let rest = document.get(end..)?;
    let end = end + rest.find('\n').unwrap_or(rest.len());
    let (head, rest) = (document.get(..end)?, document.get(end..)?);
    let rest = rest.strip_prefix('\n').unwrap_or(rest);
    let rules = indented(fragment, indent.len());
    Some(format!("{head}\n\n{rules}{rest}"))
}
