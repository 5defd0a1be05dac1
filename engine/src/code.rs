//! Stable codes for problems in a plugin config.

use std::fmt;

/// How serious a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input is accepted, but should be reviewed.
    Warning,
    /// The input is rejected.
    Error,
}

/// The stable name of a kind of problem. Scripts and suppressions may rely on it.
///
/// Each crate declares its own codes with [`codes!`](crate::codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    name: &'static str,
    severity: Severity,
}

impl Code {
    /// A code with this name in kebab case.
    pub const fn new(name: &'static str, severity: Severity) -> Self {
        Self { name, severity }
    }

    /// The name in kebab case.
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// How serious the problem is.
    pub const fn severity(self) -> Severity {
        self.severity
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A code with its documentation.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// The code.
    pub code: Code,
    /// The explanation, in Markdown.
    pub explanation: &'static str,
}

/// Declares codes as constants, each with explanation and severity, and all of them as `EXPLAINED`.
#[macro_export]
macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $code:ident = $name:literal, $severity:ident; )+) => {
        $(
            $(#[doc = $doc])+
            pub const $code: $crate::code::Code =
                $crate::code::Code::new($name, $crate::code::Severity::$severity);
        )+

        /// Every code declared here, in the order of the documentation.
        pub const EXPLAINED: &[$crate::code::Explained] = &[$(
            $crate::code::Explained { code: $code, explanation: concat!($($doc, "\n",)+) },
        )+];
    };
}

codes! {
    /// A required field is absent.
    MISSING_FIELD = "missing-field", Error;
    /// A name, namespace or label is not valid in Kubernetes.
    INVALID_NAME = "invalid-name", Error;
    /// A trust domain does not conform to the SPIFFE ID specification, section 2.1.
    INVALID_TRUST_DOMAIN = "invalid-trust-domain", Error;
    /// A rule ID is not a DNS label. IDs become metric labels and log fields.
    INVALID_RULE_ID = "invalid-rule-id", Error;
    /// Two rules of a policy have the same ID.
    DUPLICATE_RULE_ID = "duplicate-rule-id", Error;
    /// A list is present but empty. Without the list, everything would match; an empty list is ambiguous.
    EMPTY_LIST = "empty-list", Error;
    /// A source or operation has no fields, so it would match everything.
    EMPTY_MATCHER = "empty-matcher", Error;
    /// A value is an empty string.
    EMPTY_VALUE = "empty-value", Error;
    /// A principal is not a valid SPIFFE ID (SPIFFE ID specification, section 2).
    INVALID_SPIFFE_ID = "invalid-spiffe-id", Error;
    /// An identity belongs to a trust domain that is neither the mesh's own nor one of its aliases. Such
    /// callers are denied before any rule is evaluated.
    FOREIGN_TRUST_DOMAIN = "foreign-trust-domain", Error;
    /// A value is neither an IP address nor a CIDR block, or it is a CIDR block with host bits set.
    INVALID_IP_BLOCK = "invalid-ip-block", Error;
    /// Istio has no condition with this key.
    UNKNOWN_CONDITION = "unknown-condition", Error;
    /// A service account is not of the form `NAMESPACE/NAME` or `NAME`.
    INVALID_SERVICE_ACCOUNT = "invalid-service-account", Error;
    /// A wildcard is at a place where Istio accepts it but never matches it, as in `a*b`.
    INVALID_WILDCARD = "invalid-wildcard", Error;
    /// No request can have this path, method, host or port.
    INVALID_VALUE = "invalid-value", Error;
    /// A path template breaks Istio's rules for `{*}` and `{**}`.
    INVALID_PATH_TEMPLATE = "invalid-path-template", Error;
    /// Two fields exclude each other.
    EXCLUSIVE_FIELDS = "exclusive-fields", Error;
    /// A time is not in RFC 3339 format in UTC.
    INVALID_TIME = "invalid-time", Error;
    /// A rule, or a part of it, can never match a request.
    NEVER_MATCHES = "never-matches", Error;
}
