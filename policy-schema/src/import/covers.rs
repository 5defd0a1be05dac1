//! Finds values of a list that another value makes redundant.

use std::collections::HashSet;

use super::reading::{Kind, has_inner_star};

/// The patterns of a list. In such a list, Istio interprets only a `*` at an end.
#[derive(Default)]
pub(super) struct Covers<'v> {
    has_any: bool,
    beginnings: HashSet<&'v str>,
    ends: HashSet<&'v str>,
}

impl<'v> Covers<'v> {
    pub(super) fn new(values: &'v [String], kind: Kind) -> Self {
        let mut covers = Self::default();
        if kind != Kind::Other {
            return covers;
        }
        // Templates have a comparison of their own.
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

    /// Another value that matches in Istio whenever `value` does.
    pub(super) fn covering(&self, value: &str) -> Option<String> {
        if self.has_any && value != "*" {
            return Some("*".to_owned());
        }
        // A prefix or suffix that contains a star is not literal text.
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
