//! Path templates given with `--template`.

use policy_schema::matching::{PathMatch, Reading};
use thiserror::Error;

/// A path template given with `--template`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandTemplate {
    text: String,
    matcher: PathMatch,
}

/// Why a text is not a template.
#[derive(Debug, Error)]
pub enum InvalidHandTemplate {
    /// The path pattern is invalid.
    #[error("{0}")]
    Path(String),
    /// The pattern is not a template.
    #[error(
        "it has neither `{{*}}` nor `{{**}}`; write one for each part that varies, such as `/v1/orders/{{*}}`"
    )]
    NoTemplate,
    /// The text is not a path.
    #[error("it must begin with `/`")]
    NoPath,
}

impl HandTemplate {
    /// Parses a template in the syntax of rules.
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

    /// The template as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the template matches a path.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.matcher.matches(path.as_bytes(), Reading::Narrow)
    }
}
