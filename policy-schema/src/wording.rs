//! Formatting that messages share.

/// A count with its noun, such as `1 rule` or `2 rules`.
pub fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}
