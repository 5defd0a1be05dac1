//! Every state between two sets of documents, in which each policy's filter has either the old or
//! the new configuration.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::enforcer::{Disposition, Enforcer};
use crate::fake_host::{ADMIN, FakeHost, WEB, config, enforcer};

/// A version of a policy, and the accounts that its enforced `Deny` rules deny.
struct Version {
    spec: Value,
    denies: &'static [&'static str],
}

fn allow(account: &str) -> Value {
    json!({"id": format!("allow-{account}"), "effect": "Allow", "from": [{"serviceAccounts": [account]}]})
}

fn deny(account: &str) -> Value {
    json!({"id": format!("deny-{account}"), "effect": "Deny", "from": [{"serviceAccounts": [account]}]})
}

fn versions() -> Vec<Version> {
    let version = |spec, denies| Version { spec, denies };
    let mut timed = deny("web");
    timed["notAfter"] = "2500-01-01T00:00:00Z".into();
    let mut shadow = deny("web");
    shadow["enforcement"] = "Shadow".into();
    vec![
        version(json!({"rules": []}), &[]),
        version(json!({"rules": [allow("web")]}), &[]),
        version(json!({"rules": [allow("web"), deny("web")]}), &[WEB]),
        version(
            json!({"rules": [deny("admin")], "otherwise": "Pass"}),
            &[ADMIN],
        ),
        version(json!({"rules": [allow("admin"), timed]}), &[WEB]),
        version(json!({"rules": [], "otherwise": "Pass"}), &[]),
        version(
            json!({"rules": [deny("web")], "enforcement": "Shadow"}),
            &[],
        ),
        version(json!({"rules": [allow("admin"), shadow]}), &[]),
    ]
}

/// For each policy, in the order of precedence, the number of its version; `None` if the policy
/// does not exist.
type Set = Vec<Option<usize>>;

struct Proxy {
    versions: Vec<Version>,
    mesh_otherwise: &'static str,
    enforcers: HashMap<(Set, usize), Enforcer>,
}

impl Proxy {
    fn new(mesh_otherwise: &'static str) -> Self {
        Self {
            versions: versions(),
            mesh_otherwise,
            enforcers: HashMap::new(),
        }
    }

    /// The filter configuration of the policy at this position.
    fn config(&self, set: &Set, position: usize) -> Value {
        let part = |position: usize| {
            let version = &self.versions[set[position].unwrap()];
            let mut part = version.spec.clone();
            part["policy"] = json!({"namespace": "shop", "name": format!("policy-{position}")});
            part
        };
        let mut config = config(&json!([]));
        let own = part(position);
        let fields = own.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(fields);
        let others = (position + 1..set.len()).filter(|other| set[*other].is_some());
        config["coEnforced"] = others.map(part).collect();
        config["mayBeLed"] = set[..position].iter().any(Option::is_some).into();
        config["meshOtherwise"] = self.mesh_otherwise.into();
        config
    }

    /// Whether the request passes the filters of these policies, in this order, each with the
    /// configuration of its set.
    fn passes(&mut self, filters: &[(&Set, usize)], caller: Option<&str>) -> bool {
        let host = match caller {
            Some(caller) => FakeHost::with_uri_sans_before_envoy_1_38(&[caller]),
            None => FakeHost::anonymous(),
        };
        filters.iter().all(|(set, position)| {
            let key = ((*set).clone(), *position);
            if !self.enforcers.contains_key(&key) {
                let config = self.config(set, *position);
                self.enforcers.insert(key.clone(), enforcer(&config, &host));
            }
            self.enforcers[&key].enforce(&host) != Disposition::Answered
        })
    }

    /// Whether a set allows the request: its leader decides with all rules.
    fn allows(&mut self, set: &Set, caller: Option<&str>) -> bool {
        let leader = set.iter().position(Option::is_some).unwrap();
        self.passes(&[(set, leader)], caller)
    }

    fn denies(&self, set: &Set, position: usize, caller: Option<&str>) -> bool {
        let version = set[position].map(|version| &self.versions[version]);
        let denied = version.map_or(&[][..], |version| version.denies);
        caller.is_some_and(|caller| denied.contains(&caller))
    }

