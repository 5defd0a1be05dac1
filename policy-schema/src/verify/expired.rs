//! Renders the documents as they were before something expired.
//!
//! An applied object is not wrong because a rule or an exception has expired since. The filter
//! stops matching expired rules itself, so the only remedy is to render and apply again.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::difference::difference;
use super::object::{Object, ObjectId};
use super::rendered::rendered;
use super::{Finding, FindingCode};
use crate::enforcement_points::RbacEnforcement;
use crate::istio::ExtensionApi;
use crate::policy::PolicySet;
use crate::timestamp::Timestamp;

/// The maximum number of expirations to look behind, the latest first. Each costs one rendering.
const MAX_MOMENTS: usize = 16;

/// The annotation with the policy that an object is rendered from.
const POLICY: &str = "peergate.dev/policy";

/// The documents as rendered before the latest expirations.
pub(super) struct Renderings<'s> {
    set: &'s PolicySet,
    api: ExtensionApi,
    /// Earlier renderings, the latest first. Only computed if something differs.
    earlier: OnceCell<Vec<Stage>>,
}

/// The documents as rendered until something expired.
struct Stage {
    expired: Vec<ExpiredItem>,
    objects: BTreeMap<ObjectId, Object>,
}

/// An expired rule or exception.
struct ExpiredItem {
    at: Timestamp,
    part: Part,
    title: String,
}

/// An expired rule or exception, by the namespace and name of its owner.
enum Part {
    RuleOf(String, String),
    Exception(String, String),
}

impl<'s> Renderings<'s> {
    pub(super) fn new(set: &'s PolicySet, api: ExtensionApi) -> Self {
        Self {
            set,
            api,
            earlier: OnceCell::new(),
        }
    }

    /// The finding about an object, or its absence, if it was rendered so before something expired.
    /// `now` is the current rendering.
    pub(super) fn expired(
        &self,
        id: &ObjectId,
        now: Option<&Object>,
        found: Option<&Object>,
    ) -> Option<Finding> {
        let mut later = now;
        let mut expired = Vec::new();
        for stage in self.earlier() {
            let object = stage.objects.get(id);
            if !is_same(object, later) {
                expired.extend(stage.titles(object.or(later)));
            }
            later = object;
            let is_as_before = match (object, found) {
                (Some(object), Some(found)) => {
                    difference(&object.opened(), &found.opened()).is_none()
                }
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if is_as_before {
                return Some(finding(id, now.is_some(), found, &expired));
            }
        }
        None
    }

    fn earlier(&self) -> &[Stage] {
        self.earlier.get_or_init(|| {
            let mut by_moment: BTreeMap<Timestamp, Vec<ExpiredItem>> = BTreeMap::new();
            for expired in expired_items(self.set) {
                by_moment.entry(expired.at).or_default().push(expired);
            }
            let latest = by_moment.into_iter().rev().take(MAX_MOMENTS);
            let stages = latest.map(|(end, expired)| {
                let before = Timestamp::from_unix_nanoseconds(end.unix_nanoseconds() - 1);
                let set = self.set.as_read_at(before);
                // Rendering failures have been reported already.
                let mut reported = Vec::new();
                let objects = rendered(&set, self.api, &mut reported);
                let objects = objects.map(|object| (object.id().clone(), object.packed()));
                let objects = objects.collect();
                Stage { expired, objects }
            });
            stages.collect()
        })
    }
}

/// Whether two renderings of an object are equal, or both missing.
fn is_same(object: Option<&Object>, other: Option<&Object>) -> bool {
    match (object, other) {
        (Some(object), Some(other)) => object.opened().value() == other.opened().value(),
        (object, other) => object.is_none() && other.is_none(),
    }
}

fn finding(id: &ObjectId, is_wanted: bool, found: Option<&Object>, expired: &[&str]) -> Finding {
    let verb = if expired.len() == 1 { "has" } else { "have" };
    let state = match found {
        Some(_) => "the object has not been updated since",
        None => "the object has not been created since",
    };
    let help = if is_wanted {
        "apply the current output of `peergate render`"
    } else {
        "delete it: the documents no longer render it"
    };
    let expired = match expired {
        [] | [_] | [_, _] => expired.join(" and "),
        _ => format!("{} rules and exceptions", expired.len()),
    };
    let message = format!("{expired} {verb} expired, but {state}");
    match found {
        Some(found) => Finding::about(found, FindingCode::EndedObject, message, help),
        None => Finding::new(id.to_string(), FindingCode::EndedObject, message, help),
    }
}

impl Stage {
    /// The expired items that changed an object. An object for mutual TLS depends on its exception,
    /// one with a policy annotation on rules of that policy, and any other on all.
    fn titles(&self, object: Option<&Object>) -> impl Iterator<Item = &str> {
        let policy = object.and_then(|it| Some((it.namespace(), it.annotation(POLICY)?)));
        let exception = object
            .filter(|it| it.kind() == "PeerAuthentication")
            .map(|it| (it.namespace(), it.name()));
        let expired = self
            .expired
            .iter()
            .filter(move |expired| match &expired.part {
                Part::Exception(namespace, name) => {
                    policy.is_none() && exception.is_none_or(|of| of == (namespace, name))
                }
                Part::RuleOf(namespace, name) => {
                    exception.is_none() && policy.is_none_or(|of| of == (namespace, name))
                }
            });
        expired.map(|expired| &*expired.title)
    }
}

/// The rules and exceptions that have expired.
fn expired_items(set: &PolicySet) -> impl Iterator<Item = ExpiredItem> {
    let rules = set.policies().iter().flat_map(|policy| {
        let expired = policy.rules.iter().filter_map(move |rule| {
            let end = rule
                .validity
                .not_after
                .filter(|_| policy.has_expired(rule))?;
            let before = Timestamp::from_unix_nanoseconds(end.unix_nanoseconds().checked_sub(1)?);
            let rbac = RbacEnforcement::for_rule_in(policy.enforcement, rule, before);
            rbac.is_rendered().then_some((end, rule))
        });
        expired.map(|(at, rule)| ExpiredItem {
            at,
            part: Part::RuleOf(policy.name().namespace.clone(), policy.name().name.clone()),
            title: format!("rule `{}` of policy `{}`", rule.id, policy.name()),
        })
    });
    let mtls = &set.mesh.mtls;
    let exceptions = mtls.exceptions.iter();
    let exceptions = exceptions.filter(|exception| exception.has_expired(mtls.at));
    let exceptions = exceptions.map(|exception| ExpiredItem {
        at: exception.not_after,
        part: Part::Exception(exception.namespace.clone(), exception.name.clone()),
        title: format!(
            "mTLS exception `{}` of namespace `{}`",
            exception.name, exception.namespace
        ),
    });
    rules.chain(exceptions)
}
