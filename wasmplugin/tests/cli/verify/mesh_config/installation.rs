//! The mesh config in installation values of Istio.

use super::*;

/// The next run of the installer would change the mesh config.
#[test]
fn compares_the_mesh_config_in_installation_values() {
    let config = json!({
        "trustDomain": "other.example",
        "trustDomainAliases": ["old.cluster.local"],
        "meshMTLS": {"minProtocolVersion": "TLSV1_3"},
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
    });
    for (group, kind, spec, is_found) in [
        (
            "install.istio.io/v1alpha1",
            "IstioOperator",
            json!({"meshConfig": config}),
            true,
        ),
        (
            "install.istio.io/v1alpha1",
            "IstioOperator",
            json!({"meshConfig": config, "revision": "canary"}),
            false,
        ),
        (
            "install.istio.io/v1alpha1",
            "IstioOperator",
            json!({"meshConfig": {"trustDomain": "other.example"}, "values": {"meshConfig": {
                "trustDomainAliases": ["old.cluster.local"],
                "meshMTLS": {"minProtocolVersion": "TLSV1_3"},
                "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
            }}}),
            true,
        ),
        (
            "sailoperator.io/v1",
            "Istio",
            json!({"values": {"meshConfig": config}}),
            false,
        ),
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            json!({"values": {"revision": "canary", "meshConfig": config}}),
            false,
        ),
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            json!({"values": {"istiod": {"revision": "canary", "meshConfig": config}}}),
            false,
        ),
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            json!({"values": {"istiod": {"meshConfig": config}}}),
            true,
        ),
    ] {
        let object = json!({"apiVersion": group, "kind": kind, "metadata": {"name": "a", "namespace": "istio-system"}, "spec": spec});
        let found = Mesh::good()
            .with("install.json", &object.to_string())
            .findings();
        let subject = format!("{kind} istio-system/a");
        let message = "its `trustDomain` is `other.example`, but the `Mesh` has `cluster.local`";
        let expected = [
            "changed-mesh-config".to_owned(),
            subject,
            message.to_owned(),
        ];
        assert_eq!(
            found,
            if is_found { vec![expected] } else { vec![] },
            "{object}"
        );
    }
}

#[test]
fn reports_the_line_of_a_field_in_helm_values() {
    let rest = "trustDomainAliases: [old.cluster.local], meshMTLS: {minProtocolVersion: TLSV1_3}, outboundTrafficPolicy: {mode: REGISTRY_ONLY}";
    for values in [
        format!("# a\nmeshConfig: {{trustDomain: other.example, {rest}}}\n"),
        format!("# a\nistiod: {{meshConfig: {{trustDomain: other.example, {rest}}}}}\n"),
    ] {
        let mesh = Mesh::good().with("values.yaml", &values);
        mesh.reports_only(
            "changed-mesh-config",
            "Helm values of Istio",
            "its `trustDomain` is `other.example`, but the `Mesh` has `cluster.local`",
        );
        let run = mesh.verify(&[]);
        assert!(run.stdout.contains("values.yaml:2:"), "{}", run.stdout);
        assert_eq!(run.stderr, "");
    }
}

/// The Sail operator names a revision after its `Istio`.
#[test]
fn compares_a_sail_operator_istio_if_it_has_the_revision_of_the_mesh() {
    let spec = json!({"selector": {"matchLabels": {"app": "broker"}}, "rules": []});
    for (line, name, is_found) in [
        ("", "default", true),
        ("", "team-b", false),
        ("revision: team-b", "team-b", true),
        ("revision: team-b-v1-29-0", "team-b", true),
        ("revision: team-b", "default", false),
    ] {
        let object = json!({
            "apiVersion": "sailoperator.io/v1", "kind": "Istio", "metadata": {"name": name},
            "spec": {"namespace": "istio-system", "values": {"meshConfig": {"trustDomain": "other.example"}}},
        });
        let mesh = mesh_with_line(line, &spec, "1.30", &[&object.to_string()]);
        let found = mesh.findings();
        let subject = format!("Istio {name}");
        let is_about = |finding: &&[String; 3]| finding[0] == "changed-mesh-config";
        let subjects: Vec<_> = found
            .iter()
            .filter(is_about)
            .map(|[_, subject, _]| subject)
            .collect();
        let expected: Vec<_> = Some(&subject).filter(|_| is_found).into_iter().collect();
        assert_eq!(subjects, expected, "{line} {name}");
    }
}

