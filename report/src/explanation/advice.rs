//! What people must do about a denied request, in words.

use peergate_insight::explanation::NearRule;
use peergate_insight::explanation::advice::{Advice, Obstacle, Refusal};
use peergate_insight::explanation::amendment::{Amendment, PolicyRule};
use peergate_insight::explanation::scalar::scalar;

/// One sentence, without the full stop.
pub(super) fn in_words(advice: &Advice) -> String {
    let text = match advice {
        Advice::AskOwner => "ask who owns the policy",
        Advice::FindOutWhatWasSent => {
            "find out what headers, tokens and addresses the request had: without any the documents allow it, and rules \
             look at them"
        }
        Advice::UpdateSidecar => {
            "the documents allow it: see that the sidecar has their revision (`peergate verify`)"
        }
        Advice::CompareRules => {
            "find out which rules the sidecar has: these documents come to another decision than its filter did. Its \
             rules may have been edited in place, or be of another revision (`peergate verify`), or look at headers, \
             tokens or addresses, which no id has"
        }
        Advice::ExceptCertificate => {
            "if the rule is not meant for this client, except its certificate from the rule: name it under \
             `notClientCertificates`"
        }
        Advice::IdentifyToExcept => {
            "give the caller an identity: from a rule that denies, only a caller who is known can be excepted"
        }
        Advice::JoinMesh => {
            "give the caller an identity: put it into the mesh. Only what everybody may call takes a rule with the \
             source `anonymous: true`"
        }
        Advice::ValidateCertificate => {
            "have the gateway validate client certificates, or give the caller one that its CA issued. Where TLS sessions \
             are resumed, switch that off at the gateway"
        }
        Advice::ReplaceCertificate => {
            "give the caller a certificate with one SPIFFE ID, as Istio's CA makes it (`peergate certs read` says what \
             is wrong with one)"
        }
        Advice::CallFromMesh => {
            "call from within the mesh. Only if the caller's trust domain is another name of this mesh does it belong \
             under `trustDomainAliases` of the `Mesh`"
        }
        Advice::Identify => "give the caller an identity of the mesh",
        Advice::WriteRule => {
            "write a rule by hand: the id does not have all of the request, or it cannot be written in one"
        }
        Advice::NameCertificate(names) => return name_certificate(names),
        Advice::EnforcePolicy(rule) => {
            return format!(
                "see whether the policy {} can be enforced (`peergate promote`): its rule `{}` would allow the request, \
                 and the whole policy is in shadow",
                rule.policy, rule.id,
            );
        }
        Advice::SeeWhatWasSent(near) => return see_what_was_sent(near),
        Advice::ByHand {
            amendment,
            obstacle,
        } => {
            return format!("{} by hand: {}", to_amend(amendment), in_the_way(obstacle));
        }
        Advice::Refused { amendment, refusal } => return refused(amendment, refusal),
        Advice::NotEnough(Amendment::Except { .. }) => {
            "ask its owner: the rule denies the request, and even with an exception no other rule would allow it"
        }
        Advice::NotEnough(_) => "change the policy by hand: one change would not be enough",
    };
    text.to_owned()
}

fn name_certificate(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "name the client's certificate in an `Allow` rule of the gateway's policy, under `clientCertificates`, by the name \
         that stands for this client: {}",
        names.join(" or "),
    )
}

/// A rule without what this one asks for would take away what its owner wants.
fn see_what_was_sent(near: &NearRule) -> String {
    let NearRule { rule, misses } = near;
    let asked = misses.iter().map(|miss| {
        let wanted = miss.wanted.join(", ");
        format!("{} ({wanted})", miss.attribute.name())
    });
    format!(
        "see what the caller sent: rule `{}` of {} matches this request except for {}, and no decision ID contains all of \
         that. A rule without it would allow requests that this one keeps out",
        rule.id,
        rule.policy,
        asked.collect::<Vec<_>>().join(" and "),
    )
}

/// What a change does, for people to do it.
fn to_amend(amendment: &Amendment) -> String {
    let of = |rule: &PolicyRule| format!("rule `{}` of {}", rule.id, rule.policy);
    match amendment {
        Amendment::AddRule(rule) => format!("add this rule to {}", rule.policy),
        Amendment::Prolong { rule, until } => {
            format!("write `notAfter: \"{until}\"` in {}", of(rule))
        }
        Amendment::Begin { rule, from } => {
            format!("write `notBefore: \"{from}\"` in {}", of(rule))
        }
        Amendment::Enforce { rule } => format!("remove `enforcement: Shadow` from {}", of(rule)),
        Amendment::Except { rule, caller } => format!(
            "add `notPrincipals: [{}]` to each source of {}",
            scalar(caller),
            of(rule)
        ),
    }
}

fn in_the_way(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::TextNotFound => "its text was not found".to_owned(),
        Obstacle::Ambiguous(file) => {
            format!("{file} is written such that a change would be a guess")
        }
    }
}

fn refused(amendment: &Amendment, refusal: &Refusal) -> String {
    let reason = match refusal {
        Refusal::Invalid(Some(reason)) => reason,
        Refusal::Invalid(None) => "the documents are not valid",
        Refusal::PolicyGone => "the policy would be gone",
    };
    match amendment {
        Amendment::Except { rule, .. } => format!(
            "take the caller out of the sources of rule `{}` of {} by hand, or remove the rule if they name no other caller: \
             an exception is refused ({reason})",
            rule.id, rule.policy
        ),
        amendment => format!(
            "change the policy by hand: to {} is refused ({reason})",
            to_amend(amendment)
        ),
    }
}
