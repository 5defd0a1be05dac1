//! Requests to deny rules with their expected outcome, both predicted by `decide` and sent to a real Envoy.

use std::collections::BTreeMap;
use std::fmt;

use policy_schema::diagnostic::SourceText;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;
use policy_schema::validate::{Options, validate};
use serde_json::{Map, Value, json};

use crate::decided;
use crate::sidecar::{Sidecar, documents};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Plaintext.
    Anonymous,
    /// A mesh workload with mutual TLS.
    Web,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http1,
    Http2,
}

/// A request as the client sends it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The protocol of an extended `CONNECT`.
    pub(crate) extended_connect: Option<&'static str>,
}

/// The outcome of a request to a deny rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The rule does not match.
    Passes,
    /// The rule matches.
    Denied,
    /// The proxy answers itself.
    Refused(u16),
    /// `decide` requires a header that this proxy, or one in front of it, may set.
    Asks,
}

use Caller::{Anonymous, Web};
use Outcome::{Asks, Denied, Passes, Refused};
use Version::{Http1, Http2};

impl Outcome {
    pub(crate) fn from_response(status: u16, is_denied: bool) -> Self {
        match status {
            200 => Passes,
            403 if is_denied => Denied,
            status => Refused(status),
        }
    }

    pub(crate) fn from_answer(answer: &Value) -> Self {
        match answer["decision"].as_str() {
            Some("allow") => Passes,
            Some("deny") => Denied,
            Some("refused") => Refused(decided::status(answer).unwrap()),
            _ => {
                let error = answer["error"].as_str().unwrap();
                assert!(
                    error.contains("the answer depends on an omitted attribute"),
                    "{error}"
                );
                Asks
            }
        }
    }
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            method: "GET",
            path: "/a".to_owned(),
            host: "a".to_owned(),
            headers: Vec::new(),
            extended_connect: None,
        }
    }
}

impl Sent {
    pub(crate) fn headers(headers: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            headers: headers.iter().map(owned).collect(),
            ..Self::default()
        }
    }

    /// The request in HTTP/1.1 wire format.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, host, .. } = self;
        let target = if *method == "CONNECT" {
            host
        } else {
            &self.path
        };
        let headers = self.headers_over(Http1).into_iter();
        let headers: String = headers
            .map(|(name, value)| [&*name, ": ", &value, "\r\n"].concat())
            .collect();
        let body = if self.has("transfer-encoding") {
            "0\r\n\r\n"
        } else {
            ""
        };
        format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n{body}").into_bytes()
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }

    fn headers_over(&self, version: Version) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        // The end of the connection ends the response.
        if version == Http1 {
            headers.push(("connection".to_owned(), "close".to_owned()));
        }
        if let Some(protocol) = self.extended_connect {
            headers.push(("connection".to_owned(), "upgrade".to_owned()));
            headers.push(("upgrade".to_owned(), protocol.to_owned()));
        }
        headers
    }

    /// The request as input of `peergate decide`.
    pub(crate) fn question(&self, rule: &str, caller: Caller, version: Version) -> Value {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in self.headers_over(version) {
            headers.entry(name).or_default().push(value);
        }
        let headers: Map<_, _> = headers
            .into_iter()
            .map(|(name, values)| (name, json!(values)))
            .collect();
        let mut question = json!({
            "to": format!("shop/{rule}"),
            "from": match caller {
                Anonymous => "anonymous",
                Web => "shop/web",
            },
            "method": self.method,
            "host": self.host,
            "headers": headers,
        });
        if self.method != "CONNECT" {
            question["path"] = json!(self.path);
        }
        question
    }
}

/// A request to a workload with one rule.
pub(crate) struct Case {
    /// The fields of the rule, as YAML inside braces.
    pub(crate) rule: String,
    pub(crate) sent: Sent,
    pub(crate) callers: &'static [Caller],
    pub(crate) versions: &'static [Version],
    /// The outcome that `decide` predicts.
    pub(crate) predicted: Outcome,
    /// The outcome in Envoy.
    pub(crate) actual: Outcome,
}

pub(crate) const ALL: &[Caller] = &[Anonymous, Web];
pub(crate) const BOTH: &[Version] = &[Http1, Http2];

