//! Whatever a proxy hands over as a certificate is counted or refused, and within bounds.

#![cfg(not(target_arch = "wasm32"))]

use peergate_filter::certificate::count_names;
use peergate_fuzz::{Target, fuzz};

#[test]
fn any_certificate_is_counted_or_refused() {
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
        format!(
            "{:?}",
            count_names(input).map(|count| (count.ids.min(9), count.dns.min(9)))
        )
    });
}
