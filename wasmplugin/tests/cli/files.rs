use super::*;

#[test]
fn reads_stdin() {
    let run = run_with(&["validate", "-f", "-"], "kind: Mesh\n");
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("--> <stdin>:1:"), "{}", run.stderr);
}

#[test]
fn reads_several_files_as_one_input() {
    let args = [
        "validate",
        "-f",
        "policies/mesh.yaml",
        "-f",
        "-",
        "--at",
        NOW,
    ];
    let run = run_with(&args, CART);
    assert_eq!(run.stderr, "2 files, 1 policy, 7 rules: no problems\n");
}

#[test]
fn reads_a_file_once_that_is_named_twice() {
    let args = [
        "validate",
        "-f",
        "policies/mesh.yaml",
        "-f",
        "./policies/",
        "--at",
        NOW,
    ];
    assert_eq!(
        run(&args).stderr,
        "4 files, 3 policies, 8 rules: no problems\n"
    );
}

#[test]
fn refuses_to_read_stdin_twice() {
    let policies = run(&["validate", "-f", "-", "-f", "-"]);
    assert_eq!(policies.status, 3);
    let both = run(&["decide", "-f", "-", "--requests", "-"]);
    assert_eq!(both.status, 3);
    assert!(
        both.stderr.contains("stdin is named twice"),
        "{}",
        both.stderr
    );
}

#[test]
fn names_a_file_that_cannot_be_read() {
    let run = run(&["validate", "-f", "nowhere.yaml"]);
    assert_eq!((run.status, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr
            .starts_with("error: cannot read `nowhere.yaml`: "),
        "{}",
        run.stderr
    );
}

#[test]
fn refuses_a_folder_without_policy_files() {
    let folder = folder(&[("README.md", ""), (".hidden/a.yaml", "")]);
    let run = run(&["validate", "-f", text(folder.path())]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("has no `.yaml`"), "{}", run.stderr);
}

#[test]
fn reads_files_of_a_folder_whose_names_end_in_upper_case() {
    let deny = "- {id: no-admin, effect: Deny, to: [{paths: [/admin]}]}";
    let cart = CART.replace("  rules:\n", &format!("  rules:\n    {deny}\n"));
    for name in ["cart.YAML", "cart.Yml"] {
        let folder = folder(&[("mesh.yaml", MESH), (name, &cart)]);
        let run = run(&["validate", "-f", text(folder.path()), "--at", NOW]);
        assert_eq!(
            run.stderr, "2 files, 1 policy, 8 rules: no problems\n",
            "{name}"
        );
    }
}

#[test]
fn says_which_files_of_a_folder_are_skipped() {
    let silent = ["README.md", "NOTES.TXT", "asked.ndjson", ".cart.yaml.swp"];
    let listed = [
        "a.yaml.txt",
        "b.yaml~",
        "c.yml.bak",
        "d.yaml.disabled",
        "e",
        "f.toml",
        "g.md5",
    ];
    let names = silent.iter().chain(&listed).map(|name| (*name, CART));
    let files: Vec<_> = names.chain([("mesh.yaml", MESH)]).collect();
    let folder = folder(&files);
    let path = text(folder.path());
    let run = run(&["validate", "-f", path]);
    let quoted: Vec<_> = listed[..5]
        .iter()
        .map(|name| format!("`{path}/{name}`"))
        .collect();
    let expected = format!(
        "note: 7 files are skipped, because the name does not end in `.yaml`, `.yml` or `.json`: {} and 2 more\n1 file, 0 policies, 0 rules: no problems\n",
        quoted.join(", ")
    );
    assert_eq!(run.stderr, expected);
}

#[cfg(unix)]
#[test]
fn enters_a_folder_once_though_links_lead_in_circles() {
    use std::os::unix::fs::symlink;

    let folder = folder(&[("mesh.yaml", MESH), ("below/cart.yaml", CART)]);
    symlink("..", folder.path().join("below/up")).unwrap();
    symlink("below", folder.path().join("beside")).unwrap();
    let run = run(&["validate", "-f", text(folder.path()), "--at", NOW]);
    assert_eq!(run.stderr, "2 files, 1 policy, 7 rules: no problems\n");
}

#[test]
fn says_where_a_file_is_not_utf8() {
    let folder = folder(&[("mesh.yaml", MESH)]);
    let path = folder.path().join("latin1.yaml");
    std::fs::write(path, b"kind: Mesh\nname: caf\xe9\n").unwrap();
    let run = run(&["validate", "-f", text(folder.path())]);
    assert_eq!(run.status, 3);
    assert!(
        run.stderr
            .contains("error[yaml-syntax]: the byte 0xE9 is not UTF-8"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("latin1.yaml:2:10"), "{}", run.stderr);
    assert!(run.stderr.ends_with("2 files: 1 error\n"), "{}", run.stderr);
}

#[test]
fn passes_over_a_byte_order_mark() {
    let mesh = format!("\u{feff}{MESH}");
    let run = run_with(&["validate", "-f", "-"], &mesh);
    assert_eq!(run.status, 0, "{}", run.stderr);
}

/// Every command that writes one file, and what it would write.
#[test]
fn names_the_folder_that_is_missing() {
    let folder = folder(&[("mesh.yaml", MESH)]);
    let missing = folder.path().join("missing");
    let path = missing.join("it.yaml");
    let log = r#"{"start_time":"2026-05-01T10:00:00Z","method":"GET","path":"/a","response_code":200,"response_code_details":null,"peer":"spiffe://cluster.local/ns/shop/sa/web","peergate_policy":"shop/cart"}"#;
    let learn = [
        "learn",
        "--access-log",
        "-",
        "--include-rare",
        "--trust-domain",
        "cluster.local",
    ];
    let commands: [&[&str]; 6] = [
        &learn,
        &["init"],
        &["init", "--force"],
        &["schema"],
        &["render", "-f", POLICIES, "--at", NOW],
        &["monitoring", "--only", "rules"],
    ];
    for args in commands {
        let refused = run_with(&[args, &["--out", text(&path)]].concat(), log);
        assert_eq!((refused.status, &*refused.stdout), (1, ""), "{args:?}");
        let expected = format!(
            "error: cannot write `{}`: folder `{}` does not exist\n |\n = help: create the folder first, or choose another one\n",
            path.display(),
            missing.display()
        );
        assert!(
            refused.stderr.ends_with(&expected),
            "{args:?}: {}",
            refused.stderr
        );
    }
    assert!(!missing.exists());
}

#[cfg(unix)]
#[test]
fn ends_quietly_when_nobody_reads_on() {
    let commands: [&[&str]; 3] = [
        &[
            "render",
            "-f",
            POLICIES,
            "--at",
            NOW,
            "--only",
            "wasm-plugin",
        ],
        &["schema"],
        &["completions", "bash"],
    ];
    for args in commands {
        let mut command = command(args);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_module_without_its_build_info_is_refused_with_what_names_it() {
    let modules = folder(&[("filter.wasm", "\0asm\u{1}\0\0\0")]);
    let module = modules.path().join("filter.wasm");
    let image = modules.path().join("image.tar");
    let run = run(&["package", "--filter", text(&module), "--out", text(&image)]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stderr.contains("`--build-info`"), "{}", run.stderr);
    assert!(!image.exists());
}
