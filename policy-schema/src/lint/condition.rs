//! Reports conditions that can never hold.

use crate::code;
use crate::matching::arrival::HeaderArrival;
use crate::matching::header::Separator;
use crate::matching::{Reading, TextMatch};
use crate::policy::Mesh;
use crate::problem::{Cursor, Problems};
use crate::rule::{Condition, Terms, Test};
use crate::rule_spec::{ConditionSpec, Effect};

use super::excluded::{SameValue, excludes_spellings};
use super::{paths, values};

/// Reports the parts of `condition` that can never hold in `mesh`, in a rule of this effect.
pub(super) fn check(
    condition: &Condition,
    effect: Effect,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let ConditionSpec {
        values, not_values, ..
    } = condition.into();
    let written = Terms {
        any_of: values.unwrap_or_default(),
        none_of: not_values.unwrap_or_default(),
    };
    let Terms {
        any_of: values,
        none_of: not_values,
    } = written.as_ref();
    if let Test::Header { name, .. } = &condition.test
        && HeaderArrival::for_header(name) == HeaderArrival::Removed
    {
        let outcome = if values.is_empty() {
            "always holds"
        } else {
            "never holds"
        };
        problems.report(
            code::HEADER_NEVER_ARRIVES,
            &cursor.key("key"),
            format!("proxies remove `{name}` from every request, so this condition {outcome}"),
            "remove the condition, or use an end-to-end header",
        );
    }
    if let Test::Header { name, .. } = &condition.test {
        check_lists_in_header(name, [values, not_values], effect, cursor, problems);
        if &**name == ":path" {
            check_paths_in_header(values, mesh, &cursor.key("values"), problems);
            check_paths_in_header(not_values, mesh, &cursor.key("notValues"), problems);
        }
    }
    let is_spelled_freely = matches!(condition.test, Test::Header { .. } | Test::ServerName(_));
    let excluding = not_values
        .iter()
        .enumerate()
        .filter(|(_, excluded)| !is_spelled_freely || excludes_spellings(*excluded == "*", effect));
    let excluding = SameValue::new(excluding);
    values::check(
        ["values", "notValues"],
        &written,
        |value| excluding.first(value),
        cursor,
        problems,
    );
    let excludes_all = not_values.iter().position(|value| value == "*");
    if let (Effect::Allow, Some(index), Test::Caller(source)) =
        (effect, excludes_all, &condition.test)
        && source.uses_identity()
    {
        problems.report(
            code::NEVER_MATCHES,
            &cursor.key("notValues").index(index),
            format!("the condition on `{}` excludes everything", condition.key),
            "narrow it; to match callers without an identity, use a source with `anonymous: true`",
        );
    }
}

fn check_paths_in_header(
    values: &[String],
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    for (index, value) in values.iter().enumerate() {
        if let Ok(pattern) = TextMatch::parse(value) {
            paths::check_header(&pattern, mesh, &cursor.index(index), problems);
        }
    }
}

/// Reports patterns for the header `name` that none of its single values matches.
fn check_lists_in_header(
    name: &str,
    lists: [&[String]; 2],
    effect: Effect,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let must_all_match = [
        Reading::for_values(effect) == Reading::Narrow,
        Reading::for_exclusions(effect) == Reading::Narrow,
    ];
    let separator = Separator::for_header(name);
    let lists = ["values", "notValues"]
        .into_iter()
        .zip(lists)
        .zip(must_all_match);
    for ((field, values), _) in lists.filter(|(_, must_all_match)| *must_all_match) {
        for (index, value) in values.iter().enumerate() {
            let pattern = TextMatch::parse(value);
            if pattern.is_ok_and(|pattern| separator.occurs_in_open_pattern(&pattern)) {
                problems.report(
                    code::NEVER_MATCHES,
                    &cursor.key(field).index(index),
                    format!("no value of `{name}` matches `{value}`: each comma-separated part is compared separately"),
                    "write the parts as separate values, or the whole value without `*`",
                );
            }
        }
    }
}
