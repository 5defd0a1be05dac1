//! The mesh config, and options in its place.

use policy_schema::import::{Imported, Options, Outcome};
use policy_schema::policy::IstioVersion;

use super::{MESH, imported, messages, policy};

/// A mesh config can be in several places.
#[test]
fn reads_the_mesh_config_in_every_place() {
    for text in [
        "meshConfig: {trustDomain: prod.example, rootNamespace: mesh}\n",
        "istiod: {meshConfig: {trustDomain: prod.example}}\nglobal: {istioNamespace: mesh}\n",
        "apiVersion: sailoperator.io/v1\nkind: IstioRevision\nmetadata: {name: a}\n\
         spec: {namespace: mesh, values: {meshConfig: {trustDomain: prod.example}}}\n",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\n\
         spec: {values: {meshConfig: {trustDomain: prod.example, root_namespace: x, rootNamespace: mesh}}}\n",
        "apiVersion: maistra.io/v2\nkind: ServiceMeshControlPlane\nmetadata: {name: a, namespace: mesh}\n\
         spec: {security: {trust: {domain: prod.example}}}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio-canary}\n\
         data: {mesh: \"trust_domain: prod.example\\nroot_namespace: mesh\"}\n",
        "apiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {name: a}\n\
         spec: {values: {meshConfig: {trustDomain: prod.example, rootNamespace: mesh}}}\n",
        "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: a}\n\
         spec: {meshConfig: {trustDomain: prod.example, rootNamespace: mesh}}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\n\
         data: {mesh: \"trustDomain: prod.example\\nrootNamespace: mesh\"}\n",
    ] {
        let spec = imported(&[text], &Options::default())
            .documents
            .unwrap()
            .mesh
            .spec;
        assert_eq!(spec.trust_domain, "prod.example", "{text}");
        assert_eq!(spec.root_namespace.as_deref(), Some("mesh"), "{text}");
    }
}

#[test]
fn options_stand_in_for_a_mesh_config_and_never_contradict_it() {
    let options = Options {
        trust_domain: Some("prod.example".to_owned()),
        root_namespace: Some("mesh".to_owned()),
        ..Options::default()
    };
    let without = imported(&[&policy("ALLOW", "{}")], &options);
    assert!(
        !without
            .open
            .iter()
            .any(|open| open.contains("cluster.local"))
    );
    let spec = without.documents.unwrap().mesh.spec;
    assert_eq!(
        (spec.trust_domain.as_str(), spec.root_namespace.as_deref()),
        ("prod.example", Some("mesh"))
    );
    let beside = imported(&[MESH], &options);
    assert!(beside.documents.is_none());
    assert!(messages(&beside).contains("`trustDomain` of the mesh config is `td1`"));
}

#[test]
fn reads_values_in_all_forms_that_istiod_accepts() {
    use policy_schema::document::{PathNormalization, TlsVersion};
    let imported = imported(
        &[
            "meshConfig:\n  trust_domain_aliases: [old.example]\n  path_normalization: {normalization: 1}\n  mesh_mTLS: {min_protocol_version: 2}\n",
        ],
        &Options::default(),
    );
    let spec = imported.documents.unwrap().mesh.spec;
    assert_eq!(
        spec.trust_domain_aliases,
        Some(vec!["old.example".to_owned()])
    );
    assert_eq!(spec.path_normalization, Some(PathNormalization::None));
    assert_eq!(spec.mtls.unwrap().min_version, Some(TlsVersion::V1_3));
}

