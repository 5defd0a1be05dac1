use super::*;

#[test]
fn prints_success_on_stderr() {
    let run = run(&["validate", "-f", POLICIES, "--at", NOW]);
    assert_eq!((run.status, run.stdout.as_str()), (0, ""));
    assert_eq!(run.stderr, "4 files, 3 policies, 8 rules: no problems\n");
}

#[test]
fn prints_diagnostics_on_stderr_and_fails() {
    let run = run(&["validate", "-f", "diagnostics/unknown-field.yaml"]);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    assert!(
        run.stderr.contains("error[unknown-field]"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.ends_with("1 file: 1 error\n"), "{}", run.stderr);
}

#[test]
fn accepts_warnings_unless_they_are_denied() {
    let file = "diagnostics/duplicate-value.yaml";
    let accepted = run(&["validate", "-f", file]);
    assert_eq!(accepted.status, 0);
    assert!(accepted.stderr.contains("warning[duplicate-value]"));
    assert!(accepted.stderr.ends_with(": 1 warning\n"));
    assert_eq!(run(&["validate", "-f", file, "--deny-warnings"]).status, 3);
}

#[test]
fn prints_diagnostics_as_json_on_stdout() {
    let file = "diagnostics/invalid-name.yaml";
    let run = run(&["validate", "-f", file, "--output", "json"]);
    assert_eq!((run.status, run.stderr.as_str()), (3, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn prints_related_locations_as_json() {
    let folder = folder(&[("a.yaml", MESH), ("b.yaml", MESH)]);
    let run = run(&["validate", "-f", text(folder.path()), "--output", "json"]);
    let entries: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(entries[0]["file"].as_str().unwrap().ends_with("b.yaml"));
    let related = &entries[0]["related"];
    assert!(related["file"].as_str().unwrap().ends_with("a.yaml"));
    assert_eq!(
        (&related["line"], &related["column"]),
        (&2.into(), &7.into())
    );
}

#[test]
fn prints_an_empty_array_without_diagnostics() {
    assert_eq!(
        stdout_of(&["validate", "-f", POLICIES, "--at", NOW, "--output", "json"]),
        "[]\n"
    );
}

#[test]
fn checks_expiry_at_the_given_time() {
    let args = ["validate", "-f", POLICIES, "--at", "2027-01-01T00:00:00Z"];
    let run = run(&args);
    assert_eq!(run.status, 0);
    assert!(
        run.stderr.contains("warning[expired-rule]"),
        "{}",
        run.stderr
    );
}

#[test]
fn validates_for_the_given_version_of_istio() {
    let run = run(&[
        "validate",
        "-f",
        POLICIES,
        "--at",
        NOW,
        "--istio-version",
        "1.20",
    ]);
    assert_eq!(run.status, 3);
    assert!(
        run.stderr.contains("error[unsupported-by-istio]"),
        "{}",
        run.stderr
    );
}

#[test]
fn prints_color_only_to_a_terminal() {
    let args = ["validate", "-f", "diagnostics/unknown-field.yaml"];
    assert!(!run(&args).stderr.contains('\x1b'));
    let with = |name| {
        let mut command = command(&args);
        command.env(name, "1");
        finish(command, "").stderr
    };
    assert!(with("CLICOLOR_FORCE").contains('\x1b'));
    assert!(!with("NO_COLOR").contains('\x1b'));
}

/// A mesh with this many errors, and warnings before and after them.
fn faulty(errors: usize, warnings: usize) -> String {
    let twice = |number| {
        format!(
            "    - {{id: w{number}, effect: Allow, to: [{{methods: [GET, GET]}}]}}
"
        )
    };
    let wrong =
        |number| format!("    - {{id: e{number}, effect: Allow, to: [{{paths: [\"a*b\"]}}]}}\n");
    let rules: String = (0..warnings)
        .map(twice)
        .chain((0..errors).map(wrong))
        .collect();
    let policy = "---\napiVersion: peergate.dev/v1alpha1\nkind: ServicePolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {app: web}}\n  service: {ports: [{port: 80}]}\n  rules:\n";
    format!("{MESH}{policy}{rules}")
}

#[test]
fn shows_a_hundred_problems_and_counts_the_rest() {
    let text = faulty(3, 150);
    let run = run_with(&["validate", "-f", "-", "--at", NOW], &text);
    assert_eq!(run.status, 3);
    // Errors are shown first, even after many warnings.
    assert_eq!(run.stderr.matches("error[invalid-wildcard]").count(), 3);
    assert_eq!(run.stderr.matches("warning[duplicate-value]").count(), 97);
    assert!(
        run.stderr.contains("53 more problems are not shown"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.ends_with("1 file: 3 errors, 150 warnings\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn shows_at_most_the_requested_number_of_problems() {
    let text = faulty(2, 2);
    for (most, shown) in [("1", 1), ("3", 3), ("4", 4), ("5", 4), ("0", 0)] {
        let args = ["validate", "-f", "-", "--at", NOW, "--max-problems", most];
        let human = run_with(&args, &text);
        assert_eq!(human.status, 3);
        assert_eq!(
            human.stderr.matches("]: ").count(),
            shown,
            "{}",
            human.stderr
        );
        let json = run_with(&[&args[..], &["--output", "json"]].concat(), &text);
        let entries: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(entries.as_array().unwrap().len(), shown);
        assert_eq!(
            json.stderr.contains("not shown"),
            shown < 4,
            "{}",
            json.stderr
        );
    }
}

#[test]
fn reports_a_lone_carriage_return_once_at_its_location() {
    let text = MESH.to_owned() + "# reviewed\r# by all\n";
    let run = run_with(&["validate", "-f", "-"], &text);
    assert_eq!(run.status, 3);
    assert!(
        run.stderr
            .contains("error[yaml-syntax]: a carriage return without a line feed ends a line"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.ends_with("1 file: 1 error\n"), "{}", run.stderr);
    let windows = run_with(&["validate", "-f", "-"], &MESH.replace('\n', "\r\n"));
    assert_eq!(windows.status, 0, "{}", windows.stderr);
}

#[test]
fn truncates_long_lines() {
    let text = format!("a: [{}]\n", "&x y, ".repeat(20_000));
    let run = run_with(&["validate", "-f", "-"], &text);
    assert_eq!(run.status, 3);
    assert!(run.stderr.len() < 500_000, "{} bytes", run.stderr.len());
    assert!(
        run.stderr.contains("19900 more problems"),
        "{}",
        run.stderr.len()
    );
}
