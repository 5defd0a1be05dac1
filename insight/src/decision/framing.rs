//! Checks body framing headers as Envoy's codecs do.

use std::borrow::Cow;

use super::refusal::Refusal;

/// Rejects headers that Envoy's codecs reject. Repeated `transfer-encoding` headers are already joined.
pub(super) fn check_framing(headers: &[(&str, Cow<'_, [u8]>)]) -> Result<(), Refusal> {
    let values = |wanted: &'static str| {
        let is_it = move |(name, _): &&(&str, Cow<'_, [u8]>)| name.eq_ignore_ascii_case(wanted);
        headers.iter().filter(is_it).map(|(_, value)| &**value)
    };
    let mut lengths = values("content-length");
    let length = lengths.next();
    if length.is_some_and(|length| !is_length(length)) || lengths.next().is_some() {
        return Err(Refusal::ContentLength);
    }
    let Some(coding) = values("transfer-encoding").next() else {
        return Ok(());
    };
    if length.is_some() {
        Err(Refusal::LengthOfChunks)
    } else if coding.eq_ignore_ascii_case(b"chunked") {
        Ok(())
    } else {
        let coding = String::from_utf8_lossy(coding);
        Err(Refusal::TransferEncoding(coding.into_owned()))
    }
}

fn is_length(value: &[u8]) -> bool {
    let digits = std::str::from_utf8(value).unwrap_or_default();
    // `parse` alone would accept a sign.
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_one_length_or_one_coding() {
        const LENGTH: &str = "content-length";
        const CODING: &str = "Transfer-Encoding";
        let unknown = |coding: &str| Err(Refusal::TransferEncoding(coding.to_owned()));
        for (headers, expected) in [
            (&[][..], Ok(())),
            (&[(LENGTH, "0")], Ok(())),
            (&[(LENGTH, "05")], Ok(())),
            (&[(LENGTH, "18446744073709551615")], Ok(())),
            (
                &[(LENGTH, "18446744073709551616")],
                Err(Refusal::ContentLength),
            ),
            (&[(LENGTH, "")], Err(Refusal::ContentLength)),
            (&[(LENGTH, "+5")], Err(Refusal::ContentLength)),
            (&[(LENGTH, "5,5")], Err(Refusal::ContentLength)),
            (
                &[(LENGTH, "5"), ("Content-Length", "5")],
                Err(Refusal::ContentLength),
            ),
            (&[(CODING, "Chunked")], Ok(())),
            (&[(CODING, "gzip, chunked")], unknown("gzip, chunked")),
            (&[(CODING, "")], unknown("")),
            (
                &[(CODING, "gzip"), (LENGTH, "0")],
                Err(Refusal::LengthOfChunks),
            ),
            (
                &[(CODING, "gzip"), (LENGTH, "x")],
                Err(Refusal::ContentLength),
            ),
        ] {
            let sent: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, Cow::Borrowed(value.as_bytes())))
                .collect();
            assert_eq!(check_framing(&sent), expected, "{headers:?}");
        }
    }
}
