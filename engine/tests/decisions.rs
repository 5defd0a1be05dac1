//! The table of decisions, natively; `wasm.rs` runs it in WebAssembly.

#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "decisions/table.rs"]
mod table;

#[test]
fn checks_the_caller_before_any_rule() {
    table::checks_the_caller_before_any_rule();
}

#[test]
fn matches_principals_in_every_spelling() {
    table::matches_principals_in_every_spelling();
}

#[test]
fn matches_callers_by_account_namespace_and_trust_domain() {
    table::matches_callers_by_account_namespace_and_trust_domain();
}

#[test]
fn matches_requests_by_method_path_host_and_port() {
    table::matches_requests_by_method_path_host_and_port();
}

#[test]
fn missing_attributes_count_against_the_caller() {
    table::missing_attributes_count_against_the_caller();
}

#[test]
fn deny_precedes_allow_and_the_first_rule_is_reported() {
    table::deny_precedes_allow_and_the_first_rule_is_reported();
}

#[test]
fn applies_rules_within_their_validity() {
    table::applies_rules_within_their_validity();
}

#[test]
fn shadow_rules_are_recorded_and_never_decide() {
    table::shadow_rules_are_recorded_and_never_decide();
}

#[test]
fn a_shadow_policy_lets_every_request_pass() {
    table::a_shadow_policy_lets_every_request_pass();
}

#[test]
fn rejects_configs_with_unknown_or_invalid_parts() {
    table::rejects_configs_with_unknown_or_invalid_parts();
}

#[test]
fn distinguishes_a_thousand_rules() {
    table::distinguishes_a_thousand_rules();
}

#[test]
fn distinguishes_templates_with_a_common_prefix_or_suffix() {
    table::distinguishes_templates_with_a_common_prefix_or_suffix();
}

#[test]
fn a_repeated_header_is_denied_by_any_value_and_allowed_by_all() {
    table::a_repeated_header_is_denied_by_any_value_and_allowed_by_all();
}

#[test]
fn allows_an_ambiguous_host_only_as_listed() {
    table::allows_an_ambiguous_host_only_as_listed();
}

#[test]
fn denies_a_host_in_every_spelling() {
    table::denies_a_host_in_every_spelling();
}

#[test]
fn templates_deny_every_character_and_allow_istios() {
    table::templates_deny_every_character_and_allow_istios();
}

#[test]
fn matches_client_certificates_by_any_name() {
    table::matches_client_certificates_by_any_name();
}

#[test]
fn excludes_client_certificates_by_any_name() {
    table::excludes_client_certificates_by_any_name();
}

#[test]
fn client_certificates_are_neither_mesh_identities_nor_anonymous() {
    table::client_certificates_are_neither_mesh_identities_nor_anonymous();
}

#[test]
fn an_unvalidated_certificate_gives_no_identity() {
    table::an_unvalidated_certificate_gives_no_identity();
}

#[test]
fn client_certificates_count_only_at_gateways() {
    table::client_certificates_count_only_at_gateways();
}
