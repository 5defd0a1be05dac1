//! Misspelled labels, targets, providers and gateways.

use super::{SERVICE, codes, found, mesh, of_workload, policy};

#[test]
fn finds_misspelled_labels() {
    let labelled = |name: &str, labels: &str| {
        policy(
            "shop",
            name,
            &format!("selector: {{matchLabels: {{{labels}}}}}, rules: []"),
        )
    };
    let [a, b] = ["orders", "web"].map(|name| labelled(name, &format!("app: {name}")));
    for (labels, is_found) in [
        ("app: cart", false),
        ("ap: cart", true),
        ("app: crat", true),
        ("app: checkout", false),
        ("app: cart-v2", false),
        ("app: ca-rt", false),
        ("tier: cart", false),
        ("app: cart, apps: cart", false),
    ] {
        let found = codes(&[&mesh(""), &a, &b, &labelled("cart", labels)]);
        let expected: &[&str] = if is_found { &["unknown-label"] } else { &[] };
        assert_eq!(found, expected, "{labels}");
    }
    // One policy is not enough to establish a convention.
    assert_eq!(
        codes(&[&mesh(""), &a, &labelled("cart", "ap: cart")]),
        [""; 0]
    );
}

#[test]
fn finds_misspelled_targets() {
    let mesh = mesh(
        ", gateways: [{name: public, namespace: edge, api: Kubernetes, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let gateway = "group: gateway.networking.k8s.io, kind: Gateway";
    for (namespace, target, is_found) in [
        ("edge", format!("{gateway}, name: public"), false),
        ("edge", format!("{gateway}, name: pubilc"), true),
        ("edge", format!("{gateway}, name: waypoint"), false),
        ("shop", format!("{gateway}, name: public"), true),
        ("shop", format!("{gateway}, name: waypoint"), false),
        ("shop", "kind: Service, name: cart".to_owned(), false),
        ("shop", "kind: Service, name: crat".to_owned(), true),
        ("shop", "kind: Service, name: orders".to_owned(), false),
    ] {
        let cart = of_workload("shop", "cart", "service: {ports: [{port: 80}]}, rules: []");
        let policy = policy(
            namespace,
            "p",
            &format!("targetRefs: [{{{target}}}], rules: []"),
        );
        let found = codes(&[&mesh, &cart, &policy]);
        let expected: &[&str] = if is_found { &["unknown-target"] } else { &[] };
        assert_eq!(found, expected, "{namespace}: {target}");
    }
}

#[test]
fn finds_misspelled_label_values_that_other_documents_confirm() {
    let selecting = |name: &str, labels: &str, rest: &str| {
        let selector = format!("selector: {{matchLabels: {{{labels}}}}}, {rest}rules: []");
        policy("shop", name, &selector)
    };
    let gateway = mesh(
        ", gateways: [{name: public, namespace: shop, selector: {matchLabels: {istio: ingressgateway}}, serviceAccount: ingress, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let cart = selecting("cart", "app: cart", "");
    for (name, labels, rest, is_found) in [
        ("cart-admin", "app: crat", "", true),
        ("cart-v3", "app: crat, version: v3", "", true),
        ("gateway", "istio: ingresgateway", "", true),
        ("gateway", "istio: ingressgateway", "", false),
        ("cart-v2", "app: cart", "", false),
        ("carts", "app: carts", "", false),
        // The policy itself has the name twice.
        ("crat", "app: crat", "", false),
        (
            "cart-v2",
            "app: cart",
            "service: {ports: [{port: 80}], subsets: [{name: v2, selector: {matchLabels: {app: crat, version: v2}}}]}, ",
            true,
        ),
        (
            "cart-v2",
            "app: cart",
            "service: {ports: [{port: 80}], subsets: [{name: v2, selector: {matchLabels: {app: cart, version: v2}}}]}, ",
            false,
        ),
    ] {
        let found = codes(&[&gateway, &cart, &selecting(name, labels, rest)]);
        let found = found.contains(&"unknown-label");
        assert_eq!(found, is_found, "{name}: {labels} {rest}");
    }
    let everywhere =
        "scope: Mesh, selector: {matchLabels: {app: crat}}, otherwise: Pass, rules: []";
    let everywhere = policy("istio-system", "all", everywhere);
    assert_eq!(codes(&[&mesh(""), &cart, &everywhere]), ["unknown-label"]);
}

#[test]
fn finds_exceptions_and_gateways_that_select_nothing() {
    let service = "service: {ports: [{port: 80, targetPort: 8080}]}, rules: []";
    let cart = of_workload("shop", "cart", service);
    let orders = of_workload("shop", "orders", "rules: []");
    let exception_object = |exception: &str| {
        let mesh = mesh(&format!(
            ", mtls: {{mode: Strict, exceptions: [{{name: x, {exception}, owner: o, notAfter: \"2100-01-01T00:00:00Z\"}}]}}"
        ));
        codes(&[&mesh, &cart, &orders])
    };
    for (exception, expected) in [
        ("namespace: shpo", &["unknown-namespace"][..]),
        ("namespace: monitoring", &[]),
        (
            "namespace: shop, selector: {matchLabels: {app: crat}}",
            &["unknown-label"],
        ),
        (
            "namespace: shop, selector: {matchLabels: {app: legacy}}",
            &[],
        ),
        (
            "namespace: shop, selector: {matchLabels: {app: cart}}, ports: [80]",
            &["unknown-port"],
        ),
        (
            "namespace: shop, selector: {matchLabels: {app: cart}}, ports: [8080, 9102]",
            &[],
        ),
    ] {
        assert_eq!(exception_object(exception), expected, "{exception}");
    }
    let gateway = |namespace: &str| {
        let mesh = mesh(&format!(
            ", gateways: [{{name: public, namespace: {namespace}, selector: {{matchLabels: {{istio: ingressgateway}}}}, serviceAccount: ingress, servers: [{{hosts: [a.example], tls: {{secret: a}}}}]}}]"
        ));
        codes(&[&mesh, &cart, &orders])
    };
    assert_eq!(gateway("shpo"), ["unknown-namespace"]);
    assert_eq!(gateway("edge"), [""; 0]);
}

#[test]
fn finds_misspelled_providers() {
    let cart = |provider: &str| {
        let rules = format!(
            "{SERVICE}rules: [{{id: x, effect: Custom, provider: {provider}, to: [{{paths: [/x]}}]}}]"
        );
        of_workload("shop", "cart", &rules)
    };
    let mesh = |logs: &str| {
        mesh(&format!(
            ", extensionProviders: [{{name: opa-grpc, api: ExtAuthzGrpc, service: opa.authz.svc.cluster.local, port: 9191}}, \
             {{name: otel-logs, api: OpenTelemetryLogs, service: c.o.svc.cluster.local, port: 4317}}], \
             telemetry: {{accessLog: {{requests: Denied, provider: {logs}}}}}"
        ))
    };
    for (provider, logs, is_found) in [
        ("opa-grpc", "otel-logs", false),
        ("other", "envoy", false),
        ("opa-grcp", "otel-logs", true),
        ("Opa-grpc", "otel-logs", true),
        ("opa-grpc", "otel-lgos", true),
    ] {
        let found = codes(&[&mesh(logs), &cart(provider)]);
        let expected: &[&str] = if is_found { &["unknown-provider"] } else { &[] };
        assert_eq!(found, expected, "{provider} {logs}");
    }
}

#[test]
fn suggests_the_gateway_of_an_exposure() {
    let mesh = mesh(
        ", gateways: [{name: public, namespace: edge, selector: {matchLabels: {istio: ingressgateway}}, serviceAccount: ingress, servers: [{hosts: [a.example], tls: {secret: a}}]}]",
    );
    let spec = "service: {ports: [{port: 80}]}, exposures: [{gateway: pubilc, hosts: [a.example]}], rules: []";
    let found = found(&[&mesh, &of_workload("shop", "cart", spec)]);
    let help = "did you mean `public`?".to_owned();
    assert_eq!(found, [("unknown-gateway", help)]);
}
