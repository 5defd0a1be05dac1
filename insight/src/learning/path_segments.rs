//! Paths and templates, segment by segment.

/// Stands for one segment.
pub(super) const ANY: &str = "{*}";

/// Longer paths are not learned: any caller can send a path of 60 KB, and a rule for it is useless.
pub(super) const MAX_PATH: usize = 1_024;

/// Paths with more segments are not learned either.
pub(super) const MAX_SEGMENTS: usize = 32;

/// Whether a path is longer than those that are learned.
pub(super) fn is_too_long(path: &str) -> bool {
    path.len() > MAX_PATH || segments(path).nth(MAX_SEGMENTS).is_some()
}

/// The segments of a path.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// Appends a segment to a template.
pub(super) fn push(template: &mut String, segment: &str, is_open: bool) {
    template.push('/');
    template.push_str(if is_open { ANY } else { segment });
}
