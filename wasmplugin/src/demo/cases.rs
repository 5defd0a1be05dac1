//! Who calls the shop's cart service in the demo, and what must come of it.

use std::fmt;

use peergate_sandbox::Request;

/// The certificate's SPIFFE ID of a service of the shop.
fn spiffe_id(service_account: &str) -> String {
    format!("spiffe://cluster.local/ns/boutique/sa/{service_account}")
}

/// One call.
#[derive(Clone, Debug)]
pub struct Case {
    /// What the call shows.
    pub title: &'static str,
    /// Who calls, and by which way.
    pub caller: Caller,
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Headers with which the caller claims to be somebody else.
    pub forged: &'static [(&'static str, &'static str)],
    /// What must come of it.
    pub expected: Expectation,
}

/// Who calls, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A service of the shop, through its own sidecar.
    Service(&'static str),
    /// Somebody with a certificate of the mesh's authority, past all sidecars.
    Certificate(&'static str),
    /// Somebody without TLS, at a port that accepts mutual TLS only.
    PlaintextToStrict,
    /// Somebody without TLS, at a port that accepts plaintext.
    PlaintextToPermissive,
    /// Somebody with TLS but no certificate, at a port that demands one.
    NoCertificateToStrict,
    /// Somebody with TLS but no certificate, at a port that takes callers without.
    NoCertificateToOptional,
}

/// What comes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It reaches the service, which is told that this is the caller.
    Allowed {
        /// All values of `x-peergate-caller` that the service received.
        told: Vec<String>,
    },
    /// The filter denies it, for this reason.
    Denied {
        /// The reason's code.
        reason: String,
    },
    /// There is no connection: the handshake fails.
    NoConnection,
    /// Something else.
    Other {
        /// What it was.
        description: String,
    },
}

impl Expectation {
    fn allowed(service_account: &str) -> Self {
        Self::Allowed {
            told: vec![spiffe_id(service_account)],
        }
    }

    fn denied(reason: &str) -> Self {
        Self::Denied {
            reason: reason.to_owned(),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { .. } => f.write_str("200 allowed"),
            Self::Denied { reason } => write!(f, "403 {reason}"),
            Self::NoConnection => f.write_str("refused by TLS"),
            Self::Other { description } => f.write_str(description),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => f.write_str(name),
            Self::Certificate(id) => f.write_str(id.strip_prefix("spiffe://").unwrap_or(id)),
            Self::PlaintextToStrict => f.write_str("plaintext"),
            Self::PlaintextToPermissive => f.write_str("plaintext"),
            Self::NoCertificateToStrict => f.write_str("no certificate"),
            Self::NoCertificateToOptional => f.write_str("no certificate"),
        }
    }
}

impl Case {
    /// The request as it is sent.
    pub fn request(&self) -> Request {
        self.forged
            .iter()
            .fold(Request::new(self.method, self.path), |request, (name, value)| {
                request.header(name, value)
            })
    }
}

const ADD_ITEM: &str = "/hipstershop.CartService/AddItem";
const EMPTY_CART: &str = "/hipstershop.CartService/EmptyCart";

/// Headers by which somebody pretends to be the frontend.
const FORGED: &[(&str, &str)] = &[
    ("x-peergate-caller", "spiffe://cluster.local/ns/boutique/sa/admin"),
    ("X-Peergate-Caller", "spiffe://cluster.local/ns/boutique/sa/root"),
    (
        "x-forwarded-client-cert",
        "URI=spiffe://cluster.local/ns/boutique/sa/frontend",
    ),
];

/// All calls, in the order in which they are made.
pub(super) fn all() -> Vec<Case> {
    let case = |title, caller, path, expected| Case {
        title,
        caller,
        method: "POST",
        path,
        forged: &[],
        expected,
    };
    vec![
        case(
            "allowed identity",
            Caller::Service("frontend"),
            ADD_ITEM,
            Expectation::allowed("frontend"),
        ),
        case(
            "another allowed identity",
            Caller::Service("checkoutservice"),
            EMPTY_CART,
            Expectation::allowed("checkoutservice"),
        ),
        case(
            "wrong identity",
            Caller::Service("adservice"),
            ADD_ITEM,
            Expectation::denied("no-rule-matched"),
        ),
        Case {
            method: "GET",
            ..case(
                "wrong method",
                Caller::Service("frontend"),
                ADD_ITEM,
                Expectation::denied("no-rule-matched"),
            )
        },
        case(
            "wrong path",
            Caller::Service("checkoutservice"),
            ADD_ITEM,
            Expectation::denied("no-rule-matched"),
        ),
        case(
            "explicit deny rule",
            Caller::Certificate("spiffe://cluster.local/ns/quarantine/sa/frontend"),
            ADD_ITEM,
            Expectation::denied("denied-by-rule"),
        ),
        case(
            "other trust domain",
            Caller::Certificate("spiffe://partner.example/ns/boutique/sa/frontend"),
            ADD_ITEM,
            Expectation::denied("foreign-trust-domain"),
        ),
        case(
            "no SPIFFE ID",
            Caller::Certificate("https://frontend.boutique.example"),
            ADD_ITEM,
            Expectation::denied("malformed-identity"),
        ),
        case(
            "plaintext",
            Caller::PlaintextToStrict,
            ADD_ITEM,
            Expectation::NoConnection,
        ),
        case(
            "plaintext where TLS lets it in",
            Caller::PlaintextToPermissive,
            ADD_ITEM,
            Expectation::denied("no-identity"),
        ),
        case(
            "no certificate",
            Caller::NoCertificateToStrict,
            ADD_ITEM,
            Expectation::NoConnection,
        ),
        case(
            "no certificate where TLS lets it in",
            Caller::NoCertificateToOptional,
            ADD_ITEM,
            Expectation::denied("no-identity"),
        ),
        Case {
            forged: FORGED,
            ..case(
                "forged identity headers",
                Caller::Service("adservice"),
                ADD_ITEM,
                Expectation::denied("no-rule-matched"),
            )
        },
        Case {
            forged: FORGED,
            ..case(
                "forged headers, right identity",
                Caller::Service("frontend"),
                ADD_ITEM,
                Expectation::allowed("frontend"),
            )
        },
        case(
            "expired rule",
            Caller::Service(super::mesh::EXPIRED_CALLER),
            EMPTY_CART,
            Expectation::denied("expired-rule"),
        ),
        case(
            "shadow rule",
            Caller::Service("frontend"),
            EMPTY_CART,
            Expectation::allowed("frontend"),
        ),
    ]
}
