//! The answers of `peergate decide`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use policy_schema::document::PathNormalization;
use serde_json::{Value, json};

use crate::Answer;

const POLICY: &str = "\
apiVersion: peergate.dev/v1alpha1
kind: ServicePolicy
metadata:
  name: all
  namespace: shop
spec:
  selector:
    matchLabels:
      app: all
  rules:
    - id: all
      effect: Allow
---
apiVersion: peergate.dev/v1alpha1
kind: Mesh
metadata:
  name: mesh
spec:
  trustDomain: cluster.local
  istioVersion: \"1.29\"
  pathNormalization: ";

/// The answers for requests with these paths.
pub(crate) fn answers(mode: PathNormalization, paths: &[Vec<u8>]) -> Vec<Answer> {
    let lines = paths.iter().map(|path| {
        // Input lines are UTF-8; for other bytes the module gives the same answer.
        let path = std::str::from_utf8(path).unwrap_or("/");
        json!({"from": "shop/web", "method": "GET", "path": path})
    });
    let answers = decide(&format!("{POLICY}{mode:?}\n"), lines);
    let answers: Vec<_> = answers
        .iter()
        .zip(paths)
        .map(|(answer, path)| match std::str::from_utf8(path) {
            Ok(_) => parse_answer(answer),
            Err(_) => normalize(mode, path),
        })
        .collect();
    assert_eq!(answers.len(), paths.len());
    answers
}

/// The answers of `peergate decide` to these requests.
pub(crate) fn decide(documents: &str, requests: impl Iterator<Item = Value>) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies.yaml");
    fs::write(&policies, documents).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(["decide", "--requests", "-", "-f"])
        .arg(&policies)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // It only repeats the answers and warns about the documents.
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: Vec<_> = requests.map(|request| request.to_string()).collect();
    let lines = lines.join("\n");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = std::str::from_utf8(&output.stdout).unwrap().lines();
    answers
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn parse_answer(answer: &Value) -> Answer {
    if let Some(path) = answer["path"].as_str() {
        return Answer::Path(path.as_bytes().to_vec());
    }
    Answer::Refused(status(answer).unwrap())
}

/// The status with which the proxy refuses the request.
pub(crate) fn status(answer: &Value) -> Option<u16> {
    let explanation = answer["explanation"].as_str()?;
    let status = explanation.strip_prefix("the proxy answers ")?;
    status.split(':').next()?.parse().ok()
}

fn normalize(mode: PathNormalization, path: &[u8]) -> Answer {
    match mode.normalize(path) {
        Ok(path) => Answer::Path(path),
        Err(refused) => Answer::Refused(refused.status()),
    }
}
