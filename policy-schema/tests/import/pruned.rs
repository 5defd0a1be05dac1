//! Values that are left out, and values that stay.

use super::messages;
use super::objects::import;

#[test]
fn leaves_out_only_values_that_never_match() {
    for (rule, expected) in [
        (
            "{to: [{operation: {methods: [GET, PUT], notMethods: [GET]}}]}",
            Some("[PUT]"),
        ),
        (
            "{to: [{operation: {methods: [GET], notMethods: [GET]}}]}",
            None,
        ),
        (
            "{to: [{operation: {paths: [/x, /a], notPaths: [\"/x*\"]}}]}",
            Some("[/a]"),
        ),
    ] {
        for action in ["ALLOW", "DENY"] {
            let spec = format!(
                "{{selector: {{matchLabels: {{app: cart}}}}, action: {action}, rules: [{rule}]}}"
            );
            let imported = import(&[("shop/a", &spec)]);
            let told = messages(&imported);
            let documents = imported.documents.unwrap();
            // On TCP ports, a rule that denies no request denies connections.
            if action == "DENY" && expected.is_none() {
                assert_eq!(documents.policies.len(), 0, "{rule}: {told}");
                continue;
            }
            assert_eq!(documents.policies.len(), 1, "{rule}: {told}");
            let rules = serde_json::to_string(&documents.policies[0].document.spec.rules).unwrap();
            let rules = rules.replace('"', "");
            assert!(told.contains("left out, since"), "{rule}: {told}");
            match expected {
                Some(list) => assert!(rules.contains(list), "{rule}: {rules}"),
                None => assert_eq!(rules, "[]", "{rule}"),
            }
        }
    }
}

#[test]
fn leaves_out_covered_values() {
    for (list, is_carried) in [
        ("notPaths: [\"/login/*\", \"/login/**\"]", true),
        ("notPaths: [\"/login/**\", \"/login/*\"]", true),
        ("paths: [\"*/end\", \"/a*b/end\"]", true),
        ("paths: [\"*\", \"/a*b\"]", true),
        ("paths: [\"/logout/*\", \"/login/**\"]", false),
        ("paths: [\"*/x\", \"/login/**\"]", false),
        ("paths: [\"/login/**\"]", false),
        ("paths: [\"/lo*in\", \"/lo*\"]", true),
    ] {
        let spec = format!(
            "{{selector: {{matchLabels: {{app: cart}}}}, action: DENY, rules: [{{to: [{{operation: {{{list}}}}}]}}]}}"
        );
        let imported = import(&[("shop/a", &spec)]);
        let count = imported.documents.as_ref().unwrap().policies.len();
        assert_eq!(count == 1, is_carried, "{list}: {}", messages(&imported));
        let is_said = messages(&imported).contains("in the same list already covers it");
        assert_eq!(is_said, is_carried, "{list}");
    }
}

#[test]
fn texts_that_look_like_addresses_stay_texts() {
    let rule = "{selector: {matchLabels: {app: cart}}, action: DENY, rules: [{from: [{source: {notIpBlocks: [10.1.2.3/8]}}], to: [{operation: {ports: [\"80\"]}}], when: [
        {key: \"request.headers[x-net]\", values: [10.1.2.3/8, \"FE80::1/64\", \"::ffff:10.1.2.3\", 10.1.2.3]}, {key: source.ip, values: [10.1.2.3/8]}]}]}";
    let imported = import(&[("shop/a", rule)]);
    let documents = imported.documents.unwrap();
    let rules = serde_json::to_value(&documents.policies[0].document.spec.rules).unwrap();
    assert_eq!(
        rules[0]["when"][0]["values"],
        serde_json::json!(["10.1.2.3/8", "FE80::1/64", "::ffff:10.1.2.3", "10.1.2.3"])
    );
    assert_eq!(
        rules[0]["when"][1]["values"],
        serde_json::json!(["10.0.0.0/8"])
    );
    assert_eq!(
        rules[0]["from"][0]["notIpBlocks"],
        serde_json::json!(["10.0.0.0/8"])
    );
}
