//! Reports paths that no request has once the proxy has normalized it.

use crate::code;
use crate::document::PathNormalization;
use crate::matching::{PathMatch, TextMatch};
use crate::path_normalization::{is_decoded, is_escaped_when_raw};
use crate::policy::{IstioVersion, Mesh};
use crate::problem::{Cursor, Problems};

/// The first version of Istio with path templates.
const PATH_TEMPLATES: IstioVersion = IstioVersion::minor(22);

/// Reports a path that Istio cannot express, or that no rule ever sees.
pub(super) fn check(path: &PathMatch, mesh: &Mesh, cursor: &Cursor<'_>, problems: &mut Problems) {
    if matches!(path, PathMatch::Template(_)) && mesh.istio_version < PATH_TEMPLATES {
        problems.report(
            code::UNSUPPORTED_BY_ISTIO,
            cursor,
            format!(
                "Istio {} does not support path templates",
                mesh.istio_version
            ),
            format!(
                "list the paths, use a prefix such as `/orders/*`, or upgrade to {PATH_TEMPLATES}"
            ),
        );
    }
    report_removed(path, mesh, cursor, problems);
}

fn report_removed(path: &PathMatch, mesh: &Mesh, cursor: &Cursor<'_>, problems: &mut Problems) {
    if let Some(removed) = mesh.path_normalization.removes(path) {
        problems.report(
            code::NEVER_MATCHES,
            cursor,
            format!("no rule ever sees a path with `{removed}`"),
            format!(
                "the mesh normalizes paths (`{:?}`) before rules see them; write the normalized path",
                mesh.path_normalization
            ),
        );
    }
}

/// Reports a pattern for the header `:path`, which includes the query, if no rule ever sees such a
/// path.
pub(super) fn check_header(
    pattern: &TextMatch,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let text = pattern.literal();
    let path = match (text.split_once('?'), pattern) {
        (Some((path, _)), TextMatch::Exact(_) | TextMatch::Prefix(_)) => {
            TextMatch::Exact(path.into())
        }
        (None, TextMatch::Exact(_) | TextMatch::Prefix(_)) => pattern.clone(),
        // A query may end with anything.
        (_, TextMatch::Any | TextMatch::Suffix(_)) => return,
    };
    report_removed(&PathMatch::Text(path), mesh, cursor, problems);
}

impl PathNormalization {
    /// A part of the pattern that no normalized path contains. None if a path can match.
    pub fn removes(self, path: &PathMatch) -> Option<&str> {
        let (text, is_open_ended) = match path {
            PathMatch::Text(TextMatch::Any) => return None,
            PathMatch::Text(pattern) => {
                (pattern.literal(), matches!(pattern, TextMatch::Prefix(_)))
            }
            PathMatch::Template(template) => {
                let mut parts = template.literals();
                return parts.find_map(|part| match part {
                    "." | ".." if self >= Self::Base => Some(part),
                    _ => self.removed_part(part),
                });
            }
        };
        let ends_in_dots = !is_open_ended && (text.ends_with("/.") || text.ends_with("/.."));
        let is_removed = ends_in_dots && self >= Self::Base;
        is_removed
            .then_some("/..")
            .or_else(|| self.removed_part(text))
    }

    /// A part of the text that no normalized path contains.
    fn removed_part(self, text: &str) -> Option<&str> {
        let parts = [
            (Self::Base, "\\"),
            (Self::Base, "/./"),
            (Self::Base, "/../"),
            (Self::MergeSlashes, "//"),
        ];
        let by_part = parts
            .into_iter()
            .find(|(since, part)| self >= *since && text.contains(part))
            .map(|(_, part)| part);
        by_part.or_else(|| {
            let mut positions = text.char_indices();
            positions.find_map(|(position, char)| {
                let rest = text.get(position..)?;
                match char {
                    '%' if is_decoded(rest.as_bytes(), self) => rest.get(..3),
                    _ if is_escaped_when_raw(char) && self >= Self::Base => {
                        rest.get(..char.len_utf8())
                    }
                    _ => None,
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MODES: [PathNormalization; 4] = [
        PathNormalization::None,
        PathNormalization::Base,
        PathNormalization::MergeSlashes,
        PathNormalization::DecodeAndMergeSlashes,
    ];

    proptest! {
        #[test]
        fn never_calls_a_visible_path_unseen(
            path in "/([/.%;a2eEfF5cC1634\\\\#^|~]|%61|%2[eEfF5]){0,24}",
        ) {
            for mode in MODES {
                let Ok(seen) = mode.normalize(path.as_bytes()) else {
                    continue;
                };
                let seen = String::from_utf8(seen).unwrap();
                // A path of slashes only is normalized to two. A rule for such paths is still
                // refused.
                if seen == "//" {
                    continue;
                }
                let exact = PathMatch::Text(TextMatch::Exact(seen.as_str().into()));
                prop_assert_eq!(mode.removes(&exact), None, "{:?} {} {}", mode, path, seen);
                for (end, _) in seen.char_indices() {
                    let start = seen.get(..end).unwrap();
                    let prefix = PathMatch::Text(TextMatch::Prefix(start.into()));
                    prop_assert_eq!(mode.removes(&prefix), None, "{:?} {} {}", mode, path, start);
                }
            }
        }
    }
}
