//! Reports service accounts and namespaces in rules that no document declares.
//!
//! Callers need no policy: jobs, monitoring and clients of other clusters have none. So an unknown
//! name alone is no mistake. It is a mistake if it misspells a declared name, if it is the name of
//! a workload that runs as another account, if the policy's own namespace has no such account and
//! another one has, or if a `NetworkPolicy` would otherwise admit a whole namespace. The last is
//! reported at the first use of the account, because one declaration fixes all.

use std::collections::HashSet;

use super::Found;
use super::callers::{self, NamedCaller};
use super::declared::Declared;
use crate::code::{self, Code};
use crate::policy::{Attachment, Mesh, PolicySet, ServicePolicy};
use crate::problem::{Cursor, Problems};
use crate::rule::Rule;
use crate::rule_spec::{Effect, Enforcement, Otherwise};

/// The account of pods that set none. Any workload may run as it.
const DEFAULT_ACCOUNT: &str = "default";

/// Reports callers of rules, and namespaces of policies and of the mesh, that are probably
/// misspelled.
pub(super) fn check(set: &PolicySet, found: &mut Found) {
    let declared = Declared::new(set);
    check_namespaces_of_mesh(set, &declared, &mut found.mesh);
    let declaration = declaration(set.mesh());
    let rules = Cursor::Root;
    let rules = rules.key("spec");
    let rules = rules.key("rules");
    let mut undeclared = HashSet::new();
    for (position, policy) in set.policies().iter().enumerate() {
        let problems = found.for_policy(position);
        check_namespace(policy, &declared, problems);
        for (index, rule) in policy.rules.iter().enumerate() {
            let rule_cursor = rules.index(index);
            let mut named = Named {
                own_namespace: &policy.name.namespace,
                declaration: declaration.filter(|_| becomes_network_peers(policy, rule)),
                accounts: HashSet::new(),
                reported: HashSet::new(),
            };
            callers::visit(rule, &rule_cursor, &mut |_, caller| {
                named
                    .accounts
                    .extend(caller.account.map(|account| (caller.namespace, account)));
            });
            callers::visit(rule, &rule_cursor, &mut |cursor, caller| {
                let Some(unknown) = judge(&caller, &named, &declared) else {
                    return;
                };
                let account = (
                    caller.namespace.to_owned(),
                    caller.account.map(str::to_owned),
                );
                let is_new =
                    named
                        .reported
                        .insert((caller.namespace, caller.account, caller.is_included))
                        && (!unknown.is_undeclared || undeclared.insert(account));
                if is_new {
                    problems.report(unknown.code, cursor, unknown.message, unknown.help);
                }
            });
        }
    }
}

/// A policy that declares an account without allowing any callers. None if an unknown account has
/// no consequences.
fn declaration(mesh: &Mesh) -> Option<&'static str> {
    mesh.network_policies.then_some(match mesh.otherwise {
        Otherwise::Pass => "`otherwise: Pass` and `rules: []`, which allows every request",
        Otherwise::Deny => {
            "`rules: []`, which denies every request, as the mesh does without a policy"
        }
    })
}

/// Reports namespaces of gateways and of exceptions from mutual TLS that contain no policy.
fn check_namespaces_of_mesh(set: &PolicySet, declared: &Declared<'_>, problems: &mut Problems) {
    let mut check = |name: &str, fewest: usize, cursor: &Cursor<'_>| {
        let policies = |name| declared.namespace(name).map_or(0, |known| known.policies);
        let meant = declared.closest_namespace(name);
        if let Some(meant) = meant.filter(|meant| policies(name) == 0 && policies(meant) >= fewest)
        {
            problems.report(
                code::UNKNOWN_NAMESPACE,
                cursor,
                format!("no policy is in namespace `{name}`"),
                format!("did you mean `{meant}`?"),
            );
        }
    };
    let mesh = set.mesh();
    let spec = Cursor::Root;
    let spec = spec.key("spec");
    let gateways = spec.key("gateways");
    for (index, gateway) in mesh.gateways.iter().enumerate() {
        check(
            &gateway.namespace,
            2,
            &gateways.index(index).key("namespace"),
        );
    }
    let mtls = spec.key("mtls");
    let exceptions = mtls.key("exceptions");
    for exception in &mesh.mtls.exceptions {
        let cursor = exceptions.index(exception.position);
        check(&exception.namespace, 1, &cursor.key("namespace"));
    }
}

/// State for the callers that a rule names.
struct Named<'r> {
    own_namespace: &'r str,
    /// A policy that would declare them, if the rule's callers become peers of a `NetworkPolicy`.
    declaration: Option<&'static str>,
    /// Callers with an account, by namespace and name.
    accounts: HashSet<(&'r str, &'r str)>,
    /// Reported callers, which several spellings may name.
    reported: HashSet<(&'r str, Option<&'r str>, bool)>,
}

