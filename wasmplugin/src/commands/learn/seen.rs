//! Sources → what was seen of each workload.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use peergate_fault::Failure;
use policy_schema::plugin_config::PolicyName;

use super::error::LearnError;
use super::known::Known;
use crate::input::{self, cannot_read, name_of};
use crate::learning::access_log::{self, Entry, InvalidLine};
use crate::learning::counters::{self, Counted};
use crate::learning::observed::{Observation, Tally};
use crate::learning::workload::{Counting, Workload};
use crate::report;

/// How much is read at a time.
const BUFFER: usize = 1 << 16;

/// How long a line may be, in bytes: a request has no more than a fraction of it.
const LONGEST: u64 = 1 << 24;

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Seen<'k> {
    known: &'k Known,
    counting: Counting,
    pub(super) workloads: BTreeMap<PolicyName, Workload>,
    pub(super) faults: Vec<Faults>,
    pub(super) without_caller: Option<WithoutCaller>,
}

/// Lines of logs that do not say who called.
#[derive(Debug)]
pub(super) struct WithoutCaller {
    /// Where the first of them is.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) lines: u64,
    /// How many of them are calls that the workload itself made.
    pub(super) outbound: u64,
}

/// Lines that nothing is learnt from.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) faults: Vec<Faults>,
    pub(super) without_caller: Option<WithoutCaller>,
}

/// Lines of a file that are none of an access log.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) file: String,
    /// How many lines the file has, blank ones left out.
    pub(super) lines: usize,
    pub(super) faulty: usize,
    /// The number of the first faulty line, and what is wrong with it.
    pub(super) first: (usize, InvalidLine),
}

impl<'k> Seen<'k> {
    pub(super) fn new(known: &'k Known, counting: Counting) -> Self {
        Self {
            known,
            counting,
            workloads: BTreeMap::new(),
            faults: Vec::new(),
            without_caller: None,
        }
    }

    /// Reads an access log, of `policy` where its lines do not say otherwise.
    pub(super) fn read_log(
        &mut self,
        file: &Path,
        policy: Option<&PolicyName>,
    ) -> Result<(), Failure> {
        let mut reader = BufReader::with_capacity(BUFFER, input::open(file)?);
        let (mut lines, mut faulty, mut first) = (0, 0, None);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let length = reader.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            if length.map_err(|reason| cannot_read(file, reason))? == 0 {
                break;
            }
            if !line.ends_with(b"\n") && u64::try_from(line.len()).is_ok_and(|it| it == LONGEST) {
                return Err(LearnError::NoAccessLog {
                    name: name_of(file),
                    line: number,
                    reason: InvalidLine::TooLong,
                }
                .into());
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            lines += 1;
            match access_log::read(&line, policy) {
                Ok(Entry::Request(observation)) => self.add(&observation),
                Ok(Entry::WithoutCaller { is_outbound }) => {
                    let without_caller = self.without_caller.get_or_insert_with(|| WithoutCaller {
                        file: name_of(file),
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
        let name = name_of(file);
        if lines == 0 {
            report::note(&format!("`{name}` has no lines"));
        }
        match first {
            Some((line, reason)) if faulty == lines => {
                return Err(LearnError::NoAccessLog { name, line, reason }.into());
            }
            Some(first) => self.faults.push(Faults {
                file: name,
                lines,
                faulty,
                first,
            }),
            None => {}
        }
        Ok(())
    }

    /// Takes a series of the learning mode.
    pub(super) fn add_series(
        &mut self,
        labels: &BTreeMap<String, String>,
        tally: Tally,
    ) -> Result<(), LearnError> {
        match counters::read(labels, tally)? {
            Counted::Requests(observation) => self.add(&observation),
            Counted::NotTold(policy, why) => {
                let workload = self.workloads.entry(policy).or_default();
                workload.add_untold(why, tally);
            }
            Counted::Beside => {}
        }
        Ok(())
    }

    fn add(&mut self, observation: &Observation) {
        let workload = self
            .workloads
            .entry(observation.policy.clone())
            .or_default();
        let domains = self.known.trust_domains();
        workload.add(observation, domains, self.counting, |seen| {
            self.known.standing(seen)
        });
    }
}
