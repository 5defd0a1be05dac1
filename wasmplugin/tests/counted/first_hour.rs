//! From `init` to an enforced policy, as a newcomer goes: nothing that was allowed before is denied on the way.

use super::mesh::{Mesh, Policies};
use super::promote::{promote, promote_by_all};
use super::run;
use super::scraping::{scraping, wait_for};

/// What the workload is asked for before there is any policy: caller and path.
const USUAL: [(&str, &str); 3] = [
    ("frontend", "/cart"),
    ("frontend", "/cart/items"),
    // No rule of the first policy is about it.
    ("reports", "/stats"),
];

const MISSING_RULE: &str = "
    - id: reports
      effect: Allow
      from:
        - serviceAccounts: [reports]
      to:
        - methods: [GET]
          paths: [/stats]
";

/// Makes all usual calls so many times.
fn assert_usual(mesh: &Mesh, times: usize) {
    for (account, path) in USUAL {
        assert_eq!(mesh.ask(account, path, times), 200, "{account} {path}");
    }
}

/// What `render` prints, and what it notes.
fn rendered(policies: &Policies) -> (String, String) {
    let run = run(&["render", "-f", &policies.name()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    (run.stdout, run.stderr)
}

#[test]
fn nothing_that_was_allowed_is_denied_on_the_way_from_init_to_enforced() {
    let first = run(&["init"]).stdout;
    let image = "  filter:\n    image: file:///peergate_filter.wasm\n";
    let policies = Policies::of(&first.replacen("  filter: {}\n", image, 1));
    let validated = run(&["validate", "-f", &policies.name(), "--deny-warnings"]);
    assert_eq!(validated.status, 0, "{}", validated.stderr);

    // In shadow, nothing is closed, and what would be denied is known.
    let (objects, notes) = rendered(&policies);
    assert!(objects.contains("kind: WasmPlugin"), "{objects}");
    assert!(!objects.contains("kind: AuthorizationPolicy"), "{objects}");
    assert!(!objects.contains("kind: PeerAuthentication"), "{objects}");
    let nothing = "when applied: nothing changes;";
    assert!(notes.contains(nothing), "{notes}");
    let mesh = Mesh::start(&policies);
    let prometheus = scraping(mesh.admin());
    assert_usual(&mesh, 10);
    wait_for(
        &prometheus,
        "sum(peergate_decisions_total{peergate_effect=\"shadow_deny\"}) == 10",
    );
    let judged = promote(
        &policies,
        &prometheus,
        &["--max-breakage", "20%", "--write"],
    );
    assert_eq!(judged.status, 2, "{}", judged.stderr);
    assert!(policies.text().contains("  enforcement: Shadow\n"));

    // With the missing rule, it is ready.
    let text = policies.text();
    let policies = Policies::of(&text.replacen(
        "\n    # A `Deny` rule",
        &format!("{MISSING_RULE}\n    # A `Deny` rule"),
        1,
    ));
    assert_ne!(policies.text(), text);
    let mesh = Mesh::start(&policies);
    let prometheus = scraping(mesh.admin());
    assert_usual(&mesh, 10);
    wait_for(&prometheus, "sum(peergate_decisions_total) == 30");
    let judged = promote_by_all(
        &policies,
        &prometheus,
        &["--max-breakage", "20%", "--write"],
    );
    assert_eq!(judged.status, 0, "{}{}", judged.stdout, judged.stderr);
    assert!(!policies.text().contains("\n  enforcement: Shadow\n"));

    // Enforced, the usual calls pass, and others do not.
    let (objects, notes) = rendered(&policies);
    assert!(objects.contains("kind: AuthorizationPolicy"), "{objects}");
    let closed = "1 workload in 1 namespace will deny requests that no policy allows";
    assert!(notes.contains(closed), "{notes}");
    let mesh = Mesh::start(&policies);
    assert_usual(&mesh, 1);
    assert_eq!(mesh.ask("stranger", "/cart", 1), 403);
    assert_eq!(mesh.ask("frontend", "/debug", 1), 403);
}
