//! Policies and requests over alphabets so small that they often meet.

use std::fmt;

use policy_schema::plugin_config::{ApiVersion, MeshIdentity, PluginConfig, PolicyName};
use policy_schema::rule_spec::{Effect, Enforcement, OperationSpec, RuleSpec, SourceSpec};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A request as its bytes.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) peer: Option<Vec<u8>>,
    pub(crate) method: Option<Vec<u8>>,
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) host: Option<Vec<u8>>,
    pub(crate) port: Option<u16>,
    pub(crate) now: u64,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| bytes.escape_ascii().to_string());
        f.debug_struct("Asked")
            .field("peer", &text(&self.peer))
            .field("method", &text(&self.method))
            .field("path", &text(&self.path))
            .field("host", &text(&self.host))
            .field("port", &self.port)
            .field("now", &self.now)
            .finish()
    }
}

/// The times that rules name: midnights at the beginning of 2026.
const TIMES: [&str; 4] = [
    "2026-01-01T00:00:00Z",
    "2026-01-02T00:00:00Z",
    "2026-01-03T00:00:00Z",
    "2026-01-04T00:00:00Z",
];

/// One of [`TIMES`], in nanoseconds since the Unix epoch.
pub(crate) fn time(text: &str) -> u64 {
    let day = TIMES.iter().position(|&time| time == text);
    let day = u64::try_from(day.expect("one of the times")).expect("few");
    (1_767_225_600 + day * 86_400) * 1_000_000_000
}

const PATHS_OF_IDS: [&str; 11] = [
    "ns/a/sa/a",
    "ns/a/sa/ab",
    "ns/a/sa/b",
    "ns/ab/sa/a",
    "ns/ab/sa/b",
    "ns/b/sa/a",
    "ns/b/sa/ab",
    "a",
    "ns/a",
    "ns/a/sa/b/a",
    "x/ns/a/sa",
];

const PATHS: [&str; 12] = [
    "/", "/a", "/b", "/ab", "/a/", "/a/b", "/a/b/c", "/a//b", "/ab/b", "/b/a/c", "/a/b/b/c", "/a/a",
];

pub(crate) fn policy() -> impl Strategy<Value = PluginConfig> {
    let size = prop_oneof![3 => 0..5usize, 3 => 5..12usize, 1 => 12..=40usize];
    let rules = size.prop_flat_map(|size| vec(rule(), size));
    (rules, 0..=2usize).prop_map(|(mut rules, aliases)| {
        for (number, rule) in rules.iter_mut().enumerate() {
            rule.id = format!("r{number}");
        }
        if aliases == 0 {
            // Patterns speak of the domains 1 and 2; a mesh without the second knows one alone.
            rename_second_domain(&mut rules);
        }
        PluginConfig {
            api_version: ApiVersion::V1Alpha1,
            revision: None,
            mesh: MeshIdentity {
                trust_domain: "td1".to_owned(),
                trust_domain_aliases: ["td2", "td3"][..aliases]
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            policy: PolicyName {
                namespace: "a".to_owned(),
                name: "model".to_owned(),
            },
            enforcement: Enforcement::Enforce,
            caller_header: false,
            rules,
        }
    })
}

fn rename_second_domain(rules: &mut [RuleSpec]) {
    for source in rules
        .iter_mut()
        .flat_map(|rule| rule.from.iter_mut().flatten())
    {
        let lists = [
            &mut source.principals,
            &mut source.not_principals,
            &mut source.trust_domains,
            &mut source.not_trust_domains,
        ];
        for value in lists.into_iter().flatten().flatten() {
            *value = value.replace('2', "1");
        }
    }
}

fn rule() -> impl Strategy<Value = RuleSpec> {
    let effect = prop_oneof![6 => Just(Effect::Allow), 1 => Just(Effect::Deny)];
    let enforcement = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Enforcement::Shadow)),
        1 => Just(Some(Enforcement::Enforce)),
    ];
    let not_before = weighted(0.3, select(&TIMES[..]));
    let not_after = weighted(0.6, select(&TIMES[..3]));
    let from = weighted(0.8, vec(source(), 1..4));
    let to = weighted(0.7, vec(operation(), 1..4));
    (effect, enforcement, not_before, not_after, from, to).prop_map(
        |(effect, enforcement, not_before, not_after, from, to)| RuleSpec {
            id: String::new(),
            effect,
            description: None,
            owner: None,
            // A rule that ends before it begins is refused.
            not_before: not_before
                .filter(|&start| not_after.is_none_or(|end| start < end))
                .map(str::to_owned),
            not_after: not_after.map(str::to_owned),
            enforcement,
            from,
            to,
        },
    )
}

