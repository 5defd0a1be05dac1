//! The stable names of what can be wrong with a plugin config.

use std::fmt;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// What was read is accepted; a person should look.
    Warning,
    /// What was read is refused.
    Error,
}

/// The stable name of a kind of problem. Scripts and suppressions may rely on it.
///
/// Each crate declares its own with [`codes!`](crate::codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    name: &'static str,
    severity: Severity,
}

impl Code {
    /// A code with this name, in kebab case.
    pub const fn new(name: &'static str, severity: Severity) -> Self {
        Self { name, severity }
    }

    /// The name as it is printed, in kebab case.
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// How much it matters.
    pub const fn severity(self) -> Severity {
        self.severity
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A code and what it means, for the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// The code.
    pub code: Code,
    /// Its meaning in Markdown.
    pub explanation: &'static str,
}

/// Declares codes as constants, each with what it means and how much it matters, and all of them as `EXPLAINED`.
#[macro_export]
macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $code:ident = $name:literal, $severity:ident; )+) => {
        $(
            $(#[doc = $doc])+
            pub const $code: $crate::code::Code =
                $crate::code::Code::new($name, $crate::code::Severity::$severity);
        )+

        /// Every code that is declared here, in the order of the documentation.
        pub const EXPLAINED: &[$crate::code::Explained] = &[$(
            $crate::code::Explained { code: $code, explanation: concat!($($doc, "\n",)+) },
        )+];
    };
}

codes! {
    /// A required field is absent.
    MISSING_FIELD = "missing-field", Error;
    /// A name, namespace or label is not one that Kubernetes accepts.
    INVALID_NAME = "invalid-name", Error;
    /// A trust domain is not valid by the SPIFFE ID specification, section 2.1.
    INVALID_TRUST_DOMAIN = "invalid-trust-domain", Error;
    /// A rule id is not a DNS label. Ids become metric labels and log fields.
    INVALID_RULE_ID = "invalid-rule-id", Error;
    /// Two rules of a policy have the same id.
    DUPLICATE_RULE_ID = "duplicate-rule-id", Error;
    /// A list is present but empty. Left out, it would match everything; empty, it can be read
    /// both ways.
    EMPTY_LIST = "empty-list", Error;
    /// A source or operation has no field at all, so it would match everything.
    EMPTY_MATCHER = "empty-matcher", Error;
    /// A value is an empty string.
    EMPTY_VALUE = "empty-value", Error;
    /// A principal is not a SPIFFE ID by the SPIFFE ID specification, section 2.
    INVALID_SPIFFE_ID = "invalid-spiffe-id", Error;
    /// An identity belongs to a trust domain that the mesh neither is nor has as an alias. Such a
    /// caller is refused before any rule is read.
    FOREIGN_TRUST_DOMAIN = "foreign-trust-domain", Error;
    /// A value is neither an IP address nor a CIDR block, or a block that says less than its address.
    INVALID_IP_BLOCK = "invalid-ip-block", Error;
    /// A condition's key is none that Istio has.
    UNKNOWN_CONDITION = "unknown-condition", Error;
    /// A service account is not `NAMESPACE/NAME` or `NAME`.
    INVALID_SERVICE_ACCOUNT = "invalid-service-account", Error;
    /// A wildcard stands where Istio accepts it and then never matches, such as `a*b`.
    INVALID_WILDCARD = "invalid-wildcard", Error;
    /// A path, method, host or port is none that a request could have.
    INVALID_VALUE = "invalid-value", Error;
    /// A path template breaks Istio's rules for `{*}` and `{**}`.
    INVALID_PATH_TEMPLATE = "invalid-path-template", Error;
    /// Two fields exclude each other.
    EXCLUSIVE_FIELDS = "exclusive-fields", Error;
    /// A time is not RFC 3339 in UTC.
    INVALID_TIME = "invalid-time", Error;
    /// A rule, or a part of it, can never match any request.
    NEVER_MATCHES = "never-matches", Error;
}
