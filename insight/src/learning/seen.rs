//! Sources → observations of each workload.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::LazyLock;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::plugin_config::PolicyName;
use thiserror::Error;

use super::access_log::{self, Entry, InvalidLogLine};
use super::counters::{self, Counted, InvalidSeries};
use super::existing_policies::ExistingPolicies;
use super::observed::{Observation, Tally};
use super::workload::{Counting, Workload};
use crate::promql::OBSERVED;

/// The size of the read buffer.
const BUFFER: usize = 1 << 16;

/// The maximum length of a line. Requests are far smaller.
const MAX_LINE_BYTES: u64 = 1 << 24;

/// The observations so far.
#[derive(Debug)]
pub struct Seen<'k> {
    existing: &'k ExistingPolicies,
    counting: Counting,
    /// By policy name.
    pub workloads: BTreeMap<PolicyName, Workload>,
    /// One entry per log with malformed lines.
    pub faults: Vec<Faults>,
    /// None without such lines.
    pub without_caller: Option<WithoutCaller>,
}

/// Log lines that do not name the caller.
#[derive(Debug)]
pub struct WithoutCaller {
    /// The file of the first line.
    pub file: String,
    /// The number of the first line.
    pub line: usize,
    /// The number of lines.
    pub lines: u64,
    /// The number of these lines that the workload itself sent.
    pub outbound: u64,
}

/// Malformed lines of a file.
#[derive(Debug)]
pub struct Faults {
    /// The name of the file in messages.
    pub file: String,
    /// The number of non-blank lines.
    pub lines: usize,
    /// The number of malformed lines.
    pub faulty: usize,
    /// The first malformed line and its error.
    pub first: (usize, InvalidLogLine),
}

/// Why an access log cannot be read.
#[derive(Debug, Error)]
pub enum LogError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Every line is malformed, or one is too long.
    #[error("cannot learn from access log `{name}`: line {line}: {reason}")]
    NoAccessLog {
        /// The name of the file in messages.
        name: String,
        /// The first malformed line.
        line: usize,
        /// Its error.
        reason: InvalidLogLine,
    },
}

impl Fault for LogError {
    fn status(&self) -> ExitStatus {
        match self {
            Self::Read(_) => ExitStatus::Failure,
            Self::NoAccessLog { .. } => ExitStatus::Invalid,
        }
    }

    fn help(&self) -> Option<&str> {
        let Self::NoAccessLog { reason, .. } = self else {
            return None;
        };
        Some(match reason {
            InvalidLogLine::NoPolicy => "add `--policy NAMESPACE/NAME`",
            InvalidLogLine::Prefixed => {
                "print the lines without a prefix, for example with `kubectl logs` or `stern --output raw`"
            }
            InvalidLogLine::Utf16 => {
                "convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"
            }
            InvalidLogLine::Compressed => {
                "decompress it first, for example with `gzip -dc FILE | peergate learn --access-log -`"
            }
            _ => "log one JSON object per line, with the fields listed in docs/learn.md",
        })
    }
}

/// A series has the name of the learning mode's counter but a different origin.
#[derive(Debug, Error)]
#[error("Prometheus has series that are not from the filter's learning mode: {0}")]
pub struct NotOfLearningMode(InvalidSeries);

/// The help for such a series.
static OTHER_SERIES: LazyLock<String> =
    LazyLock::new(|| format!("check which other target exposes `{OBSERVED}`"));

impl Fault for NotOfLearningMode {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(&OTHER_SERIES)
    }
}

impl<'k> Seen<'k> {
    /// Creates an empty collection.
    pub fn new(existing: &'k ExistingPolicies, counting: Counting) -> Self {
        Self {
            existing,
            counting,
            workloads: BTreeMap::new(),
            faults: Vec::new(),
            without_caller: None,
        }
    }

    /// Reads an access log. `policy` is the default for lines that do not name one. Returns the number of non-blank lines.
    pub fn read_log(
        &mut self,
        log: impl Read,
        name: String,
        policy: Option<&PolicyName>,
    ) -> Result<usize, LogError> {
        let mut reader = BufReader::with_capacity(BUFFER, log);
        let (mut lines, mut faulty, mut first) = (0, 0, None);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let length = reader
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line);
            if length? == 0 {
                break;
            }
            if !line.ends_with(b"\n")
                && u64::try_from(line.len()).is_ok_and(|it| it == MAX_LINE_BYTES)
            {
                return Err(LogError::NoAccessLog {
                    name,
                    line: number,
                    reason: InvalidLogLine::TooLong,
                });
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            lines += 1;
            match access_log::read(&line, policy) {
                Ok(Entry::Request(observation)) => self.add(&observation),
                Ok(Entry::WithoutCaller { is_outbound }) => {
                    let without_caller = self.without_caller.get_or_insert_with(|| WithoutCaller {
                        file: name.clone(),
                        line: number,
                        lines: 0,
                        outbound: 0,
                    });
                    without_caller.lines += 1;
                    without_caller.outbound += u64::from(is_outbound);
                }
                Err(reason) => {
                    faulty += 1;
                    first.get_or_insert((number, reason));
                }
            }
        }
        match first {
            Some((line, reason)) if faulty == lines => {
                return Err(LogError::NoAccessLog { name, line, reason });
            }
            Some(first) => self.faults.push(Faults {
                file: name,
                lines,
                faulty,
                first,
            }),
            None => {}
        }
        Ok(lines)
    }

    /// Adds a series of the learning mode.
    pub fn add_series(
        &mut self,
        labels: &BTreeMap<String, String>,
        tally: Tally,
    ) -> Result<(), NotOfLearningMode> {
        match counters::read(labels, tally).map_err(NotOfLearningMode)? {
            Counted::Requests(observation) => self.add(&observation),
            Counted::Aggregate(policy, why) => {
                let workload = self.workloads.entry(policy).or_default();
                workload.add_aggregate(why, tally);
            }
            Counted::NotDecision => {}
        }
        Ok(())
    }

    fn add(&mut self, observation: &Observation) {
        let workload = self
            .workloads
            .entry(observation.policy.clone())
            .or_default();
        let domains = self.existing.trust_domains();
        workload.add(observation, domains, self.counting, |seen| {
            self.existing.existing_decision(seen)
        });
    }
}
