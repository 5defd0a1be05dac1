//! Syntax of Kubernetes and DNS names.

/// Whether `text` is a DNS label (RFC 1123). Rule IDs and many Kubernetes names have this form.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_part_of_name(text)
}

/// Whether `text` consists of lower-case letters, digits and `-`, and neither starts nor ends with
/// `-`.
fn is_part_of_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    is_alphanumeric(first)
        && is_alphanumeric(last)
        && bytes
            .iter()
            .all(|byte| is_alphanumeric(byte) || *byte == b'-')
}

/// Whether `text` is a DNS subdomain (RFC 1123): labels joined by dots, at most 253 characters.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// Whether `text` is the name of an object: parts joined by dots, at most 253 characters.
/// Kubernetes does not limit the length of a part (`IsDNS1123Subdomain`).
pub fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part_of_name)
}
