//! Diagnostics and findings as annotations of GitHub Actions: workflow commands, one per line.

use std::fmt::Write as _;

use policy_schema::code::Severity;
use policy_schema::diagnostic::SourceText;

use crate::message::Message;
use crate::place::Texts;

/// A command for each message.
pub(crate) fn commands<'m>(
    messages: impl Iterator<Item = Message<'m>>,
    sources: &[SourceText],
) -> String {
    let texts = Texts::new(sources);
    messages.map(|message| command(&message, &texts)).collect()
}

fn command(message: &Message<'_>, texts: &Texts<'_>) -> String {
    let mut command = match message.severity {
        Severity::Warning => "::warning ".to_owned(),
        Severity::Error => "::error ".to_owned(),
    };
    if let Some(place) = message.place.and_then(|place| texts.in_file(place)) {
        let (file, line, end) = (property(place.file), place.line, place.end_line);
        let _ = write!(command, "file={file},line={line},endLine={end}");
        // GitHub refuses columns of places with several lines.
        if line == end {
            let (column, end) = (place.column, place.end_column);
            let _ = write!(command, ",col={column},endColumn={end}");
        }
        command.push(',');
    }
    let _ = write!(command, "title={}::", property(message.code));
    let subject = message.subject.map(|subject| format!("{subject}: "));
    let text = format!(
        "{}{}\nhelp: {}",
        subject.unwrap_or_default(),
        message.text,
        message.help
    );
    command + &data(&text) + "\n"
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use policy_schema::diagnostic::Place;
    use policy_schema::yaml::Span;

    use super::*;

    fn message(place: Option<Place>) -> Message<'static> {
        Message {
            code: "a-code",
            severity: Severity::Error,
            subject: None,
            text: "100% wrong\n::error::injected",
            help: "fix it",
            place,
            related: None,
        }
    }

    #[test]
    fn a_message_cannot_add_a_command_or_a_property() {
        let sources = [SourceText {
            name: "a,line=9:b.yaml".to_owned(),
            text: "one\ntwo\n".to_owned(),
        }];
        let span = Span { start: 4, end: 7 };
        let place = Place { source: 0, span };
        let messages = [message(Some(place)), message(None)].into_iter();
        assert_eq!(
            commands(messages, &sources),
            "::error file=a%2Cline=9%3Ab.yaml,line=2,endLine=2,col=1,endColumn=4,title=a-code::\
             100%25 wrong%0A::error::injected%0Ahelp: fix it\n\
             ::error title=a-code::100%25 wrong%0A::error::injected%0Ahelp: fix it\n"
        );
    }

    #[test]
    fn a_place_of_several_lines_has_no_columns() {
        let sources = [SourceText {
            name: "a.yaml".to_owned(),
            text: "one\ntwo\n".to_owned(),
        }];
        let span = Span { start: 0, end: 5 };
        let place = Place { source: 0, span };
        let text = commands([message(Some(place))].into_iter(), &sources);
        assert!(text.starts_with("::error file=a.yaml,line=1,endLine=2,title="));
    }
}
