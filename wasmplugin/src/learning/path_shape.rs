//! What a part of a path looks like: an id, or a word that means something.
//!
//! Wrongly taken for a word, an id is at worst named in full. Wrongly taken for an id, a word would
//! widen a rule; so whatever is not clearly an id is a word.

/// What a segment looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A number, a UUID, a long hexadecimal number, a random token.
    Id,
    /// It has what a random token has, and no digit. Among tokens of the same length it is one.
    Undecided,
    /// Anything else.
    Word,
}

/// The fewest characters of a hexadecimal number that is taken for an id.
const HEX: usize = 8;
/// The fewest characters of a token of one case.
const TOKEN: usize = 10;
/// From this length on a token need not change between letters and digits as often.
const LONG: usize = 16;

/// What a segment looks like.
pub(super) fn shape(segment: &str) -> Shape {
    let bytes = segment.as_bytes();
    let has = |is: fn(&u8) -> bool| bytes.iter().any(is);
    let all = |is: fn(&u8) -> bool| !bytes.is_empty() && bytes.iter().all(is);
    let has_digit = has(u8::is_ascii_digit);
    let (has_lower, has_upper) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
    let is_hex = all(u8::is_ascii_hexdigit) && !(has_lower && has_upper);
    let is_plain = all(u8::is_ascii_alphanumeric);
    if is_number(bytes) || is_uuid(bytes) || (is_hex && has_digit && bytes.len() >= HEX) {
        return Shape::Id;
    }
    if !all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Shape::Word;
    }
    if has_digit {
        let changes = changes(bytes);
        let is_token = match bytes.len() {
            LONG.. => changes >= 2,
            TOKEN.. => changes >= 3 || (is_plain && !has_lower),
            _ => false,
        };
        return if is_token { Shape::Id } else { Shape::Word };
    }
    let is_long = bytes.len() >= LONG;
    let is_like_token = (is_hex && bytes.len() >= HEX)
        || (is_plain && !has_lower && bytes.len() >= TOKEN)
        || (is_plain && has_lower && has_upper && is_long);
    if is_like_token {
        Shape::Undecided
    } else {
        Shape::Word
    }
}

/// Digits, perhaps in groups, as of a date: `42`, `2026-06-01`.
fn is_number(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'-')
        .all(|group| !group.is_empty() && group.iter().all(u8::is_ascii_digit))
}

fn is_uuid(bytes: &[u8]) -> bool {
    let groups = bytes.split(|byte| *byte == b'-');
    let is_hex = bytes
        .iter()
        .all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    is_hex && groups.map(<[u8]>::len).eq([8, 4, 4, 4, 12])
}

/// How often letters and digits follow each other, or a capital a small letter.
fn changes(bytes: &[u8]) -> usize {
    let is_change = |pair: &[u8]| match pair {
        [one, other] => {
            one.is_ascii_digit() != other.is_ascii_digit()
                || (one.is_ascii_lowercase() && other.is_ascii_uppercase())
        }
        _ => false,
    };
    bytes.windows(2).filter(|pair| is_change(pair)).count()
}

/// Whether a path is one of gRPC, `/package.Service/Method`: its parts are names.
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
    use super::*;

    #[test]
    fn ids_are_told_from_words() {
        for id in [
            "7",
            "00042",
            "2026-06-01",
            "123e4567-e89b-12d3-a456-426614174000",
            "507f1f77bcf86cd799439011",
            "9FB3D21A",
            // Products of the example shop.
            "OLJCESPC7Z",
            "66VCHSJNUP",
            "LS4PSXUNUM",
            "a8f3kq92mz",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "V1StGXR8_Z5jdHi6B-myT",
            "cjld2cjxh0000qzrmn831i7rd",
            "dQw4w9WgXcQ",
        ] {
            assert_eq!(shape(id), Shape::Id, "{id}");
        }
        for undecided in ["deadbeef", "OLJCESPCZA", "aZbQcWdErTfGyHuJkL"] {
            assert_eq!(shape(undecided), Shape::Undecided, "{undecided}");
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
            "ADMIN",
            "all-orders-of-today",
        ] {
            assert_eq!(shape(word), Shape::Word, "{word}");
        }
    }

    #[test]
    fn paths_of_grpc_are_known() {
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
