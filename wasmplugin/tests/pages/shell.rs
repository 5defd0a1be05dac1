//! Invocations of `peergate` in the text of a shell.

/// One invocation.
pub(crate) struct Invocation {
    /// The name of the program first.
    pub(crate) arguments: Vec<String>,
    /// Whether nothing was left out with `…`.
    pub(crate) is_complete: bool,
}

/// Words that end a command.
const ENDS: [&str; 9] = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>"];

/// The invocations in these lines.
pub(crate) fn invocations(text: &str) -> Vec<Invocation> {
    text.lines().flat_map(of_line).collect()
}

fn of_line(line: &str) -> Vec<Invocation> {
    if !line.contains("peergate ") {
        return Vec::new();
    }
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let Some(words) = shlex::split(line) else {
        return Vec::new();
    };
    let commands = words.split(|word| ENDS.contains(&word.as_str()));
    commands.filter_map(of_command).collect()
}

fn of_command(words: &[String]) -> Option<Invocation> {
    // Assignments, and what a step of a pipeline has before its command.
    let is_before = |word: &&String| word.contains('=') || ["-", "run:"].contains(&word.as_str());
    let mut words = words.iter().skip_while(is_before).peekable();
    words.next_if(|word| *word == "peergate")?;
    let mut arguments = vec!["peergate".to_owned()];
    let mut is_complete = true;
    for word in words {
        let word = word.trim_end_matches([';', ')']);
        match word {
            "…" | "..." => is_complete = false,
            word => arguments.push(word.to_owned()),
        }
    }
    // `peergate` alone is the name of the program.
    (arguments.len() > 1).then_some(Invocation {
        arguments,
        is_complete,
    })
}

#[test]
fn commands_are_found_between_others() {
    let found =
        invocations("A=b peergate render . | kubectl apply -f - && peergate verify … # peergate x");
    let arguments: Vec<_> = found
        .iter()
        .map(|found| found.arguments.join(" "))
        .collect();
    assert_eq!(arguments, ["peergate render .", "peergate verify"]);
    let complete: Vec<_> = found.iter().map(|found| found.is_complete).collect();
    assert_eq!(complete, [true, false]);
}

#[test]
fn commands_are_found_in_steps_of_pipelines() {
    let found = invocations("  - run: peergate validate a.yaml\n    - peergate version\n");
    let arguments: Vec<_> = found
        .iter()
        .map(|found| found.arguments.join(" "))
        .collect();
    assert_eq!(arguments, ["peergate validate a.yaml", "peergate version"]);
}
