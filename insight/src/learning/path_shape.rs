//! Classifies path segments as IDs or words.
//!
//! An ID misclassified as a word is only listed in full. A word misclassified as an ID would widen a rule. So every segment
//! that is not clearly an ID is a word.

use super::letters::make_words;

/// The shape of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number, a UUID, a long hexadecimal number or a random token.
    Id(Form),
    /// Possibly a random token, with too few digits for certainty. Among IDs of the same form it is an ID.
    Undecided(Form),
    /// Any other text.
    Word,
}

/// The form of IDs of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    kind: Kind,
    /// The prefix of a random part, with its separator: `ord_`.
    prefix: String,
    /// The total length in bytes.
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Random letters and digits. Sorts first, so that other forms are compared with it.
    Token,
    /// Digits only.
    Number,
    /// Groups of digits, such as a date.
    Date,
    Uuid,
}

/// The minimum length of a hexadecimal ID.
const MIN_HEX_LEN: usize = 8;
/// The minimum length of any other token.
const MIN_TOKEN_LEN: usize = 10;
/// The minimum length of a token part that must mix letters and digits.
const MIN_MIXED_LEN: usize = 8;
/// The minimum number of changes between letters and digits, or between cases, in such a part.
const MIN_CHANGES: usize = 3;
/// The minimum length of a prefix. Shorter ones may be part of the token.
const MIN_PREFIX_LEN: usize = 3;

const SEPARATORS: [char; 2] = ['-', '_'];

/// The shape of a segment.
pub(super) fn shape(segment: &str) -> Shape {
    let form = |kind, prefix: &str| Form {
        kind,
        prefix: prefix.to_owned(),
        length: segment.len(),
    };
    let (prefix, random) = without_prefix(segment);
    if is_all(segment, |byte| byte.is_ascii_digit()) {
        return Shape::Id(form(Kind::Number, ""));
    }
    if segment
        .split('-')
        .all(|group| is_all(group, |byte| byte.is_ascii_digit()))
    {
        return Shape::Id(form(Kind::Date, ""));
    }
    // A UUID may start with letters that are not a prefix.
    if is_uuid(segment) {
        return Shape::Id(form(Kind::Uuid, ""));
    }
    if is_uuid(random) {
        return Shape::Id(form(Kind::Uuid, prefix));
    }
    match randomness(random) {
        Randomness::Sure => Shape::Id(form(Kind::Token, prefix)),
        Randomness::Maybe => Shape::Undecided(form(Kind::Token, prefix)),
        Randomness::None => Shape::Word,
    }
}

/// Whether IDs of these forms may be of one kind: numbers of any length, or tokens of the same length. A token may happen to be
/// a number.
pub(super) fn are_of_one_kind<'f>(forms: impl Iterator<Item = &'f Form>) -> bool {
    // Tokens sort first.
    let mut forms = forms.peekable();
    let Some(&first) = forms.peek() else {
        return true;
    };
    forms.all(|form| {
        let has_length = form.length == first.length;
        let is_alike = match (first.kind, form.kind) {
            (Kind::Number, Kind::Number) | (Kind::Uuid, Kind::Uuid) => true,
            (Kind::Token, Kind::Token | Kind::Number) | (Kind::Date, Kind::Date) => has_length,
            _ => false,
        };
        is_alike && form.prefix == first.prefix
    })
}

/// Whether a text is not empty and consists of such bytes.
fn is_all(text: &str, is: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is)
}

/// Splits off the words before a token, each of letters of one case.
fn without_prefix(segment: &str) -> (&str, &str) {
    let is_word = |group: &str| {
        group.len() >= MIN_PREFIX_LEN
            && (is_all(group, |byte| byte.is_ascii_lowercase())
                || is_all(group, |byte| byte.is_ascii_uppercase()))
    };
    let mut rest = segment;
    while let Some((group, after)) = rest.split_once(SEPARATORS) {
        if !is_word(group) {
            break;
        }
        rest = after;
    }
    (segment.strip_suffix(rest).unwrap_or_default(), rest)
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    text.bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && lengths.eq([8, 4, 4, 4, 12])
}

/// The certainty that a text is random.
enum Randomness {
    Sure,
    Maybe,
    None,
}

fn randomness(text: &str) -> Randomness {
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let has_digit = has(u8::is_ascii_digit);
    let (has_lower, has_upper) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let has_both = has_lower && has_upper;
    let is_plain = is_all(text, |byte| byte.is_ascii_alphanumeric());
    let is_hex =
        is_all(text, |byte| byte.is_ascii_hexdigit()) && !has_both && text.len() >= MIN_HEX_LEN;
    let is_token = is_all(text, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
    }) && text.len() >= MIN_TOKEN_LEN;
    let is_number = !has_lower && !has_upper;
    if is_number || !(is_hex || is_token) {
        return Randomness::None;
    }
    let is_mixed = text.split(SEPARATORS).any(is_mixed);
    // Six letters form words by chance more often.
    if is_hex && is_mixed {
        return Randomness::Sure;
    }
    if make_words(text) {
        return Randomness::None;
    }
    // Names are usually lowercase, possibly with separators, such as `k8s-e2e-i18n`.
    let is_like_token = has_both || (is_plain && (has_digit || !has_lower));
    if is_mixed {
        Randomness::Sure
    } else if is_hex || is_like_token {
        Randomness::Maybe
    } else {
        Randomness::None
    }
}

