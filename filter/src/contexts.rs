//! The contexts of a VM: which configuration decides which request.
//!
//! The proxy keeps several roots in one VM: the old and the new one during an update, and those of
//! other plugins with the same module. So each root has its own policy.
//!
//! The proxy would announce the end of a root in a callback, but would call it for every request,
//! too. So a root is dropped when the proxy no longer has its context, which is checked when the
//! next one is created.

use crate::enforcer::Enforcer;

/// The ID of a context of the proxy: a root, which has a configuration, or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContextId(pub u32);

/// The contexts of a VM.
#[derive(Debug, Default)]
pub struct Contexts {
    roots: Vec<Root>,
    /// The newest request and its root. The proxy creates a request's context immediately before
    /// it passes the headers.
    newest: Option<(ContextId, ContextId)>,
}

/// One configuration of a plugin.
#[derive(Debug)]
struct Root {
    id: ContextId,
    /// `None` until the configuration is accepted.
    enforcer: Option<Box<Enforcer>>,
}

impl Contexts {
    /// No contexts.
    pub const fn new() -> Self {
        Self {
            roots: Vec::new(),
            newest: None,
        }
    }

    /// Adds a root. Drops the roots for which `is_alive` does not hold.
    pub fn add_root(&mut self, id: ContextId, is_alive: &mut dyn FnMut(ContextId) -> bool) {
        self.roots.retain(|root| is_alive(root.id));
        self.roots.push(Root { id, enforcer: None });
    }

    /// Sets the policy of a root.
    pub fn activate(&mut self, id: ContextId, enforcer: Enforcer) {
        if let Some(root) = self.roots.iter_mut().find(|root| root.id == id) {
            root.enforcer = Some(Box::new(enforcer));
        }
    }

    /// Adds a request under `root`.
    pub fn add_request(&mut self, request: ContextId, root: ContextId) {
        self.newest = Some((request, root));
    }

    /// The root of `request`, if no other request was added since.
    pub fn root_of(&self, request: ContextId) -> Option<ContextId> {
        let (newest, root) = self.newest?;
        (newest == request).then_some(root)
    }

    /// The policy of a root.
    pub fn enforcer(&self, root: ContextId) -> Option<&Enforcer> {
        let root = self.roots.iter().find(|known| known.id == root)?;
        root.enforcer.as_deref()
    }

    /// Whether a policy writes the header for upstreams or removes forged ones.
    pub fn any_protects_upstream_header(&self) -> bool {
        let mut enforcers = self.roots.iter().filter_map(|root| root.enforcer.as_ref());
        enforcers.any(|enforcer| enforcer.protects_upstream_header())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake_host::{FakeHost, config, enforcer};

    const A: ContextId = ContextId(1);
    const B: ContextId = ContextId(2);
    const REQUEST: ContextId = ContextId(3);

    fn enforcer_named(name: &str) -> Enforcer {
        let mut config = config(&json!([]));
        config["policy"]["name"] = name.into();
        enforcer(&config, &FakeHost::anonymous())
    }

    fn name(contexts: &Contexts, root: ContextId) -> Option<String> {
        contexts.enforcer(root).map(ToString::to_string)
    }

    #[test]
    fn each_root_has_its_own_policy() {
        let mut contexts = Contexts::default();
        for (root, name) in [(A, "a"), (B, "b")] {
            contexts.add_root(root, &mut |_| true);
            assert!(contexts.enforcer(root).is_none());
            contexts.activate(root, enforcer_named(name));
        }
        assert!(name(&contexts, A).unwrap().starts_with("policy shop/a "));
        assert!(name(&contexts, B).unwrap().starts_with("policy shop/b "));
    }

    #[test]
    fn a_new_root_drops_those_that_the_proxy_no_longer_has() {
        let mut contexts = Contexts::default();
        for id in 1..=1_000 {
            let before = ContextId(id - 1);
            contexts.add_root(ContextId(id), &mut |root| root != before);
            contexts.activate(ContextId(id), enforcer_named("a"));
        }
        assert_eq!(contexts.roots.len(), 1);
        assert!(contexts.enforcer(ContextId(999)).is_none());
        assert!(contexts.enforcer(ContextId(1_000)).is_some());
    }

    #[test]
    fn a_revived_root_keeps_its_policy() {
        let mut contexts = Contexts::default();
        for root in [A, B] {
            contexts.add_root(root, &mut |_| true);
            contexts.activate(root, enforcer_named("a"));
        }
        contexts.add_request(REQUEST, A);
        assert_eq!(contexts.root_of(REQUEST), Some(A));
        assert!(contexts.enforcer(A).is_some());
    }

    #[test]
    fn only_the_newest_request_has_a_root() {
        let mut contexts = Contexts::default();
        assert_eq!(contexts.root_of(REQUEST), None);
        contexts.add_request(REQUEST, A);
        assert_eq!(contexts.root_of(REQUEST), Some(A));
        contexts.add_request(ContextId(4), B);
        assert_eq!(contexts.root_of(REQUEST), None);
    }

    #[test]
    fn any_policy_can_protect_the_upstream_header() {
        for (setting, expected) in [
            (json!(null), false),
            (json!(false), true),
            (json!(true), true),
        ] {
            let mut contexts = Contexts::default();
            contexts.add_root(A, &mut |_| true);
            contexts.activate(A, enforcer_named("a"));
            contexts.add_root(B, &mut |_| true);
            assert!(!contexts.any_protects_upstream_header());
            let mut config = config(&json!([]));
            config["reporting"] = json!({"upstreamHeader": setting});
            contexts.activate(B, enforcer(&config, &FakeHost::anonymous()));
            assert_eq!(
                contexts.any_protects_upstream_header(),
                expected,
                "{setting}"
            );
        }
    }
}
