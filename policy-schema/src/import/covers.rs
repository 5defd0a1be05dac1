//! Values of a list that another one of the list makes useless.

use std::collections::HashSet;

use super::reading::{Kind, has_inner_star};

/// The patterns of a list of texts. A `*` at an end is the only one that means anything to Istio in such a list.
#[derive(Default)]
pub(super) struct Covers<'v> {
    has_any: bool,
    beginnings: HashSet<&'v str>,
    ends: HashSet<&'v str>,
}

impl<'v> Covers<'v> {
    pub(super) fn of(values: &'v [String], kind: Kind) -> Self {
        let mut covers = Self::default();
        if kind != Kind::Other {
            return covers;
        }
        // Templates are compared in a way of their own.
        let plain = |value: &&str| !has_inner_star(value) && !value.contains(['{', '}']);
        for value in values.iter().map(String::as_str).filter(plain) {
            match (value.strip_suffix('*'), value.strip_prefix('*')) {
                (Some(""), _) => covers.has_any = true,
                (Some(beginning), _) => {
                    covers.beginnings.insert(beginning);
                }
                (None, Some(end)) => {
                    covers.ends.insert(end);
                }
                (None, None) => {}
            }
        }
        covers
    }

    /// Another value that Istio matches whenever it matches `value`.
    pub(super) fn covering(&self, value: &str) -> Option<String> {
        if self.has_any && value != "*" {
            return Some("*".to_owned());
        }
        // Of the value's own ends those with a star are no text.
        let beginning = value.strip_suffix('*');
        let end = value.strip_prefix('*').filter(|_| beginning.is_none());
        let text = beginning.or(end).unwrap_or(value);
        let cuts = || text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let is_shorter =
            |part: &&str| part.len() < text.len() || (beginning.is_none() && end.is_none());
        let mut beginnings = cuts().filter_map(|at| text.get(..at)).filter(is_shorter);
        if end.is_none()
            && let Some(found) = beginnings.find(|part| self.beginnings.contains(part))
        {
            return Some(format!("{found}*"));
        }
        let mut ends = cuts().filter_map(|at| text.get(at..)).filter(is_shorter);
        let found = ends.find(|part| beginning.is_none() && self.ends.contains(part))?;
        Some(format!("*{found}"))
    }
}
