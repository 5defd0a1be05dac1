//! An answer is the same for all values of omitted attributes.

use policy_schema::identity::PeerIdentity;
use policy_schema::timestamp::Timestamp;
use serde_json::{Value, json};

use super::*;

/// Rule parts, alone and combined.
fn asked() -> Vec<Value> {
    vec![
        json!({}),
        json!({"to": [{"ports": [80]}]}),
        json!({"to": [{"notPorts": [80]}]}),
        json!({"to": [{"methods": ["GET"]}, {"ports": [81]}]}),
        json!({"to": [{"methods": ["POST"], "ports": [80]}]}),
        json!({"to": [{"hosts": ["a"], "ports": [80]}]}),
        json!({"when": [{"key": "destination.port", "values": ["81"]}]}),
        json!({"from": [{"remoteIpBlocks": ["10.0.0.0/8"]}, {"namespaces": ["other"]}]}),
    ]
}

fn rules(specs: [(&str, &Value); 2]) -> Rules {
    let rules = specs.iter().enumerate().map(|(number, (effect, asked))| {
        let mut rule = json!({"id": format!("r{number}"), "effect": effect});
        rule.as_object_mut()
            .unwrap()
            .extend(asked.as_object().unwrap().clone());
        rule
    });
    let config = json!({
        "apiVersion": "peergate.dev/v1alpha1",
        "mesh": {"trustDomain": "td"},
        "policy": {"namespace": "shop", "name": "cart"},
        "rules": rules.collect::<Vec<_>>(),
    });
    Rules::new(PluginConfig::from_json(config.to_string().as_bytes()).unwrap())
}

/// The request completed with every value in the rules, and with others.
fn completed<'r>(request: &Request<'r>) -> Vec<Request<'r>> {
    let mut requests = Vec::new();
    for port in [80, 81, 82] {
        for host in [&b"a"[..], b"b"] {
            for address in ["10.0.0.1", "192.0.2.1"] {
                requests.push(Request {
                    port: Some(port),
                    authority: Some(host),
                    remote_ip: Some(address.parse().unwrap()),
                    ..*request
                });
            }
        }
    }
    requests
}

#[test]
fn answers_do_not_depend_on_omitted_attributes() {
    let id = Some(&b"spiffe://td/ns/shop/sa/web"[..]);
    let now = Timestamp::from_unix_nanoseconds(1);
    let request = Request {
        method: Some(b"GET"),
        path: Some(b"/"),
        ..Request::from_peer(PeerIdentity::from_uri_san(id), now)
    };
    let (mut given, mut refused) = (0, 0);
    for first in &asked() {
        for second in &asked() {
            for effects in [["Allow", "Allow"], ["Allow", "Deny"]] {
                let [one, other] = effects;
                let rules = rules([(one, first), (other, second)]);
                let policy = CompiledPolicy::try_from(rules.config().clone()).unwrap();
                let outcome = |request: &Request<'_>| policy.evaluate(request).outcome();
                let mut outcomes: Vec<_> = completed(&request).iter().map(outcome).collect();
                outcomes.push(outcome(&request));
                outcomes.dedup();
                match rules.undetermined(&request, BTreeSet::new()) {
                    None => {
                        given += 1;
                        assert_eq!(outcomes.len(), 1, "{effects:?} {first} {second}");
                    }
                    Some(undetermined) => {
                        refused += 1;
                        assert_ne!(undetermined.rules, Vec::<String>::new());
                        assert!(!undetermined.asked.is_empty());
                    }
                }
            }
        }
    }
    assert!(given > 20 && refused > 20, "{given} {refused}");
}