impl Case {
    pub(crate) fn new(
        rule: String,
        sent: Sent,
        versions: &'static [Version],
        outcome: Outcome,
    ) -> Self {
        Self {
            rule,
            sent,
            callers: ALL,
            versions,
            predicted: outcome,
            actual: outcome,
        }
    }

    /// A request to a rule on any value of the header `name`.
    fn header(
        name: &str,
        sent: &[(&str, &str)],
        versions: &'static [Version],
        outcome: Outcome,
    ) -> Self {
        Self::new(
            header_rule(name, "*"),
            Sent::headers(sent),
            versions,
            outcome,
        )
    }

    /// A request that omits the header of its rule.
    pub(crate) fn unspecified(name: &str, callers: &'static [Caller], actual: Outcome) -> Self {
        Self {
            callers,
            predicted: Asks,
            actual,
            ..Self::header(name, &[], BOTH, Asks)
        }
    }
}

/// A request over HTTP/1.1 to a rule on any value of the header `name`.
pub(crate) fn http1_case(name: &str, sent: &[(&str, &str)], outcome: Outcome) -> Case {
    Case::header(name, sent, &[Http1], outcome)
}

/// Same over both versions.
pub(crate) fn both_versions_case(name: &str, sent: &[(&str, &str)], outcome: Outcome) -> Case {
    Case::header(name, sent, BOTH, outcome)
}

/// A rule on a header with this value.
pub(crate) fn header_rule(name: &str, value: &str) -> String {
    format!("when: [{{key: 'request.headers[{name}]', values: ['{value}']}}]")
}

pub(crate) fn parse_policies(documents: &str) -> PolicySet {
    let source = SourceText {
        name: "policies.yaml".to_owned(),
        text: documents.to_owned(),
    };
    let options = Options {
        at: Timestamp::parse("2025-12-31T00:00:00Z").unwrap(),
        istio_version: None,
    };
    let validated = validate(&[source], options);
    let diagnostics = validated.diagnostics;
    validated
        .policies
        .unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

/// Checks the expected outcomes in `decide` and in a real Envoy.
pub(crate) fn check(cases: &[Case]) {
    check_with(cases, "1.29", &json!({"proxy_100_continue": true}));
}

/// Same with another Istio version and additional settings of the connection manager.
pub(crate) fn check_with(cases: &[Case], istio_version: &str, settings: &Value) {
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for case in cases {
        let next = format!("rule-{}", names.len());
        names.entry(&case.rule).or_insert(next);
    }
    let rules = names
        .iter()
        .map(|(rule, name)| (name.clone(), (*rule).to_owned()));
    let documents = documents(&rules.collect(), istio_version);
    let sidecar = Sidecar::start(&parse_policies(&documents), settings);
    let asked = || {
        cases.iter().flat_map(|case| {
            let versions = case.versions.iter();
            versions.flat_map(move |version| {
                let callers = case.callers.iter();
                callers.map(move |caller| (case, *caller, *version))
            })
        })
    };
    let questions = asked().map(|(case, caller, version)| {
        case.sent
            .question(&names[case.rule.as_str()], caller, version)
    });
    let answers = decided::decide(&documents, questions);
    assert_eq!(answers.len(), asked().count());
    let mut wrong = Vec::new();
    for ((case, caller, version), answer) in asked().zip(answers) {
        let ours = Outcome::from_answer(&answer);
        let theirs = sidecar.outcome(&names[case.rule.as_str()], &case.sent, caller, version);
        if ours != case.predicted || !theirs.as_ref().is_ok_and(|theirs| *theirs == case.actual) {
            wrong.push(format!(
                "{case}, {caller:?}, {version:?}: decide {ours:?}, Envoy {theirs:?}"
            ));
        }
    }
    let count = wrong.len();
    wrong.truncate(60);
    assert!(wrong.is_empty(), "{count} differ:\n{}", wrong.join("\n"));
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sent {
            method,
            path,
            host,
            headers,
            ..
        } = &self.sent;
        write!(
            f,
            "{}: {method} {path:?} at {host:?} with {headers:?}: expected {:?} and {:?}",
            self.rule, self.predicted, self.actual
        )
    }
}
