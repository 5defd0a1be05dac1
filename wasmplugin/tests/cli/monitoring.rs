use super::*;

/// The generated files, as committed in the repository.
const FILES: [(&str, &str); 5] = [
    ("rules.yaml", include_str!("../../../monitoring/rules.yaml")),
    (
        "alerts.yaml",
        include_str!("../../../monitoring/alerts.yaml"),
    ),
    (
        "dashboards/fleet.json",
        include_str!("../../../monitoring/dashboards/fleet.json"),
    ),
    (
        "dashboards/service.json",
        include_str!("../../../monitoring/dashboards/service.json"),
    ),
    (
        "dashboards/rule.json",
        include_str!("../../../monitoring/dashboards/rule.json"),
    ),
];

/// The groups of a file of rules.
fn groups(file: &str) -> &str {
    file.split_once("\ngroups:\n").unwrap().1
}

/// The files of a folder and its subfolders.
fn files_in(folder: &Path) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            let inner = files_in(&entry.path()).into_iter();
            files.extend(inner.map(|inner| format!("{name}/{inner}")));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}

#[test]
fn writes_rules_alerts_and_dashboards_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("monitoring");
    let target = format!("{}/", text(&out));
    let written = run(&["monitoring", "--out", &target]);
    assert_eq!((written.status, written.stdout.as_str()), (0, ""));
    assert!(written.stderr.starts_with("wrote 5 files to "));
    for (name, content) in FILES {
        let written = std::fs::read_to_string(out.join(name)).unwrap();
        assert_eq!(without_header(&written), content);
    }
    assert_eq!(files_in(&out).len(), FILES.len());
}

#[test]
fn overwrites_all_files_or_none() {
    let folder = folder(&[("dashboards/rule.json", "mine")]);
    let out = text(folder.path());
    let refused = run(&["monitoring", "--out", out]);
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.contains("rule.json` already exists"),
        "{}",
        refused.stderr
    );
    assert_eq!(files_in(folder.path()), ["dashboards/rule.json"]);

    assert_eq!(run(&["monitoring", "--out", out, "--force"]).status, 0);
    for (name, content) in FILES {
        let path = folder.path().join(name);
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(without_header(&written), content);
    }
}

#[test]
fn prints_a_single_file() {
    for (part, (_, content)) in ["rules", "alerts", "fleet", "service", "rule"]
        .iter()
        .zip(FILES)
    {
        let printed = stdout_of(&["monitoring", "--only", part]);
        assert_eq!(without_header(&printed), content);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.yaml");
    let args = ["monitoring", "--only", "alerts", "--out", text(&path)];
    assert_eq!(run(&args).status, 0);
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(without_header(&written), FILES[1].1);
}

#[test]
fn refuses_several_files_without_a_folder() {
    for args in [
        &["monitoring"][..],
        &["monitoring", "--only", "rules,alerts"],
        &["monitoring", "--layout", "prometheus-rule"],
    ] {
        let refused = run(args);
        assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
        assert!(
            refused.stderr.contains("write to a folder"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn renders_the_rules_as_one_object_for_the_prometheus_operator() {
    let args = [
        "monitoring",
        "--layout",
        "prometheus-rule",
        "--only",
        "rules,alerts",
    ];
    let object = stdout_of(&args);
    let (head, spec) = without_header(&object).split_once("\n  groups:\n").unwrap();
    insta::assert_snapshot!(head, @r"
    apiVersion: monitoring.coreos.com/v1
    kind: PrometheusRule
    metadata:
      name: peergate
      labels:
        app.kubernetes.io/name: peergate
    spec:
    ");
    let spec: Vec<&str> = spec
        .lines()
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect();
    let expected = [groups(FILES[0].1), groups(FILES[1].1)].concat();
    assert_eq!(spec, expected.lines().collect::<Vec<_>>());
}

#[test]
fn writes_the_object_next_to_the_dashboards() {
    let folder = tempfile::tempdir().unwrap();
    let out = text(folder.path());
    let args = ["monitoring", "--layout", "prometheus-rule", "--out", out];
    assert_eq!(run(&args).status, 0);
    assert_eq!(
        files_in(folder.path()),
        [
            "dashboards/fleet.json",
            "dashboards/rule.json",
            "dashboards/service.json",
            "prometheus-rule.yaml"
        ]
    );
}

#[test]
fn refuses_a_rules_object_for_dashboards_alone() {
    for parts in ["fleet", "fleet,rule"] {
        let out = folder(&[]);
        let target = text(out.path());
        for more in [&[][..], &["--out", target]] {
            let args = ["monitoring", "--layout", "prometheus-rule", "--only", parts];
            let run = run(&[&args, more].concat());
            assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{}", run.stderr);
            assert!(
                run.stderr.contains("cannot hold dashboards"),
                "{}",
                run.stderr
            );
        }
        assert!(files_in(out.path()).is_empty());
    }
}
