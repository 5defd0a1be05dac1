//! Random sources of rules.

use policy_schema::rule_spec::SourceSpec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::values::{list, pattern};
use crate::random::alphabet::{BLOCKS, CLIENT_CERTIFICATES, PATHS_OF_IDS};

pub(super) fn source() -> impl Strategy<Value = SourceSpec> {
    let lists = (
        (
            weighted(0.35, list(principal())),
            weighted(0.15, list(principal())),
        ),
        (
            weighted(0.25, list(account())),
            weighted(0.15, list(account())),
        ),
        (
            weighted(0.3, list(namespace())),
            weighted(0.15, list(namespace())),
        ),
        (
            weighted(0.15, list(trust_domain())),
            weighted(0.1, list(trust_domain())),
        ),
    );
    let workload = (lists, other_fields()).prop_map(|(lists, other_fields)| {
        let (principals, accounts, namespaces, trust_domains) = lists;
        let stands_alone = accounts.0.is_some();
        let mut source = SourceSpec {
            principals: principals.0.filter(|_| !stands_alone),
            not_principals: principals.1,
            service_accounts: accounts.0,
            not_service_accounts: accounts.1,
            namespaces: namespaces.0.filter(|_| !stands_alone),
            not_namespaces: namespaces.1,
            trust_domains: trust_domains.0,
            not_trust_domains: trust_domains.1,
            ..other_fields
        };
        if source == SourceSpec::default() {
            source.principals = Some(vec!["*".to_owned()]);
        }
        source
    });
    let anonymous = other_fields().prop_map(|other_fields| SourceSpec {
        anonymous: Some(true),
        ..other_fields
    });
    prop_oneof![1 => anonymous, 3 => from_outside(), 12 => workload]
}

/// Client certificates from outside the mesh.
fn from_outside() -> impl Strategy<Value = SourceSpec> {
    let name = || prop_oneof![1 => Just("*"), 6 => select(&CLIENT_CERTIFICATES[..])];
    let name = || name().prop_map(str::to_owned);
    let excluded = select(&CLIENT_CERTIFICATES[..]).prop_map(str::to_owned);
    let lists = (weighted(0.8, list(name())), weighted(0.3, list(excluded)));
    (lists, other_fields()).prop_map(|((some, excluded), other_fields)| {
        let some = some.or_else(|| excluded.is_none().then(|| vec!["*".to_owned()]));
        SourceSpec {
            client_certificates: some,
            not_client_certificates: excluded,
            ..other_fields
        }
    })
}

/// Usually nothing.
fn other_fields() -> impl Strategy<Value = SourceSpec> {
    let lists = (
        weighted(0.2, list(request_principal())),
        weighted(0.1, list(request_principal())),
        weighted(0.2, list(block())),
        weighted(0.1, list(block())),
        weighted(0.2, list(block())),
        weighted(0.1, list(block())),
    );
    let some = lists.prop_map(|lists| SourceSpec {
        request_principals: lists.0,
        not_request_principals: lists.1,
        ip_blocks: lists.2,
        not_ip_blocks: lists.3,
        remote_ip_blocks: lists.4,
        not_remote_ip_blocks: lists.5,
        ..SourceSpec::default()
    });
    prop_oneof![3 => Just(SourceSpec::default()), 2 => some]
}

pub(super) fn request_principal() -> impl Strategy<Value = String> + Clone {
    select(
        &[
            "*",
            "https://a/a",
            "https://a/b/ab",
            "*/a",
            "*a/ab",
            "*b",
            "https://a/*",
            "https://a/a*",
            "https://*",
            "b/b",
            "*b/a",
        ][..],
    )
    .prop_map(|pattern| match pattern {
        // With a slash, the `*` would belong to the subject.
        "https://*" => "b*".to_owned(),
        other => other.to_owned(),
    })
}

pub(super) fn block() -> impl Strategy<Value = String> + Clone {
    select(&BLOCKS[..]).prop_map(str::to_owned)
}

pub(super) fn principal() -> impl Strategy<Value = String> + Clone {
    let text = (select(&["td1", "td2"][..]), select(&PATHS_OF_IDS[..]));
    (text, any::<Index>(), 0..9u8).prop_map(|((domain, path), index, kind)| {
        let id = format!("{domain}/{path}");
        let at = 1 + index.index(id.len());
        match kind {
            0 => "*".to_owned(),
            1 => format!("{}*", &id[..at]),
            2 => format!("spiffe://{}*", &id[..at]),
            3 => format!("{domain}/{}*", &path[..(at - 1) % path.len()]),
            // An ID ends in a complete segment and contains `//` only in its scheme.
            4 | 5 => match &id[at - 1..] {
                // Istio would extend a workload's complete ID to all trust domains, except at the
                // start of the domain.
                end if end.split('/').count() == 5 => format!("*/{path}"),
                end => format!("*{end}"),
            },
            6 => format!("spiffe://{id}"),
            _ => id,
        }
    })
}

pub(super) fn account() -> impl Strategy<Value = String> + Clone {
    select(&["a", "b", "ab", "a/a", "a/b", "b/a", "ab/b", "b/ab"][..]).prop_map(str::to_owned)
}

pub(super) fn namespace() -> impl Strategy<Value = String> + Clone {
    // Istio would read `*a` as every namespace, so it is rejected.
    pattern(&["a", "ab", "b", "ba"])
        .prop_map(|pattern| pattern.replace("*a", "*ba").replace("*bab", "*ab"))
}

pub(super) fn trust_domain() -> impl Strategy<Value = String> + Clone {
    pattern(&["td1", "td2"])
}
