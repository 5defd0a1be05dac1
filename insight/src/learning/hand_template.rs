//! Templates that a person names.

use policy_schema::matching::{PathMatch, Reading};
use thiserror::Error;

/// A template that a person named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandTemplate {
    text: String,
    matcher: PathMatch,
}

/// Why a text is no template.
#[derive(Debug, Error)]
pub enum InvalidHandTemplate {
    /// It is no path pattern.
    #[error("{0}")]
    Path(String),
    /// It is a pattern, and no template.
    #[error(
        "it has neither `{{*}}` nor `{{**}}`; write one for each part that varies, such as `/v1/orders/{{*}}`"
    )]
    NoTemplate,
    /// It is no path.
    #[error("it does not begin with `/`")]
    NoPath,
}

impl HandTemplate {
    /// Reads a template as rules have it.
    pub fn parse(text: &str) -> Result<Self, InvalidHandTemplate> {
        if !text.starts_with('/') {
            return Err(InvalidHandTemplate::NoPath);
        }
        let pattern = PathMatch::parse(text);
        match pattern.map_err(|reason| InvalidHandTemplate::Path(reason.to_string()))? {
            matcher @ PathMatch::Template(_) => Ok(Self {
                text: text.to_owned(),
                matcher,
            }),
            PathMatch::Text(_) => Err(InvalidHandTemplate::NoTemplate),
        }
    }

    /// The template as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it takes a path in.
    pub(super) fn takes(&self, path: &str) -> bool {
        self.matcher.matches(path.as_bytes(), Reading::Narrow)
    }
}
