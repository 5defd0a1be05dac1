//! Roots and intermediates for Istio's CA, and what is said of certificates.

use super::*;

/// A root and an intermediate of it, made as an operator does.
fn authorities() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    make_authorities(folder.path(), "cluster.local", "root", "east");
    folder
}

/// A run that must have succeeded, and said on stderr alone what it wrote.
fn made(args: &[&str]) {
    let made = run(args);
    assert_eq!((made.status, made.stdout.as_str()), (0, ""), "{args:?}");
    assert!(made.stderr.starts_with("wrote "), "{}", made.stderr);
}

/// Makes them in these folders below `folder`.
fn make_authorities(folder: &Path, trust_domain: &str, root: &str, cluster: &str) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let domain = ["--trust-domain", trust_domain];
    let (root, out) = (path(root), path(cluster));
    let make = ["certs", "root", "--out", &root];
    made(&[&make, &domain[..]].concat());
    let make = [
        "certs",
        "cluster",
        "--root",
        &root,
        "--cluster",
        "east",
        "--out",
        &out,
    ];
    made(&[&make, &domain[..]].concat());
}

#[test]
fn makes_what_istios_ca_takes_and_finds_it_sound() {
    let folder = authorities();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    assert_eq!(
        read("east/cert-chain.pem"),
        read("east/ca-cert.pem") + &read("root/root-cert.pem")
    );
    assert_eq!(read("east/root-cert.pem"), read("root/root-cert.pem"));
    let secret = read("east/cacerts.yaml");
    for key in [
        "ca-cert.pem",
        "ca-key.pem",
        "cert-chain.pem",
        "root-cert.pem",
    ] {
        assert!(secret.contains(&format!("  {key}: ")), "{secret}");
    }
    let (chain, secret) = (path("east/cert-chain.pem"), path("east/cacerts.yaml"));
    let args = [
        "certs",
        "read",
        &chain,
        &secret,
        "--trust-domain",
        "cluster.local",
    ];
    let text = stdout_of(&args);
    assert!(
        text.contains("CN=Intermediate CA of east: authority, EC 256, "),
        "{text}"
    );
    assert!(text.contains("cacerts.yaml: root-cert.pem\n"), "{text}");
    let json = stdout_of(&[&args[..], &["--output", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json[0]["certificates"][0]["identities"][0],
        "spiffe://cluster.local"
    );
    let days = json[0]["certificates"][1]["daysLeft"].as_i64().unwrap();
    assert!((3649..=3650).contains(&days), "{days}");
}

#[cfg(unix)]
#[test]
fn keys_are_their_owners_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let folder = authorities();
    for name in ["root/root-key.pem", "east/ca-key.pem", "east/cacerts.yaml"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let root = folder.path().join("root").to_str().unwrap().to_owned();
    let before = std::fs::read(format!("{root}/root-key.pem")).unwrap();
    std::fs::remove_file(format!("{root}/root-cert.pem")).unwrap();
    let again = run(&[
        "certs",
        "root",
        "--trust-domain",
        "cluster.local",
        "--out",
        &root,
    ]);
    assert_eq!(again.status, 1);
    assert!(
        again.stderr.contains("root-key.pem` already exists"),
        "{}",
        again.stderr
    );
    assert!(
        again.stderr.contains("choose another folder"),
        "{}",
        again.stderr
    );
    assert_eq!(
        std::fs::read(format!("{root}/root-key.pem")).unwrap(),
        before
    );
    assert!(!Path::new(&format!("{root}/root-cert.pem")).exists());
}

#[test]
fn says_what_is_wrong() {
    let folder = authorities();
    let chain = folder.path().join("east/cert-chain.pem");
    let args = ["certs", "read", text(&chain)];
    let late = run(&[&args[..], &["--at", "2200-01-01T00:00:00Z"]].concat());
    assert_eq!(late.status, 2);
    assert_eq!(late.stdout.matches("    expired: expired at ").count(), 2);
    let few = run(&[&args[..], &["--min-days", "400"]].concat());
    assert_eq!(few.status, 2);
    assert!(
        few.stdout.contains("    ends-soon: expires in 36"),
        "{}",
        few.stdout
    );
    let foreign = run(&[&args[..], &["--trust-domain", "other"]].concat());
    assert_eq!(foreign.status, 2);
    let nothing = run_with(&["certs", "read", "-"], "text");
    assert_eq!((nothing.status, nothing.stdout.as_str()), (3, ""));
    assert_eq!(run(&["certs", "read", "missing.pem"]).status, 1);
}

#[test]
fn an_intermediate_does_not_outlive_its_root() {
    let folder = authorities();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (root, out) = (path("root"), path("west"));
    let args = [
        "certs",
        "cluster",
        "--root",
        &root,
        "--cluster",
        "west",
        "--trust-domain",
        "cluster.local",
        "--days",
        "4000",
        "--out",
        &out,
    ];
    let refused = run(&args);
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(
        refused.stderr.contains("would outlive the root"),
        "{}",
        refused.stderr
    );
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_rotation_is_from_one_root_to_another() {
    let folder = authorities();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (east, out) = (path("east"), path("rotation"));
    let refused = run(&[
        "certs", "rotate", "--from", &east, "--to", &east, "--out", &out,
    ]);
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(
        refused
            .stderr
            .contains("both intermediates were issued by the same root"),
        "{}",
        refused.stderr
    );
    assert!(!Path::new(&out).exists());
}

/// istiod would not start with the second step, or nobody would know its workloads.
#[test]
fn a_rotation_to_what_does_not_work_is_not_written() {
    let (from, to) = (authorities(), authorities());
    let path = |folder: &tempfile::TempDir, name: &str| {
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let out = path(&from, "rotation");
    let refused = |to: &str, message: &str| {
        let east = path(&from, "east");
        let refused = run(&[
            "certs", "rotate", "--from", &east, "--to", to, "--out", &out,
        ]);
        assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
        assert!(!Path::new(&out).exists());
    };
    make_authorities(from.path(), "other.example", "root-of-another", "other");
    let other = path(&from, "other");
    refused(&other, "the new one for `spiffe://other.example`");

    std::fs::copy(path(&from, "east/ca-key.pem"), path(&to, "east/ca-key.pem")).unwrap();
    refused(
        &path(&to, "east"),
        "`ca-cert.pem`: `ca-key.pem` does not match the certificate",
    );
}

/// What does not say whom it trusts is no proof of trust.
#[test]
fn roots_are_looked_for_only_among_what_is_trusted() {
    let folder = authorities();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (root, chain, secret) = (
        path("root/root-cert.pem"),
        path("east/cert-chain.pem"),
        path("east/cacerts.yaml"),
    );
    assert_eq!(
        run(&["certs", "read", &secret, "--trusts", &root]).status,
        0
    );
    let refused = run(&["certs", "read", &chain, "--trusts", &root]);
    assert_eq!((refused.status, refused.stdout.as_str()), (3, ""));
    assert!(
        refused.stderr.contains("contains no trust bundle"),
        "{}",
        refused.stderr
    );
}

#[test]
fn refuses_an_intermediate_for_another_trust_domain_than_the_roots() {
    let folder = authorities();
    let root = folder.path().join("root");
    let out = folder.path().join("west");
    let refused = run(&[
        "certs",
        "cluster",
        "--root",
        text(&root),
        "--cluster",
        "west",
        "--trust-domain",
        "other.local",
        "--out",
        text(&out),
    ]);
    assert_eq!((refused.status, &*refused.stdout), (3, ""));
    let message = "the root belongs to trust domain `cluster.local`, not to `other.local`";
    assert!(refused.stderr.contains(message), "{}", refused.stderr);
    assert!(!out.exists());
}