/// The finding is at the field. Fields that Istio merely ignores are no reason to refuse the rest.
#[test]
fn refuses_what_istiod_refuses_and_notes_what_it_ignores() {
    for (field, is_refused, message) in [
        ("trustDomain: 5", true, "`trustDomain` is `5`, not text"),
        (
            "trustDomain: [a]",
            true,
            "`trustDomain` is `[\"a\"]`, not text",
        ),
        (
            "trustDomainAliases: old.example",
            true,
            "`trustDomainAliases` is `\"old.example\"`, not a list of texts",
        ),
        (
            "pathNormalization: {normalization: 9}",
            true,
            "`pathNormalization.normalization` is `9`, not one of",
        ),
        (
            "meshMTLS: {minProtocolVersion: TLSV1_1}",
            true,
            "`meshMTLS.minProtocolVersion` is `\"TLSV1_1\"`, not one of",
        ),
        (
            "trust_domain: evil.example",
            false,
            "`trust_domain` is ignored, because `trustDomain` is also set",
        ),
        (
            "trustDomian: evil.example",
            false,
            "`trustDomian` is unknown to Istio",
        ),
    ] {
        let text = format!("meshConfig:\n  enableTracing: true\n  {field}\n");
        let imported = imported(&[&text], &Options::default());
        assert_eq!(imported.documents.is_none(), is_refused, "{field}");
        let finding = imported
            .findings
            .iter()
            .find(|finding| finding.message.starts_with(message));
        let finding = finding.expect(field);
        assert_eq!(finding.outcome == Outcome::Fatal, is_refused);
        let before = text.get(..finding.place.span.start).unwrap();
        assert_eq!(before.lines().count(), 3, "{field}");
    }
}

#[test]
fn merges_equal_mesh_configs_and_refuses_different_ones() {
    let values = "meshConfig: {trustDomain: prod.example}\n";
    let map = |config: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio}}\ndata: {{mesh: \"{config}\"}}\n"
        )
    };
    for (config, is_same) in [
        ("trustDomain: prod.example", true),
        (
            "trust_domain: prod.example\\npath_normalization: {normalization: 2}",
            true,
        ),
        ("trustDomain: other.example", false),
        (
            "trustDomain: prod.example\\npath_normalization: {normalization: 1}",
            false,
        ),
        ("trustDomain: prod.example\\nrootNamespace: mesh", false),
    ] {
        let imported = imported(&[values, &map(config)], &Options::default());
        assert_eq!(imported.documents.is_some(), is_same, "{config}");
        let refused = messages(&imported).contains("the input has another mesh config");
        assert_eq!(refused, !is_same, "{config}");
    }
}

#[test]
fn detects_the_installed_version() {
    let sail = |version: &str| {
        format!(
            "apiVersion: sailoperator.io/v1\nkind: Istio\nmetadata: {{name: a}}\n\
             spec: {{version: {version}, values: {{meshConfig: {{trustDomain: prod.example}}}}}}\n"
        )
    };
    let assumed =
        |imported: &Imported| imported.open.iter().any(|open| open.contains("is assumed"));
    for (version, expected) in [
        ("v1.27.1", Some("1.27")),
        ("v1.27-latest", Some("1.27")),
        ("v1.28-alpha.5e8a4b2", Some("1.28")),
        ("v1.9.0", None),
        ("master", None),
    ] {
        let imported = imported(&[&sail(version)], &Options::default());
        assert_eq!(assumed(&imported), expected.is_none(), "{version}");
        let found = imported.documents.unwrap().mesh.spec.istio_version;
        assert_eq!(found, expected.unwrap_or("1.31"), "{version}");
    }
    let options = Options {
        istio_version: IstioVersion::parse("1.26"),
        ..Options::default()
    };
    let contradicted = imported(&[&sail("v1.27.1")], &options);
    assert!(contradicted.documents.is_none());
    assert!(
        messages(&contradicted).contains("Istio 1.27 is installed, but `--istio-version` is 1.26")
    );
}

#[test]
fn reports_an_unsupported_mesh_config_and_the_assumptions() {
    for (text, place) in [
        (
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: a}\nspec: {valuesContent: \"meshConfig:\\n  trustDomain: prod.example\"}\n",
            "spec.valuesContent",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {mesh: \"trustDomain: prod.example\"}\n",
            "data.mesh",
        ),
        (
            "a: {b: {meshConfig: {trustDomain: prod.example}}}\n",
            "a.b.meshConfig",
        ),
    ] {
        let imported = imported(&[text], &Options::default());
        let noted = format!("has a mesh config in `{place}`, which is not read");
        assert!(
            messages(&imported).contains(&noted),
            "{:?}",
            imported.findings
        );
        assert!(
            imported
                .open
                .iter()
                .any(|open| open.contains("the trust domain `cluster.local`"))
        );
    }
}
