//! Parses text to trees.

use granit_parser::{Parser, options};

use super::anchors::Allowance;
use super::builder::Builder;
use super::dialect::Dialect;
use super::{Fault, Node, Span};
use crate::code;

/// Parses every document of a YAML stream. Empty documents are skipped.
///
/// Takes time and memory proportional to the length of `text`. Accepts a byte order mark, and line
/// feeds with or without a preceding carriage return.
///
/// # Errors
///
/// All faults of the text, in order: [`code::YAML_SYNTAX`] if it is not well-formed, which ends the
/// search, or for a lone carriage return, which is then the only fault; [`code::YAML_FEATURE`] for
/// anchors, aliases, merge keys, tags, keys that are not scalars, and nesting beyond 32 levels,
/// which also ends the search; and [`code::DUPLICATE_KEY`].
pub fn parse(text: &str) -> Result<Vec<Node>, Vec<Fault>> {
    if let Some(fault) = lone_carriage_return(text) {
        return Err(vec![fault]);
    }
    let options = options! {
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
    };
    let allowance = Allowance::for_text(text);
    let builder = Builder::new(text, Dialect::Strict, &allowance);
    let tree = builder.build(Parser::new_from_str_with_options(text, options))?;
    Ok(tree.documents)
}

/// The first line end in YAML that most viewers do not show. After a comment, the next line would
/// look like a part of the comment.
fn lone_carriage_return(text: &str) -> Option<Fault> {
    let returns = text.match_indices('\r');
    let is_alone = |at: &usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    let start = returns.map(|(at, _)| at).find(is_alone)?;
    Some(Fault {
        code: code::YAML_SYNTAX,
        span: Span {
            start,
            end: start + 1,
        },
        message: "a carriage return without a line feed ends a line".to_owned(),
        help: "end each line with a line feed, or with a carriage return and a line feed"
            .to_owned(),
    })
}
