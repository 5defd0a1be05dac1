//! Service accounts and namespaces that rules name and no document declares.
//!
//! Callers need no policy: jobs, monitoring and clients of other clusters have none. So an unknown name alone is
//! no mistake. It is one if it differs from a declared name as a typing mistake does, if its account is declared in
//! another namespace, or if a `NetworkPolicy` would let in a whole namespace instead. That is reported where the account
//! is named first: one declaration mends it everywhere.

use std::collections::HashSet;

use super::Found;
use super::callers::{self, NamedCaller};
use super::declared::Declared;
use crate::code::Code;
use crate::policy::{Attachment, Mesh, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// The account of pods that name none. It may be that of any workload.
const DEFAULT_ACCOUNT: &str = "default";

/// Reports callers of rules, and namespaces of policies, that are probably misspelt.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let declared = Declared::by(set);
    let declaration = declaration(set.mesh());
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    let mut undeclared = HashSet::new();
    for (position, policy) in set.policies().iter().enumerate() {
        let problems = found.of(position);
        check_namespace(policy, &declared, problems);
        for (index, rule) in policy.rules.iter().enumerate() {
            let declaration = declaration.filter(|_| lets_packets_in(policy, rule));
            callers::visit(rule, &rules.index(index), &mut |cursor, caller| {
                let is_new = |account: &str| {
                    undeclared.insert((caller.namespace.to_owned(), account.to_owned()))
                };
                check_caller(&caller, declaration, &declared, is_new, cursor, problems);
            });
        }
    }
}

/// A policy that declares an account and changes nothing for who may call its workload. None where an unknown account
/// opens nothing.
fn declaration(mesh: &Mesh) -> Option<&'static str> {
    mesh.network_policies.then_some(match mesh.otherwise {
        Otherwise::Pass => "`otherwise: Pass` and `rules: []`, which let every request in",
        Otherwise::Deny => {
            "`rules: []`, which let no request in, as the mesh does where there is no policy"
        }
    })
}

/// The only policy of a namespace that is spelt almost like another one.
fn check_namespace(policy: &ServicePolicy, declared: &Declared<'_>, problems: &mut Problems) {
    let name = &policy.name.namespace;
    let count = |name| declared.namespace(name).map_or(0, |known| known.policies);
    let Some(meant) = declared.closest_namespace(name) else {
        return;
    };
    if count(name) == 1 && count(meant) > 1 {
        problems.report(
            Code::UnknownNamespace,
            &Cursor::Root.key("metadata").key("namespace"),
            format!(
                "no other policy is in the namespace `{name}`, and {} are in `{meant}`",
                count(meant)
            ),
            format!("did you mean `{meant}`?"),
        );
    }
}

/// Whether the callers of a rule become peers of a `NetworkPolicy`.
fn lets_packets_in(policy: &ServicePolicy, rule: &Rule) -> bool {
    rule.effect == Effect::Allow
        && policy.enforcement == Enforcement::Enforce
        && rule.enforcement != Some(Enforcement::Shadow)
        && !matches!(policy.attachment, Attachment::Targets(_))
}

fn check_caller(
    caller: &NamedCaller<'_>,
    declaration: Option<&str>,
    declared: &Declared<'_>,
    mut is_new: impl FnMut(&str) -> bool,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let name = caller.namespace;
    let Some(namespace) = declared.namespace(name) else {
        if let Some(meant) = declared.closest_namespace(name) {
            problems.report(
                Code::UnknownNamespace,
                cursor,
                format!("the namespace `{name}` is in no document"),
                format!("did you mean `{meant}`?"),
            );
        }
        return;
    };
    let Some(account) = caller.account else {
        return;
    };
    if caller.lacks_sa {
        problems.report(
            Code::UnknownServiceAccount,
            cursor,
            format!(
                "no workload of `{name}` has this identity: Istio writes `/ns/NAMESPACE/sa/NAME`"
            ),
            format!("did you mean `/ns/{name}/sa/{account}`?"),
        );
        return;
    }
    if declared.has_account(name, account) || account == DEFAULT_ACCOUNT {
        return;
    }
    let elsewhere = || {
        let other = declared.only_namespace_with(account)?;
        namespace
            .declares_all_accounts()
            .then(|| format!("{other}/{account}"))
    };
    let declaration = declaration.filter(|_| caller.is_included && namespace.declares_accounts());
    let meant = match declared.closest_account(name, account) {
        Some(meant) => Some(format!("{name}/{meant}")),
        None => elsewhere(),
    };
    let help = match (meant, declaration) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(_)) if !is_new(account) => return,
        (None, Some(declaration)) => format!(
            "write `serviceAccount: {account}` into the policy for the pods that run as the account; if they have none, add one with \
             {declaration}"
        ),
        (None, None) => return,
    };
    let consequence = if declaration.is_some() {
        format!(", so a `NetworkPolicy` lets in packets from every pod of `{name}`")
    } else {
        String::new()
    };
    problems.report(
        Code::UnknownServiceAccount,
        cursor,
        format!("no document declares the service account `{name}/{account}`{consequence}"),
        help,
    );
}
