//! Validates the imported policies.
//!
//! A value that can never match is an error in the language, but not in Istio. Such values are left
//! out, and so is every policy with any other error.

use std::collections::BTreeMap;

use super::mesh::ImportedMesh;
use super::partial::leave_out_together;
use super::policy::Group;
use super::prune::{Pruned, prune};
use super::resources::NOWHERE;
use super::{Finding, ImportedPolicy, Outcome};
use crate::code::{self, Severity};
use crate::diagnostic::{Diagnostic, Place};
use crate::document::MeshDocument;
use crate::problem::Step;
use crate::timestamp::Timestamp;
use crate::validate::{Options, errors_of};
use crate::yaml::{self, Node, Span};

/// The maximum number of rounds. After that, all policies with errors are left out.
const MAX_CHANGES: usize = 8;

/// Leaves out everything that validation refuses, until the rest is valid.
pub(super) fn accept(mesh: &ImportedMesh, groups: &mut [Group], findings: &mut Vec<Finding>) {
    for change in 0.. {
        let mut refusals = refusals(&mesh.document, groups);
        if refusals.is_empty() {
            return;
        }
        if let Some(of_mesh) = refusals.iter().find(|refusal| refusal.group.is_none()) {
            findings.push(Finding {
                place: NOWHERE,
                outcome: Outcome::Fatal,
                message: of_mesh.message.clone(),
            });
            return;
        }
        if change >= MAX_CHANGES {
            for refusal in &mut refusals {
                refusal.never_matches = None;
            }
        }
        for of_group in refusals.chunk_by(|a, b| a.group == b.group) {
            let position = of_group.first().and_then(|refusal| refusal.group);
            if let Some(group) = position.and_then(|at| groups.get_mut(at)) {
                leave_out_refused(group, of_group, findings);
            }
        }
        leave_out_together(groups, &[], mesh.root_namespace(), findings);
    }
}

/// Leaves out the values of a policy that never match, or else the whole policy.
fn leave_out_refused(group: &mut Group, refusals: &[Refusal], findings: &mut Vec<Finding>) {
    let Some(policy) = &mut group.policy else {
        return;
    };
    let found = |refusal: &Refusal, outcome, policy: &ImportedPolicy| Finding {
        place: refusal.place(policy),
        outcome,
        message: match (&refusal.never_matches, outcome) {
            (None, _) => refusal.message.clone(),
            (Some(_), Outcome::LeftOut) => format!(
                "{}, and without it the rule would have another meaning, at least on TCP ports",
                refusal.message
            ),
            (Some(_), _) => format!("left out, since {}", refusal.message),
        },
    };
    let (values, others): (Vec<_>, Vec<_>) = refusals
        .iter()
        .partition(|refusal| refusal.never_matches.is_some());
    let mut of_policy: Vec<_> = others
        .into_iter()
        .map(|refusal| found(refusal, Outcome::LeftOut, policy))
        .collect();
    let mut by_rule: BTreeMap<usize, Vec<&Refusal>> = BTreeMap::new();
    for refusal in values {
        by_rule
            .entry(refusal.rule.unwrap_or_default())
            .or_default()
            .push(refusal);
    }
    let mut notes = Vec::new();
    // From the end, so that positions stay valid.
    for (position, refusals) in by_rule.into_iter().rev() {
        let Some(rule) = policy.document.spec.rules.get_mut(position) else {
            continue;
        };
        let paths = refusals
            .iter()
            .filter_map(|refusal| refusal.never_matches.as_deref());
        let pruned = prune(rule, paths);
        let outcome = match &pruned {
            Pruned::Rule(_) | Pruned::Nothing => Outcome::Noted,
            Pruned::Inexpressible => Outcome::LeftOut,
        };
        let said = refusals
            .iter()
            .map(|refusal| found(refusal, outcome, policy));
        match outcome {
            Outcome::LeftOut => of_policy.extend(said),
            _ => notes.extend(said),
        }
        match pruned {
            Pruned::Rule(pruned) => {
                if let Some(rule) = policy.document.spec.rules.get_mut(position) {
                    *rule = *pruned;
                }
            }
            Pruned::Nothing => {
                policy.document.spec.rules.remove(position);
                policy.rule_origins.remove(position);
            }
            Pruned::Inexpressible => {}
        }
    }
    if of_policy.is_empty() {
        findings.extend(notes);
    } else {
        findings.extend(of_policy);
        group.policy = None;
    }
}

