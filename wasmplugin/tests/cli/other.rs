use super::*;

#[test]
fn init_writes_a_policy_without_problems() {
    let policy = stdout_of(&["init"]);
    let validated = run_with(&["validate", "-f", "-", "--deny-warnings"], &policy);
    assert_eq!(validated.status, 0);
    assert_eq!(validated.stderr, "1 file, 1 policy, 3 rules: no problems\n");
    let rendered = run_with(&["render", "-f", "-"], &policy);
    assert_eq!(rendered.status, 0, "{}", rendered.stderr);
    // Safe to apply: no rule denies, and no object of the cluster is replaced.
    let kinds = rendered
        .stdout
        .lines()
        .filter(|line| line.starts_with("kind: "));
    assert_eq!(kinds.collect::<Vec<_>>(), [] as [&str; 0]);
    insta::assert_snapshot!(rendered.stderr);
}

#[test]
fn init_overwrites_no_existing_file() {
    let folder = folder(&[("policy.yaml", "mine")]);
    let path = folder.path().join("policy.yaml");
    let refused = run(&["init", "--out", text(&path)]);
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.contains("already exists"),
        "{}",
        refused.stderr
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");

    let forced = run(&["init", "--out", text(&path), "--force"]);
    assert_eq!((forced.status, forced.stdout.as_str()), (0, ""));
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        stdout_of(&["init"])
    );

    let new = folder.path().join("new.yaml");
    assert_eq!(run(&["init", "--out", text(&new)]).status, 0);
    assert_eq!(std::fs::read_to_string(&new).unwrap(), stdout_of(&["init"]));
}

#[test]
fn prints_schemas() {
    for (args, field) in [
        (&["schema"][..], "istioVersion"),
        (&["schema", "document"], "istioVersion"),
        (&["schema", "plugin-config"], "upstreamHeader"),
    ] {
        let schema: serde_json::Value = serde_json::from_str(&stdout_of(args)).unwrap();
        assert!(schema["$schema"].is_string());
        assert!(schema.to_string().contains(field), "{args:?}");
    }
}

#[test]
fn prints_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            stdout_of(&["completions", shell]).contains("PEERGATE_COMPLETE"),
            "{shell}"
        );
    }
}

#[test]
fn prints_help_on_stdout() {
    let all = stdout_of(&["--help"]);
    let commands = [
        "init",
        "validate",
        "render",
        "decide",
        "schema",
        "completions",
    ];
    for command in commands {
        assert!(all.contains(&format!("\n  {command} ")), "{command}");
        let help = stdout_of(&[command, "--help"]);
        assert!(help.contains("Examples:"), "{command}");
    }
    assert!(stdout_of(&["--version"]).starts_with("peergate "));
}

#[test]
fn exits_differently_for_misuse_and_for_a_denial() {
    for args in [
        &[][..],
        &["nonsense"],
        &["validate"],
        &["validate", "--nonsense"],
    ] {
        let run = run(args);
        assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{args:?}");
        assert!(!run.stderr.is_empty());
    }
}
