use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};

use super::authority::{self, Authority, AuthorityError};
use super::expected::Expected;
use super::inspect::{Inspected, inspect};
use super::read::{CA_CERT, CA_KEY, CERT_CHAIN, ROOT_CERT, from_files, read};
use super::siblings::check_siblings;

const DAY: Duration = Duration::from_hours(24);
const DOMAIN: &str = "cluster.local";

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

fn root() -> Authority {
    authority::root(DOMAIN, 3650 * DAY, now()).unwrap()
}

fn cluster(root: &Authority) -> Authority {
    authority::intermediate(root, DOMAIN, "east", 365 * DAY, now()).unwrap()
}

/// A workload certificate as issued by Istio, with changes.
fn workload(authority: &Authority, change: impl FnOnce(&mut CertificateParams)) -> String {
    with_key(authority, &KeyPair::generate().unwrap(), change)
}

fn with_key(
    authority: &Authority,
    own_key: &KeyPair,
    change: impl FnOnce(&mut CertificateParams),
) -> String {
    let key = KeyPair::from_pem(&authority.key_pem).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate_pem, key).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = (now() - Duration::from_hours(1)).into();
    params.not_after = (now() + Duration::from_hours(23)).into();
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.subject_alt_names = vec![uri("spiffe://cluster.local/ns/shop/sa/cart")];
    change(&mut params);
    params.signed_by(own_key, &issuer).unwrap().pem()
}

fn uri(text: &str) -> SanType {
    SanType::URI(Ia5String::try_from(text).unwrap())
}

fn expected() -> Expected {
    Expected {
        now: 1_800_000_000,
        min_days: 30,
        renewed_since: None,
        trust_domains: vec![DOMAIN.to_owned()],
    }
}

fn inspected(content: &str) -> Vec<Inspected> {
    let chains = read(content.as_bytes()).unwrap();
    chains
        .iter()
        .flat_map(|chain| inspect(chain, &expected()))
        .collect()
}

fn codes(content: &str) -> Vec<&'static str> {
    let inspected = inspected(content);
    inspected
        .iter()
        .flat_map(|found| &found.findings)
        .map(|found| found.code.as_str())
        .collect()
}

#[test]
fn created_chains_have_no_findings() {
    let root = root();
    let cluster = cluster(&root);
    let chain = workload(&cluster, |_| {}) + &authority::chain(&cluster, &root);
    let found = inspected(&chain);
    assert_eq!(codes(&chain), [""; 0], "{found:#?}");
    assert_eq!(
        found[0].identities,
        ["spiffe://cluster.local/ns/shop/sa/cart"]
    );
    assert_eq!(found[1].identities, ["spiffe://cluster.local"]);
    assert_eq!(found[1].is_authority, Some(true));
    assert_eq!(found[1].days_left, 365);
    assert_eq!(found[2].days_left, 3650);
    assert_eq!(found[2].key.as_deref(), Some("EC 256"));
}

/// After a rotation, old workload certificates must be renewed.
#[test]
fn finds_workload_certificates_issued_before_a_time() {
    let root = root();
    let cluster = cluster(&root);
    let chain = workload(&cluster, |params| {
        params.not_before = (now() - DAY / 8).into();
    }) + &authority::chain(&cluster, &root);
    let found = |seconds_ago: i64| {
        let expected = Expected {
            renewed_since: Some(expected().now - seconds_ago),
            ..expected()
        };
        let chains = read(chain.as_bytes()).unwrap();
        let inspected: Vec<_> = chains
            .iter()
            .flat_map(|chain| inspect(chain, &expected))
            .collect();
        let codes = inspected.iter().map(|found| {
            let codes = found.findings.iter().map(|finding| finding.code.as_str());
            codes.collect::<Vec<_>>()
        });
        codes.collect::<Vec<_>>()
    };
    assert_eq!(found(4 * 3600), [[""; 0]; 3]);
    // CAs have no automatic renewal.
    assert_eq!(found(3600), [vec!["not-renewed"], vec![], vec![]]);
}

