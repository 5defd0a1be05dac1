//! The machine of a run, and whether it was quiet enough to trust the run.

use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process::{SchedulerTimes, kernel_file};

/// The machine and the versions of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// The model of the CPU.
    pub cpu: String,
    /// The number of CPUs.
    pub cpus: usize,
    /// The memory, in MiB.
    pub memory_mib: u64,
    /// The release of the Linux kernel.
    pub kernel: String,
    /// The version of Envoy.
    pub envoy: String,
    /// The commit of Peergate, with `+` if files were changed. Empty outside a repository.
    pub commit: String,
    /// The day of the run.
    pub date: String,
    /// The size of Peergate's module, in bytes.
    pub module_bytes: u64,
}

impl Machine {
    /// Describes this machine.
    pub fn describe(envoy: &str, date: String, module_bytes: u64) -> Self {
        let cpuinfo = kernel_file("/proc/cpuinfo");
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let meminfo = kernel_file("/proc/meminfo");
        let memory = field(&meminfo, "MemTotal").unwrap_or_default();
        let memory_kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Self {
            cpu: field(&cpuinfo, "model name").unwrap_or_default(),
            // The standard library counts the CPUs that this thread is pinned to.
            cpus: cpuinfo
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
            memory_mib: memory_kib / 1024,
            kernel: kernel_file("/proc/sys/kernel/osrelease").trim().to_owned(),
            envoy: envoy.to_owned(),
            commit: commit(),
            date,
            module_bytes,
        }
    }
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(head) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return String::new();
    };
    let is_changed = git(&["status", "--porcelain"]).is_some_and(|files| !files.is_empty());
    format!("{head}{}", if is_changed { "+" } else { "" })
}

/// How much else the machine did during the slices. All are shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contention {
    /// Time that the proxies were ready to run but another thread had their CPU, per time that they ran.
    pub proxies_waiting: f64,
    /// The same of the load.
    pub load_waiting: f64,
    /// Time that the hypervisor gave to other machines, per time of all CPUs.
    pub stolen: f64,
    /// The distance between the quartiles of the baseline's CPU time, per median.
    pub baseline_spread: f64,
}

/// More than these shares, and a run says that the machine was too busy.
const LIMITS: Contention = Contention {
    proxies_waiting: 0.03,
    load_waiting: 0.05,
    stolen: 0.01,
    baseline_spread: 0.1,
};

impl Contention {
    /// Why the results cannot be trusted. Empty for a quiet machine.
    pub fn warnings(&self) -> Vec<String> {
        let shares = [
            (
                "other processes had the CPU of the proxies for",
                self.proxies_waiting,
                LIMITS.proxies_waiting,
                "of the proxies' CPU time",
            ),
            (
                "other processes had the CPU of the load for",
                self.load_waiting,
                LIMITS.load_waiting,
                "of the load's CPU time",
            ),
            (
                "the hypervisor gave other machines",
                self.stolen,
                LIMITS.stolen,
                "of the time",
            ),
            (
                "the middle half of the slices without a filter spreads over",
                self.baseline_spread,
                LIMITS.baseline_spread,
                "of their median",
            ),
        ];
        shares
            .into_iter()
            .filter(|(_, share, limit, _)| share > limit)
            .map(|(subject, share, limit, of)| {
                format!(
                    "{subject} {:.1} % {of} (limit: {:.0} %)",
                    share * 100.0,
                    limit * 100.0
                )
            })
            .collect()
    }
}

/// The share of waiting in running time.
pub fn waiting_share(times: SchedulerTimes) -> f64 {
    if times.running == Duration::ZERO {
        return 0.0;
    }
    times.waiting.as_secs_f64() / times.running.as_secs_f64()
}

/// Counters of all CPUs since boot, in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTicks {
    all: u64,
    stolen: u64,
}

impl CpuTicks {
    /// Reads the counters.
    pub fn now() -> Self {
        Self::parse(&kernel_file("/proc/stat")).unwrap_or_default()
    }

    /// The stolen share of the time since `earlier`.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    pub fn stolen_since(self, earlier: Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all).max(1);
        self.stolen.saturating_sub(earlier.stolen) as f64 / all as f64
    }

    /// Parses `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; the rest is part of these.
    fn parse(text: &str) -> Option<Self> {
        let fields = text.lines().next()?.strip_prefix("cpu ")?;
        let fields: Vec<u64> = fields
            .split_ascii_whitespace()
            .take(8)
            .map_while(|field| field.parse().ok())
            .collect();
        Some(Self {
            all: fields.iter().sum(),
            stolen: *fields.get(7)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_of_each_limit_that_is_exceeded() {
        assert!(Contention::default().warnings().is_empty());
        assert!(LIMITS.warnings().is_empty());
        let busy = Contention {
            stolen: 0.024,
            ..Contention::default()
        };
        assert_eq!(
            busy.warnings(),
            ["the hypervisor gave other machines 2.4 % of the time (limit: 1 %)"]
        );
    }

    #[test]
    fn reads_stolen_time() {
        let before = CpuTicks::parse("cpu  100 0 100 800 0 0 0 10 0 0\ncpu0 1").expect("ticks");
        let after = CpuTicks::parse("cpu  150 0 100 830 0 0 0 30 0 0\n").expect("ticks");
        assert!((after.stolen_since(before) - 0.2).abs() < 1e-9);
    }

    #[test]
    fn waiting_is_relative_to_running() {
        let times = SchedulerTimes {
            running: Duration::from_secs(4),
            waiting: Duration::from_secs(1),
        };
        assert!((waiting_share(times) - 0.25).abs() < 1e-9);
        assert!(waiting_share(SchedulerTimes::default()).abs() < 1e-9);
    }
}
