//! The operations of a rule: methods, paths, hosts and ports.

use peergate_tests::random::TestRequest;
use policy_schema::rule_spec::{Effect, OperationSpec, RuleSpec};

use super::field::{Stops, field};
use super::host::host_matches;
use super::text::{header_matches, text_matches};

pub(super) fn to_matches(rule: &RuleSpec, asked: &TestRequest) -> bool {
    rule.to.as_ref().is_none_or(|operations| {
        operations
            .iter()
            .any(|operation| operation_matches(rule.effect, operation, asked))
    })
}

fn operation_matches(effect: Effect, operation: &OperationSpec, asked: &TestRequest) -> bool {
    let path = asked.path.as_deref().map(|path| {
        let end = path.iter().position(|&byte| byte == b'?' || byte == b'#');
        &path[..end.unwrap_or(path.len())]
    });
    field(
        effect,
        operation.methods.as_deref(),
        operation.not_methods.as_deref(),
        asked.method.as_deref(),
        |value, method, _| header_matches(value, method),
    ) && field(
        effect,
        operation.paths.as_deref(),
        operation.not_paths.as_deref(),
        path,
        |value, path, stops| path_matches(value, path, stops),
    ) && field(
        effect,
        operation.hosts.as_deref(),
        operation.not_hosts.as_deref(),
        asked.host.as_deref(),
        |value, host, stops| host_matches(value, host, stops),
    ) && field(
        effect,
        operation.ports.as_deref(),
        operation.not_ports.as_deref(),
        asked.port,
        |value, port, _| *value == port,
    )
}

fn path_matches(pattern: &str, path: &[u8], stops: Stops) -> bool {
    if pattern.contains("{*}") || pattern.contains("{**}") {
        template_matches(pattern, path, stops)
    } else {
        text_matches(pattern, path)
    }
}

/// Tries every length for every operator.
fn template_matches(template: &str, path: &[u8], stops: Stops) -> bool {
    let is_segment = |byte: u8| byte != b'/' && (stops || is_pchar(byte));
    let lengths_of = |is_part: &dyn Fn(u8) -> bool| {
        let length = path.iter().take_while(|&&byte| is_part(byte)).count();
        0..=length
    };
    if let Some(rest) = template.strip_prefix("{**}") {
        return lengths_of(&|byte| byte == b'/' || is_segment(byte))
            .any(|length| template_matches(rest, &path[length..], stops));
    }
    if let Some(rest) = template.strip_prefix("{*}") {
        return lengths_of(&is_segment)
            .skip(1)
            .any(|length| template_matches(rest, &path[length..], stops));
    }
    match (template.as_bytes(), path) {
        ([], []) => true,
        ([expected, ..], [byte, rest @ ..]) if expected == byte => {
            template_matches(&template[1..], rest, stops)
        }
        _ => false,
    }
}

fn is_pchar(byte: u8) -> bool {
    let set = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:@";
    set.contains(char::from(byte))
}
