//! Answers a batch of requests, one per line.

use std::collections::HashMap;

use peergate_fault::{ExitStatus, Fault};
use policy_schema::policy::{Labels, PolicySet};
use policy_schema::timestamp::Timestamp;

use super::answer::Answer;
use super::decider::{Decider, TcpDecider};
use super::line::Line;
use super::target::{self, Target, UnknownTarget};

/// Answers lines and counts the results.
#[derive(Debug)]
pub struct Lines<'s> {
    deciders: Deciders<'s>,
    tally: Tally,
}

/// An error in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The column, from 1.
    pub column: usize,
    /// The message.
    pub message: String,
}

/// Counts of the results so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    has_mistakes: bool,
    is_denied: bool,
    /// The number of lines with an expectation.
    pub expected: usize,
    /// The number of unexpected answers.
    pub unexpected: usize,
}

/// The default destination and time of lines, and a cache of deciders.
#[derive(Debug)]
struct Deciders<'s> {
    set: &'s PolicySet,
    labels: &'s Labels,
    target: Option<&'s Target>,
    at: Timestamp,
    http: HashMap<Option<String>, Decider<'s>>,
    /// By destination and port.
    without_http: HashMap<(Option<String>, Option<u16>), TcpDecider>,
}

impl<'s> Lines<'s> {
    /// Creates a batch with a default target and time, for workloads with the selected labels and these. Fails if `target` is not a
    /// workload.
    pub fn new(
        set: &'s PolicySet,
        target: Option<&'s Target>,
        labels: &'s Labels,
        at: Timestamp,
    ) -> Result<Self, UnknownTarget> {
        if let Some(target) = target {
            target::find(set, Some(target), labels)?;
        }
        let deciders = Deciders {
            set,
            labels,
            target,
            at,
            http: HashMap::new(),
            without_http: HashMap::new(),
        };
        Ok(Self {
            deciders,
            tally: Tally::default(),
        })
    }

    /// Answers a line, and lists the differences from its expectation.
    pub fn answer(
        &mut self,
        number: usize,
        text: &[u8],
    ) -> Result<(Answer<'_>, Vec<String>), LineError> {
        let tally = &mut self.tally;
        let answered = self.deciders.answer(text);
        let (mut answer, differences) = answered.inspect_err(|_| tally.has_mistakes = true)?;
        answer.line = Some(number);
        tally.is_denied |= !answer.passes;
        if let Some(differences) = &differences {
            let is_as_expected = differences.is_empty();
            answer.as_expected = Some(is_as_expected);
            tally.expected += 1;
            tally.unexpected += usize::from(!is_as_expected);
        }
        Ok((answer, differences.unwrap_or_default()))
    }

    /// Counts of the results so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }
}

impl Deciders<'_> {
    /// Answers a line, and lists the differences from its expectation if it has one.
    fn answer(&mut self, text: &[u8]) -> Result<(Answer<'_>, Option<Vec<String>>), LineError> {
        let line = Line::parse(text).map_err(|(column, message)| LineError { column, message })?;
        let whole_line = |message| LineError { column: 1, message };
        let has_expectation = line.has_expectation().map_err(whole_line)?;
        let mesh = self.set.mesh();
        let mut question = line.question(self.at, mesh).map_err(whole_line)?;
        let key = line.to().map(str::to_owned);
        self.prepare(line.to()).map_err(whole_line)?;
        let decider = self.http.get(&key);
        let decider = decider.ok_or_else(|| whole_line("`to` is not a workload".to_owned()))?;
        // The default authority of a request to a host is the host.
        question.host = question
            .host
            .or_else(|| line.to().filter(|to| !to.contains('/') && !line.is_tcp()));
        let answer = if line.is_tcp() {
            let at_port = (key, question.port);
            if !self.without_http.contains_key(&at_port) {
                let tcp = decider.without_http(&question).map_err(|failure| {
                    whole_line(with_help(&failure, failure.help_with_fields()))
                })?;
                self.without_http.insert(at_port.clone(), tcp);
            }
            let tcp = self.without_http.get(&at_port);
            tcp.ok_or_else(|| whole_line("`port` is not a workload port".to_owned()))?
                .answer(decider, &mut question)
        } else {
            decider.answer(&mut question)
        };
        let answer = answer.map_err(|reason| {
            whole_line(format!(
                "{}; {}",
                reason.message(),
                reason.help_with_fields()
            ))
        })?;
        let differences = has_expectation.then(|| line.differences(&answer));
        Ok((answer, differences))
    }

    /// Prepares the decider for the destination of a line.
    fn prepare(&mut self, to: Option<&str>) -> Result<(), String> {
        let key = to.map(str::to_owned);
        if self.http.contains_key(&key) {
            return Ok(());
        }
        let in_to = |failure: &dyn Fault| format!("`to`: {}", with_help(failure, failure.help()));
        let target = to.map(Target::parse).transpose();
        let target = target.map_err(|reason| format!("`to`: {reason}"))?;
        let target = target.as_ref().or(self.target);
        if target.is_none() && self.set.policies().len() != 1 {
            return Err("`to` is missing, and there is not exactly one policy".to_owned());
        }
        let workload = target::find(self.set, target, self.labels);
        let workload = workload.map_err(|failure| in_to(&failure))?;
        let decider = Decider::new(self.set, workload, self.labels);
        let decider = decider.map_err(|failure| in_to(&failure))?;
        self.http.insert(key, decider);
        Ok(())
    }
}

fn with_help(failure: &dyn Fault, help: Option<&str>) -> String {
    match help {
        Some(help) => format!("{failure}; {help}"),
        None => failure.to_string(),
    }
}

impl Tally {
    /// Success if all answers match the expectations, or if all requests pass without any expectation.
    pub fn status(self) -> ExitStatus {
        let is_negative = if self.expected > 0 {
            self.unexpected > 0
        } else {
            self.is_denied
        };
        match (self.has_mistakes, is_negative) {
            (true, _) => ExitStatus::Invalid,
            (false, true) => ExitStatus::Negative,
            (false, false) => ExitStatus::Success,
        }
    }
}
