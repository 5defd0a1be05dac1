//! What all commands have in common: paths, overwriting, formats, exit status, quiet and color.

use std::fmt::Write as _;
use std::process::Command;

use super::*;

const CART: &str = "kind: Mesh
apiVersion: peergate.dev/v1alpha1
metadata: {name: mesh}
spec: {trustDomain: cluster.local, istioVersion: \"1.29\"}
---
kind: ServicePolicy
apiVersion: peergate.dev/v1alpha1
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  rules:
    - id: web
      effect: Allow
      from: [{serviceAccounts: [web]}]
---
kind: ServicePolicy
apiVersion: peergate.dev/v1alpha1
metadata: {name: ledger, namespace: bank}
spec:
  selector: {matchLabels: {app: ledger}}
  rules:
    - id: cart
      effect: Allow
      from: [{namespaces: [shop]}]
";

/// Every command, at any depth, by its words.
fn commands() -> Vec<String> {
    fn add(words: &str, all: &mut Vec<String>) {
        let mut args: Vec<_> = words.split_whitespace().collect();
        args.push("--help");
        let help = stdout_of(&args);
        all.push(words.to_owned());
        let list = help.split_once("\nCommands:\n").map(|(_, list)| list);
        let list = list.and_then(|list| list.split("\n\n").next());
        let names = list.into_iter().flat_map(str::lines);
        // A continued description is indented deeper.
        let names = names.filter_map(|line| {
            line.strip_prefix("  ")?
                .split_whitespace()
                .next()
                .filter(|_| !line.starts_with("   "))
        });
        for name in names.filter(|name| *name != "help") {
            add(&format!("{words} {name}"), all);
        }
    }
    let mut all = Vec::new();
    add("", &mut all);
    all
}

/// One file that reads as one design.
#[test]
fn help_of_every_command() {
    let mut text = String::new();
    for command in commands() {
        let mut args: Vec<_> = command.split_whitespace().collect();
        args.push("--help");
        let _ = writeln!(text, "$ peergate{command} --help\n{}", stdout_of(&args));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn help_of_a_command_is_also_a_command() {
    assert_eq!(
        stdout_of(&["help", "certs", "rotate"]),
        stdout_of(&["certs", "rotate", "--help"])
    );
}

#[test]
fn the_version_has_the_commit() {
    let text = stdout_of(&["version"]);
    assert_eq!(text, stdout_of(&["--version"]));
    let json: serde_json::Value =
        serde_json::from_str(&stdout_of(&["version", "-o", "json"])).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    // A source archive has no commit.
    if let Some(commit) = json["commit"].as_str() {
        assert!(
            commit.len() >= 7 && commit.chars().all(|char| char.is_ascii_hexdigit()),
            "{commit}"
        );
        assert_eq!(
            text,
            format!("peergate {} ({commit})\n", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn paths_are_given_with_or_without_an_option() {
    let folder = folder(&[("all.yaml", CART)]);
    let path = text(folder.path());
    let rendered = stdout_of(&["-q", "render", path]);
    for args in [
        &["-q", "render", "-f", path][..],
        &["-q", "render", "--filename", path],
        // The same file is read once.
        &["-q", "render", path, "-f", path, path],
    ] {
        assert_eq!(stdout_of(args), rendered, "{args:?}");
    }
    let run = run(&["render"]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("PATH"), "{}", run.stderr);
}

#[test]
fn a_policy_is_selected_by_namespace_or_name() {
    let folder = folder(&[("all.yaml", CART)]);
    let render = |args: &[&str]| {
        let base = [
            "-q",
            "render",
            text(folder.path()),
            "--only",
            "authorization-policy",
        ];
        run(&[&base, args].concat())
    };
    let names = |run: &Run| -> Vec<String> {
        let lines = run.stdout.lines();
        lines
            .filter_map(|line| Some(line.strip_prefix("  name: ")?.to_owned()))
            .collect()
    };
    for args in [
        &["--policy", "shop/cart"][..],
        &["--policy", "cart", "-n", "shop"],
        &["-n", "shop"],
    ] {
        assert_eq!(names(&render(args)), ["cart-allow"], "{args:?}");
    }
    for (args, message) in [
        (&["--policy", "cart"][..], "does not name a namespace"),
        (
            &["--policy", "shop/cart", "-n", "bank"],
            "different namespaces",
        ),
        (&["-n", "shpo"], "did you mean `shop`?"),
        (&["--policy", "shop/crt"], "did you mean `shop/cart`?"),
    ] {
        let refused = render(args);
        assert_eq!((refused.status, &*refused.stdout), (3, ""), "{args:?}");
        assert!(
            refused.stderr.contains(message),
            "{args:?}: {}",
            refused.stderr
        );
    }
}

/// Each command that writes files: those that a person wrote or edited stay, others are replaced.
#[test]
fn only_unedited_files_of_peergate_are_overwritten() {
    let input = folder(&[("all.yaml", CART)]);
    let policies = text(input.path());
    let istio = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default, namespace: istio-system}\nspec: {mtls: {mode: STRICT}}\n";
    let resources = folder(&[("istio.yaml", istio)]);
    let resources = text(resources.path());
    for (name, args) in [
        ("out.yaml", &["render", policies][..]),
        ("out.yaml", &["import", "istio", resources]),
        ("out.yaml", &["monitoring", "--only", "alerts"]),
        ("folder/istiod.values.yaml", &["install-values", policies]),
        ("folder/kustomization.yaml", &["render", policies]),
        ("folder/alerts.yaml", &["monitoring"]),
    ] {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join(name);
        let target = match name.split_once('/') {
            Some((folder, _)) => format!("{}/", text(&out.path().join(folder))),
            None => text(&path).to_owned(),
        };
        let args = [args, &["--out", &target]].concat();
        let write = |more: &[&str]| run(&[&args, more].concat());
        let first = write(&[]);
        assert_eq!(first.status, 0, "{args:?}: {}", first.stderr);
        assert!(
            first.stderr.contains("wrote "),
            "{args:?}: {}",
            first.stderr
        );
        let generated = std::fs::read_to_string(&path).unwrap();
        // Another version of Peergate wrote it, from other documents.
        let digest_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        std::fs::write(
            &path,
            format!("# peergate-digest: sha256:{digest_of_nothing}\n"),
        )
        .unwrap();
        assert_eq!(write(&[]).status, 0, "{args:?}");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            generated,
            "{args:?}"
        );

        for (content, message) in [
            (
                format!("{generated}# mine\n"),
                "was edited after Peergate wrote it",
            ),
            ("mine: true\n".to_owned(), "already exists"),
        ] {
            std::fs::write(&path, &content).unwrap();
            let refused = write(&[]);
            assert_eq!(refused.status, 1, "{args:?}: {}", refused.stderr);
            assert!(
                refused.stderr.contains(message),
                "{args:?}: {}",
                refused.stderr
            );
            assert!(
                refused.stderr.contains("--force"),
                "{args:?}: {}",
                refused.stderr
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content, "{args:?}");
        }
        assert_eq!(write(&["--force"]).status, 0, "{args:?}");
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            generated,
            "{args:?}"
        );
    }
}

#[test]
fn several_files_do_not_go_to_stdout() {
    let input = folder(&[("all.yaml", CART)]);
    let refused = run(&["install-values", text(input.path()), "--out", "-"]);
    assert_eq!((refused.status, &*refused.stdout), (3, ""));
    assert!(
        refused.stderr.contains("name a folder"),
        "{}",
        refused.stderr
    );
}

#[test]
fn stale_files_are_reported_and_pruned() {
    let input = folder(&[("all.yaml", CART)]);
    let out = folder(&[("mine.yaml", "mine: true\n")]);
    let target = format!("{}/", text(out.path()));
    let files = || {
        let entries = std::fs::read_dir(out.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let render = |more: &[&str]| {
        run(&[
            &[
                "render",
                text(input.path()),
                "--out",
                &target,
                "--only",
                "authorization-policy",
            ],
            more,
        ]
        .concat())
    };
    assert_eq!(render(&[]).status, 0);
    let stale = "bank.ledger-allow.authorizationpolicy.yaml";
    assert!(files().contains(&stale.to_owned()));
    let reported = render(&["-n", "shop"]);
    assert_eq!(reported.status, 0, "{}", reported.stderr);
    assert!(reported.stderr.contains(stale), "{}", reported.stderr);
    assert!(files().contains(&stale.to_owned()));

    let edited = std::fs::read_to_string(out.path().join(stale)).unwrap() + "# mine\n";
    std::fs::write(out.path().join(stale), edited).unwrap();
    let refused = render(&["-n", "shop", "--prune"]);
    assert_eq!(refused.status, 1, "{}", refused.stderr);
    assert!(files().contains(&stale.to_owned()));

    let pruned = render(&["-n", "shop", "--prune", "--force"]);
    assert_eq!(pruned.status, 0, "{}", pruned.stderr);
    assert!(pruned.stderr.contains("removed "), "{}", pruned.stderr);
    assert_eq!(
        files(),
        [
            "kustomization.yaml",
            "mine.yaml",
            "shop.cart-allow.authorizationpolicy.yaml"
        ]
    );

    let without_folder = run(&["render", text(input.path()), "--prune"]);
    assert_eq!((without_folder.status, &*without_folder.stdout), (3, ""));
}

#[test]
fn problems_have_every_format() {
    let folder = folder(&[("all.yaml", &CART.replace("effect: Allow", "efect: Allow"))]);
    let path = folder.path().join("all.yaml");
    let validate = |format| {
        let run = run(&["validate", text(&path), "-o", format]);
        assert_eq!(run.status, 3, "{}", run.stderr);
        run.stdout.replace(text(folder.path()), "FOLDER")
    };
    insta::assert_snapshot!("problems_for_github", validate("github"));
    insta::assert_snapshot!("problems_for_junit", validate("junit"));
    let sarif: serde_json::Value = serde_json::from_str(&validate("sarif")).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .any(|result| result["ruleId"] == "unknown-field")
    );
    assert!(run["tool"]["driver"]["rules"].as_array().unwrap().len() > 50);
}

#[test]
fn quiet_prints_no_notes_and_no_summaries() {
    let folder = folder(&[("all.yaml", CART)]);
    let path = text(folder.path());
    for args in [&["render", path][..], &["validate", path]] {
        assert_ne!(run(args).stderr, "");
        let quiet = run(&[args, &["-q"]].concat());
        assert_eq!((quiet.status, &*quiet.stderr), (0, ""), "{args:?}");
    }
    let broken = run(&["-q", "validate", "diagnostics/unknown-field.yaml"]);
    assert!(
        broken.stderr.contains("error[unknown-field]"),
        "{}",
        broken.stderr
    );
}

#[test]
fn color_is_up_to_the_user() {
    let colored = |args: &[&str], no_color: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
        command
            .args(args)
            .args(["validate", "diagnostics/unknown-field.yaml"]);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let stderr = command.current_dir("tests").output().unwrap().stderr;
        String::from_utf8(stderr).unwrap().contains('\u{1b}')
    };
    assert!(!colored(&[], false), "a pipe");
    assert!(colored(&["--color", "always"], false));
    assert!(!colored(&["--color", "never"], false));
    assert!(!colored(&["--color", "auto"], true));
}

#[test]
fn a_code_is_explained_without_documents() {
    let page = stdout_of(&["explain", "unknown-field"]);
    assert!(page.starts_with("# unknown-field\n"), "{page}");
    let unknown = run(&["explain", "unknown-feild"]);
    assert_eq!(unknown.status, 3);
    assert!(
        unknown.stderr.contains("did you mean `unknown-field`?"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn shells_complete_names_in_the_documents() {
    let folder = folder(&[("all.yaml", CART)]);
    let complete = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peergate"));
        let last = (words.len() - 1).to_string();
        command
            .env("PEERGATE_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", last);
        command.env("_CLAP_IFS", "\n").arg("--").args(words);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let path = text(folder.path());
    let words = ["peergate", "render", path, "--policy", ""];
    assert_eq!(complete(&words), ["bank/ledger", "shop/cart"]);
    assert_eq!(complete(&["peergate", "render", path, "-n", "b"]), ["bank"]);
    assert_eq!(
        complete(&["peergate", "promote", path, "--rule", "w"]),
        ["web"]
    );
    assert_eq!(
        complete(&["peergate", "explain", "no-rule"]),
        ["no-rule-matched"]
    );
    assert!(complete(&["peergate", "val"]).contains(&"validate".to_owned()));
    // Invalid documents have no names, and nothing is printed about them.
    let words = [
        "peergate",
        "render",
        "tests/diagnostics/unknown-field.yaml",
        "--policy",
        "",
    ];
    assert_eq!(complete(&words), [] as [&str; 0]);
}