    /// Asserts for each state between the sets that requests allowed by both pass, and that no
    /// request passes that a rule in one of the filters denies.
    fn check_between(&mut self, old: &Set, new: &Set, tally: &mut Tally) {
        for filters in states(old, new) {
            for caller in CALLERS {
                let context = || format!("{old:?} → {new:?}, {filters:?}, {caller:?}");
                let passes = self.passes(&filters, caller);
                if self.allows(old, caller) && self.allows(new, caller) {
                    assert!(passes, "allowed before and after: {}", context());
                    tally.allowed += 1;
                }
                if passes {
                    let leading = filters[0].0;
                    assert!(self.allows(leading, caller), "let in: {}", context());
                }
            }
            self.check_denials(&filters, tally);
        }
    }

    /// Asserts that requests denied by a rule in one of these filters do not pass, whatever their
    /// order.
    fn check_denials(&mut self, filters: &[(&Set, usize)], tally: &mut Tally) {
        for caller in CALLERS {
            let mut denying = filters.iter();
            if !denying.any(|(set, position)| self.denies(set, *position, caller)) {
                continue;
            }
            for order in orders(filters) {
                let passes = self.passes(&order, caller);
                assert!(!passes, "a denial without effect: {order:?}, {caller:?}");
                tally.denied += 1;
            }
        }
    }
}

const CALLERS: [Option<&str>; 3] = [Some(WEB), Some(ADMIN), None];

/// The filters in each state between two sets, each with the configuration of one set. A policy
/// that exists in only one of the sets may be present or absent.
fn states<'s>(old: &'s Set, new: &'s Set) -> impl Iterator<Item = Vec<(&'s Set, usize)>> {
    (0..1_usize << old.len()).map(move |state| {
        let of = |position: usize| if state >> position & 1 == 0 { old } else { new };
        let filters = (0..old.len()).map(|position| (of(position), position));
        filters
            .filter(|(set, position)| set[*position].is_some())
            .collect()
    })
}

/// All permutations.
fn orders<T: Copy>(all: &[T]) -> Vec<Vec<T>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let starting_with = |first: usize| {
        let others = [&all[..first], &all[first + 1..]].concat();
        let rests = orders(&others).into_iter();
        rests.map(move |rest| [&[all[first]], rest.as_slice()].concat())
    };
    (0..all.len()).flat_map(starting_with).collect()
}

#[derive(Default)]
struct Tally {
    allowed: u32,
    denied: u32,
}

/// All sets of policies with these versions.
fn sets(versions_of: &[Vec<Option<usize>>]) -> Vec<Set> {
    versions_of.iter().fold(vec![Vec::new()], |sets, versions| {
        let longer = sets.iter().flat_map(|set| {
            let with = |version: &Option<usize>| [set.as_slice(), &[*version]].concat();
            versions.iter().map(with)
        });
        longer.collect()
    })
}

#[test]
fn rolling_out_two_policies_keeps_denials_and_allowances() {
    let all: Vec<_> = (0..versions().len()).map(Some).collect();
    let sets = sets(&[all.clone(), all]);
    for mesh_otherwise in ["Deny", "Pass"] {
        let mut proxy = Proxy::new(mesh_otherwise);
        let mut tally = Tally::default();
        for old in &sets {
            for new in sets.iter().step_by(5) {
                proxy.check_between(old, new, &mut tally);
            }
        }
        assert!(tally.allowed > 500 && tally.denied > 500);
    }
}

/// The leader and a second policy stay; a third comes or goes, and its denials are enforced at
/// once.
#[test]
fn adding_or_removing_a_policy_keeps_denials_and_allowances() {
    let some = |versions: &[usize]| versions.iter().copied().map(Some).collect::<Vec<_>>();
    let mut third = some(&[0, 1, 2, 4]);
    third.push(None);
    let sets = sets(&[some(&[0, 1, 4, 7]), third, some(&[0, 1, 2, 3])]);
    let mut proxy = Proxy::new("Deny");
    let mut tally = Tally::default();
    for old in &sets {
        for new in sets.iter().step_by(17) {
            proxy.check_between(old, new, &mut tally);
        }
    }
    assert!(tally.allowed > 500 && tally.denied > 500);
}

/// Also with two leaders, or none.
#[test]
fn no_denial_is_lost_in_any_order_of_filters() {
    let versions = [Some(1), Some(2), Some(3), None];
    let sets = sets(&[versions.to_vec(), versions.to_vec(), versions.to_vec()]);
    let mut proxy = Proxy::new("Pass");
    let mut tally = Tally::default();
    for old in &sets {
        for new in sets.iter().step_by(13) {
            for filters in states(old, new) {
                proxy.check_denials(&filters, &mut tally);
            }
        }
    }
    assert!(tally.denied > 500);
}