fn source() -> impl Strategy<Value = SourceSpec> {
    let anonymous = SourceSpec {
        anonymous: Some(true),
        ..SourceSpec::default()
    };
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
    let workload = lists.prop_map(|(principals, accounts, namespaces, trust_domains)| {
        let stands_alone = accounts.0.is_some();
        let mut source = SourceSpec {
            anonymous: None,
            principals: principals.0.filter(|_| !stands_alone),
            not_principals: principals.1,
            service_accounts: accounts.0,
            not_service_accounts: accounts.1,
            namespaces: namespaces.0.filter(|_| !stands_alone),
            not_namespaces: namespaces.1,
            trust_domains: trust_domains.0,
            not_trust_domains: trust_domains.1,
        };
        if source == SourceSpec::default() {
            source.principals = Some(vec!["*".to_owned()]);
        }
        source
    });
    prop_oneof![1 => Just(anonymous), 12 => workload]
}

fn operation() -> impl Strategy<Value = OperationSpec> {
    let lists = (
        (
            weighted(0.35, list(method())),
            weighted(0.1, list(method())),
        ),
        (weighted(0.6, list(path())), weighted(0.2, list(path()))),
        (weighted(0.2, list(host())), weighted(0.1, list(host()))),
        (weighted(0.2, list(port())), weighted(0.1, list(port()))),
    );
    lists.prop_map(|(methods, paths, hosts, ports)| {
        let mut operation = OperationSpec {
            methods: methods.0,
            not_methods: methods.1,
            paths: paths.0,
            not_paths: paths.1,
            hosts: hosts.0,
            not_hosts: hosts.1,
            ports: ports.0,
            not_ports: ports.1,
        };
        if operation == OperationSpec::default() {
            operation.not_ports = Some(vec![1]);
        }
        operation
    })
}

/// Mostly few values; at times more than the engine tries one by one.
fn list<V: fmt::Debug>(value: impl Strategy<Value = V>) -> impl Strategy<Value = Vec<V>> {
    let length = prop_oneof![8 => 1..4usize, 1 => 4..9usize, 1 => 9..14usize];
    (length, vec(value, 14)).prop_map(|(length, mut values)| {
        values.truncate(length);
        values
    })
}

/// A text of the alphabet itself, or its beginning or end of any length, as a pattern.
fn pattern(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let cut = (select(texts), any::<Index>(), 0..8u8);
    cut.prop_map(|(text, index, kind)| {
        let at = 1 + index.index(text.len());
        match kind {
            0 => "*".to_owned(),
            1 | 2 => format!("{}*", &text[..at]),
            3 | 4 => format!("*{}", &text[at - 1..]),
            _ => text.to_owned(),
        }
    })
}

fn principal() -> impl Strategy<Value = String> {
    let text = (select(&["td1", "td2"][..]), select(&PATHS_OF_IDS[..]));
    (text, any::<Index>(), 0..9u8).prop_map(|((domain, path), index, kind)| {
        let id = format!("{domain}/{path}");
        let at = 1 + index.index(id.len());
        match kind {
            0 => "*".to_owned(),
            1 => format!("{}*", &id[..at]),
            2 => format!("spiffe://{}*", &id[..at]),
            3 => format!("{domain}/{}*", &path[..(at - 1) % path.len()]),
            // An ID ends in a whole segment and has no `//` but that of its scheme.
            4 | 5 => match &id[at - 1..] {
                // Istio would widen the whole of a workload's ID but for the domain's beginning.
                end if end.split('/').count() == 5 => format!("*/{path}"),
                end => format!("*{end}"),
            },
            6 => format!("spiffe://{id}"),
            _ => id,
        }
    })
}

fn account() -> impl Strategy<Value = String> {
    select(&["a", "b", "ab", "a/a", "a/b", "b/a", "ab/b", "b/ab"][..]).prop_map(str::to_owned)
}

fn namespace() -> impl Strategy<Value = String> {
    // To Istio `*a` would be every namespace, so it is refused.
    pattern(&["a", "ab", "b", "ba"])
        .prop_map(|pattern| pattern.replace("*a", "*ba").replace("*bab", "*ab"))
}

fn trust_domain() -> impl Strategy<Value = String> {
    pattern(&["td1", "td2"])
}

fn method() -> impl Strategy<Value = String> {
    pattern(&["GET", "PUT", "POST", "PATCH"])
}

fn host() -> impl Strategy<Value = String> {
    pattern(&["a.b", "A.B:80", "ab", "b:80"])
}

