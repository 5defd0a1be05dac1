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
fn callers_are_told_apart_before_any_rule_is_read() {
    table::callers_are_told_apart_before_any_rule_is_read();
}

#[test]
fn principals_match_ids_in_every_spelling() {
    table::principals_match_ids_in_every_spelling();
}

#[test]
fn callers_match_by_account_namespace_and_trust_domain() {
    table::callers_match_by_account_namespace_and_trust_domain();
}

#[test]
fn requests_match_by_method_path_host_and_port() {
    table::requests_match_by_method_path_host_and_port();
}

#[test]
fn what_a_request_lacks_counts_against_the_caller() {
    table::what_a_request_lacks_counts_against_the_caller();
}

#[test]
fn deny_goes_before_allow_and_the_first_rule_is_named() {
    table::deny_goes_before_allow_and_the_first_rule_is_named();
}

#[test]
fn rules_apply_from_their_first_moment_to_before_their_last() {
    table::rules_apply_from_their_first_moment_to_before_their_last();
}

#[test]
fn shadow_rules_are_told_and_never_decide() {
    table::shadow_rules_are_told_and_never_decide();
}

#[test]
fn a_policy_in_shadow_decides_and_lets_everything_pass() {
    table::a_policy_in_shadow_decides_and_lets_everything_pass();
}

#[test]
fn configs_that_are_not_understood_in_full_are_refused() {
    table::configs_that_are_not_understood_in_full_are_refused();
}

#[test]
fn a_thousand_rules_are_told_apart() {
    table::a_thousand_rules_are_told_apart();
}

#[test]
fn templates_that_begin_or_end_alike_are_told_apart() {
    table::templates_that_begin_or_end_alike_are_told_apart();
}

#[test]
fn a_repeated_header_is_denied_by_one_value_and_allowed_by_all() {
    table::a_repeated_header_is_denied_by_one_value_and_allowed_by_all();
}

#[test]
fn an_ambiguous_host_passes_only_as_it_is_listed() {
    table::an_ambiguous_host_passes_only_as_it_is_listed();
}

#[test]
fn a_host_is_denied_in_every_spelling_and_allowed_in_its_plain_one() {
    table::a_host_is_denied_in_every_spelling_and_allowed_in_its_plain_one();
}

#[test]
fn a_template_denies_every_character_and_allows_those_of_istio() {
    table::a_template_denies_every_character_and_allows_those_of_istio();
}

#[test]
fn client_certificates_match_by_any_name_of_the_kind_in_the_rule() {
    table::client_certificates_match_by_any_name_of_the_kind_in_the_rule();
}

#[test]
fn client_certificates_are_excluded_by_any_of_their_names() {
    table::client_certificates_are_excluded_by_any_of_their_names();
}

#[test]
fn no_client_certificate_is_an_identity_of_the_mesh_nor_anonymous() {
    table::no_client_certificate_is_an_identity_of_the_mesh_nor_anonymous();
}

#[test]
fn an_unvalidated_certificate_gives_no_identity() {
    table::an_unvalidated_certificate_gives_no_identity();
}

#[test]
fn client_certificates_are_callers_at_gateways_alone() {
    table::client_certificates_are_callers_at_gateways_alone();
}
