//! Imported policies decide like the Istio originals, with HTTP and without: random policies
//! against a naive implementation of Istio's source.

mod meaning;
mod policies;

use std::sync::LazyLock;

use jsonschema::Validator;
use peergate_tests::random::TestRequest;
use policy_schema::diagnostic::SourceText;
use policy_schema::engine::CompiledPolicy;
use policy_schema::import::{Options, Outcome, import};
use policy_schema::istio::{AuthorizationPolicy, authorization_policies};
use policy_schema::json_schema::policy_document;
use policy_schema::policy::{IstioVersion, PolicySet};
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{self, validate};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use meaning::{Meaning, Protocol};

const SETS: usize = 1_500;
const REQUESTS: usize = 40;

/// The results for the random sets.
#[derive(Debug, Default)]
struct Counts {
    imported: usize,
    refused: usize,
    allowed: usize,
    denied: usize,
    outside: Outside,
}

/// Requests from outside the mesh, by Istio's decision.
#[derive(Debug, Default)]
struct Outside {
    allowed: usize,
    denied: usize,
    /// The requests whose policies are imported with a note about certificates.
    reported: usize,
}

/// The import result, and whether it reports that client certificates from outside the mesh are
/// treated differently.
struct Imported {
    set: PolicySet,
    reports_certificates: bool,
}

/// The mesh for all sets: two trust domains, and no mutual TLS settings.
const MESH: &str = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio"},
  "data": {"mesh": "trustDomain: td1\ntrustDomainAliases: [td2]\n"}}"#;

/// The JSON Schema, which must accept imported documents.
static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&policy_document().to_value()).unwrap());

#[test]
fn imported_policies_decide_like_the_original() {
    let mut runner = TestRunner::deterministic();
    let mut counts = Counts::default();
    for number in 0..SETS {
        let minor = if number % 3 == 0 { 30 } else { 31 };
        let at_gateway = number % 2 == 0;
        let originals = policies::for_a_workload(at_gateway)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let Some(imported) = imported(&originals, minor) else {
            counts.refused += 1;
            continue;
        };
        let set = &imported.set;
        counts.imported += 1;
        if at_gateway {
            let requests: Vec<_> = (0..REQUESTS)
                .map(|_| {
                    let request = policies::request_from_outside();
                    request.new_tree(&mut runner).unwrap().current()
                })
                .collect();
            compare_outside(&originals, &imported, minor, &requests, &mut counts);
        }
        let requests: Vec<_> = (0..REQUESTS)
            .map(|_| {
                let request = policies::request();
                request.new_tree(&mut runner).unwrap().current()
            })
            .collect();
        compare(&originals, set, minor, &requests, &mut counts);
    }
    println!("{counts:?}");
    let Counts {
        imported,
        refused,
        allowed,
        denied,
        outside,
    } = counts;
    // Rejected policies and constant decisions compare nothing.
    assert!(imported > refused, "{imported} imported, {refused} refused");
    assert!(allowed > 1000 && denied > 1000);
    let Outside {
        allowed,
        denied,
        reported,
    } = outside;
    assert!(allowed > 1000 && denied > 1000 && reported < allowed + denied);
}

/// Clients from outside the mesh are allowed as in Istio, or fewer of them if the import reports
/// it.
fn compare_outside(
    originals: &[AuthorizationPolicy],
    imported: &Imported,
    minor: u16,
    requests: &[TestRequest],
    counts: &mut Counts,
) {
    let set = &imported.set;
    let policy = set.policies().first().unwrap();
    let engine = CompiledPolicy::try_from(set.plugin_config(policy)).unwrap();
    let meaning = Meaning {
        policies: originals,
        minor,
        trust_domains: ["td1", "td2"],
    };
    for asked in requests {
        let decided = asked.with_request(|request| engine.evaluate(request).lets_pass());
        let original = meaning.allows(asked, Protocol::Http);
        let context = || {
            let originals = serde_json::to_string_pretty(originals).unwrap();
            format!("{originals}\n{asked:#?}\n{:#?}", policy.rule_specs())
        };
        assert!(original || !decided, "never more: {}", context());
        if imported.reports_certificates {
            counts.outside.reported += 1;
        } else {
            assert_eq!(decided, original, "{}", context());
        }
        if original {
            counts.outside.allowed += 1;
        } else {
            counts.outside.denied += 1;
        }
    }
}

fn compare(
    originals: &[AuthorizationPolicy],
    set: &PolicySet,
    minor: u16,
    requests: &[TestRequest],
    counts: &mut Counts,
) {
    let policy = set.policies().first().unwrap();
    let engine = CompiledPolicy::try_from(set.plugin_config(policy)).unwrap();
    let rendered = authorization_policies(&set.rollout(policy));
    let of = |policies| Meaning {
        policies,
        minor,
        trust_domains: ["td1", "td2"],
    };
    for asked in requests {
        let context = || {
            format!(
                "{}\n{asked:#?}",
                serde_json::to_string_pretty(originals).unwrap()
            )
        };
        let decided = asked.with_request(|request| engine.evaluate(request).lets_pass());
        let http = of(originals).allows(asked, Protocol::Http);
        assert_eq!(decided, http, "the engine, of HTTP: {}", context());
        for protocol in [Protocol::Http, Protocol::Tcp] {
            assert_eq!(
                of(&rendered).allows(asked, protocol),
                of(originals).allows(asked, protocol),
                "rendered, {protocol:?}: {}\n{}",
                context(),
                serde_json::to_string_pretty(&rendered).unwrap()
            );
        }
        if http {
            counts.allowed += 1;
        } else {
            counts.denied += 1;
        }
    }
}

/// The policies after `peergate import`; `None` if one of them is rejected.
fn imported(originals: &[AuthorizationPolicy], minor: u16) -> Option<Imported> {
    let texts = originals
        .iter()
        .map(|policy| serde_json::to_string(policy).unwrap())
        .chain([MESH.to_owned()]);
    let sources: Vec<_> = texts.map(source).collect();
    let options = Options {
        istio_version: IstioVersion::parse(&format!("1.{minor}")),
        ..Options::default()
    };
    let imported = import(&sources, &options);
    let mut findings = imported.findings.iter();
    let reports_certificates =
        findings.any(|finding| finding.message.contains("client certificates"));
    let mut outcomes = imported.findings.iter().map(|finding| finding.outcome);
    if outcomes.any(Outcome::is_loss) {
        return None;
    }
    let documents = imported.documents?;
    let policies = documents.policies.iter();
    let texts = policies
        .map(|policy| serde_json::to_string(&policy.document).unwrap())
        .chain([serde_json::to_string(&documents.mesh).unwrap()]);
    let texts: Vec<_> = texts.collect();
    for text in &texts {
        let document = serde_json::from_str(text).unwrap();
        assert!(SCHEMA.is_valid(&document), "the schema rejects {text}");
    }
    let sources: Vec<_> = texts.into_iter().map(source).collect();
    let options = validate::Options {
        at: Timestamp::from_unix_nanoseconds(0),
        istio_version: None,
    };
    Some(Imported {
        set: validate(&sources, options).policies?,
        reports_certificates,
    })
}

fn source(text: String) -> SourceText {
    SourceText {
        name: "random".to_owned(),
        text,
    }
}
