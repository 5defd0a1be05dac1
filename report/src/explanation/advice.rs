//! Advice about a denied request, as sentences.

use peergate_insight::explanation::NearRule;
use peergate_insight::explanation::advice::{Advice, Obstacle, Refusal};
use peergate_insight::explanation::amendment::{Amendment, PolicyRule};
use peergate_insight::explanation::scalar::scalar;

/// One sentence without a full stop.
pub(super) fn sentence(advice: &Advice) -> String {
    let text = match advice {
        Advice::AskOwner => "ask the owner of the policy",
        Advice::FindOutWhatWasSent => {
            "find the headers, tokens and addresses of the request: rules depend on them, and the documents allow the \
             request without any"
        }
        Advice::UpdateSidecar => {
            "check with `peergate verify` that the sidecar runs the revision of these documents: they allow the request"
        }
        Advice::CompareRules => {
            "compare the sidecar's rules with the documents (`peergate verify`): its filter decided differently. The rules \
             may have been edited in the cluster, be of another revision, or depend on headers, tokens or addresses, which \
             a decision ID does not contain"
        }
        Advice::ExceptCertificate => {
            "if the rule must not apply to this client, exclude its certificate with `notClientCertificates`"
        }
        Advice::IdentifyToExcept => {
            "give the caller an identity: a `Deny` rule can only exclude callers with an identity"
        }
        Advice::JoinMesh => {
            "give the caller an identity by adding it to the mesh. Use a rule with the source `anonymous: true` only for \
             public operations"
        }
        Advice::ValidateCertificate => {
            "configure the gateway to validate client certificates, or give the caller a certificate from the gateway's \
             CA. If the gateway resumes TLS sessions, turn resumption off"
        }
        Advice::ReplaceCertificate => {
            "give the caller a certificate with exactly one SPIFFE ID, as Istio's CA issues them (check it with \
             `peergate certs read`)"
        }
        Advice::CallFromMesh => {
            "call from a workload of this mesh. Add the caller's trust domain to `trustDomainAliases` of the `Mesh` only if \
             it is another name of this mesh"
        }
        Advice::Identify => "give the caller an identity of this mesh",
        Advice::WriteRule => {
            "write a rule by hand: the decision ID does not contain the whole request, or no rule can express it"
        }
        Advice::NameCertificate(names) => return name_certificate(names),
        Advice::EnforcePolicy(rule) => {
            return format!(
                "check with `peergate promote` whether policy {} can be enforced: its rule `{}` would allow the request, but \
                 the policy is in shadow",
                rule.policy, rule.id,
            );
        }
        Advice::SeeWhatWasSent(near) => return see_what_was_sent(near),
        Advice::ByHand {
            amendment,
            obstacle,
        } => {
            return format!(
                "{} by hand: {}",
                to_amend(amendment),
                obstacle_text(obstacle)
            );
        }
        Advice::Refused { amendment, refusal } => return refused(amendment, refusal),
        Advice::NotEnough(Amendment::Except { .. }) => {
            "ask the owner of the rule: it denies the request, and no other rule would allow it"
        }
        Advice::NotEnough(_) => "change the policy by hand: it needs more than one change",
    };
    text.to_owned()
}

fn name_certificate(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "add the name that identifies this client to `clientCertificates` of an `Allow` rule in the gateway's policy: {}",
        names.join(" or "),
    )
}

/// Does not propose a rule without these conditions, because the owner of the near rule wants them.
fn see_what_was_sent(near: &NearRule) -> String {
    let NearRule { rule, misses } = near;
    let asked = misses.iter().map(|miss| {
        let wanted = miss.wanted.join(", ");
        format!("{} ({wanted})", miss.attribute.name())
    });
    format!(
        "check what the caller sent: rule `{}` of {} differs from this request only in {}, which a decision ID does not \
         fully contain. A rule without this condition would allow more requests",
        rule.id,
        rule.policy,
        asked.collect::<Vec<_>>().join(" and "),
    )
}

/// The change as an instruction.
fn to_amend(amendment: &Amendment) -> String {
    let of = |rule: &PolicyRule| format!("rule `{}` of {}", rule.id, rule.policy);
    match amendment {
        Amendment::AddRule(rule) => format!("add this rule to {}", rule.policy),
        Amendment::Prolong { rule, until } => {
            format!("set `notAfter: \"{until}\"` in {}", of(rule))
        }
        Amendment::Begin { rule, from } => {
            format!("set `notBefore: \"{from}\"` in {}", of(rule))
        }
        Amendment::Enforce { rule } => format!("remove `enforcement: Shadow` from {}", of(rule)),
        Amendment::Except { rule, caller } => format!(
            "add `notPrincipals: [{}]` to each source of {}",
            scalar(caller),
            of(rule)
        ),
    }
}

fn obstacle_text(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::TextNotFound => "the rule was not found in the text".to_owned(),
        Obstacle::Ambiguous(file) => {
            format!("the layout of {file} is ambiguous")
        }
    }
}

fn refused(amendment: &Amendment, refusal: &Refusal) -> String {
    let reason = match refusal {
        Refusal::Invalid(Some(reason)) => reason,
        Refusal::Invalid(None) => "the documents are not valid",
        Refusal::PolicyGone => "the change would remove the policy",
    };
    match amendment {
        Amendment::Except { rule, .. } => format!(
            "remove the caller from the sources of rule `{}` of {} by hand, or remove the rule if it names no other caller: \
             excluding the caller is invalid ({reason})",
            rule.id, rule.policy
        ),
        amendment => format!(
            "change the policy by hand: it is invalid to {} ({reason})",
            to_amend(amendment)
        ),
    }
}
