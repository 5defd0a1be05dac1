//! What the kernel says about processes: CPU time, waiting time, memory, and the CPUs they run on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::error::BenchError;

/// The scheduler's counters of a process, over all its threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedulerTimes {
    /// Time on a CPU.
    pub running: Duration,
    /// Time ready to run, while another thread had the CPU.
    pub waiting: Duration,
}

impl SchedulerTimes {
    /// The counters of a process, in nanoseconds: the ticks in `/proc/PID/stat` are too coarse.
    pub fn of_process(pid: u32) -> Result<Self, BenchError> {
        let tasks = PathBuf::from(format!("/proc/{pid}/task"));
        let mut sum = Self::default();
        for task in fs::read_dir(&tasks).map_err(BenchError::file(&tasks))? {
            let path = task?.path().join("schedstat");
            // A thread may end at any time.
            let text = fs::read_to_string(&path).unwrap_or_default();
            sum = sum + Self::parse(&text).unwrap_or_default();
        }
        Ok(sum)
    }

    /// The time since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            running: self.running.saturating_sub(earlier.running),
            waiting: self.waiting.saturating_sub(earlier.waiting),
        }
    }

    /// Parses `schedstat`: nanoseconds running, nanoseconds waiting, time slices.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split_ascii_whitespace();
        let mut next = || Some(Duration::from_nanos(fields.next()?.parse().ok()?));
        Some(Self {
            running: next()?,
            waiting: next()?,
        })
    }
}

impl std::ops::Add for SchedulerTimes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            running: self.running + other.running,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// The resident memory of a process, in KiB.
pub fn resident_kib(pid: u32) -> Result<u64, BenchError> {
    let path = PathBuf::from(format!("/proc/{pid}/status"));
    let text = fs::read_to_string(&path).map_err(BenchError::file(&path))?;
    Ok(status_field(&text, "VmRSS:").unwrap_or_default())
}

fn status_field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Two CPUs: one for all proxies, one for everything else.
#[derive(Clone, Copy, Debug)]
pub struct Cpus {
    load: usize,
    proxies: usize,
}

impl Cpus {
    /// The first and the last CPU that this process may use.
    pub fn choose() -> Result<Self, BenchError> {
        let allowed = sched_getaffinity(Pid::from_raw(0))?;
        let mut allowed =
            (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or_default());
        let load = allowed.next().ok_or(BenchError::OneCpu)?;
        let proxies = allowed.next_back().ok_or(BenchError::OneCpu)?;
        Ok(Self { load, proxies })
    }

    /// Pins this thread to the CPU for load.
    pub fn pin_load(self) -> Result<(), BenchError> {
        pin(self.load)
    }

    /// Runs `start` on the CPU for proxies. The processes that it starts stay there.
    pub fn start_proxy<T>(
        self,
        start: impl FnOnce() -> Result<T, BenchError>,
    ) -> Result<T, BenchError> {
        pin(self.proxies)?;
        let started = start();
        pin(self.load)?;
        started
    }
}

fn pin(cpu: usize) -> Result<(), BenchError> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Reads a file of the kernel, or nothing if the kernel does not have it.
pub fn kernel_file(path: &str) -> String {
    fs::read_to_string(Path::new(path)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_scheduler_counters() {
        let times = SchedulerTimes::parse("1500 20 7\n").expect("counters");
        assert_eq!(times.running, Duration::from_nanos(1_500));
        assert_eq!(times.waiting, Duration::from_nanos(20));
        assert_eq!(SchedulerTimes::parse(""), None);
    }

    #[test]
    fn counts_the_time_of_this_process() {
        let before = SchedulerTimes::of_process(std::process::id()).expect("counters");
        let sum: u64 = std::hint::black_box(0..5_000_000).sum();
        assert!(sum > 0);
        let after = SchedulerTimes::of_process(std::process::id()).expect("counters");
        assert!(after.since(before).running > Duration::ZERO);
    }

    #[test]
    fn parses_memory() {
        assert_eq!(
            status_field("Name:\tenvoy\nVmRSS:\t  6412 kB\n", "VmRSS:"),
            Some(6_412)
        );
    }
}
