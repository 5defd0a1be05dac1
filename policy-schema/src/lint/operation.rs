//! Reports operations that can never match.

use crate::matching::{PathCover, PathMatch, Reading, TextCover, TextMatch};
use crate::policy::Mesh;
use crate::problem::{Cursor, Problems};
use crate::rule::Operation;
use crate::rule_spec::Effect;

use super::excluded::{SameValue, excludes_spellings};
use super::open_exclusions::{self, OpenExclusions};
use super::{foreign_syntax, paths, values};

/// Reports the parts of `operation` that can never match in `mesh`, in a rule of this effect.
pub(super) fn check(
    operation: &Operation,
    effect: Effect,
    mesh: &Mesh,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    let Operation {
        methods,
        paths,
        hosts,
        ports,
    } = operation;
    let cover = TextCover::new(methods.none_of.iter().enumerate());
    values::check(
        ["methods", "notMethods"],
        methods,
        |method| cover.first(method),
        cursor,
        problems,
    );
    let excluding = hosts.none_of.iter().enumerate();
    let excluding = excluding.filter(|(_, excluded)| excludes_spellings(excluded.is_any(), effect));
    let cover = TextCover::new(excluding);
    values::check(
        ["hosts", "notHosts"],
        hosts,
        |host| cover.first(host),
        cursor,
        problems,
    );
    let cover = PathCover::new(&paths.none_of, Reading::for_exclusions(effect));
    values::check(
        ["paths", "notPaths"],
        paths,
        |path| cover.first(path),
        cursor,
        problems,
    );
    let excluding = SameValue::new(ports.none_of.iter().enumerate());
    values::check(
        ["ports", "notPorts"],
        ports,
        |port| excluding.first(port),
        cursor,
        problems,
    );
    for (key, paths) in [("paths", &paths.any_of), ("notPaths", &paths.none_of)] {
        let cursor = cursor.key(key);
        for (index, path) in paths.iter().enumerate() {
            paths::check(path, mesh, &cursor.index(index), problems);
            foreign_syntax::check_path(
                path,
                key == "paths" && effect == Effect::Allow,
                &cursor.index(index),
                problems,
            );
        }
    }
    open_exclusions::check(&open_exclusions(operation), effect, cursor, problems);
}

fn open_exclusions(operation: &Operation) -> OpenExclusions {
    let any = |patterns: &[TextMatch]| patterns.iter().position(TextMatch::is_any);
    let any_path = PathMatch::Text(TextMatch::Any);
    let mut paths = operation.paths.none_of.iter();
    vec![
        ("notMethods", any(&operation.methods.none_of)),
        ("notPaths", paths.position(|path| *path == any_path)),
        ("notHosts", any(&operation.hosts.none_of)),
    ]
}