/// An error of validation.
struct Refusal {
    /// The group of the policy. None for the mesh.
    group: Option<usize>,
    /// The rule, if the error is about one.
    rule: Option<usize>,
    /// The path in the rule of a value that never matches, if that is the error.
    never_matches: Option<Vec<Step>>,
    message: String,
}

impl Refusal {
    fn place(&self, policy: &ImportedPolicy) -> Place {
        let rule = self.rule.and_then(|rule| policy.rule_origins.get(rule));
        let object = || policy.origins.first().map(|origin| origin.place);
        rule.map(|rule| rule.place)
            .or_else(object)
            .unwrap_or(NOWHERE)
    }
}

/// The errors of the documents, in order.
fn refusals(mesh: &MeshDocument, groups: &[Group]) -> Vec<Refusal> {
    let mesh = filled_in(mesh);
    let policies = || {
        let groups = groups.iter().enumerate();
        groups.filter_map(|(position, group)| Some((position, &group.policy.as_ref()?.document)))
    };
    let options = Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    let errors = errors_of(&mesh, policies().map(|(_, document)| document), options);
    let errors: Vec<_> = errors
        .into_iter()
        .filter(|diagnostic| diagnostic.severity() == Severity::Error)
        .collect();
    let mut refusals = Vec::with_capacity(errors.len());
    let mut policies = policies().enumerate();
    for errors in errors.chunk_by(|a, b| a.source == b.source) {
        let source = errors.first().map_or(0, |error| error.source);
        let of_policy = source
            .checked_sub(1)
            .and_then(|policy| policies.find(|(position, _)| *position == policy));
        let (group, json) = match of_policy {
            Some((_, (group, document))) => (Some(group), serde_json::to_string(document)),
            None => (None, serde_json::to_string(&mesh)),
        };
        let nodes = json.ok().and_then(|json| yaml::parse(&json).ok());
        let root = nodes.as_ref().and_then(|nodes| nodes.first());
        refusals.extend(errors.iter().map(|error| refusal(error, group, root)));
    }
    refusals
}

fn refusal(error: &Diagnostic, group: Option<usize>, root: Option<&Node>) -> Refusal {
    let mut path = Vec::new();
    let is_exact = root.is_some_and(|root| find(root, error.span, &mut path));
    let (rule, within) = match path.as_slice() {
        [
            Step::Key(spec),
            Step::Key(rules),
            Step::Index(rule),
            within @ ..,
        ] if spec == "spec" && rules == "rules" => (Some(*rule), within),
        _ => (None, &[][..]),
    };
    let is_value = is_exact && !within.is_empty() && error.code == code::NEVER_MATCHES;
    Refusal {
        group,
        rule,
        message: if is_value {
            error.message.clone()
        } else {
            format!("{}; {}", error.message, error.help)
        },
        never_matches: is_value.then(|| within.to_vec()),
    }
}

/// Finds the deepest value that contains a span, and whether it equals the span.
fn find(node: &Node, span: Span, path: &mut Vec<Step>) -> bool {
    let covers = |node: &Node| node.span().start <= span.start && span.end <= node.span().end;
    let elements = node.elements();
    let index = elements.partition_point(|element| element.span().end < span.end);
    if let Some(element) = elements.get(index).filter(|element| covers(element)) {
        path.push(Step::Index(index));
        return find(element, span, path);
    }
    for (key, _) in node.keys() {
        if let Some(value) = node.field(key).filter(|value| covers(value)) {
            path.push(Step::Key(key.to_owned().into()));
            return find(value, span, path);
        }
    }
    node.span() == span
}

/// The mesh with placeholders for the fields that users must fill in: owner and end of exceptions,
/// and the filter.
fn filled_in(mesh: &MeshDocument) -> MeshDocument {
    let mut mesh = mesh.clone();
    let filter = mesh.spec.filter.get_or_insert_default();
    let image = || "file:///filter.wasm".to_owned();
    filter.image.get_or_insert_with(image);
    let exceptions = mesh.spec.mtls.as_mut();
    let exceptions = exceptions.and_then(|mtls| mtls.exceptions.as_mut());
    for exception in exceptions.into_iter().flatten() {
        if exception.owner.is_empty() {
            exception.owner.push_str("owner");
            exception.not_after = Timestamp::from_unix_nanoseconds(u64::MAX).to_string();
        }
    }
    mesh
}