#[test]
fn finds_every_fault_of_a_workload_certificate() {
    type Change = fn(&mut CertificateParams);
    let cases: [(&str, Change); 14] = [
        ("expired", |params| params.not_after = now().into()),
        ("not-yet-valid", |params| {
            params.not_before = (now() + DAY / 2).into();
        }),
        ("not-renewed", |params| {
            params.not_before = (now() - 2 * DAY).into();
        }),
        ("no-identity", |params| params.subject_alt_names.clear()),
        ("several-identities", |params| {
            params
                .subject_alt_names
                .push(uri("spiffe://cluster.local/ns/a/sa/b"));
        }),
        ("malformed-identity", |params| {
            params.subject_alt_names = vec![uri("https://cart.example")];
        }),
        ("malformed-identity", |params| {
            params.subject_alt_names = vec![uri("spiffe://cluster.local")];
        }),
        ("foreign-trust-domain", |params| {
            params.subject_alt_names = vec![uri("spiffe://other/ns/a/sa/b")];
        }),
        ("key-usage", |params| {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }),
        ("key-usage", |params| {
            params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        }),
        ("no-key-usage", |params| params.key_usages.clear()),
        ("key-usage", |params| {
            params.key_usages.clear();
            // Of digital signatures, and not critical.
            let usage = CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 7, 0x80]);
            params.custom_extensions.push(usage);
        }),
        ("extended-key-usage", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }),
        ("ends-soon", |params| {
            params.not_before = (now() - 60 * DAY).into();
        }),
    ];
    let root = root();
    let cluster = cluster(&root);
    for (code, change) in cases {
        assert_eq!(codes(&workload(&cluster, change)), [code]);
    }
}

#[test]
fn finds_every_fault_of_a_ca() {
    let root = root();
    let authority = |change: fn(&mut CertificateParams)| {
        workload(&root, |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.not_after = (now() + 365 * DAY).into();
            params.subject_alt_names.clear();
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            change(params);
        })
    };
    assert_eq!(codes(&authority(|_| {})), [""; 0]);
    assert_eq!(
        codes(&authority(
            |params| params.not_after = (now() + 29 * DAY).into()
        )),
        ["ends-soon"]
    );
    assert_eq!(
        codes(&authority(
            |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]
        )),
        ["key-usage"]
    );
    let with_path = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![uri("spiffe://cluster.local/ns/a/sa/b")];
    };
    assert_eq!(codes(&authority(with_path)), ["malformed-identity"]);
}

#[test]
fn finds_broken_chains_but_accepts_bundles_of_roots() {
    let (first, second) = (root(), root());
    let cluster = cluster(&first);
    assert_eq!(
        codes(&authority::chain(&cluster, &second)),
        ["broken-chain"]
    );
    let bundle = format!("{}{}", first.certificate_pem, second.certificate_pem);
    assert_eq!(codes(&bundle), [""; 0]);
}

#[test]
fn invalid_issuers_break_a_chain() {
    let root = root();
    let cluster = cluster(&root);
    let signed_by = |pem: String, key: &KeyPair| Authority {
        certificate_pem: pem,
        key_pem: key.serialize_pem(),
    };
    // A workload certificate as issuer.
    let key = KeyPair::generate().unwrap();
    let leaf = with_key(&cluster, &key, |_| {});
    let chain = workload(&signed_by(leaf.clone(), &key), |_| {}) + &leaf;
    assert_eq!(codes(&chain), ["broken-chain"]);
    // A CA below one that may only sign workloads.
    let key = KeyPair::generate().unwrap();
    let below = with_key(&cluster, &key, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_after = (now() + 365 * DAY).into();
        params.subject_alt_names.clear();
    });
    let chain = workload(&signed_by(below.clone(), &key), |_| {})
        + &below
        + &authority::chain(&cluster, &root);
    assert_eq!(codes(&chain), ["broken-chain"]);
}

