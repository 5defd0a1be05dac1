//! The request principal: issuer and subject of a JWT.

use std::fmt;

use thiserror::Error;

use crate::matching::TextMatch;
use crate::matching::text::InvalidWildcard;

/// A pattern over issuer and subject of a verified JWT, written `ISSUER/SUBJECT`. An issuer may
/// contain slashes, so the last slash separates the two (Istio, `requestPrincipals`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestPrincipal {
    /// The claim `iss`.
    pub issuer: TextMatch,
    /// The claim `sub`.
    pub subject: TextMatch,
}

/// Why a text is not a pattern over request principals.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidRequestPrincipal {
    /// A `*` is at a position where Istio compares it literally.
    #[error("a `*` is only allowed at the start or the end")]
    Wildcard,
    /// The issuer or subject is empty, which no token matches.
    #[error("it is not `ISSUER/SUBJECT`")]
    Incomplete,
}

impl RequestPrincipal {
    /// Parses a pattern in Istio's syntax.
    pub fn parse(text: &str) -> Result<Self, InvalidRequestPrincipal> {
        let parse = |part| match TextMatch::parse(part) {
            Ok(TextMatch::Exact(text)) if text.is_empty() => {
                Err(InvalidRequestPrincipal::Incomplete)
            }
            Ok(pattern) => Ok(pattern),
            Err(InvalidWildcard) => Err(InvalidRequestPrincipal::Wildcard),
        };
        let (issuer, subject) = match text.rsplit_once('/') {
            Some((issuer, subject)) => (parse(issuer)?, parse(subject)?),
            None => match parse(text)? {
                TextMatch::Any => (TextMatch::Any, TextMatch::Any),
                issuer @ TextMatch::Prefix(_) => (issuer, TextMatch::Any),
                subject @ TextMatch::Suffix(_) => (TextMatch::Any, subject),
                TextMatch::Exact(_) => return Err(InvalidRequestPrincipal::Incomplete),
            },
        };
        // Next to a slash, Istio accepts one `*`, at the start or the end of the whole pattern.
        let is_literal = |pattern: &TextMatch| matches!(pattern, TextMatch::Exact(_));
        let has_one_wildcard = !text.contains('/')
            || match (&issuer, &subject) {
                (TextMatch::Exact(_), TextMatch::Suffix(_)) | (TextMatch::Prefix(_), _) => false,
                (issuer, subject) => is_literal(issuer) || is_literal(subject),
            };
        has_one_wildcard
            .then_some(Self { issuer, subject })
            .ok_or(InvalidRequestPrincipal::Wildcard)
    }
}

impl fmt::Display for RequestPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.issuer, &self.subject) {
            (TextMatch::Any, TextMatch::Any) => f.write_str("*"),
            (issuer @ TextMatch::Prefix(_), TextMatch::Any) => issuer.fmt(f),
            (TextMatch::Any, subject @ TextMatch::Suffix(_)) => subject.fmt(f),
            (issuer, subject) => write!(f, "{issuer}/{subject}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_slash() {
        let any = || TextMatch::Any;
        let exact = |text: &str| TextMatch::Exact(text.into());
        let prefix = |text: &str| TextMatch::Prefix(text.into());
        let suffix = |text: &str| TextMatch::Suffix(text.into());
        for (text, issuer, subject) in [
            ("*", any(), any()),
            (
                "https://a.example/bob",
                exact("https://a.example"),
                exact("bob"),
            ),
            ("*/bob", any(), exact("bob")),
            ("*.example/bob", suffix(".example"), exact("bob")),
            ("*bob", any(), suffix("bob")),
            ("https://a.example/*", exact("https://a.example"), any()),
            (
                "https://a.example/b*",
                exact("https://a.example"),
                prefix("b"),
            ),
            ("a.ex*", prefix("a.ex"), any()),
        ] {
            let principal = RequestPrincipal { issuer, subject };
            assert_eq!(
                RequestPrincipal::parse(text),
                Ok(principal.clone()),
                "{text}"
            );
            assert_eq!(principal.to_string(), text);
        }
    }

    #[test]
    fn rejects_patterns_that_no_token_matches() {
        use InvalidRequestPrincipal::{Incomplete, Wildcard};
        for (text, reason) in [
            ("a.example", Incomplete),
            ("a.example/", Incomplete),
            ("/bob", Incomplete),
            ("", Incomplete),
            ("a*b/bob", Wildcard),
            ("a/*bob", Wildcard),
            ("a*/bob", Wildcard),
            ("*/*", Wildcard),
            ("*a/*", Wildcard),
            ("*a/b*", Wildcard),
            ("*a*", Wildcard),
            ("**", Wildcard),
        ] {
            assert_eq!(RequestPrincipal::parse(text), Err(reason), "{text}");
        }
    }
}