fn port() -> impl Strategy<Value = u16> {
    select(&[80, 81, 8080][..])
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(&["a", "b", "ab", "c"][..]);
    let head = prop_oneof![3 => segment.clone(), 1 => Just("{*}")];
    let template = (vec(head, 0..3), vec(segment, 0..3), any::<bool>(), 0..6u8);
    let template = template.prop_map(|(head, tail, has_rest, slash)| {
        let is_template = has_rest || head.contains(&"{*}");
        let operator = if is_template && !has_rest {
            None
        } else {
            Some("{**}")
        };
        let tail = tail.into_iter().filter(|_| operator.is_some());
        let segments: Vec<_> = head.into_iter().chain(operator).chain(tail).collect();
        format!(
            "/{}{}",
            segments.join("/"),
            if slash == 0 { "/" } else { "" }
        )
    });
    prop_oneof![2 => pattern(&PATHS).prop_map(as_path), 1 => template]
}

/// Exact and prefix patterns begin with a slash; so do all texts they are cut from.
fn as_path(pattern: String) -> String {
    assert!(pattern.starts_with(['/', '*']));
    pattern
}

pub(crate) fn request() -> impl Strategy<Value = Asked> {
    let domain = prop_oneof![9 => Just("td1"), 2 => Just("td2"), 1 => Just("td3")];
    let mesh = (domain, select(&PATHS_OF_IDS[..]));
    let mesh = mesh.prop_map(|(domain, path)| format!("spiffe://{domain}/{path}"));
    let odd = [
        "",
        "spiffe://td9/ns/a/sa/a",
        "spiffe://td1",
        "spiffe://td1/",
        "td1/ns/a/sa/a",
        "x",
        "spiffe://TD1/ns/a/sa/a",
        "spiffe://td1/ns/a/sa/a,spiffe://td1/ns/a/sa/b",
        "spiffe://td1/ns/a/../a",
        "spiffe://td1//ns/a/sa/a",
        "spiffe://td/a",
        "spiffe://td1/ns/A/sa/a",
        "spiffe://td1/ns/ba/sa/x",
    ];
    let peer = prop_oneof![
        1 => Just(None),
        12 => mesh.prop_map(Some),
        1 => select(odd.map(str::to_owned).to_vec()).prop_map(Some),
    ];
    let method = option_of(&["GET", "PUT", "POST", "get", "", "P", "PATCHED"], 12);
    let host = option_of(&["a.b", "A.b", "a.B:80", "AB", "b:80", "", "x"], 12);
    let segments = vec(
        select(&["a", "b", "ab", "c", "", "a*", "a=b", "\u{e9}"][..]),
        1..5,
    );
    let random = segments.prop_map(|segments| format!("/{}", segments.join("/")));
    let path = prop_oneof![4 => select(&PATHS[..]).prop_map(str::to_owned), 2 => random];
    let query = select(&["", "", "", "?a=/b", "#/b", "?", "?a#b"][..]);
    let path = (path, query).prop_map(|(path, query)| format!("{path}{query}"));
    let path =
        prop_oneof![1 => Just(None), 1 => Just(Some(String::new())), 20 => path.prop_map(Some)];
    let port = prop_oneof![1 => Just(None), 10 => select(&[80, 81, 8080, 1, 0][..]).prop_map(Some)];
    (peer, method, path, host, port, moment()).prop_map(|(peer, method, path, host, port, now)| {
        Asked {
            peer: peer.map(String::into_bytes),
            method,
            path: path.map(String::into_bytes),
            host,
            port,
            now,
        }
    })
}

fn option_of(
    texts: &'static [&'static str],
    weight: u32,
) -> impl Strategy<Value = Option<Vec<u8>>> {
    let some = select(texts).prop_map(|text| Some(text.as_bytes().to_vec()));
    prop_oneof![1 => Just(None), weight => some]
}

/// Just before, at and just after the times that rules name.
fn moment() -> impl Strategy<Value = u64> {
    (select(&TIMES[..]), 0..3u64).prop_map(|(text, offset)| time(text) + offset - 1)
}

/// A request of which nothing can be expected.
pub(crate) fn arbitrary_request() -> impl Strategy<Value = Asked> {
    let bytes = || {
        let near = prop_oneof![
            4 => any::<u8>(),
            2 => select(&b"/a.:*?#{}"[..]),
        ];
        proptest::option::of(vec(near, 0..12))
    };
    let peer =
        bytes().prop_map(|bytes| bytes.map(|bytes| [b"spiffe://td1/".as_slice(), &bytes].concat()));
    let peer = prop_oneof![bytes(), peer];
    (
        peer,
        bytes(),
        bytes(),
        bytes(),
        any::<Option<u16>>(),
        any::<u64>(),
    )
        .prop_map(|(peer, method, path, host, port, now)| Asked {
            peer,
            method,
            path,
            host,
            port,
            now,
        })
}
