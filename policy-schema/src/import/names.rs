//! Chooses names of imported policies and IDs of their rules: short, and meaningful in metrics and
//! logs.

use std::collections::{BTreeMap, BTreeSet};

use super::attachment::{Attachment, Unread};
use super::objects::Placed;
use crate::check::is_dns_label;
use crate::istio::AuthorizationPolicy;
use crate::istio::ObjectMetadata;
use crate::istio::authorization_policy::Action;
use crate::rule_spec::{RuleSpec, SourceSpec};

/// The maximum length of a rule ID.
const MAX_ID: usize = 63;

/// The names of policies that are still free.
pub(super) struct PolicyNames {
    /// The objects of the input by their names without part numbers. No rendered object may
    /// overwrite an object with another effect.
    originals: BTreeMap<(String, String), Vec<Original>>,
    taken: BTreeSet<(String, String)>,
}

/// The effect of an object of the input, if it is readable.
type Original = Option<(Attachment, Action)>;

impl PolicyNames {
    pub(super) fn new(
        groups: &BTreeMap<Attachment, Vec<&Placed<AuthorizationPolicy>>>,
        unread: &[Unread],
    ) -> Self {
        let mut originals: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut add = |namespace: &str, name: &str, original: Original| {
            let name = (namespace.to_owned(), without_part(name).to_owned());
            originals.entry(name).or_default().push(original);
        };
        for (attachment, objects) in groups {
            for Placed { resource, .. } in objects {
                let ObjectMetadata {
                    namespace, name, ..
                } = &resource.metadata;
                add(
                    namespace,
                    name,
                    Some((attachment.clone(), resource.spec.action)),
                );
            }
        }
        for Unread { attachment, name } in unread {
            add(&attachment.namespace, name, None);
        }
        Self {
            originals,
            taken: BTreeSet::new(),
        }
    }

    /// The name of the policy that these objects become: the first one's, without the suffixes that
    /// rendering adds.
    pub(super) fn take(
        &mut self,
        attachment: &Attachment,
        objects: &[&Placed<AuthorizationPolicy>],
    ) -> String {
        let first = objects.first().map(|object| &object.resource);
        let wanted = first.map_or("policy", |first| {
            let name = first.metadata.name.as_str();
            let stem = name.strip_suffix(first.spec.action.suffix());
            let stem = stem.filter(|stem| !stem.is_empty() && objects.len() == 1);
            stem.unwrap_or(name)
        });
        let target = attachment.targets.first();
        let with_target = target.map(|target| format!("{wanted}-{}", target.name));
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let candidates = std::iter::once(wanted.to_owned())
            .chain(with_target)
            .chain(numbered);
        let mut free = candidates.filter(|name| self.is_free(name, attachment));
        let name = free.next().unwrap_or_else(|| wanted.to_owned());
        drop(free);
        let namespace = attachment.namespace.clone();
        self.taken.insert((namespace, name.clone()));
        name
    }

    fn is_free(&self, name: &str, attachment: &Attachment) -> bool {
        let namespace = &attachment.namespace;
        let overwrites = |action: &Action| {
            let rendered = (namespace.clone(), format!("{name}{}", action.suffix()));
            let originals = self.originals.get(&rendered);
            let does_the_same = |original: &Original| {
                let original = original.as_ref();
                original.is_some_and(|(of, does)| of == attachment && does == action)
            };
            originals.is_some_and(|originals| !originals.iter().all(does_the_same))
        };
        !self.taken.contains(&(namespace.clone(), name.to_owned()))
            && !Action::ALL.iter().any(overwrites)
    }
}

/// A name without a part number: rendered objects of one name are numbered.
pub(super) fn without_part(name: &str) -> &str {
    let stem = name.trim_end_matches(|char: char| char.is_ascii_digit());
    let stem = stem
        .strip_suffix('-')
        .filter(|stem| stem.len() + 1 < name.len());
    let is_rendered = |stem: &&str| {
        Action::ALL
            .iter()
            .any(|action| stem.ends_with(action.suffix()))
    };
    stem.filter(is_rendered).unwrap_or(name)
}

/// The IDs of a policy's rules.
#[derive(Default)]
pub(super) struct RuleIds {
    taken: BTreeSet<String>,
    /// How often each ID was counted up.
    counts: BTreeMap<String, usize>,
}

impl RuleIds {
    /// An ID for a rule of `object`: the object's name if it has one rule, otherwise the caller or
    /// the operation.
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
        let mut candidates = telling.into_iter().chain([by_number.clone()]);
        let free = candidates.find(|id| is_dns_label(id) && !self.taken.contains(id));
        let id = free.unwrap_or_else(|| self.counted_up(&by_number));
        self.taken.insert(id.clone());
        id
    }

    /// The first free ID that ends in a count. Long ones differ only in the count.
    fn counted_up(&mut self, wanted: &str) -> String {
        let stem = id(wanted, "-000000");
        let stem = stem.strip_suffix("-000000").unwrap_or("rule");
        let stem = if stem.is_empty() { "rule" } else { stem };
        let count = self.counts.entry(stem.to_owned()).or_insert(1);
        loop {
            *count += 1;
            let counted = format!("{stem}-{count}");
            if !self.taken.contains(&counted) {
                return counted;
            }
        }
    }
}

/// The only caller of a rule, or else its only operation.
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
    one(operation.paths.as_ref())
        .or_else(|| one(operation.hosts.as_ref()))
        .or_else(|| one(operation.methods.as_ref()))
}

/// The value of a list with one element.
fn one(list: Option<&Vec<String>>) -> Option<String> {
    match list.map(Vec::as_slice) {
        Some([value]) => Some(value.clone()),
        _ => None,
    }
}

fn caller(source: &SourceSpec) -> Option<String> {
    let account = |text: String| {
        let mut segments = text.rsplit('/').filter(|segment| *segment != "*");
        segments.next().map(str::to_owned)
    };
    one(source.principals.as_ref())
        .and_then(account)
        .or_else(|| one(source.service_accounts.as_ref()).and_then(account))
        .or_else(|| one(source.namespaces.as_ref()))
}

/// The longest prefix of a text that fits in an ID, with a suffix.
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
