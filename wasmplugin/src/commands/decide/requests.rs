//! Many requests, one to a line, answered as they come.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use peergate_fault::{ExitStatus, Failure, Fault};
use peergate_insight::decision::answer::Answer;
use peergate_insight::decision::decider::{Decider, TcpDecider};
use peergate_insight::decision::line::Line;
use peergate_report::decision::json;
use policy_schema::policy::{Labels, PolicySet};
use policy_schema::timestamp::Timestamp;
use policy_schema::wording::counted;

use super::error::QuestionError;
use super::target::{self, Target};
use crate::input::{self, cannot_read, name_of};
use crate::output::{OutputError, cannot_write_stdout};
use crate::report;

/// How much is read and written at a time.
const BUFFER: usize = 1 << 16;

/// Where the lines ask, and when, unless they say otherwise.
pub(super) struct Lines<'s> {
    set: &'s PolicySet,
    labels: &'s Labels,
    target: Option<&'s Target>,
    at: Timestamp,
    deciders: HashMap<Option<String>, Decider<'s>>,
    /// By where a line asks, and its port.
    without_http: HashMap<(Option<String>, Option<u16>), TcpDecider>,
}

/// What is wrong with a line, and at which column.
struct Mistake {
    column: usize,
    message: String,
}

/// How the lines so far came out.
#[derive(Default)]
struct Tally {
    has_mistakes: bool,
    is_denied: bool,
    expected: usize,
    unexpected: usize,
}

impl<'s> Lines<'s> {
    pub(super) fn new(
        set: &'s PolicySet,
        target: Option<&'s Target>,
        labels: &'s Labels,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        if let Some(target) = target {
            target::find(set, Some(target), labels)?;
        }
        Ok(Self {
            set,
            labels,
            target,
            at,
            deciders: HashMap::new(),
            without_http: HashMap::new(),
        })
    }

    /// The answer to a line, and in what it is not as the line expects.
    fn answer(&mut self, text: &[u8]) -> Result<(Answer<'_>, Option<Vec<String>>), Mistake> {
        let line = Line::parse(text).map_err(|(column, message)| Mistake { column, message })?;
        let whole_line = |message| Mistake { column: 1, message };
        let has_expectation = line.has_expectation().map_err(whole_line)?;
        let mesh = self.set.mesh();
        let mut question = line.question(self.at, mesh).map_err(whole_line)?;
        let key = line.to().map(str::to_owned);
        self.prepare(line.to()).map_err(whole_line)?;
        let decider = self.deciders.get(&key);
        let decider = decider.ok_or_else(|| whole_line("`to` leads nowhere".to_owned()))?;
        // The authority of a request to a host is the host, unless the line says otherwise.
        question.host = question
            .host
            .or_else(|| line.to().filter(|to| !to.contains('/') && !line.is_tcp()));
        let answer = if line.is_tcp() {
            let at_port = (key, question.port);
            if !self.without_http.contains_key(&at_port) {
                let tcp = decider.without_http(&question).map_err(|failure| {
                    let help = failure.help().unwrap_or_default();
                    whole_line(format!("{failure}; {}", help.replace("--", "")))
                })?;
                self.without_http.insert(at_port.clone(), tcp);
            }
            let tcp = self.without_http.get(&at_port);
            tcp.ok_or_else(|| whole_line("`port` leads nowhere".to_owned()))?
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

    /// Sees to it that there is a decider for where a line asks.
    fn prepare(&mut self, to: Option<&str>) -> Result<(), String> {
        let key = to.map(str::to_owned);
        if self.deciders.contains_key(&key) {
            return Ok(());
        }
        let in_words = |failure: &dyn Fault| match failure.help() {
            Some(help) => format!("`to`: {failure}; {help}"),
            None => format!("`to`: {failure}"),
        };
        let target = to.map(Target::parse).transpose();
        let target = target.map_err(|reason| format!("`to`: {reason}"))?;
        let target = target.as_ref().or(self.target);
        if target.is_none() && self.set.policies().len() != 1 {
            return Err("`to` is missing: there is not exactly one policy".to_owned());
        }
        let workload = target::find(self.set, target, self.labels);
        let workload = workload.map_err(|failure| in_words(&*failure))?;
        let decider = Decider::new(self.set, workload, self.labels);
        let decider = decider.map_err(|failure| in_words(&failure))?;
        self.deciders.insert(key, decider);
        Ok(())
    }

    /// Answers every line of the file, in order and each on the line of the same number. Ends early when stdout
    /// is closed.
    pub(super) fn answer_all(&mut self, file: &Path) -> Result<ExitStatus, Failure> {
        let mut reader = BufReader::with_capacity(BUFFER, input::open(file)?);
        let mut writer = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let mut tally = Tally::default();
        let mut line = Vec::new();
        for number in 1.. {
            // An interactive client waits for its answer before it asks again.
            let is_due = !reader.buffer().contains(&b'\n');
            if is_due && is_closed(writer.flush())? {
                break;
            }
            line.clear();
            let length = reader.read_until(b'\n', &mut line);
            if length.map_err(|reason| cannot_read(file, reason))? == 0 {
                break;
            }
            let written = if line.trim_ascii().is_empty() {
                writer.write_all(b"\n")
            } else {
                self.answer_line(&line, number, file, &mut tally, &mut writer)
            };
            if is_closed(written)? {
                break;
            }
        }
        is_closed(writer.flush())?;
        Ok(tally.status())
    }

    fn answer_line(
        &mut self,
        line: &[u8],
        number: usize,
        file: &Path,
        tally: &mut Tally,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        match self.answer(line) {
            Ok((mut answer, differences)) => {
                answer.line = Some(number);
                tally.is_denied |= !answer.passes;
                if let Some(differences) = differences {
                    tally.expected += 1;
                    answer.as_expected = Some(differences.is_empty());
                    tally.unexpected += usize::from(!differences.is_empty());
                    let place = format!("{}:{number}", name_of(file));
                    for difference in &differences {
                        report::error(format!("{place}: {difference}"));
                    }
                }
                write_line(&answer, writer)
            }
            Err(Mistake { column, message }) => {
                tally.has_mistakes = true;
                let error = json::mistake(number, column, &message);
                let failure = QuestionError::InvalidRequest {
                    file: name_of(file),
                    line: number,
                    column,
                    message,
                };
                report::failure(&failure);
                write_line(&error, writer)
            }
        }
    }
}

impl Tally {
    fn status(&self) -> ExitStatus {
        let is_negative = if self.expected > 0 {
            report::summary(format!(
                "{}, {} not as expected",
                counted(self.expected, "expectation", "expectations"),
                self.unexpected
            ));
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

fn write_line(answer: &impl serde::Serialize, writer: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, answer)?;
    writer.write_all(b"\n")
}

/// Whether the reader of stdout has gone away: it wants no more answers.
fn is_closed(written: io::Result<()>) -> Result<bool, OutputError> {
    match written {
        Ok(()) => Ok(false),
        Err(reason) if reason.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(reason) => Err(cannot_write_stdout(reason)),
    }
}
