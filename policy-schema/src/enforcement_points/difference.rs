//! Notes about rules that the enforcement points enforce differently, or not as written.

use super::{FilterEnforcement, RbacEnforcement, RbacGap};
use crate::matching::TextMatch;
use crate::policy::{Mesh, ServicePolicy};
use crate::rule::{Condition, Rule, Source, Test};

/// Istio has no other way to match a suffix of the namespace.
const END_OF_NAMESPACE: &str = "RBAC looks for the namespace in every name of a certificate, including DNS names and the subject; the filter only looks in the SPIFFE ID";

/// The same note for a mesh without the filter.
const END_OF_NAMESPACE_IN_RBAC: &str = "RBAC looks for the namespace in every name of a certificate, including DNS names and the subject, not only in the SPIFFE ID";

/// Whether a rule matches a namespace by its suffix.
fn asks_for_end_of_namespace(rule: &Rule) -> bool {
    let of_source = |source: &Source| {
        let mut namespaces = source
            .namespaces
            .any_of
            .iter()
            .chain(&source.namespaces.none_of);
        namespaces.any(|namespace| matches!(namespace, TextMatch::Suffix(_)))
    };
    let of_condition = |condition: &Condition| matches!(&condition.test, Test::Caller(source) if of_source(source));
    rule.sources.iter().any(of_source) || rule.conditions.iter().any(of_condition)
}

impl ServicePolicy {
    /// Where RBAC stops fewer requests than the rules that it enforces.
    pub fn rbac_gaps(&self) -> impl Iterator<Item = RbacGap> {
        let rendered = self.rules.iter();
        let rendered = rendered.filter(|rule| RbacEnforcement::for_rule(self, rule).is_rendered());
        rendered.flat_map(RbacGap::for_rule)
    }

    /// The rules that the enforcement points enforce differently or not as written, in order, each
    /// with a note. Without the filter, the notes are about RBAC alone.
    pub fn enforcement_differences(
        &self,
        mesh: &Mesh,
    ) -> impl Iterator<Item = (&str, &'static str)> {
        let has_filter = mesh.filter_image().is_some();
        self.rules.iter().flat_map(move |rule| {
            let notes = if has_filter {
                self.notes_with_filter(rule)
            } else {
                self.notes_without_filter(rule)
            };
            notes.into_iter().map(|note| (&*rule.id, note))
        })
    }

    fn notes_with_filter(&self, rule: &Rule) -> Vec<&'static str> {
        let rbac = RbacEnforcement::for_rule(self, rule);
        let has_expired = rbac == RbacEnforcement::Expired;
        let filter = Some(FilterEnforcement::for_rule(rule)).filter(|_| !has_expired);
        let asks_every_name = rbac.is_rendered() && asks_for_end_of_namespace(rule);
        let notes = [
            rbac.note(),
            filter.and_then(FilterEnforcement::note),
            asks_every_name.then_some(END_OF_NAMESPACE),
        ];
        let are_both = rbac.is_rendered() && filter.is_some_and(FilterEnforcement::is_enforced);
        let gaps = RbacGap::for_rule(rule).filter(move |_| are_both);
        let notes = notes.into_iter().flatten().chain(gaps.map(RbacGap::note));
        notes.collect()
    }

    /// RBAC does not enforce rules that are in shadow or have expired. That is intended and needs
    /// no note.
    fn notes_without_filter(&self, rule: &Rule) -> Vec<&'static str> {
        let rbac = RbacEnforcement::for_rule(self, rule);
        if !rbac.is_rendered() {
            return Vec::new();
        }
        let end_of_namespace = asks_for_end_of_namespace(rule);
        let gaps = RbacGap::for_rule(rule).map(RbacGap::note_without_filter);
        end_of_namespace
            .then_some(END_OF_NAMESPACE_IN_RBAC)
            .into_iter()
            .chain(gaps)
            .collect()
    }
}
