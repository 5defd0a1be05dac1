//! What `peergate decide` says of paths.

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

/// What becomes of requests with these paths.
pub(crate) fn answers(mode: PathNormalization, paths: &[Vec<u8>]) -> Vec<Answer> {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("policies.yaml");
    fs::write(&policies, format!("{POLICY}{mode:?}\n")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_peergate"))
        .args(["decide", "--requests", "-", "-f"])
        .arg(&policies)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = paths.iter().map(|path| {
        // A line is text; of other bytes the module says the same.
        let path = std::str::from_utf8(path).unwrap_or("/");
        json!({"from": "shop/web", "method": "GET", "path": path}).to_string()
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = std::str::from_utf8(&output.stdout).unwrap().lines();
    let answers: Vec<_> = answers
        .zip(paths)
        .map(|(line, path)| match std::str::from_utf8(path) {
            Ok(_) => of_line(line),
            Err(_) => of_bytes(mode, path),
        })
        .collect();
    assert_eq!(answers.len(), paths.len());
    answers
}

fn of_line(line: &str) -> Answer {
    let answer: Value = serde_json::from_str(line).unwrap();
    if let Some(path) = answer["path"].as_str() {
        return Answer::Path(path.as_bytes().to_vec());
    }
    let explanation = answer["explanation"].as_str().unwrap();
    let status = explanation.strip_prefix("the proxy answers ").unwrap();
    Answer::Refused(status.split(':').next().unwrap().parse().unwrap())
}

fn of_bytes(mode: PathNormalization, path: &[u8]) -> Answer {
    match mode.normalize(path) {
        Ok(path) => Answer::Path(path),
        Err(refused) => Answer::Refused(refused.status()),
    }
}
