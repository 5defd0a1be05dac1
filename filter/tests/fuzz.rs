//! Any bytes that a proxy provides as a certificate are counted or rejected, within limits.

#![cfg(not(target_arch = "wasm32"))]

use peergate_filter::certificate::Certificate;
use peergate_fuzz::{Target, fuzz};

#[test]
fn any_bytes_are_counted_or_rejected() {
    const TARGET: Target<'_> = Target {
        name: "certificate",
        seeds: &[],
        dictionary: &[
            "-----BEGIN CERTIFICATE-----\n",
            "\n-----END CERTIFICATE-----",
            "MII",
            "BgNVHRE",
            "hi",
            "//8",
            "=",
            "\n",
        ],
    };
    fuzz(TARGET, |input| {
        let read = Certificate::read(input);
        let found = read.map(|it| {
            (
                it.ids().min(9),
                it.names.len().min(9),
                it.not_after.is_some(),
            )
        });
        format!("{found:?}")
    });
}
