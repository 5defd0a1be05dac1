//! Templates, and what within them is odd.

use super::*;

#[test]
fn what_is_within_a_template_and_was_refused_or_rare_is_told() {
    let mut lines = hour();
    lines.push(line(30, Some(FRONTEND), "GET", "/orders/0"));
    for minute in [10, 20] {
        let refused = line(
            minute,
            Some(FRONTEND),
            "GET",
            &format!("/orders/90{minute}"),
        );
        lines.push(with(refused, "response_code", json!(403)));
    }
    let run = learn(&log(&lines), &DOMAIN);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let told = "{*} is 8 IDs such as 0, 1000, 1001; 1 path with few requests, such as /orders/0; also matches 2 paths rejected by the workload, an authorizer or token validation, such as /orders/9010\n";
    assert!(run.stdout.contains(told), "{}", run.stdout);
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let aside = "excluded  2 requests from 2026-05-01T10:10:00Z to 2026-05-01T10:20:00Z: allowed, but answered with 401 or 403";
    assert!(run.stderr.contains(aside), "{}", run.stderr);
    let run = learn(&log(&lines), &[&DOMAIN[..], &["--output", "json"]].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let call = &report["policies"][0]["learnt"][0];
    assert_eq!(call["seldom"], json!({"count": 1, "example": "/orders/0"}));
    assert_eq!(
        call["forbidden"],
        json!({"count": 2, "example": "/orders/9010"})
    );
}

#[test]
fn a_name_among_ids_is_told_where_it_is_odd_and_keeps_them_apart_where_it_is_not() {
    let named = |minutes: &[u32]| {
        let calls = minutes.iter().map(|minute| {
            let path = "/orders/delete-user-42-forever";
            line(*minute, Some(FRONTEND), "GET", path)
        });
        let run = learn(
            &log(&hour().into_iter().chain(calls).collect::<Vec<_>>()),
            &DOMAIN,
        );
        assert_eq!(run.status, 0, "{}", run.stderr);
        run
    };
    let once = named(&[30]);
    let told = "GET /orders/{*}: 61 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z; {*} is 7 IDs such as 1000, 1001, 1002; also matches values such as delete-user-42-forever, which was rare here\n";
    assert!(once.stderr.contains(told), "{}", once.stderr);
    assert!(once.stdout.contains(told), "{}", once.stdout);
    assert!(
        !once.stderr.contains("rare      shop/frontend: GET"),
        "{}",
        once.stderr
    );
    let often = named(&[10, 20, 30]);
    let kept = "literal   /orders/{*} is not a template: `delete-user-42-forever` is a word in the position of an ID; add it with `--template`";
    assert!(often.stderr.contains(kept), "{}", often.stderr);
    assert!(!often.stdout.contains("{*}"), "{}", often.stdout);
}

#[test]
fn templates_are_taken_by_hand() {
    let mut lines = hour();
    for minute in [10, 20, 30] {
        lines.push(line(minute, Some(FRONTEND), "GET", "/orders/export"));
        lines.push(line(
            minute,
            Some(FRONTEND),
            "GET",
            &format!("/items/{minute}/page"),
        ));
    }
    let by_hand = ["--template", "/orders/{*}", "--template", "/items/{*}/page"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &by_hand].concat());
    assert_eq!(run.status, 0, "{}", run.stderr);
    for told in [
        "GET /orders/{*}: 63 requests from 2026-05-01T10:00:00Z to 2026-05-01T10:59:00Z; from `--template`: matches 8 paths such as /orders/1000\n",
        "GET /items/{*}/page: 3 requests from 2026-05-01T10:10:00Z to 2026-05-01T10:30:00Z; from `--template`: matches 3 paths such as /items/10/page\n",
        "  coverage  the draft covers 186 of 187 eligible requests\n",
    ] {
        assert!(run.stderr.contains(told), "{}", run.stderr);
    }
    let json = ["--output", "json", "--template", "/nowhere/{*}"];
    let run = learn(&log(&lines), &[&DOMAIN[..], &by_hand, &json].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["coverage"], json!({"covered": 186, "eligible": 187}));
    let learnt = report["policies"][0]["learnt"].as_array().unwrap();
    let call = learnt
        .iter()
        .find(|call| call["path"] == "/orders/{*}")
        .unwrap();
    assert_eq!(
        call["byHand"],
        json!({"count": 8, "example": "/orders/1000"})
    );
    let unused = "note: template `/nowhere/{*}` matches no learned request";
    assert!(run.stderr.contains(unused), "{}", run.stderr);
    for (template, reason) in [
        ("/orders/{id}", "`{*}`"),
        ("/orders", "it has neither `{*}` nor `{**}`"),
        ("orders/{*}", "it must begin with `/`"),
    ] {
        let refused = learn("", &[&DOMAIN[..], &["--template", template]].concat());
        assert_eq!(refused.status, 3);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
}
