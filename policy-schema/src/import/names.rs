//! The names of imported policies and the ids of their rules: short, and telling in metrics and logs.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::Attachment;
use super::resources::Placed;
use crate::check::is_dns_label;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::Action;
use crate::rule_spec::{RuleSpec, SourceSpec};

/// The longest id of a rule.
const MAX_ID: usize = 63;

/// The names of policies that are not taken yet.
pub(super) struct PolicyNames {
    /// The originals, each with what it is for: a rendered object must not overwrite one of another policy.
    originals: BTreeMap<(String, String), Vec<Attachment>>,
    taken: BTreeSet<(String, String)>,
}

impl PolicyNames {
    pub(super) fn of(groups: &BTreeMap<Attachment, Vec<&Placed<AuthorizationPolicy>>>) -> Self {
        let mut originals: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (attachment, objects) in groups {
            for object in objects {
                let name = (
                    object.resource.metadata.namespace.clone(),
                    object.resource.metadata.name.clone(),
                );
                originals.entry(name).or_default().push(attachment.clone());
            }
        }
        Self {
            originals,
            taken: BTreeSet::new(),
        }
    }

    /// The name of the policy that these objects become: the first one's, without what rendering adds again.
    pub(super) fn take(
        &mut self,
        attachment: &Attachment,
        objects: &[&Placed<AuthorizationPolicy>],
    ) -> String {
        let first = objects.first().map(|object| &object.resource);
        let wanted = first.map_or("policy", |first| {
            let name = first.metadata.name.as_str();
            let stem = name.strip_suffix(first.spec.action.suffix());
            stem.filter(|stem| !stem.is_empty() && objects.len() == 1)
                .unwrap_or(name)
        });
        let target = attachment
            .targets
            .first()
            .map(|target| target.name.as_str());
        let with_target = target.map(|target| format!("{wanted}-{target}"));
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let candidates = std::iter::once(wanted.to_owned())
            .chain(with_target)
            .chain(numbered);
        let mut free = candidates.filter(|name| self.is_free(name, attachment));
        let name = free.next().unwrap_or_else(|| wanted.to_owned());
        drop(free);
        self.taken
            .insert((attachment.namespace.clone(), name.clone()));
        name
    }

    fn is_free(&self, name: &str, attachment: &Attachment) -> bool {
        let namespace = &attachment.namespace;
        let overwrites = |action: &Action| {
            let rendered = (namespace.clone(), format!("{name}{}", action.suffix()));
            let originals = self.originals.get(&rendered);
            originals.is_some_and(|originals| originals.iter().any(|other| other != attachment))
        };
        !self.taken.contains(&(namespace.clone(), name.to_owned()))
            && !Action::ALL.iter().any(overwrites)
    }
}

/// The ids of a policy's rules.
#[derive(Default)]
pub(super) struct RuleIds {
    taken: BTreeSet<String>,
}

impl RuleIds {
    /// An id for a rule of `object` that says what the rule is about: the object's name if it has one rule,
    /// and otherwise who may call, or what is called.
    pub(super) fn id_of(
        &mut self,
        rule: &RuleSpec,
        object: &AuthorizationPolicy,
        number: usize,
    ) -> String {
        let kind = rule.id.as_str();
        let name = &object.metadata.name;
        let name = name
            .strip_suffix(object.spec.action.suffix())
            .unwrap_or(name);
        let about = if object.spec.rules.len() == 1 {
            Some(name.to_owned())
        } else {
            subject(rule)
        };
        let telling = about.map(|about| id(&about, kind));
        let by_number = id(&format!("{name}-{}", number + 1), kind);
        let counted = (2..).map(|count| id(&by_number, &format!("-{count}")));
        let candidates = telling
            .into_iter()
            .chain([by_number.clone()])
            .chain(counted);
        let mut free = candidates.filter(|id| is_dns_label(id) && !self.taken.contains(id));
        let id = free.next().unwrap_or(by_number.clone());
        drop(free);
        self.taken.insert(id.clone());
        id
    }
}

/// Who a rule is for if it is one caller, or else the one thing that is called.
fn subject(rule: &RuleSpec) -> Option<String> {
    let from = rule.from.as_deref().unwrap_or_default();
    if let [source] = from
        && let Some(caller) = caller(source)
    {
        return Some(caller);
    }
    let [operation] = rule.to.as_deref().unwrap_or_default() else {
        return None;
    };
    one(&operation.paths)
        .or_else(|| one(&operation.hosts))
        .or_else(|| one(&operation.methods))
}

/// The value of a list of one.
fn one(list: &Option<Vec<String>>) -> Option<String> {
    match list.as_deref() {
        Some([value]) => Some(value.clone()),
        _ => None,
    }
}

fn caller(source: &SourceSpec) -> Option<String> {
    let account = |text: String| {
        let mut segments = text.rsplit('/').filter(|segment| *segment != "*");
        segments.next().map(str::to_owned)
    };
    one(&source.principals)
        .and_then(account)
        .or_else(|| one(&source.service_accounts).and_then(account))
        .or_else(|| one(&source.namespaces))
}

/// As much of a text as an id can have, with an end.
fn id(text: &str, end: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            id.push(letter.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.truncate(MAX_ID.saturating_sub(end.len()));
    format!("{}{end}", id.trim_end_matches('-'))
}