#[test]
fn finds_siblings_that_do_not_belong_together() {
    let (root, other_root) = (root(), root());
    let (own, other) = (cluster(&root), cluster(&root));
    let chain = authority::chain(&own, &root);
    let found = |changed: &str, content: Option<&str>| {
        let mut files = vec![
            (CA_CERT, own.certificate_pem.as_str()),
            (CA_KEY, &own.key_pem),
            (CERT_CHAIN, &chain),
            (ROOT_CERT, &root.certificate_pem),
        ];
        files.retain(|(name, _)| *name != changed);
        files.extend(content.map(|content| (changed, content)));
        let files: Vec<_> = files
            .into_iter()
            .map(|(name, content)| (name, content.as_bytes().to_vec()))
            .collect();
        let chains = from_files(&files).unwrap();
        let findings = chains.iter().flat_map(|chain| {
            let name = chain.name.clone().unwrap();
            let findings = check_siblings(chain, &chains);
            findings
                .into_iter()
                .map(move |found| (name.clone(), found.code.as_str()))
        });
        findings.collect::<Vec<_>>()
    };
    let one = |name: &str, code: &'static str| vec![(name.to_owned(), code)];
    assert_eq!(found(CA_KEY, Some(&own.key_pem)), []);
    assert_eq!(found(CA_KEY, None), one(CA_CERT, "no-key"));
    assert_eq!(found(CA_KEY, Some("text")), one(CA_CERT, "no-key"));
    assert_eq!(
        found(CA_KEY, Some(&other.key_pem)),
        one(CA_CERT, "other-key")
    );
    assert_eq!(
        found(CERT_CHAIN, Some(&authority::chain(&other, &root))),
        one(CA_CERT, "broken-chain")
    );
    assert_eq!(
        found(ROOT_CERT, Some(&other_root.certificate_pem)),
        one(CERT_CHAIN, "broken-chain")
    );
    // Both roots, as during a rotation, and a chain without its root.
    let both = format!("{}{}", other_root.certificate_pem, root.certificate_pem);
    assert_eq!(found(ROOT_CERT, Some(&both)), []);
    assert_eq!(found(CERT_CHAIN, Some(&own.certificate_pem)), []);
}

/// Created with OpenSSL, `-newkey rsa:1024` and `-sha1`.
#[test]
fn finds_weak_keys_and_signatures() {
    let weak = include_str!("weak.pem");
    let found = codes(weak);
    assert!(
        found.contains(&"weak-key") && found.contains(&"weak-signature"),
        "{found:?}"
    );
}

#[test]
fn reads_certificates_from_secrets_and_proxies() {
    use base64::Engine as _;
    let root = root();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&root.certificate_pem);
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: cacerts}}\ndata:\n  root-cert.pem: {encoded}\n  note: bm90ZQ==\n"
    );
    let chains = read(secret.as_bytes()).unwrap();
    assert_eq!(chains.len(), 1);
    assert_eq!(chains[0].name.as_deref(), Some("root-cert.pem"));

    let reported = r#"{"certificates": [{
        "ca_cert": [{"serial_number": "1", "subject_alt_names": [], "valid_from": "2026-01-01T00:00:00Z", "expiration_time": "2036-01-01T00:00:00Z"}],
        "cert_chain": [{"serial_number": "2", "subject_alt_names": [{"uri": "spiffe://other/ns/a/sa/b"}], "valid_from": "2026-01-01T00:00:00Z", "expiration_time": "2026-01-02T00:00:00Z"}]
    }]}"#;
    assert_eq!(codes(reported), ["expired", "foreign-trust-domain"]);
    for nothing in [
        "",
        "text",
        "kind: Secret\n",
        "{\"certificates\": []}",
        "{\"certificates\": 1}",
    ] {
        assert!(read(nothing.as_bytes()).is_err(), "{nothing}");
    }
}

#[test]
fn intermediates_need_a_longer_lived_root_and_its_key() {
    let (root, other) = (root(), root());
    let make =
        |root: &Authority, lifetime| authority::intermediate(root, DOMAIN, "east", lifetime, now());
    assert!(matches!(
        make(&root, 3651 * DAY),
        Err(AuthorityError::OutlivesRoot(3650))
    ));
    let mixed = Authority {
        certificate_pem: root.certificate_pem.clone(),
        key_pem: other.key_pem,
    };
    assert!(matches!(make(&mixed, DAY), Err(AuthorityError::OtherKey)));
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::default().self_signed(&key).unwrap();
    let no_authority = Authority {
        certificate_pem: leaf.pem(),
        key_pem: key.serialize_pem(),
    };
    assert!(matches!(
        make(&no_authority, DAY),
        Err(AuthorityError::NoAuthority)
    ));
    let text = Authority {
        certificate_pem: "text".to_owned(),
        key_pem: "text".to_owned(),
    };
    assert!(matches!(make(&text, DAY), Err(AuthorityError::Root(_))));
}