/// Whether a token part mixes letters and digits more than names do.
fn is_mixed(group: &str) -> bool {
    let bytes = group.as_bytes();
    let is_change = |pair: &[u8]| match pair {
        [one, other] => {
            one.is_ascii_digit() != other.is_ascii_digit()
                || (one.is_ascii_lowercase() && other.is_ascii_uppercase())
        }
        _ => false,
    };
    let changes = bytes.windows(2).filter(|pair| is_change(pair)).count();
    bytes.len() >= MIN_MIXED_LEN && bytes.iter().any(u8::is_ascii_digit) && changes >= MIN_CHANGES
}

/// Whether a path is a gRPC method, `/package.Service/Method`, whose segments are names.
pub(super) fn is_grpc(path: &str) -> bool {
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/'))
    else {
        return false;
    };
    let is_name = |text: &str| {
        let mut bytes = text.bytes();
        bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_capitalised = |text: &str| text.starts_with(|first: char| first.is_ascii_uppercase());
    service.split('.').all(is_name)
        && is_name(method)
        && (service.contains('.') || (is_capitalised(service) && is_capitalised(method)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The form of an ID.
    fn form(segment: &str) -> Form {
        match shape(segment) {
            Shape::Id(form) | Shape::Undecided(form) => form,
            Shape::Word => panic!("`{segment}` is a word"),
        }
    }

    #[test]
    fn distinguishes_ids_from_words() {
        for id in [
            "7",
            "00042",
            "2026-06-01",
            "123e4567-e89b-12d3-a456-426614174000",
            "deadbeef-e89b-12d3-a456-426614174000",
            "ord_123e4567-e89b-12d3-a456-426614174000",
            "507f1f77bcf86cd799439011",
            "9FB3D21A",
            // Products of the example shop.
            "1YMWWN1N4O",
            "L9ECAV7KIM",
            "a8f3kq92mz",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "V1StGXR8_Z5jdHi6B-myT",
            "cjld2cjxh0000qzrmn831i7rd",
            "dQw4w9WgXcQ",
            "ord_8f3k2j1h9d",
            "pi_3MtwBwLkdIwHu7ix28a3tqPa",
            "user_2x4y6z8a0b1c2d3e4f5g6h7j8k",
        ] {
            assert!(matches!(shape(id), Shape::Id(_)), "{id}");
        }
        for undecided in [
            "deadbeef",
            "7f000001",
            "OLJCESPC7Z",
            "66VCHSJNUP",
            "LS4PSXUNUM",
            "OLJCESPCZA",
            "aZbQcWdErTfGyHuJkL",
            "8kxqjhzdfp",
        ] {
            assert!(
                matches!(shape(undecided), Shape::Undecided(_)),
                "{undecided}"
            );
        }
        for word in [
            "",
            "orders",
            "v1",
            "v2beta1",
            "export",
            "checkout-2",
            "step-1",
            "page2",
            "oauth2callback",
            "base64encode",
            "report2024final",
            "getUserByName",
            "GetUser2",
            "facade",
            "1.2.3",
            "7.json",
            "styles.css",
            "self:renew",
            "ca%20fe",
            "-",
            "2024-",
            "user_42",
            "export-20240101",
            "ADMIN",
            "all-orders-of-today",
            "delete-user-42-forever",
            "export-2024-all-data",
            "top-10-products-of-week",
            "q3-2024-revenue-report",
            "oauth2-callback-v2-google",
            "step-2-of-checkout-flow",
            "v1beta1-widget-list",
            "API2EXPORT",
            "mp4tomp3converter",
            "x509v3certificate",
            "getUser2Profile3Data",
            "k8s-e2e-i18n-a11y",
            "facade2024",
            "8f3k2j1h9d-title",
            "..",
            "%2e%2e",
            "1;delete",
            "1%00",
            "1+1",
            "１",
        ] {
            assert_eq!(shape(word), Shape::Word, "{word}");
        }
    }

    #[test]
    fn ids_of_one_kind_have_the_same_form() {
        for (ids, is_one_kind) in [
            (&["7", "1001", "0"][..], true),
            (&["7f3a9c01", "12345678", "deadbeef"], true),
            (&["OLJCESPC7Z", "1YMWWN1N4O", "1234567890"], true),
            (&["ord_8f3k2j1h9d", "ord_1a2b3c4d5e"], true),
            (&["1001", "7f3a9c01"], false),
            (&["1YMWWN1N4O", "1YMWWN1N4OX"], false),
            (&["ord_8f3k2j1h9d", "del_8f3k2j1h9d"], false),
            (&["ord_8f3k2j1h9d", "8f3k2j1h9d"], false),
            (&["2026-06-01", "2026-06-02"], true),
            (&["2026-06-01", "10-20"], false),
            (&["2026-06-01", "1234567890"], false),
            (&["1001", "123e4567-e89b-12d3-a456-426614174000"], false),
        ] {
            let forms: BTreeSet<_> = ids.iter().map(|id| form(id)).collect();
            assert_eq!(are_of_one_kind(forms.iter()), is_one_kind, "{ids:?}");
        }
    }

    #[test]
    fn recognizes_grpc_paths() {
        for path in [
            "/hipstershop.CartService/GetCart",
            "/grpc.health.v1.Health/Check",
            "/Greeter/SayHello",
            "/shop.Orders/A1B2C3D4E5F6",
        ] {
            assert!(is_grpc(path), "{path}");
        }
        for path in [
            "/",
            "/orders/7",
            "/product/OLJCESPC7Z",
            "/static/app.js",
            "/a.b/c/d",
            "/robots.txt",
            "/Orders/7",
        ] {
            assert!(!is_grpc(path), "{path}");
        }
    }
}
