//! Many requests, one to a line, answered as they come.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use policy_schema::engine::CompiledPolicy;
use policy_schema::plugin_config::PolicyName;
use policy_schema::policy::PolicySet;
use policy_schema::timestamp::Timestamp;

use super::answer::Answer;
use super::compile;
use super::line::Line;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::input::{self, cannot_read, name_of};
use crate::output::cannot_write_stdout;
use crate::policies;

/// How much is read and written at a time.
const BUFFER: usize = 1 << 16;

/// Whom the lines ask, and when, unless they say otherwise.
pub(super) struct Asked {
    policies: HashMap<String, CompiledPolicy>,
    workload: Option<String>,
    at: Timestamp,
}

impl Asked {
    pub(super) fn new(
        set: &PolicySet,
        workload: Option<&PolicyName>,
        at: Timestamp,
    ) -> Result<Self, Failure> {
        let workload = match (workload, set.policies()) {
            (Some(name), _) => Some(policies::named(set, name)?.name().to_string()),
            (None, [only]) => Some(only.name().to_string()),
            (None, _) => None,
        };
        let compiled = set
            .policies()
            .iter()
            .map(|policy| Ok((policy.name().to_string(), compile(set, policy, &[])?)));
        Ok(Self {
            policies: compiled.collect::<Result<_, Failure>>()?,
            workload,
            at,
        })
    }

    /// The answer to one line; or what is wrong with the line, and at which column.
    fn answer(&self, line: &[u8]) -> Result<Answer<'_>, (usize, String)> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| json_mistake(&error))?;
        let whole_line = |message| (1, message);
        let workload = line.workload().or(self.workload.as_deref());
        let workload = workload.ok_or_else(|| {
            whole_line("`workload` is required, since there is not exactly one policy".to_owned())
        })?;
        let policy = self.policies.get(workload);
        let policy =
            policy.ok_or_else(|| whole_line(format!("there is no policy `{workload}`")))?;
        let question = line.question(self.at).map_err(whole_line)?;
        Ok(Answer::new(policy, &question.request()))
    }

    /// Answers every line of the file, in order; blank ones are passed over. Ends with the worst
    /// of the answers, or early when nobody reads them any more.
    pub(super) fn answer_all(&self, file: &Path) -> Result<ExitStatus, Failure> {
        let mut reader = BufReader::with_capacity(BUFFER, input::open(file)?);
        let mut writer = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let mut status = ExitStatus::Success;
        let mut line = Vec::new();
        for number in 1.. {
            // Whoever waits for answers before asking on gets those that are due.
            let is_due = !reader.buffer().contains(&b'\n');
            if is_due && is_closed(writer.flush())? {
                break;
            }
            line.clear();
            let length = reader.read_until(b'\n', &mut line);
            if length.map_err(|reason| cannot_read(file, reason))? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let answer = self.answer(&line);
            if answer.is_err() {
                is_closed(writer.flush())?;
            }
            let answer = answer.map_err(|(column, message)| Failure::InvalidRequest {
                file: name_of(file),
                line: number,
                column,
                message,
            })?;
            if answer.status() != ExitStatus::Success {
                status = answer.status();
            }
            if is_closed(write_line(&answer, &mut writer))? {
                break;
            }
        }
        Ok(status)
    }
}

fn write_line(answer: &Answer<'_>, writer: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, answer)?;
    writer.write_all(b"\n")
}

/// What is wrong with a line's JSON. Its own line number would always be 1.
fn json_mistake(error: &serde_json::Error) -> (usize, String) {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    (error.column().max(1), message)
}

/// Whether the reader of stdout has gone away: it wants no more answers.
fn is_closed(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(false),
        Err(reason) if reason.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(reason) => Err(cannot_write_stdout(reason)),
    }
}
