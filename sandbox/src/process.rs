//! A child process that cannot outlive its parent.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Error;

/// How much of the log an error quotes: so many lines, each up to so many characters.
const QUOTED_LINES: usize = 20;
const QUOTED_WIDTH: usize = 400;

/// Waits for the end of its standard input, and then kills the process group that it is given.
const WATCHDOG: &str = r#"read -r _; kill -s KILL -- "-$0""#;

/// A process in a group of its own, its log in a file.
///
/// A second process, the watchdog, holds the reading end of a pipe whose writing end is only here.
/// The kernel closes that when this process ends, however it does, and the watchdog kills the
/// group. The kernel's own means (`PR_SET_PDEATHSIG`) would need unsafe code, and goes by the
/// thread that started the child instead of by the process.
#[derive(Debug)]
pub(crate) struct Process {
    program: &'static str,
    child: Child,
    watchdog: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, which people call `program`, with its output going to the file `log`.
    pub(crate) fn spawn(
        program: &'static str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self, Error> {
        let output = File::create(log).map_err(Error::at("create", log))?;
        let errors = output.try_clone().map_err(Error::at("open", log))?;
        // In groups of their own, neither gets the signals of a terminal, so that it is always the
        // watchdog that ends the child, and never somebody else that ends the watchdog.
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
                // Nothing else can be done about a failure to clean up after a failure.
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
        // Failures mean that a process has ended already, and there is no one to tell from here.
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            // Its id may be another's by now, so nothing must be killed by it.
            let _ = self.watchdog.kill();
        }
        // Where it still runs, the id stays its own until it is reaped, so the watchdog goes first.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log. The long ones are lists of what Envoy has on board.
fn tail(log: &str) -> String {
    let lines: Vec<String> = log
        .lines()
        .rev()
        .take(QUOTED_LINES)
        .map(|line| line.chars().take(QUOTED_WIDTH).collect())
        .collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
