//! Segments of paths and templates.

/// The template of one segment.
pub(super) const ANY: &str = "{*}";

/// The maximum length of learned paths. Callers can send paths of 60 KB, for which rules are useless.
pub(super) const MAX_PATH: usize = 1_024;

/// The maximum number of segments of learned paths.
pub(super) const MAX_SEGMENTS: usize = 32;

/// Whether a path is too long for learning.
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
