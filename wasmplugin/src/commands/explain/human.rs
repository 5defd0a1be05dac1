//! An explanation for people.

use std::fmt;

use peergate_insight::explanation::{self, Remedy};
use policy_schema::decision_id::RecordedCaller;
use policy_schema::printable::printable;
use policy_schema::telemetry::ReasonCode;

use super::Report;
use crate::near_rules::NearRules;

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_request(f)?;
        self.write_reason(f)?;
        write!(f, "{}", NearRules(&self.explanation.near))?;
        self.write_remedy(f)
    }
}

impl Report<'_> {
    fn write_request(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record;
        let text = |bytes: &Option<Vec<u8>>| match bytes {
            Some(bytes) => printable(&String::from_utf8_lossy(bytes)),
            None => "-".to_owned(),
        };
        write!(
            f,
            "request   {} {}",
            text(&record.method),
            text(&record.path)
        )?;
        writeln!(f, "{}", if record.path_is_cut { "…" } else { "" })?;
        write!(f, "to        {}", text(&record.host))?;
        match record.port {
            Some(port) => writeln!(f, ", port {port} of the workload")?,
            None => writeln!(f)?,
        }
        match &record.caller {
            RecordedCaller::Anonymous => writeln!(f, "caller    without identity")?,
            RecordedCaller::Malformed => {
                writeln!(f, "caller    with something other than one SPIFFE ID")?;
            }
            RecordedCaller::Certificate(names) => {
                for name in names.lines() {
                    writeln!(f, "caller    client certificate {}", printable(name))?;
                }
            }
            RecordedCaller::Workload(id) => writeln!(f, "caller    {}", printable(id))?,
        }
        if record.time > 0 {
            writeln!(f, "at        {}", explanation::at(record))?;
        }
        write!(f, "policy    {}", record.policy)?;
        let revision = record.revision.as_deref().map(printable);
        match (revision, self.explanation.is_same_revision) {
            (Some(revision), Some(true)) => {
                writeln!(f, ", revision {revision}, which the documents have")
            }
            (Some(revision), _) => writeln!(f, ", revision {revision}"),
            (None, _) => writeln!(f),
        }
    }

    fn write_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { explanation, .. } = self;
        let given = explanation
            .given
            .map_or("a reason that is not known here", ReasonCode::as_str);
        if explanation.given == Some(explanation.reason.code()) {
            write!(f, "reason    {given}")?;
        } else {
            write!(
                f,
                "reason    {given}; by the documents {}",
                explanation.reason.code()
            )?;
        }
        match &explanation.rule {
            Some(rule) => writeln!(f, ", by {rule}")?,
            None => writeln!(f)?,
        }
        if let Some(shadow) = &explanation.shadow {
            writeln!(f, "shadow    {} would allow it", shadow.rule)?;
        }
        for note in self.notes() {
            writeln!(f, "note      {note}")?;
        }
        Ok(())
    }

    fn write_remedy(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tried.remedy {
            Remedy::Advice(advice) => writeln!(f, "\nWhat to do: {}.", printable(advice)),
            Remedy::AddRule(rule) => writeln!(
                f,
                "\nWith this change the request is allowed, to this caller alone, by this method and path, {}:",
                place(rule.host.is_some(), rule.port.is_some()),
            ),
            Remedy::Prolong { until, .. } => {
                writeln!(
                    f,
                    "\nWith this change the rule applies again, until {until}:"
                )
            }
            Remedy::Begin { from, .. } => {
                writeln!(f, "\nWith this change the rule applies from {from} on:")
            }
            Remedy::Enforce { .. } => writeln!(
                f,
                "\nWith this change the rule in shadow is enforced, for all that it matches, and allows the request:"
            ),
            Remedy::Except { .. } => writeln!(
                f,
                "\nWith this change the rule no longer denies anything to this caller, and another one allows the request:"
            ),
        }?;
        if let Some(rule) = &self.tried.to_paste {
            write!(f, "\n{rule}")?;
        }
        match self.patch {
            Some(patch) => write!(f, "\n{}", patch.text),
            None => Ok(()),
        }
    }
}

/// Which hosts and ports a new rule is for.
fn place(has_host: bool, has_port: bool) -> &'static str {
    match (has_host, has_port) {
        (false, false) => "whatever the host and port",
        (true, false) => "at this host, whatever the port",
        (false, true) => "at this port, whatever the host",
        (true, true) => "at this host and port",
    }
}
