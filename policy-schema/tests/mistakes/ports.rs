//! Ports that the workload does not have.

use super::{SERVICE, codes, codes_of_rule, found, mesh, of_workload, policy};

#[test]
fn finds_ports_that_the_workload_does_not_have() {
    for rule in [
        "effect: Allow, to: [{ports: [80]}]",
        "effect: Allow, to: [{ports: [9000, 8008]}]",
        "effect: Allow, to: [{notPorts: [80]}]",
        "effect: Deny, to: [{ports: [80]}]",
        "effect: Allow, when: [{key: destination.port, values: [\"80\"]}]",
        "effect: Allow, when: [{key: destination.port, values: [\"8800\"]}]",
        "effect: Allow, when: [{key: destination.port, notValues: [\"80\"]}]",
    ] {
        assert_eq!(codes_of_rule(SERVICE, rule), ["unknown-port"], "{rule}");
    }
}

#[test]
fn does_not_report_existing_or_undeclared_ports() {
    let all = "effect: Allow, to: [{ports: [8080, 9000, 15020]}]";
    let tcp = format!("{SERVICE}tcpPorts: [6379], ");
    for (spec, rule) in [
        (SERVICE, all),
        (&*tcp, "effect: Allow, to: [{ports: [6379]}]"),
        ("", "effect: Allow, to: [{ports: [80]}]"),
        ("tcpPorts: [6379], ", "effect: Allow, to: [{ports: [80]}]"),
        // Exporters have no service.
        (SERVICE, "effect: Allow, to: [{ports: [9102]}]"),
        (
            SERVICE,
            "effect: Allow, when: [{key: destination.port, values: [\"8081\"]}]",
        ),
        // An excluded port need not exist.
        (SERVICE, "effect: Allow, to: [{notPorts: [9090]}]"),
    ] {
        assert_eq!(codes_of_rule(spec, rule), [""; 0], "{spec} {rule}");
    }
}

#[test]
fn ports_of_other_policies_for_the_workload_and_of_exceptions_are_known() {
    let rule = "rules: [{id: r, effect: Allow, to: [{ports: [9009]}]}]";
    let service = SERVICE.replace("9000", "9000}, {port: 9090");
    let cart = of_workload("shop", "cart", &format!("{service}{rule}"));
    assert_eq!(codes(&[&mesh(""), &cart]), ["unknown-port"]);
    let exception = mesh(
        ", mtls: {mode: Strict, exceptions: [{name: scrape, namespace: shop, selector: {matchLabels: {app: cart}}, ports: [9009], owner: o, notAfter: \"2100-01-01T00:00:00Z\"}]}",
    );
    assert_eq!(codes(&[&exception, &cart]), [""; 0]);
    let everywhere = policy(
        "shop",
        "all",
        "scope: Namespace, tcpPorts: [9009], rules: []",
    );
    assert_eq!(codes(&[&mesh(""), &cart, &everywhere]), [""; 0]);
    // A policy for the namespace also applies to undeclared workloads.
    let plain = of_workload("shop", "cart", &format!("{SERVICE}rules: []"));
    for (port, codes_expected) in [("9999", &[][..]), ("80", &["unknown-port"])] {
        let rule = format!(
            "scope: Namespace, rules: [{{id: r, effect: Allow, to: [{{ports: [{port}]}}]}}]"
        );
        let everywhere = policy("shop", "all", &rule);
        assert_eq!(
            codes(&[&mesh(""), &plain, &everywhere]),
            codes_expected,
            "{port}"
        );
        // It may be the port of a workload without a service.
        let other = of_workload("shop", "other", "rules: []");
        assert_eq!(codes(&[&mesh(""), &plain, &everywhere, &other]), [""; 0]);
    }
}

#[test]
fn finds_service_ports_in_tcp_ports() {
    let service = "service: {ports: [{port: 5432, targetPort: 15432}]}, ";
    let rule = "effect: Allow, to: [{ports: [5432]}]";
    let tcp = format!("{service}tcpPorts: [5432], ");
    assert_eq!(codes_of_rule(&tcp, rule), ["unknown-port"; 2]);
    let tcp = format!("{service}tcpPorts: [15432, 9187], ");
    assert_eq!(codes_of_rule(&tcp, "effect: Allow"), [""; 0]);
}

#[test]
fn suggests_adding_a_port_that_may_be_correct_elsewhere() {
    let plain = of_workload("shop", "cart", &format!("{SERVICE}rules: []"));
    let rule = "scope: Namespace, rules: [{id: r, effect: Deny, to: [{ports: [80]}]}]";
    let found = found(&[&mesh(""), &plain, &policy("shop", "all", rule)]);
    let [(code, help)] = &*found else {
        panic!("{found:?}");
    };
    assert_eq!(*code, "unknown-port");
    assert!(help.starts_with("add 8080"), "{help}");
}
