//! Checks whether omitted attributes of a question could change the answer.
//!
//! A request may lack headers and tokens, so those missing from a question are absent. But every request has a port and an
//! address, and proxies set some headers. If rules depend on such an attribute and the question omits it, the answer is only
//! valid if it is the same for every value. Two modified policies verify this: one assumes omitted attributes in the caller's
//! favor in every rule, the other against it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use policy_schema::engine::{CompiledPolicy, Request};
use policy_schema::matching::arrival::HeaderArrival;
use policy_schema::plugin_config::PluginConfig;
use policy_schema::rule_spec::{
    ConditionSpec, Effect, Enforcement, OperationSpec, RuleSpec, SourceSpec,
};

use super::omittable::Omittable;
use super::question::is_always_set;

/// A set of omitted attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Omitted {
    attributes: u8,
    /// Omitted headers that proxies set, in lower case.
    headers: BTreeSet<String>,
}

impl Omitted {
    fn from_request(request: &Request<'_>, headers: BTreeSet<String>) -> Self {
        let omitted = Omittable::ALL
            .into_iter()
            .filter(|one| one.is_omitted(request));
        Self {
            attributes: omitted.fold(0, |bits, one| bits | one.bit()),
            headers,
        }
    }

    /// The omitted attributes that a rule depends on.
    fn asked_by(&self, rule: &RuleSpec) -> Self {
        let is_asked = |one: &Self| one.granted(rule) != *rule;
        let attribute = |one: Omittable| Self {
            attributes: one.bit(),
            headers: BTreeSet::new(),
        };
        let asked = self.iter().map(attribute).filter(&is_asked);
        Self {
            attributes: asked.fold(0, |bits, one| bits | one.attributes),
            headers: headers_of(rule)
                .filter(|name| self.headers.contains(name))
                .collect(),
        }
    }

    fn add(&mut self, other: Self) {
        self.attributes |= other.attributes;
        self.headers.extend(other.headers);
    }

    fn iter(&self) -> impl Iterator<Item = Omittable> {
        let attributes = self.attributes;
        let is_in = move |one: &Omittable| attributes & one.bit() != 0;
        Omittable::ALL.into_iter().filter(is_in)
    }

    fn is_empty(&self) -> bool {
        self.attributes == 0 && self.headers.is_empty()
    }

    /// The rule, assuming that the omitted attributes match.
    fn granted(&self, rule: &RuleSpec) -> RuleSpec {
        let mut rule = rule.clone();
        let sources = rule.from.iter_mut().flatten();
        sources.for_each(|source| self.forget_in_source(source));
        let operations = rule.to.iter_mut().flatten();
        operations.for_each(|operation| self.forget_in_operation(operation));
        if let Some(conditions) = &mut rule.when {
            conditions.retain(|condition| !self.is_asked_in(condition));
        }
        rule.when = rule.when.filter(|conditions| !conditions.is_empty());
        // An empty list entry matches everything.
        rule.from = rule
            .from
            .filter(|sources| !sources.contains(&SourceSpec::default()));
        rule.to = rule
            .to
            .filter(|operations| !operations.contains(&OperationSpec::default()));
        rule
    }

    /// The rule, assuming that the omitted attributes do not match. None if it then never matches.
    fn refused(&self, rule: &RuleSpec) -> Option<RuleSpec> {
        let mut rule = rule.clone();
        let mut conditions = rule.when.iter().flatten();
        if conditions.any(|condition| self.is_asked_in(condition)) {
            return None;
        }
        if let Some(sources) = &mut rule.from {
            sources.retain(|source| {
                let mut forgotten = source.clone();
                self.forget_in_source(&mut forgotten);
                forgotten == *source
            });
        }
        if let Some(operations) = &mut rule.to {
            operations.retain(|operation| {
                let mut forgotten = operation.clone();
                self.forget_in_operation(&mut forgotten);
                forgotten == *operation
            });
        }
        let is_void = rule.from.as_ref().is_some_and(Vec::is_empty)
            || rule.to.as_ref().is_some_and(Vec::is_empty);
        (!is_void).then_some(rule)
    }

    fn forget_in_source(&self, source: &mut SourceSpec) {
        self.iter().for_each(|one| one.forget_in_source(source));
    }

