//! Parses the direction of requests from Istio's default text format, which has no caller identity.
//!
//! ```text
//! [START_TIME] "METHOD PATH PROTOCOL" STATUS FLAGS … "AUTHORITY" "UPSTREAM_HOST" UPSTREAM_CLUSTER …
//! ```

use policy_schema::timestamp::Timestamp;

use super::direction::{Direction, direction_of};
use super::entry::Entry;

/// Parses a line. None for another format.
pub(super) fn read(line: &[u8]) -> Option<Entry> {
    let line = std::str::from_utf8(line).ok()?.trim();
    let (start, rest) = line.strip_prefix('[')?.split_once("] \"")?;
    Timestamp::parse(start).ok()?;
    // A path may contain quotes. The status follows the last one.
    let (_, after) = rest
        .match_indices("\" ")
        .map(|(end, quote)| rest.split_at(end + quote.len()))
        .find(|(_, after)| is_status(after))?;
    // Values from clients are quoted, and the cluster follows the last quote.
    let (_, after_quotes) = after.rsplit_once('"')?;
    let cluster = after_quotes.split_whitespace().next().unwrap_or_default();
    Some(Entry::WithoutCaller {
        is_outbound: direction_of(cluster) == Direction::Outbound,
    })
}

fn is_status(text: &str) -> bool {
    let status = text.split_whitespace().next().unwrap_or_default();
    (1..=3).contains(&status.len()) && status.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(path: &str, agent: &str, cluster: &str) -> String {
        format!(
            "[2026-06-01T10:00:00.250Z] \"GET {path} HTTP/1.1\" 200 - via_upstream - \"-\" 0 42 3 2 \"-\" \"{agent}\" \"6f1c\" \"orders.shop:8080\" \"10.0.0.7:8080\" {cluster} 127.0.0.6:40001 10.0.0.7:8080 10.0.0.9:50400 outbound_.8080_._.orders.shop.svc.cluster.local default\n"
        )
    }

    #[test]
    fn reads_the_direction_of_requests() {
        for (cluster, is_outbound) in [
            ("inbound|8080||", false),
            ("outbound|80||ads.shop.svc.cluster.local", true),
            ("PassthroughCluster", true),
            ("InboundPassthroughCluster", false),
            (
                "inbound-vip|9080|http|reviews.shop.svc.cluster.local",
                false,
            ),
            ("-", false),
        ] {
            let entry = read(line("/orders/7", "curl/8", cluster).as_bytes());
            assert_eq!(
                entry,
                Some(Entry::WithoutCaller { is_outbound }),
                "{cluster}"
            );
        }
    }

    #[test]
    fn ignores_clusters_in_client_values() {
        let inbound = Some(Entry::WithoutCaller { is_outbound: false });
        let quoted = "x\" outbound|80||ads \"";
        for (path, agent) in [(quoted, "curl/8"), ("/", quoted), ("/\" 200 ", "\"")] {
            assert_eq!(read(line(path, agent, "inbound|80||").as_bytes()), inbound);
        }
    }

    #[test]
    fn rejects_other_formats() {
        for line in [
            "",
            "GET / HTTP/1.1",
            "[2026-06-01T10:00:00.250Z] GET / HTTP/1.1 200",
            "[2026-06-01T10:00:00.250Z] \"GET / HTTP/1.1\" soon \"\"",
            "[yesterday] \"GET / HTTP/1.1\" 200 - \"-\" inbound|80||",
            "2026-06-01T10:00:00.250Z\tinfo\tcache\tgenerated new workload certificate",
            "{\"start_time\": \"[\"}",
        ] {
            assert_eq!(read(line.as_bytes()), None, "{line}");
        }
    }
}
