//! The mesh config and what options say in its place.

use policy_schema::import::Options;

use super::{MESH, imported, messages, policy};

/// The mesh config stands in several places.
#[test]
fn the_mesh_config_is_read_wherever_it_stands() {
    for text in [
        "meshConfig: {trustDomain: prod.example, rootNamespace: mesh}\n",
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
