//! Distinguishes words from random letters by letter pairs.

/// For each letter, the frequency of each following letter in English words relative to chance: the binary logarithm, clamped
/// to -3 to 3, plus 3. Counted over the distinct words of technical documentation.
const FOLLOWERS: [&[u8; 26]; 26] = [
    b"03430030301544030545211120", // a
    b"51324000430511420341400030", // b
    b"50215004304420500325300010", // c
    b"41136200500211410342300010", // d
    b"31442210100335121554021310", // e
    b"40124400600411510433400020", // f
    b"30116023400324320442300000", // g
    b"60126000500221500323200010", // h
    b"32433330000436430344020102", // i
    b"50205000303220530222602020", // j
    b"30236120500413220252313000", // k
    b"50136100500401510033310040", // l
    b"53026000400230450032300010", // m
    b"40444350302102310045220000", // n
    b"12340220202345340533423100", // o
    b"50115101400400430534300020", // p
    b"00020100110102100321600000", // q
    b"50326120401232410344210020", // r
    b"30315113401211330145401020", // s
    b"40226104500221420443201030", // t
    b"33324220300445240444000000", // u
    b"60006100500020300100000000", // v
    b"50225204500213410542001000", // w
    b"32414312400220250126000230", // x
    b"23324201400334260244022011", // y
    b"40016000500131400122000021", // z
];

/// The value for "as frequent as by chance".
const CHANCE: i32 = 3;

/// The minimum sum for words. One percent of random tokens reach it.
const MIN_WORD_SCORE: i32 = 5;

/// Whether the letters of a text form words. Counts adjacent letters, except an uppercase after a lowercase letter, where a
/// word begins.
pub(super) fn make_words(text: &str) -> bool {
    let pairs = text.as_bytes().windows(2);
    pairs.filter_map(likeness).sum::<i32>() >= MIN_WORD_SCORE
}

/// The score of a letter pair.
fn likeness(pair: &[u8]) -> Option<i32> {
    let [one, other] = pair else { return None };
    if one.is_ascii_lowercase() && other.is_ascii_uppercase() {
        return None;
    }
    let place = |letter: &u8| {
        letter
            .to_ascii_lowercase()
            .checked_sub(b'a')
            .map(usize::from)
    };
    let followers = FOLLOWERS.get(place(one)?)?;
    let digit = followers.get(place(other)?)?;
    Some(i32::from(digit - b'0') - CHANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_words_from_random_letters() {
        for words in [
            "API2EXPORT",
            "delete-user-42-forever",
            "oauth2callback",
            "getUserByName",
            "sha256checksum",
            "v1beta1-widget-list",
            "x509v3certificate",
        ] {
            assert!(make_words(words), "{words}");
        }
        for random in [
            "",
            "2026",
            "OLJCESPC7Z",
            "66VCHSJNUP",
            "LS4PSXUNUM",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "V1StGXR8_Z5jdHi6B-myT",
            "aZbQcWdErTfGyHuJkL",
            "cjld2cjxh0000qzrmn831i7rd",
        ] {
            assert!(!make_words(random), "{random}");
        }
    }
}
