//! Fuzzes reading certificates: every input is inspected or rejected, within bounds.

use std::collections::BTreeSet;

use peergate_fuzz::{Target, fuzz};
use policy_schema::timestamp::Timestamp;

use crate::certificates::expected::Expected;
use crate::certificates::inspect::inspect;
use crate::certificates::read::read;

#[test]
fn inspects_or_rejects_any_file() {
    const TARGET: Target<'_> = Target {
        name: "certificates",
        seeds: &["fuzz/corpus/certificate"],
        dictionary: &[
            "-----BEGIN CERTIFICATE-----\n",
            "\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\n",
            "MII",
            "=",
            "\n",
            "kind: Secret\ndata:\n",
            "ca-cert.pem: ",
            "{\"certificates\":[",
            "\"ca_cert\":[",
            "9999-12-31T23:59:59Z",
        ],
    };
    let now = Timestamp::from_unix_nanoseconds(1_780_000_000_000_000_000);
    let expected = Expected::at(now, 30);
    fuzz(TARGET, |input| match read(input) {
        Ok(chains) => {
            let inspected = chains.iter().flat_map(|chain| {
                chain.serials();
                inspect(chain, &expected)
            });
            let codes: BTreeSet<_> = inspected
                .flat_map(|one| one.findings)
                .map(|finding| finding.code.as_str())
                .collect();
            format!("{codes:?}")
        }
        Err(error) => error.to_string().chars().take(30).collect(),
    });
}