    fn forget_in_operation(&self, operation: &mut OperationSpec) {
        self.iter()
            .for_each(|one| one.forget_in_operation(operation));
    }

    fn is_asked_in(&self, condition: &ConditionSpec) -> bool {
        let mut keys = self.iter().flat_map(Omittable::keys);
        keys.any(|key| condition.key.eq_ignore_ascii_case(key))
            || header_of(condition).is_some_and(|name| self.headers.contains(&name))
    }
}

/// The header of a condition, in lower case.
fn header_of(condition: &ConditionSpec) -> Option<String> {
    let name = condition.key.strip_prefix("request.headers[")?;
    Some(name.strip_suffix(']')?.to_ascii_lowercase())
}

fn headers_of(rule: &RuleSpec) -> impl Iterator<Item = String> {
    rule.when.iter().flatten().filter_map(header_of)
}

/// Whether proxies may set the header.
fn may_be_set(name: &str) -> bool {
    matches!(
        HeaderArrival::for_header(name),
        HeaderArrival::SetByProxies | HeaderArrival::InternalOnly
    )
}

/// Why an answer is undetermined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Undetermined {
    /// The IDs of the dependent rules.
    rules: Vec<String>,
    /// The dependent exception from mutual TLS.
    exception: Option<String>,
    asked: Omitted,
}

impl Undetermined {
    /// An exception from mutual TLS depends on the port.
    pub(super) fn port_of_exception(name: &str) -> Self {
        Self {
            rules: Vec::new(),
            exception: Some(name.to_owned()),
            asked: Omitted {
                attributes: Omittable::Port.bit(),
                headers: BTreeSet::new(),
            },
        }
    }

    /// The message.
    pub(super) fn message(&self) -> String {
        if let Some(name) = &self.exception {
            return format!(
                "the answer depends on an omitted attribute: the exception `{name}` from mutual TLS only applies to some \
                 ports"
            );
        }
        let rules: Vec<_> = self.rules.iter().map(|id| format!("`{id}`")).collect();
        let (noun, verb) = match &*rules {
            [_] => ("rule", "depends"),
            _ => ("rules", "depend"),
        };
        let attributes = self.asked.iter().map(|one| one.name().to_owned());
        let headers = self.asked.headers.iter();
        let headers = headers.map(|name| format!("the header `{name}`, which proxies set"));
        let asked: Vec<_> = attributes.chain(headers).collect();
        format!(
            "the answer depends on an omitted attribute: {noun} {} {verb} on {}",
            rules.join(", "),
            asked.join(" and ")
        )
    }

    /// The missing command line arguments.
    pub(super) fn arguments(&self) -> String {
        self.given_by(
            |[argument, _]| argument,
            |name| {
                let given = format!("`--header {name}=VALUE` as the filter sees it");
                if is_always_set(name) {
                    given
                } else {
                    format!("{given}, or `--without-header {name}`")
                }
            },
        )
    }

    /// The missing fields of a line.
    pub(super) fn fields(&self) -> String {
        self.given_by(
            |[_, field]| field,
            |name| {
                let given = format!("`headers.{name}` as the filter sees it");
                if is_always_set(name) {
                    given
                } else {
                    format!("{given}, or an empty list if it is absent")
                }
            },
        )
    }

