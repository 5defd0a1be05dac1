//! The calls of the demo with their expected outcomes.

use std::fmt;

use policy_schema::telemetry::ReasonCode;

use crate::client::Request;

/// The caller of an expired rule.
pub(super) const EXPIRED_CALLER: &str = "support-shell";

/// The SPIFFE ID of a service of the shop.
fn spiffe_id(service_account: &str) -> String {
    format!("spiffe://cluster.local/ns/boutique/sa/{service_account}")
}

/// A call.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The title.
    pub(super) title: &'static str,
    /// The caller.
    pub(super) caller: Caller,
    /// The method.
    pub(super) method: &'static str,
    /// The path.
    pub(super) path: &'static str,
    /// Forged identity headers.
    pub(super) forged: &'static [(&'static str, &'static str)],
    /// The expected outcome.
    pub(super) expected: Expectation,
}

/// The caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A service of the shop, through its sidecar.
    Service(&'static str),
    /// A client with a mesh certificate that bypasses sidecars.
    Certificate(&'static str),
    /// A client without TLS, at a port that only accepts mutual TLS.
    PlaintextToStrict,
    /// A client without TLS, at a port that accepts plaintext.
    PlaintextToPermissive,
    /// A TLS client without a certificate, at a port that requires one.
    NoCertificateToStrict,
    /// A TLS client without a certificate, at a port that does not require one.
    NoCertificateToOptional,
}

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    /// The call reaches the service.
    Allowed {
        /// The callers in the `x-peergate` values that the service received.
        callers: Vec<String>,
    },
    /// The filter denies the call.
    Denied {
        /// The reason code.
        reason: String,
    },
    /// The TLS handshake fails.
    NoConnection,
    /// Any other outcome.
    Other {
        /// The outcome.
        description: String,
    },
}

impl Expectation {
    fn allowed(service_account: &str) -> Self {
        Self::Allowed {
            callers: vec![spiffe_id(service_account)],
        }
    }

    fn denied(reason: ReasonCode) -> Self {
        Self::Denied {
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { .. } => f.write_str("200 allowed"),
            Self::Denied { reason } => write!(f, "403 {reason}"),
            Self::NoConnection => f.write_str("rejected by TLS"),
            Self::Other { description } => f.write_str(description),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => f.write_str(name),
            Self::Certificate(id) => f.write_str(id.strip_prefix("spiffe://").unwrap_or(id)),
            Self::PlaintextToStrict | Self::PlaintextToPermissive => f.write_str("plaintext"),
            Self::NoCertificateToStrict | Self::NoCertificateToOptional => {
                f.write_str("no certificate")
            }
        }
    }
}

impl Case {
    /// The request to send.
    pub(super) fn request(&self) -> Request {
        self.forged.iter().fold(
            Request::new(self.method, self.path),
            |request, (name, value)| request.header(name, value),
        )
    }
}

const ADD_ITEM: &str = "/hipstershop.CartService/AddItem";
const EMPTY_CART: &str = "/hipstershop.CartService/EmptyCart";

/// Headers that impersonate the frontend.
const FORGED: &[(&str, &str)] = &[
    ("x-peergate", "spiffe://cluster.local/ns/boutique/sa/admin"),
    (
        "X-Peergate-Caller",
        "spiffe://cluster.local/ns/boutique/sa/root",
    ),
    (
        "x-forwarded-client-cert",
        "URI=spiffe://cluster.local/ns/boutique/sa/frontend",
    ),
];

/// The title of the explained denial, and its outcome after the change.
pub(super) const EXPLAINED: (&str, fn() -> Expectation) =
    ("wrong path", || Expectation::allowed("checkoutservice"));

/// All calls, in order.
pub(super) fn all() -> Vec<Case> {
    [workloads(), strangers(), impersonators()].concat()
}

fn case(title: &'static str, caller: Caller, path: &'static str, expected: Expectation) -> Case {
    Case {
        title,
        caller,
        method: "POST",
        path,
        forged: &[],
        expected,
    }
}

/// Services of the shop with their own identity.
fn workloads() -> Vec<Case> {
    use Caller::Service;
    let no_rule = || Expectation::denied(ReasonCode::NoRuleMatched);
    let frontend = || Expectation::allowed("frontend");
    let checkout = Expectation::allowed("checkoutservice");
    let expired = Expectation::denied(ReasonCode::ExpiredRule);
    let wrong_method = case("wrong method", Service("frontend"), ADD_ITEM, no_rule());
    vec![
        case("right identity", Service("frontend"), ADD_ITEM, frontend()),
        case(
            "another one",
            Service("checkoutservice"),
            EMPTY_CART,
            checkout,
        ),
        case("wrong identity", Service("adservice"), ADD_ITEM, no_rule()),
        Case {
            method: "GET",
            ..wrong_method
        },
        case(EXPLAINED.0, Service("checkoutservice"), ADD_ITEM, no_rule()),
        case("expired rule", Service(EXPIRED_CALLER), EMPTY_CART, expired),
        case("shadow rule", Service("frontend"), EMPTY_CART, frontend()),
    ]
}

/// Callers without an identity of the shop.
fn strangers() -> Vec<Case> {
    let caller = |title, caller, expected| case(title, caller, ADD_ITEM, expected);
    let certificate = |title, name, reason| {
        caller(
            title,
            Caller::Certificate(name),
            Expectation::denied(reason),
        )
    };
    let no_identity = || Expectation::denied(ReasonCode::NoIdentity);
    vec![
        certificate(
            "explicit deny rule",
            "spiffe://cluster.local/ns/quarantine/sa/frontend",
            ReasonCode::DeniedByRule,
        ),
        certificate(
            "other trust domain",
            "spiffe://partner.example/ns/boutique/sa/frontend",
            ReasonCode::ForeignTrustDomain,
        ),
        certificate(
            "no SPIFFE ID",
            "https://frontend.boutique.example",
            ReasonCode::MalformedIdentity,
        ),
        caller(
            "plaintext",
            Caller::PlaintextToStrict,
            Expectation::NoConnection,
        ),
        caller(
            "the same where TLS lets it in",
            Caller::PlaintextToPermissive,
            no_identity(),
        ),
        caller(
            "no certificate",
            Caller::NoCertificateToStrict,
            Expectation::NoConnection,
        ),
        caller(
            "the same where TLS lets it in",
            Caller::NoCertificateToOptional,
            no_identity(),
        ),
    ]
}

/// Callers with forged identity headers.
fn impersonators() -> Vec<Case> {
    let forged = |title, service, expected| Case {
        forged: FORGED,
        ..case(title, Caller::Service(service), ADD_ITEM, expected)
    };
    vec![
        forged(
            "forged headers",
            "adservice",
            Expectation::denied(ReasonCode::NoRuleMatched),
        ),
        forged(
            "forged headers, right identity",
            "frontend",
            Expectation::allowed("frontend"),
        ),
    ]
}
