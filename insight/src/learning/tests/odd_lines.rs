//! Odd paths within a template, and hand-written templates.

use super::*;
use crate::learning::hand_template::HandTemplate;
use crate::learning::path_folding::Paths;

/// An hour of `WEB`'s requests for a hundred orders.
fn hour_of_orders() -> impl Iterator<Item = Observation> {
    (0..100).map(|id| seen_at(id * 36, WEB, "GET", &format!("/orders/{}", 1000 + id)))
}

#[test]
fn reports_odd_lines_that_do_not_prevent_a_template() {
    let evidence = Thresholds {
        least_count: 3,
        least_span: 5,
        ..EVIDENCE
    };
    let id = "123e4567-e89b-12d3-a456-426614174000";
    let uuid = &format!("/orders/{id}");
    let foreign = "spiffe://elsewhere.example/ns/shop/sa/web";
    let times = |count: u64, observation: Observation| {
        let at =
            |number: u64| Tally::once(Timestamp::from_unix_nanoseconds(number * 1_000_000_000));
        let each = (0..count).map(move |number| Observation {
            tally: at(number * 3600 / count),
            ..observation.clone()
        });
        each.collect::<Vec<_>>()
    };
    for (odd, is_template, told) in [
        // One line, from any caller and with any outcome.
        (
            times(1, seen(WEB, "GET", "/orders/1;DROP")),
            true,
            Some("1;DROP"),
        ),
        (
            times(1, seen(ADS, "GET", "/orders/export")),
            true,
            Some("export"),
        ),
        (times(1, seen(WEB, "GET", uuid)), true, Some(id)),
        (
            times(1, denied(seen(ADS, "GET", "/orders/x"))),
            true,
            Some("x"),
        ),
        // Many refused requests of another caller.
        (
            times(500, answered(404, seen(ADS, "GET", "/orders/x"))),
            true,
            Some("x"),
        ),
        (
            times(500, denied(seen(ADS, "GET", "/orders/x"))),
            true,
            Some("x"),
        ),
        // Callers that rules cannot name.
        (times(500, seen("", "GET", "/orders/x")), true, None),
        (times(500, seen(foreign, "GET", "/orders/x")), true, None),
        // Several allowed requests for a word: it is a separate page.
        (times(3, seen(ADS, "GET", "/orders/export")), false, None),
        (times(3, seen(WEB, "GET", "/orders/export")), false, None),
        // A considerable share of the caller's own requests, with any outcome.
        (
            times(6, answered(404, seen(WEB, "GET", "/orders/x"))),
            false,
            None,
        ),
        // A template never matches a path that the caller was denied.
        (times(1, denied(seen(WEB, "GET", "/orders/x"))), false, None),
        (times(3, seen(WEB, "GET", uuid)), false, None),
    ] {
        let shown = format!("{:?}, {} times", odd.first(), odd.len());
        let all = workload(hour_of_orders().chain(odd));
        let proposals = Proposals::new(&all, evidence, &[]);
        let learned = proposals.learned.values().flatten();
        let mut templates = learned.filter(|call| !call.pattern.folds.is_empty());
        let template = templates.next();
        assert_eq!(template.is_some(), is_template, "{shown}");
        let odd = template.and_then(|call| call.pattern.odd.as_deref());
        assert_eq!(odd, told, "{shown}");
        assert_eq!(proposals.held_back.is_empty(), is_template, "{shown}");
    }
}

#[test]
fn a_hand_written_template_needs_no_evidence() {
    let templates = ["/orders/{*}", "/files/{**}"].map(|text| HandTemplate::parse(text).unwrap());
    let observations = [
        seen(WEB, "GET", "/orders/1"),
        seen(WEB, "GET", "/orders/export"),
        seen(WEB, "PUT", "/orders/1"),
        seen(ADS, "GET", "/files/a/b"),
        seen(ADS, "GET", "/cart"),
        denied(seen(WEB, "GET", "/orders/secret")),
        denied(seen(ADS, "GET", "/orders/secret")),
        answered(403, seen(WEB, "GET", "/orders/9")),
    ];
    let proposals = Proposals::new(&workload(observations), EVIDENCE, &templates);
    let calls: Vec<_> = proposals
        .learned
        .values()
        .flatten()
        .map(|call| {
            let count = |paths: &Paths| paths.count;
            let by_hand = call.pattern.by_hand.as_ref();
            (
                call.caller.to_string(),
                call.method.as_str(),
                call.pattern.text.as_str(),
                by_hand.map(|by_hand| count(&by_hand.paths)),
                by_hand.and_then(|by_hand| by_hand.denied.as_ref().map(count)),
                call.pattern.forbidden.as_ref().map(count),
            )
        })
        .collect();
    let (ads, web) = ("shop/ads".to_owned(), "shop/web".to_owned());
    assert_eq!(
        calls,
        [
            (ads.clone(), "GET", "/cart", None, None, None),
            (ads, "GET", "/files/{**}", Some(1), None, None),
            (web.clone(), "GET", "/orders/{*}", Some(2), Some(1), Some(1)),
            (web, "PUT", "/orders/{*}", Some(1), None, None),
        ]
    );
    // No caller gets a template for paths that it never requested.
    let policy = compiled(rules(&proposals));
    assert!(allows(&policy, WEB, "GET", "/orders/17"));
    assert!(!allows(&policy, ADS, "GET", "/orders/17"));
    assert!(!allows(&policy, WEB, "GET", "/files/a"));
}

#[test]
fn rejects_hand_written_templates_that_rules_cannot_contain() {
    for (text, reason) in [
        ("/v1/orders/{*}", None),
        ("/v1/{**}", None),
        ("/v1/orders/{id}", Some("{*}")),
        ("/v1/orders/*", Some("{*}")),
        ("/v1/orders", Some("{*}")),
        ("v1/orders/{*}", Some("begin with `/`")),
        ("/v1/{**}/{**}", Some("{**}")),
        ("", Some("begin with `/`")),
    ] {
        let error = HandTemplate::parse(text)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.is_some(), reason.is_some(), "{text}: {error:?}");
        let (error, reason) = (error.unwrap_or_default(), reason.unwrap_or_default());
        assert!(error.contains(reason), "{text}: {error}");
    }
}