    fn given_by(
        &self,
        name: impl Fn([&'static str; 2]) -> &'static str,
        header: impl Fn(&str) -> String,
    ) -> String {
        let attributes = self.asked.iter();
        let attributes = attributes.map(|one| format!("`{}`", name(one.given_by())));
        let headers = self.asked.headers.iter().map(|name| header(name));
        attributes.chain(headers).collect::<Vec<_>>().join(" and ")
    }
}

/// A policy in the caller's favor, and one against it.
#[derive(Debug)]
struct Bounds {
    loosest: CompiledPolicy,
    strictest: CompiledPolicy,
}

/// The source rules of a workload.
#[derive(Debug)]
pub(super) struct Rules {
    config: PluginConfig,
    /// Headers that rules depend on and proxies set, in lower case.
    set_headers: BTreeSet<String>,
    bounds: RefCell<HashMap<Omitted, Option<Rc<Bounds>>>>,
}

impl Rules {
    /// Collects the rules of a plugin config, whose followers all select the workload.
    pub(super) fn new(config: PluginConfig) -> Self {
        let mut rules = Self {
            config,
            set_headers: BTreeSet::new(),
            bounds: RefCell::default(),
        };
        let asked = rules.deciding_rules().flat_map(headers_of);
        rules.set_headers = asked.filter(|name| may_be_set(name)).collect();
        rules
    }

    /// Headers that rules depend on, that proxies set and that the question does not state.
    pub(super) fn unknown_headers(&self, is_known: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let asked = self.set_headers.iter();
        asked.filter(|name| !is_known(name)).cloned().collect()
    }

    /// The plugin config.
    pub(super) fn config(&self) -> &PluginConfig {
        &self.config
    }

    /// Whether the answer to a request is undetermined. `unknown_headers` may be present or absent.
    pub(super) fn undetermined(
        &self,
        request: &Request<'_>,
        unknown_headers: BTreeSet<String>,
    ) -> Option<Undetermined> {
        let omitted = Omitted::from_request(request, unknown_headers);
        let bounds = self.bounds(&omitted)?;
        let outcome = |policy: &CompiledPolicy| policy.evaluate(request).outcome();
        if outcome(&bounds.loosest) == outcome(&bounds.strictest) {
            return None;
        }
        let matching: Vec<_> = self
            .deciding_rules()
            .filter(|rule| !omitted.asked_by(rule).is_empty())
            .filter(|rule| self.would_match(rule, &omitted, request))
            .collect();
        let mut asked = Omitted::default();
        for rule in &matching {
            asked.add(omitted.asked_by(rule));
        }
        Some(Undetermined {
            rules: matching.iter().map(|rule| rule.id.clone()).collect(),
            exception: None,
            asked,
        })
    }

    /// The bounds. None if no rule depends on an omitted attribute.
    fn bounds(&self, omitted: &Omitted) -> Option<Rc<Bounds>> {
        let mut known = self.bounds.borrow_mut();
        let bounds = known.entry(omitted.clone()).or_insert_with(|| {
            let mut rules = self.deciding_rules();
            let is_asked = rules.any(|rule| !omitted.asked_by(rule).is_empty());
            is_asked.then(|| self.make_bounds(omitted)).flatten()
        });
        bounds.clone()
    }

    fn make_bounds(&self, omitted: &Omitted) -> Option<Rc<Bounds>> {
        let bound = |matching: Effect| {
            self.compile(|rule| {
                if rule.effect == matching {
                    Some(omitted.granted(rule))
                } else {
                    omitted.refused(rule)
                }
            })
        };
        Some(Rc::new(Bounds {
            loosest: bound(Effect::Allow)?,
            strictest: bound(Effect::Deny)?,
        }))
    }

    /// Compiles the policies with changed rules.
    fn compile(&self, change: impl Fn(&RuleSpec) -> Option<RuleSpec>) -> Option<CompiledPolicy> {
        let mut config = self.config.clone();
        config.rules = config.rules.iter().filter_map(&change).collect();
        for follower in &mut config.co_enforced {
            follower.rules = follower.rules.iter().filter_map(&change).collect();
        }
        CompiledPolicy::try_from(config).ok()
    }

    /// Enforced `Allow` and `Deny` rules.
    fn deciding_rules(&self) -> impl Iterator<Item = &RuleSpec> {
        let followers = self
            .config
            .co_enforced
            .iter()
            .flat_map(|follower| &follower.rules);
        self.config.rules.iter().chain(followers).filter(|rule| {
            rule.enforcement != Some(Enforcement::Shadow)
                && matches!(rule.effect, Effect::Allow | Effect::Deny)
        })
    }

    /// Whether a rule alone could match the request, ignoring omitted attributes.
    fn would_match(&self, rule: &RuleSpec, omitted: &Omitted, request: &Request<'_>) -> bool {
        let alone = self.compile(|other| (other == rule).then(|| omitted.granted(rule)));
        let reason = alone
            .as_ref()
            .map(|policy| policy.evaluate(request).reason());
        reason.is_some_and(|reason| reason.rule().is_some())
    }
}

#[cfg(test)]
mod tests;
