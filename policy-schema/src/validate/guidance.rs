//! Help for common mistakes: words of Istio, labels without `matchLabels`, and numbers out of range.

use crate::yaml::{Guidance, Instead};

/// The guidance for policy documents.
pub(super) const GUIDANCE: Guidance = Guidance {
    unknown_field,
    word,
    numbers,
    empty_list,
};

/// The hint to convert whole Istio policies.
const IMPORT: &str = "`peergate import istio FILE` converts whole policies";

/// The fields of an element of `from`.
const SOURCE: [&str; 16] = [
    "clientCertificates",
    "notClientCertificates",
    "principals",
    "notPrincipals",
    "serviceAccounts",
    "notServiceAccounts",
    "namespaces",
    "notNamespaces",
    "trustDomains",
    "notTrustDomains",
    "requestPrincipals",
    "notRequestPrincipals",
    "ipBlocks",
    "notIpBlocks",
    "remoteIpBlocks",
    "notRemoteIpBlocks",
];

/// The fields of an element of `to`.
const OPERATION: [&str; 8] = [
    "methods",
    "notMethods",
    "paths",
    "notPaths",
    "hosts",
    "notHosts",
    "ports",
    "notPorts",
];

fn unknown_field(structure: &str, field: &str, value: Option<&str>) -> Option<Instead> {
    let (help, meant) = match (structure, field) {
        ("Selector", _) => {
            let value = value.unwrap_or("VALUE");
            (
                format!("write `matchLabels: {{{field}: {value}}}`"),
                Some("matchLabels"),
            )
        }
        ("ServicePolicySpec", "action") => (
            format!(
                "`action` is Istio's: write `effect: {}` in each rule; {IMPORT}",
                effect(value)
            ),
            None,
        ),
        ("RuleSpec", "action") => (
            format!(
                "`action` is Istio's: write `effect: {}`; {IMPORT}",
                effect(value)
            ),
            Some("effect"),
        ),
        ("ServicePolicySpec", "from" | "to" | "when") => (
            format!("`{field}` belongs to a rule: write it in an element of `rules`"),
            None,
        ),
        ("ServicePolicySpec", "provider") => (
            "`provider` belongs to a rule: write it next to `effect: Custom`".to_owned(),
            None,
        ),
        ("SourceSpec", "source") => (
            format!(
                "`source` is Istio's: write its fields directly, such as `- principals: […]`; {IMPORT}"
            ),
            None,
        ),
        ("OperationSpec", "operation") => (
            format!(
                "`operation` is Istio's: write its fields directly, such as `- methods: […]`; {IMPORT}"
            ),
            None,
        ),
        ("RuleSpec", "source") => (
            "write its fields in an element of `from`: `from: [{…}]`".to_owned(),
            None,
        ),
        ("RuleSpec", "operation") => (
            "write its fields in an element of `to`: `to: [{…}]`".to_owned(),
            None,
        ),
        ("RuleSpec", "anonymous") => (within("from", field), None),
        ("RuleSpec", _) if SOURCE.contains(&field) => (within("from", field), None),
        ("RuleSpec", _) if OPERATION.contains(&field) => (within("to", field), None),
        ("RuleSpec", "key" | "values" | "notValues") => (within("when", field), None),
        ("SourceSpec", _) if OPERATION.contains(&field) => (moved("to", field), None),
        ("OperationSpec", _) if SOURCE.contains(&field) => (moved("from", field), None),
        ("MeshSpec", "outboundTrafficPolicy") => (
            "this is Istio's: write `outbound: Declared` or `outbound: Any`".to_owned(),
            None,
        ),
        _ => return None,
    };
    Some(Instead { help, field: meant })
}

/// The effect that corresponds to Istio's action.
fn effect(action: Option<&str>) -> &'static str {
    match action {
        Some("DENY") => "Deny",
        Some("AUDIT") => "Audit",
        Some("CUSTOM") => "Custom",
        _ => "Allow",
    }
}

fn within(list: &str, field: &str) -> String {
    format!("write it in an element of `{list}`: `{list}: [{{{field}: …}}]`")
}

fn moved(list: &str, field: &str) -> String {
    format!("move it to an element of `{list}` of the rule: `{list}: [{{{field}: …}}]`")
}

/// The equivalents of words of Istio and other tools, if they are spelled too differently to be found as misspellings.
fn word(field: &str, word: &str) -> Option<&'static str> {
    Some(match (field, word) {
        ("outbound", "REGISTRY_ONLY") => "Declared",
        ("outbound", "ALLOW_ANY") => "Any",
        ("minVersion", "TLSV1_2" | "TLSv1.2") => "1.2",
        ("minVersion", "TLSV1_3" | "TLSv1.3") => "1.3",
        ("otherwise", "Allow" | "ALLOW" | "allow") => "Pass",
        ("enforcement", "DryRun" | "dryRun" | "dry-run" | "Audit" | "audit") => "Shadow",
        _ => return None,
    })
}

fn numbers(field: &str) -> Option<&'static str> {
    Some(match field {
        "port" | "targetPort" | "redirectPort" | "ports" | "notPorts" | "tcpPorts" => {
            "a port from 1 to 65535"
        }
        "maxEjectionPercent" => "a whole number from 0 to 100",
        "linesPerSecond" => "a whole number from 0 to 1000",
        "maxSeries" => "a whole number from 1 to 10000",
        "maxConnections"
        | "maxPendingRequests"
        | "maxRequests"
        | "maxRequestsPerConnection"
        | "maxRetries"
        | "consecutive5xxErrors" => "a whole number from 1 to 2147483647",
        _ => return None,
    })
}

fn empty_list(field: &str) -> Option<&'static str> {
    (field == "rules").then_some("add rules, or write `rules: []` to deny every request")
}
