//! The table of decisions in WebAssembly, as in the filter: `usize` has 32 bits there.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "decisions/table.rs"]
mod table;

use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn checks_the_caller_before_any_rule() {
    table::checks_the_caller_before_any_rule();
}

#[wasm_bindgen_test]
fn matches_principals_in_every_spelling() {
    table::matches_principals_in_every_spelling();
}

#[wasm_bindgen_test]
fn matches_callers_by_account_namespace_and_trust_domain() {
    table::matches_callers_by_account_namespace_and_trust_domain();
}

#[wasm_bindgen_test]
fn matches_requests_by_method_path_host_and_port() {
    table::matches_requests_by_method_path_host_and_port();
}

#[wasm_bindgen_test]
fn missing_attributes_count_against_the_caller() {
    table::missing_attributes_count_against_the_caller();
}

#[wasm_bindgen_test]
fn deny_precedes_allow_and_the_first_rule_is_reported() {
    table::deny_precedes_allow_and_the_first_rule_is_reported();
}

#[wasm_bindgen_test]
fn applies_rules_within_their_validity() {
    table::applies_rules_within_their_validity();
}

#[wasm_bindgen_test]
fn shadow_rules_are_recorded_and_never_decide() {
    table::shadow_rules_are_recorded_and_never_decide();
}

#[wasm_bindgen_test]
fn a_shadow_policy_lets_every_request_pass() {
    table::a_shadow_policy_lets_every_request_pass();
}

#[wasm_bindgen_test]
fn rejects_configs_with_unknown_or_invalid_parts() {
    table::rejects_configs_with_unknown_or_invalid_parts();
}

#[wasm_bindgen_test]
fn distinguishes_a_thousand_rules() {
    table::distinguishes_a_thousand_rules();
}

#[wasm_bindgen_test]
fn distinguishes_templates_with_a_common_prefix_or_suffix() {
    table::distinguishes_templates_with_a_common_prefix_or_suffix();
}

#[wasm_bindgen_test]
fn a_repeated_header_is_denied_by_any_value_and_allowed_by_all() {
    table::a_repeated_header_is_denied_by_any_value_and_allowed_by_all();
}

#[wasm_bindgen_test]
fn allows_an_ambiguous_host_only_as_listed() {
    table::allows_an_ambiguous_host_only_as_listed();
}

#[wasm_bindgen_test]
fn denies_a_host_in_every_spelling() {
    table::denies_a_host_in_every_spelling();
}

#[wasm_bindgen_test]
fn templates_deny_every_character_and_allow_istios() {
    table::templates_deny_every_character_and_allow_istios();
}

#[wasm_bindgen_test]
fn matches_client_certificates_by_any_name() {
    table::matches_client_certificates_by_any_name();
}

#[wasm_bindgen_test]
fn excludes_client_certificates_by_any_name() {
    table::excludes_client_certificates_by_any_name();
}

#[wasm_bindgen_test]
fn client_certificates_are_neither_mesh_identities_nor_anonymous() {
    table::client_certificates_are_neither_mesh_identities_nor_anonymous();
}

#[wasm_bindgen_test]
fn an_unvalidated_certificate_gives_no_identity() {
    table::an_unvalidated_certificate_gives_no_identity();
}

#[wasm_bindgen_test]
fn client_certificates_count_only_at_gateways() {
    table::client_certificates_count_only_at_gateways();
}
