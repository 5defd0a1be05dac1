//! Minimizes a difference.

use peergate_tests::random::TestRequest;
use policy_schema::rule_spec::Otherwise;
use serde_json::Value;

use crate::callers::Callers;
use crate::case::{documents, validated};
use crate::compare::{Decisions, decisions};
use crate::proxy::Proxy;

/// Each attempt starts an Envoy.
const ATTEMPTS: u32 = 300;

/// Removes parts of the rules as long as the difference remains, and panics with the result.
pub(crate) fn shrink(
    rules: &[Value],
    otherwise: Otherwise,
    asked: &TestRequest,
    callers: &mut Callers,
) -> ! {
    let mut differing = |rules: &Value| -> Option<Decisions> {
        let set = validated(&documents(rules.as_array()?, otherwise))?;
        let proxy = Proxy::start(&[&set], callers);
        let decisions = decisions(&proxy, 0, &set, callers, std::slice::from_ref(asked));
        decisions.into_iter().find(Decisions::differ)
    };
    let mut smallest = Value::from(rules);
    let mut decisions = differing(&smallest);
    let mut attempts = 0;
    'smaller: loop {
        for candidate in smaller(&smallest) {
            attempts += 1;
            if attempts > ATTEMPTS {
                break 'smaller;
            }
            if let Some(found) = differing(&candidate) {
                smallest = candidate;
                decisions = Some(found);
                continue 'smaller;
            }
        }
        break;
    }
    let [mesh, policy] = documents(smallest.as_array().unwrap(), otherwise);
    panic!("the planes differ: {decisions:#?}\n{mesh}\n{policy}\n{asked:#?}");
}

/// The value with one part less, for each part.
fn smaller(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Array(elements) => {
            for position in 0..elements.len() {
                let mut fewer = elements.clone();
                fewer.remove(position);
                all.push(Value::from(fewer));
            }
            for (position, element) in elements.iter().enumerate() {
                for candidate in smaller(element) {
                    let mut changed = elements.clone();
                    changed[position] = candidate;
                    all.push(Value::from(changed));
                }
            }
        }
        Value::Object(fields) => {
            for key in fields.keys() {
                let mut fewer = fields.clone();
                fewer.remove(key);
                all.push(Value::from(fewer));
            }
            for (key, field) in fields {
                for candidate in smaller(field) {
                    let mut changed = fields.clone();
                    changed.insert(key.clone(), candidate);
                    all.push(Value::from(changed));
                }
            }
        }
        _ => {}
    }
    all
}
