//! All rows of the request table.

use crate::policies::Shape;
use crate::rows::{Enforcement, Reporting, Row, Verdict};

/// The numbers of rules in the rows that show how cost grows.
pub const RULES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// The sizes of Peergate's policies that the documentation makes claims about.
const CLAIMED: [usize; 3] = [1, 100, 10_000];
/// The hand-written filter is measured at both ends: if they agree, so does all between.
const FLOOR_RULES: [usize; 2] = [1, 10_000];
/// The number of rules in rows about a setting.
const TYPICAL_RULES: usize = 100;

/// All rows, in the order of the report. The first is the baseline.
pub fn catalog() -> Vec<Row> {
    let again = Row::new(
        "none-again",
        "no filter, another proxy",
        Enforcement::None,
        Shape::Identity,
        0,
    );
    let mut rows = vec![baseline(), again.every_round()];
    rows.extend(without_wasm());
    rows.extend(other_wasm());
    rows.extend(peergate());
    rows.extend(settings());
    rows.extend(denials());
    rows
}

/// The row without a filter, which all others are compared with.
pub fn baseline() -> Row {
    Row::new("none", "no filter", Enforcement::None, Shape::Identity, 0).every_round()
}

fn without_wasm() -> Vec<Row> {
    let identity = Shape::Identity;
    let rbac = sizes(
        "rbac-identity",
        "RBAC, identity",
        Enforcement::Rbac,
        identity,
    );
    // The documentation says from how many principals on Peergate is cheaper.
    let rbac = rbac.map(|row| {
        if row.rules <= 10 {
            row.every_round()
        } else {
            row
        }
    });
    let request = sizes(
        "rbac-request",
        "RBAC, identity, method and path",
        Enforcement::Rbac,
        Shape::Request,
    );
    let matcher = sizes(
        "rbac-matcher",
        "RBAC with a matcher tree, identity",
        Enforcement::RbacMatcher,
        identity,
    );
    let lua = sizes("lua", "Lua, identity", Enforcement::Lua, identity);
    let authorizer = Row::new(
        "ext-authz",
        "`ext_authz`, identity",
        Enforcement::ExtAuthz,
        identity,
        1,
    );
    let rows = rbac.chain(request).chain(matcher).chain(lua);
    rows.chain([authorizer]).collect()
}

fn other_wasm() -> Vec<Row> {
    let noop = Row::new(
        "sdk-noop",
        "Wasm on the Rust SDK that does nothing",
        Enforcement::SdkNoOp,
        Shape::Identity,
        1,
    );
    let identity = sizes(
        "floor-identity",
        "hand-written Wasm, identity",
        Enforcement::Floor,
        Shape::Identity,
    );
    let request = sizes(
        "floor-request",
        "hand-written Wasm, identity, method and path",
        Enforcement::Floor,
        Shape::Request,
    );
    let floors = identity.chain(request);
    let floors = floors.filter(|row| FLOOR_RULES.contains(&row.rules));
    std::iter::once(noop)
        .chain(floors)
        .map(Row::every_round)
        .collect()
}

fn peergate() -> Vec<Row> {
    let identity = sizes(
        "peergate-identity",
        "Peergate, identity",
        Enforcement::Peergate,
        Shape::Identity,
    );
    let request = sizes(
        "peergate-request",
        "Peergate, identity, method and path",
        Enforcement::Peergate,
        Shape::Request,
    );
    let claim = |row: Row| {
        if CLAIMED.contains(&row.rules) {
            row.every_round()
        } else {
            row
        }
    };
    identity.chain(request).map(claim).collect()
}

fn settings() -> Vec<Row> {
    let row = |name, title, enforcement| {
        Row::new(name, title, enforcement, Shape::Request, TYPICAL_RULES)
    };
    let reporting = [
        (
            "peergate-upstream-header",
            "Peergate, `upstreamHeader: true`",
            Reporting::UpstreamHeader,
        ),
        (
            "peergate-access-log",
            "Peergate, `accessLog: All`",
            Reporting::AccessLog,
        ),
        (
            "peergate-learning",
            "Peergate, `learning: {}`",
            Reporting::Learning,
        ),
    ]
    .map(|(name, title, reporting)| Row {
        reporting,
        ..row(name, title, Enforcement::Peergate)
    });
    let with_rbac = [
        row(
            "peergate-and-rbac",
            "Peergate and RBAC",
            Enforcement::PeergateAndRbac,
        ),
        row(
            "comparing-and-rbac",
            "Peergate's comparing module and RBAC",
            Enforcement::ComparingAndRbac,
        ),
    ];
    reporting.into_iter().chain(with_rbac).collect()
}

fn denials() -> [Row; 2] {
    [
        ("peergate-denial", "Peergate, denied", Enforcement::Peergate),
        ("rbac-denial", "RBAC, denied", Enforcement::Rbac),
    ]
    .map(|(name, title, enforcement)| Row {
        verdict: Verdict::Denied,
        ..Row::new(name, title, enforcement, Shape::Identity, TYPICAL_RULES)
    })
}

/// A row for each number of rules.
fn sizes(
    name: &'static str,
    title: &'static str,
    enforcement: Enforcement,
    shape: Shape,
) -> impl Iterator<Item = Row> {
    let row = move |rules| Row::new(name, title, enforcement, shape, rules);
    RULES.into_iter().map(row)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let rows = catalog();
        let ids: BTreeSet<_> = rows.iter().map(Row::id).collect();
        assert_eq!(ids.len(), rows.len());
    }

    #[test]
    fn selects_a_row_or_all_its_sizes() {
        let selected = |selector: &str| {
            let rows = catalog();
            rows.iter()
                .filter(|row| row.is_selected_by(selector))
                .count()
        };
        assert_eq!(selected("peergate-identity"), RULES.len());
        assert_eq!(selected("peergate-identity/100"), 1);
        assert_eq!(selected("peergate"), 0);
    }
}
