//! Tests of the lifecycle of an Envoy process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result};
use peergate_sandbox::wait::{TIMEOUT, wait_for};
use peergate_sandbox::{
    Authority, Client, Envoy, EnvoyBinary, Error, INBOUND_PERMISSIVE, InboundSidecar, Leaf,
    Request, Upstream,
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn bootstrap(files: &Path, upstream: SocketAddr) -> Result<Value> {
    let authority = Authority::new()?;
    let identity = authority.issue(&Leaf::spiffe("spiffe://cluster.local/ns/shop/sa/orders"))?;
    let sidecar = InboundSidecar::new(
        identity.write_to(files, "service")?,
        authority.write_to(files, "ca")?,
        upstream,
    );
    Ok(sidecar.bootstrap())
}

/// An Envoy with only its admin endpoint.
fn idle() -> Result<Envoy> {
    let bootstrap = json!({
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
    });
    Ok(Envoy::start(&EnvoyBinary::find(None)?, &bootstrap)?)
}

/// Whether a process is running. Zombies are not.
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

#[test]
fn instances_run_in_parallel() -> Result<()> {
    let files = [TempDir::new()?, TempDir::new()?];
    let upstreams = [Upstream::start()?, Upstream::start()?];
    let binary = EnvoyBinary::find(None)?;
    let start = |index: usize| -> Result<Envoy> {
        let bootstrap = bootstrap(files[index].path(), upstreams[index].addr())?;
        Ok(Envoy::start(&binary, &bootstrap)?)
    };
    let start = &start;
    let envoys = std::thread::scope(|scope| {
        let runs = [0, 1].map(|index| scope.spawn(move || start(index)));
        runs.map(|run| run.join().unwrap())
    });
    for (index, envoy) in envoys.into_iter().enumerate() {
        let envoy = envoy?;
        let client = Client::new(envoy.listener(INBOUND_PERMISSIVE)?)?;
        assert_eq!(client.send(&Request::get("/"))?.status, 200);
        assert_eq!(upstreams[index].requests(), 1);
    }
    Ok(())
}

#[test]
fn invalid_bootstrap_fails_immediately_with_the_reason() -> Result<()> {
    let binary = EnvoyBinary::find(None)?;
    let bad = json!({ "admin": { "no_such_field": 1 } });
    for result in [Envoy::start(&binary, &bad).map(drop), binary.validate(&bad)] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Exited { .. }), "{error}");
        assert!(error.to_string().contains("no_such_field"), "{error}");
    }
    Ok(())
}

#[test]
fn accepts_a_valid_bootstrap() -> Result<()> {
    let files = TempDir::new()?;
    let bootstrap = bootstrap(files.path(), "127.0.0.1:1".parse()?)?;
    EnvoyBinary::find(None)?.validate(&bootstrap)?;
    Ok(())
}

#[test]
fn reads_admin_endpoint_and_log() -> Result<()> {
    let mut envoy = idle()?;
    assert!(envoy.admin_get("/server_info")?.contains("LIVE"));
    envoy.admin_post("/logging?level=debug")?;
    envoy.wait_for_log("all dependencies initialized", TIMEOUT)?;
    assert!(envoy.stats()?.contains("\nenvoy_server_live{} 1\n"));
    assert!(matches!(envoy.admin_get("/no"), Err(Error::Admin(_))));
    assert!(matches!(envoy.listener("no"), Err(Error::NoListener(_))));

    let never = envoy.wait_for_log("never logged", Duration::from_millis(50));
    assert!(matches!(never, Err(Error::Timeout { .. })));
    envoy.admin_post("/quitquitquit")?;
    let ended = envoy.wait_for_log("never logged", TIMEOUT);
    assert!(matches!(ended, Err(Error::Exited { .. })));
    Ok(())
}

#[test]
fn drop_ends_the_process() -> Result<()> {
    let envoy = idle()?;
    let (pid, dir) = (envoy.pid(), envoy.dir().to_owned());
    assert!(runs(pid) && dir.exists());
    drop(envoy);
    assert!(!runs(pid) && !dir.exists());
    Ok(())
}

/// Prints the process ID of an Envoy and then hangs.
#[test]
#[ignore = "the victim of a_killed_parent_leaves_no_orphan"]
fn victim() -> Result<()> {
    let envoy = idle()?;
    println!("\npid={}", envoy.pid());
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_parent_leaves_no_orphan() -> Result<()> {
    // The files of the victim remain in this folder.
    let files = TempDir::new()?;
    let mut victim = Command::new(env::current_exe()?)
        .env("TMPDIR", files.path())
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(victim.stdout.take().context("no output")?);
    let pid = output
        .lines()
        .find_map(|line| line.ok()?.strip_prefix("pid=")?.parse().ok());
    // The process cannot clean up.
    victim.kill()?;
    victim.wait()?;

    let pid = pid.context("the victim has started no Envoy")?;
    wait_for("the orphan's end", TIMEOUT, || {
        Ok((!runs(pid)).then_some(()))
    })?;
    Ok(())
}
