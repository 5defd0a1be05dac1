//! Dependencies and conflicts between the fields of a rule.

use serde_json::{Value, json};

use super::form::Form;
use super::texts::{
    IpBlock, Namespace, PortText, Principal, RequestPrincipal, ServiceAccount, TextPattern,
    TrustDomainPattern,
};

/// The fields of a source for the caller's identity.
const IDENTITY_FIELDS: [&str; 8] = [
    "principals",
    "notPrincipals",
    "serviceAccounts",
    "notServiceAccounts",
    "namespaces",
    "notNamespaces",
    "trustDomains",
    "notTrustDomains",
];

/// The fields of a source for client certificates from outside the mesh.
const CERTIFICATE_FIELDS: [&str; 2] = ["clientCertificates", "notClientCertificates"];

/// The fields of a source for JWTs.
const JWT_FIELDS: [&str; 2] = ["requestPrincipals", "notRequestPrincipals"];

/// The keys of conditions that a `Custom` rule cannot have: Istio asks the provider before it knows the caller.
const IDENTITY_KEYS: &str =
    "^(source\\.(namespace|principal|serviceAccount|trustDomain)|request\\.auth\\..*)$";

/// The constraints of a rule.
pub(crate) fn rule() -> Value {
    let without_identities = json!({
        "properties": refused(IDENTITY_FIELDS.iter().chain(&CERTIFICATE_FIELDS).chain(&JWT_FIELDS).chain(&["anonymous"]))
    });
    json!([
        {
            "if": {"properties": {"effect": {"const": "Custom"}}, "required": ["effect"]},
            "then": {
                "required": ["provider"],
                "properties": {
                    "notBefore": false,
                    "notAfter": false,
                    "from": {"items": without_identities},
                    "when": {"items": {"properties": {"key": {
                        "not": {"pattern": IDENTITY_KEYS},
                        "errorMessage": "a `Custom` rule cannot test callers or claims",
                    }}}},
                },
            },
        },
        {
            "if": {"properties": {"effect": {"enum": ["Allow", "Deny", "Audit"]}}, "required": ["effect"]},
            "then": {"properties": {"provider": false}},
        },
    ])
}

/// The constraints of a source.
pub(crate) fn source() -> Value {
    json!([
        {
            "if": {"required": ["anonymous"]},
            "then": {"properties": refused(IDENTITY_FIELDS.iter().chain(&CERTIFICATE_FIELDS))},
        },
        {
            "if": {"anyOf": CERTIFICATE_FIELDS.map(|field| json!({"required": [field]}))},
            "then": {"properties": refused(IDENTITY_FIELDS.iter())},
        },
        {
            "if": {"required": ["serviceAccounts"]},
            "then": {"properties": refused(["principals", "namespaces"].iter())},
        },
    ])
}

/// The constraints of a condition: it has values, and their form depends on the key.
pub(crate) fn condition() -> Value {
    let mut all = vec![json!({
        "anyOf": [{"required": ["values"]}, {"required": ["notValues"]}],
        "errorMessage": "add `values` or `notValues`",
    })];
    let forms: [(&str, Form); 8] = [
        ("^(source|remote|destination)\\.ip$", IpBlock::FORM),
        ("^source\\.namespace$", Namespace::FORM),
        ("^source\\.principal$", Principal::FORM),
        ("^source\\.serviceAccount$", ServiceAccount::FORM),
        ("^source\\.trustDomain$", TrustDomainPattern::FORM),
        ("^request\\.auth\\.principal$", RequestPrincipal::FORM),
        ("^destination\\.port$", PortText::FORM),
        (
            "^(request\\.headers\\[.*\\]|request\\.auth\\.(audiences|presenter|claims\\[.*\\])|connection\\.sni)$",
            TextPattern::FORM,
        ),
    ];
    all.extend(forms.map(|(key, form)| {
        let values = json!({"items": {"pattern": form.pattern, "patternErrorMessage": form.hint}});
        json!({
            "if": {"properties": {"key": {"pattern": key}}, "required": ["key"]},
            "then": {"properties": {"values": values, "notValues": values}},
        })
    }));
    Value::Array(all)
}

/// Properties that are not allowed.
fn refused<'f>(fields: impl Iterator<Item = &'f &'static str>) -> Value {
    Value::Object(
        fields
            .map(|field| ((*field).to_owned(), Value::Bool(false)))
            .collect(),
    )
}
