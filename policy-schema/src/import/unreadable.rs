//! Determines what an unreadable document is about.

/// The kinds and namespaces that the text of a document mentions.
#[derive(Debug, Default)]
pub(super) struct Mentioned<'t> {
    pub(super) authorization_policy: bool,
    pub(super) peer_authentication: bool,
    /// The namespaces, without duplicates.
    pub(super) namespaces: Vec<&'t str>,
}

/// Searches a text for the kinds of policies. A Helm template is not an object of a cluster before
/// it is rendered.
pub(super) fn mentioned(text: &str) -> Mentioned<'_> {
    if text.contains("{{") {
        return Mentioned::default();
    }
    let mut namespaces: Vec<_> = values_of("namespace", text).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    Mentioned {
        authorization_policy: text.contains("AuthorizationPolicy"),
        peer_authentication: text.contains("PeerAuthentication"),
        namespaces,
    }
}

/// The words after a key, with any quotes.
fn values_of<'t>(key: &str, text: &'t str) -> impl Iterator<Item = &'t str> {
    let found = text.match_indices(key);
    found.filter_map(|(at, key)| {
        let rest = text.get(at + key.len()..)?.trim_start_matches(['"', '\'']);
        let value = rest.trim_start().strip_prefix(':')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let is_end = |char: char| char.is_whitespace() || "\"',{}[]#".contains(char);
        Some(value.split(is_end).next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_found_in_any_spelling() {
        for (text, expected) in [
            ("metadata:\n  namespace: shop\nspec: [", &["shop"][..]),
            (
                "{\"metadata\": {\"namespace\": \"shop\", \"name\":",
                &["shop"],
            ),
            (
                "'namespace' : 'a'\nnamespace: b # c\nnamespace: a",
                &["a", "b"],
            ),
            ("namespaces: [x]\nnamespace", &[]),
            (
                "namespace: {{ .Release.Namespace }}\nkind: AuthorizationPolicy",
                &[],
            ),
        ] {
            assert_eq!(mentioned(text).namespaces, expected, "{text}");
        }
    }
}
