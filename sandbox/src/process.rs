//! A child process that cannot outlive its parent.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Error;

/// The maximum number of log lines in an error, and their maximum width.
const QUOTED_LINES: usize = 20;
const QUOTED_WIDTH: usize = 400;

/// Waits for the end of its standard input, then kills the given process group.
const WATCHDOG: &str = r#"read -r _; kill -s KILL -- "-$0""#;

/// A process in its own process group, logging to a file.
///
/// A watchdog process holds the read end of a pipe, and only this process holds the write end. The kernel closes it when this
/// process ends in any way, and the watchdog then kills the group. `PR_SET_PDEATHSIG` would need unsafe code, and depends on the
/// thread that started the child instead of the process.
#[derive(Debug)]
pub(crate) struct Process {
    program: &'static str,
    child: Child,
    watchdog: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in the file `log`. `program` is its name in errors.
    pub(crate) fn spawn(
        program: &'static str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self, Error> {
        let output = File::create(log).map_err(Error::at("create", log))?;
        let errors = output.try_clone().map_err(Error::at("open", log))?;
        // In their own groups, neither receives terminal signals, so only the watchdog ends the child.
        let mut child = command
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .map_err(Error::at("start", Path::new(command.get_program())))?;
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self {
                program,
                child,
                watchdog,
                log: log.into(),
            }),
            Err(error) => {
                // A failed cleanup after a failure is ignored.
                let _ = child.kill();
                let _ = child.wait();
                Err(Error::io("start the watchdog")(error))
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails with the end of the log if the process has ended.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(Error::Exited {
                program: self.program,
                status,
                log: tail(&self.log()?),
            }),
            Err(error) => Err(Error::io("look after a process")(error)),
        }
    }

    /// All of the log so far.
    pub(crate) fn log(&self) -> Result<String, Error> {
        let bytes = fs::read(&self.log).map_err(Error::at("read", &self.log))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Failures mean that a process has already ended.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            // Its ID may have been reused, so it must not be killed.
            let _ = self.watchdog.kill();
        }
        // The ID of a running child is not reused until it is reaped, so the watchdog is stopped first.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log. Long lines are lists of Envoy's extensions.
fn tail(log: &str) -> String {
    let lines: Vec<String> = log
        .lines()
        .rev()
        .take(QUOTED_LINES)
        .map(|line| line.chars().take(QUOTED_WIDTH).collect())
        .collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