/// The mesh config may be in a string, in another field or in another object.
#[test]
fn skips_a_mesh_config_that_an_installation_keeps_elsewhere() {
    let text = "meshConfig:\n  pathNormalization: {normalization: NONE}\n";
    let values = json!({"meshConfig": {"pathNormalization": {"normalization": "NONE"}}});
    for (api_version, kind, spec, location) in [
        (
            "argoproj.io/v1alpha1",
            "Application",
            json!({"source": {"chart": "istiod", "helm": {"values": text}}}),
            "spec.source.helm.values",
        ),
        (
            "argoproj.io/v1alpha1",
            "Application",
            json!({"sources": [{"helm": {"valuesObject": values}}]}),
            "spec.sources[0].helm.valuesObject.meshConfig",
        ),
        (
            "argoproj.io/v1alpha1",
            "Application",
            json!({"source": {"helm": {"parameters": [{"name": "meshConfig.trustDomain", "value": "a"}]}}}),
            "spec.source.helm.parameters[0].name",
        ),
        (
            "argoproj.io/v1alpha1",
            "ApplicationSet",
            json!({"template": {"spec": {"source": {"helm": {"valuesObject": values}}}}}),
            "spec.template.spec.source.helm.valuesObject.meshConfig",
        ),
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            json!({"chart": {"spec": {"chart": "istiod"}}, "valuesFrom": [{"kind": "Secret", "name": "a"}]}),
            "spec.valuesFrom",
        ),
    ] {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "argocd"}, "spec": spec});
        let message = format!("has a mesh config in `{location}`, which `verify` does not read");
        Mesh::good()
            .with("install.json", &object.to_string())
            .reports_only("not-checked", &format!("{kind} argocd/a"), &message);
    }
}

/// Istio's defaults may differ from the `Mesh`.
#[test]
fn an_installation_without_a_mesh_config_has_istios_defaults() {
    for (api_version, kind, name, spec) in [
        (
            "install.istio.io/v1alpha1",
            "IstioOperator",
            "a",
            json!({"profile": "default"}),
        ),
        (
            "sailoperator.io/v1",
            "Istio",
            "default",
            json!({"namespace": "istio-system", "version": "v1.29.0"}),
        ),
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            "a",
            json!({"chart": {"spec": {"chart": "istiod"}}, "values": {"pilot": {}}}),
        ),
        (
            "argoproj.io/v1alpha1",
            "Application",
            "a",
            json!({"source": {"chart": "istiod"}}),
        ),
    ] {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "istio-system"}, "spec": spec});
        let found = Mesh::good()
            .with("install.json", &object.to_string())
            .findings();
        let messages: Vec<_> = found
            .iter()
            .map(|[_, _, message]| message.split('`').nth(1).unwrap())
            .collect();
        assert_eq!(
            messages,
            [
                "meshMTLS.minProtocolVersion",
                "outboundTrafficPolicy.mode",
                "trustDomainAliases"
            ],
            "{object}: {found:?}"
        );
    }
    // Other charts have no mesh config.
    for (api_version, kind, spec) in [
        (
            "helm.toolkit.fluxcd.io/v2",
            "HelmRelease",
            json!({"chart": {"spec": {"chart": "redis"}}, "valuesFrom": [{"kind": "Secret", "name": "a"}]}),
        ),
        (
            "argoproj.io/v1alpha1",
            "Application",
            json!({"source": {"chart": "redis"}}),
        ),
    ] {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "a"}, "spec": spec});
        assert_eq!(
            Mesh::good()
                .with("install.json", &object.to_string())
                .findings(),
            [[""; 3]; 0]
        );
    }
}