/// Reports the only policy of a namespace whose name misspells another one.
fn check_namespace(policy: &ServicePolicy, declared: &Declared<'_>, problems: &mut Problems) {
    let name = &policy.name.namespace;
    let count = |name| declared.namespace(name).map_or(0, |known| known.policies);
    let Some(meant) = declared.closest_namespace(name) else {
        return;
    };
    if count(name) == 1 && count(meant) > 1 {
        problems.report(
            code::UNKNOWN_NAMESPACE,
            &Cursor::Root.key("metadata").key("namespace"),
            format!(
                "no other policy is in namespace `{name}`, but {} are in `{meant}`",
                count(meant)
            ),
            format!("did you mean `{meant}`?"),
        );
    }
}

/// Whether the callers of a rule become peers of a `NetworkPolicy`.
fn becomes_network_peers(policy: &ServicePolicy, rule: &Rule) -> bool {
    rule.effect == Effect::Allow
        && policy.enforcement == Enforcement::Enforce
        && rule.enforcement != Some(Enforcement::Shadow)
        && !matches!(policy.attachment, Attachment::Targets(_))
}

/// The problem with the name of a caller.
struct Unknown {
    code: Code,
    message: String,
    help: String,
    /// Whether the only problem is that no document declares it.
    is_undeclared: bool,
}

fn judge(caller: &NamedCaller<'_>, named: &Named<'_>, declared: &Declared<'_>) -> Option<Unknown> {
    let name = caller.namespace;
    let of_account = |message, help| Unknown {
        code: code::UNKNOWN_SERVICE_ACCOUNT,
        message,
        help,
        is_undeclared: false,
    };
    let Some(namespace) = declared.namespace(name) else {
        if let Some(account) = caller.account
            && declared.has_account(account, name)
        {
            let message = format!(
                "no document has namespace `{name}`, but `{account}` is a namespace with account `{name}`"
            );
            let help = format!("write the namespace first: `{account}/{name}`");
            return Some(of_account(message, help));
        }
        let meant = declared.closest_namespace(name)?;
        return Some(Unknown {
            code: code::UNKNOWN_NAMESPACE,
            message: format!("no document has namespace `{name}`"),
            help: format!("did you mean `{meant}`?"),
            is_undeclared: false,
        });
    };
    let account = caller.account?;
    if caller.lacks_sa {
        let message = format!(
            "no workload of `{name}` has this identity: Istio writes `/ns/NAMESPACE/sa/NAME`"
        );
        let help = format!("did you mean `/ns/{name}/sa/{account}`?");
        return Some(of_account(message, help));
    }
    if declared.has_account(name, account) || account == DEFAULT_ACCOUNT {
        return None;
    }
    let is_unnamed = |meant: &&str| !named.accounts.contains(&(name, *meant));
    let is_peer = caller.is_included && namespace.declares_accounts();
    let declaration = named.declaration.filter(|_| is_peer);
    let mut is_undeclared = false;
    let by_workload = declared.account_of_workload(name, account);
    let (reason, help) = if let Some(meant) = by_workload.filter(is_unnamed) {
        let reason = format!(", but the workload of this name runs as `{meant}`");
        (reason, format!("did you mean `{name}/{meant}`?"))
    } else if let Some(meant) = declared.closest_account(name, account).filter(is_unnamed) {
        (String::new(), format!("did you mean `{name}/{meant}`?"))
    } else if name == named.own_namespace
        && namespace.declares_all_accounts()
        && let Some(other) = declared.only_namespace_with(account)
        && !named.accounts.contains(&(other, account))
    {
        // It may be another namespace's account of the same name, so it is not suggested.
        (
            format!(", but namespace `{other}` has one of this name"),
            format!(
                "write `NAMESPACE/NAME` for an account of another namespace; to declare one in `{name}`, add `serviceAccount: {account}` to a policy"
            ),
        )
    } else if let Some(declaration) = declaration {
        is_undeclared = true;
        (
            String::new(),
            format!(
                "add `serviceAccount: {account}` to the policy for the pods that run as the account; if they have no policy, add one with {declaration}"
            ),
        )
    } else {
        return None;
    };
    let consequence = if declaration.is_some() {
        format!(", so a `NetworkPolicy` lets in packets from every pod of `{name}`")
    } else {
        reason
    };
    let message =
        format!("no document declares the service account `{name}/{account}`{consequence}");
    Some(Unknown {
        is_undeclared,
        ..of_account(message, help)
    })
}
