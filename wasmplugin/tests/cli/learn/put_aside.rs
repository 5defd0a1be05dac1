//! Requests that are none to the workload, and paths that no rule sees.

use super::*;

#[test]
fn what_the_workload_called_itself_is_no_request_to_it() {
    let mut lines = hour();
    let own = |minute, path| {
        let line = with(
            line(minute, None, "GET", path),
            "peergate_policy",
            json!(null),
        );
        let cluster = json!("outbound|80||ads.shop.svc.cluster.local");
        with(line, "upstream_cluster", cluster)
    };
    // They would keep the template apart.
    lines.extend((0..60).map(|minute| own(minute, "/orders/export")));
    let more = ["--policy", "shop/cart", "--include-anonymous"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("export"), "{}", run.stdout);
    assert!(run.stdout.contains("/orders/{*}"), "{}", run.stdout);
    let aside = "60 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z: sent by the workload itself";
    assert!(run.stderr.contains(aside), "{}", run.stderr);
}

#[test]
fn what_may_be_of_either_way_is_never_learnt() {
    let either_way = |minute| {
        let line = line(minute, None, "GET", "/orders/export");
        with(line, "peergate_policy", json!(null))
    };
    let mut lines = hour();
    lines.extend((0..60).map(either_way));
    let more = ["--policy", "shop/cart", "--include-anonymous"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &more].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stdout.contains("export"), "{}", run.stdout);
    let aside = "60 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z: no caller and no `upstream_cluster`, so possibly sent by the workload itself";
    assert!(run.stderr.contains(aside), "{}", run.stderr);
}

#[test]
fn paths_that_no_rule_ever_sees_are_put_aside_and_the_rest_is_learnt() {
    let unseen = [
        "/a/../b", "/a/./b", "/a/..", "/a/.", "/a\\b", "/a*b", "/{x", "/..",
    ];
    let merged = ["/a//b"];
    let decoded = ["/a%2fb", "/a%5Cb"];
    let mut lines = hour();
    let all = [unseen.as_slice(), &merged, &decoded].concat();
    for path in &all {
        lines.extend((0..60).map(|minute| line(minute, Some(FRONTEND), "GET", path)));
    }
    for (mode, aside, learnt) in [
        (
            "Base",
            unseen.to_vec(),
            [merged.as_slice(), &decoded].concat(),
        ),
        ("DecodeAndMergeSlashes", all.clone(), vec![]),
    ] {
        let mesh = MESH.replace("DecodeAndMergeSlashes", mode);
        let folder = folder(&[("mesh.yaml", &mesh)]);
        let files = ["-f", text(folder.path()), "--output", "json"];
        let run = learn(&log(&lines), &files);
        assert_eq!(run.status, 0, "{mode}: {}", run.stderr);
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        let policy = &answer["policies"][0];
        let texts = |list: &Value, field: &str| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.filter_map(|one| one[field].as_str().map(str::to_owned))
                .collect()
        };
        let found = texts(&policy["setAside"], "what");
        for path in aside {
            assert!(
                found.contains(&format!("GET {path}")),
                "{mode} {path}: {found:?}"
            );
        }
        let found = texts(&policy["learnt"], "path");
        for path in learnt.into_iter().chain(["/orders"]) {
            assert!(
                found.iter().any(|one| one == path),
                "{mode} {path}: {found:?}"
            );
        }
    }
}
