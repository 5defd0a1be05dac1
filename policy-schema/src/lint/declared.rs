//! The namespaces and service accounts that the documents declare.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::misspelling::Names;
use crate::policy::{Attachment, PolicySet};

/// The namespaces and service accounts of the documents.
#[derive(Debug)]
pub(super) struct Declared<'s> {
    namespaces: BTreeMap<&'s str, Namespace<'s>>,
    /// The accounts of workloads and gateways with another name than the account, by namespace and
    /// name.
    by_workload: HashMap<(&'s str, &'s str), &'s str>,
    /// The namespaces of each account.
    by_account: HashMap<&'s str, BTreeSet<&'s str>>,
    known_namespaces: Names<'s>,
    /// The accounts of namespaces, built on demand.
    known_accounts: RefCell<HashMap<&'s str, Names<'s>>>,
}

/// A namespace of the documents.
#[derive(Debug, Default)]
pub(super) struct Namespace<'s> {
    /// The number of policies.
    pub(super) policies: usize,
    accounts: BTreeSet<&'s str>,
    /// Whether a policy for a workload omits the account.
    leaves_accounts_out: bool,
}

impl Namespace<'_> {
    /// Whether every workload declares its service account.
    pub(super) fn declares_all_accounts(&self) -> bool {
        !self.accounts.is_empty() && !self.leaves_accounts_out
    }

    /// Whether any of its workloads declares its service account.
    pub(super) fn declares_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }
}

impl<'s> Declared<'s> {
    pub(super) fn new(set: &'s PolicySet) -> Self {
        let mut namespaces: BTreeMap<&str, Namespace<'_>> = BTreeMap::new();
        let mut by_workload = HashMap::new();
        for policy in set.policies() {
            let namespace = namespaces.entry(&policy.name.namespace).or_default();
            namespace.policies += 1;
            match (&policy.service_account, &policy.attachment) {
                (Some(account), _) => {
                    namespace.accounts.insert(account);
                    let service = policy.service.as_ref().map(|service| service.name.as_str());
                    for name in service.into_iter().chain([policy.name.name.as_str()]) {
                        by_workload.insert((&*policy.name.namespace, name), account.as_str());
                    }
                }
                (None, Attachment::Workload(_)) => namespace.leaves_accounts_out = true,
                (None, _) => {}
            }
        }
        let mesh = set.mesh();
        for gateway in mesh.gateways.iter() {
            namespaces.entry(&gateway.namespace).or_default();
            let account = &gateway.account;
            let of_account = namespaces.entry(&account.namespace).or_default();
            of_account.accounts.insert(&account.name);
            by_workload.insert((&account.namespace, &gateway.name), &account.name);
        }
        namespaces.entry(&mesh.root_namespace).or_default();
        let mut by_account: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for (name, namespace) in &namespaces {
            for account in &namespace.accounts {
                by_account.entry(account).or_default().insert(name);
            }
        }
        Self {
            known_namespaces: Names::new(namespaces.keys().copied()),
            known_accounts: RefCell::default(),
            by_workload,
            by_account,
            namespaces,
        }
    }

    pub(super) fn namespace(&self, name: &str) -> Option<&Namespace<'s>> {
        self.namespaces.get(name)
    }

    /// The namespace that `name` probably misspells.
    pub(super) fn closest_namespace(&self, name: &str) -> Option<&'s str> {
        self.known_namespaces.closest(name)
    }

    pub(super) fn has_account(&self, namespace: &str, account: &str) -> bool {
        let namespace = self.namespaces.get(namespace);
        namespace.is_some_and(|namespace| namespace.accounts.contains(account))
    }

    /// The account of the namespace that `account` probably misspells.
    pub(super) fn closest_account(&self, namespace: &str, account: &str) -> Option<&'s str> {
        let (name, declared) = self.namespaces.get_key_value(namespace)?;
        let mut known = self.known_accounts.borrow_mut();
        let names = known
            .entry(name)
            .or_insert_with(|| Names::new(declared.accounts.iter().copied()));
        names.closest(account)
    }

    /// The account of the workload or gateway of this name.
    pub(super) fn account_of_workload(&self, namespace: &str, name: &str) -> Option<&'s str> {
        self.by_workload.get(&(namespace, name)).copied()
    }

    /// The only namespace with an account of this name.
    pub(super) fn only_namespace_with(&self, account: &str) -> Option<&'s str> {
        let namespaces = self.by_account.get(account)?;
        namespaces
            .first()
            .copied()
            .filter(|_| namespaces.len() == 1)
    }
}
