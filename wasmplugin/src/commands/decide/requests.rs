//! A file with one request per line.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use peergate_fault::{ExitStatus, Failure};
use peergate_insight::decision::lines::{LineError, Lines};
use peergate_report::decision::json;
use policy_schema::wording::counted;

use super::error::QuestionError;
use crate::input::{self, cannot_read, name_of};
use crate::output::{OutputError, cannot_write_stdout};
use crate::report;

/// The number of bytes to read and write at a time.
const BUFFER: usize = 1 << 16;

/// Answers every line of the file, each on the line with the same number. Ends early when stdout is closed.
pub(super) fn answer_all(mut lines: Lines<'_>, file: &Path) -> Result<ExitStatus, Failure> {
    let mut reader = BufReader::with_capacity(BUFFER, input::open(file)?);
    let mut writer = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let mut line = Vec::new();
    for number in 1.. {
        // An interactive client waits for the answer before it sends the next request.
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
            answer_line(&mut lines, &line, number, file, &mut writer)
        };
        if is_closed(written)? {
            break;
        }
    }
    is_closed(writer.flush())?;
    let tally = lines.tally();
    if tally.expected > 0 {
        report::summary(format!(
            "{}, {} not as expected",
            counted(tally.expected, "expectation", "expectations"),
            tally.unexpected
        ));
    }
    Ok(tally.status())
}

fn answer_line(
    lines: &mut Lines<'_>,
    line: &[u8],
    number: usize,
    file: &Path,
    writer: &mut impl Write,
) -> io::Result<()> {
    match lines.answer(number, line) {
        Ok((answer, differences)) => {
            for difference in differences {
                report::error(format!("{}:{number}: {difference}", name_of(file)));
            }
            write_line(&answer, writer)
        }
        Err(LineError { column, message }) => {
            let error = json::line_error(number, column, &message);
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

fn write_line(answer: &impl serde::Serialize, writer: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, answer)?;
    writer.write_all(b"\n")
}

/// Whether the reader has closed stdout.
fn is_closed(written: io::Result<()>) -> Result<bool, OutputError> {
    match written {
        Ok(()) => Ok(false),
        Err(reason) if reason.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        Err(reason) => Err(cannot_write_stdout(reason)),
    }
}
