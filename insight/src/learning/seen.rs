//! Sources → what was seen of each workload.

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

/// How much is read at a time.
const BUFFER: usize = 1 << 16;

/// How long a line may be, in bytes: a request has no more than a fraction of it.
const MAX_LINE_BYTES: u64 = 1 << 24;

/// What was seen so far.
#[derive(Debug)]
pub struct Seen<'k> {
    existing: &'k ExistingPolicies,
    counting: Counting,
    /// By the names of the policies.
    pub workloads: BTreeMap<PolicyName, Workload>,
    /// One for each log with faulty lines.
    pub faults: Vec<Faults>,
    /// None where there are no such lines.
    pub without_caller: Option<WithoutCaller>,
}

/// Lines of logs that do not say who called.
#[derive(Debug)]
pub struct WithoutCaller {
    /// Where the first of them is.
    pub file: String,
    /// Its number.
    pub line: usize,
    /// How many there are.
    pub lines: u64,
    /// How many of them are calls that the workload itself made.
    pub outbound: u64,
}

/// Lines of a file that are not from an access log.
#[derive(Debug)]
pub struct Faults {
    /// What messages call it.
    pub file: String,
    /// How many lines the file has, blank ones left out.
    pub lines: usize,
    /// How many of them are faulty.
    pub faulty: usize,
    /// The number of the first faulty line, and what is wrong with it.
    pub first: (usize, InvalidLogLine),
}

/// Why an access log is not read.
#[derive(Debug, Error)]
pub enum LogError {
    /// Its bytes cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Every line is wrong, or one is endless.
    #[error("`{name}` is no access log that can be learned from: line {line}: {reason}")]
    NoAccessLog {
        /// What messages call it.
        name: String,
        /// The first line that is wrong.
        line: usize,
        /// What is wrong with it.
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
            InvalidLogLine::NoPolicy => "name the policy with `--workload NAMESPACE/NAME`",
            InvalidLogLine::Prefixed => {
                "print the lines alone, as by `kubectl logs` or `stern --output raw`"
            }
            InvalidLogLine::Utf16 => "convert it to UTF-8, as by `iconv -f UTF-16 -t UTF-8`",
            InvalidLogLine::Compressed => {
                "decompress it first, as by `gzip -dc FILE | peergate learn --access-log -`"
            }
            _ => "write it as JSON, one object a line, with the fields that docs/learn.md names",
        })
    }
}

/// A series has the name of the learning mode's counter, and is another.
#[derive(Debug, Error)]
#[error("what Prometheus has is not of the filter's learning mode: {0}")]
pub struct NotOfLearningMode(InvalidSeries);

/// The help where the counter of the learning mode has series of another origin.
static OTHER_SERIES: LazyLock<String> =
    LazyLock::new(|| format!("see what else is scraped under the name `{OBSERVED}`"));

impl Fault for NotOfLearningMode {
    fn status(&self) -> ExitStatus {
        ExitStatus::Invalid
    }

    fn help(&self) -> Option<&str> {
        Some(&OTHER_SERIES)
    }
}

impl<'k> Seen<'k> {
    /// Nothing yet.
    pub fn new(existing: &'k ExistingPolicies, counting: Counting) -> Self {
        Self {
            existing,
            counting,
            workloads: BTreeMap::new(),
            faults: Vec::new(),
            without_caller: None,
        }
    }

    /// Reads an access log, which messages call `name`, of `policy` where its lines do not say otherwise. Returns how many
    /// lines it has, blank ones left out.
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

    /// Takes a series of the learning mode.
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
