//! The documentation of codes, embedded in the program: diagnostics, findings, reasons of denials, metrics and alerts.
//!
//! A page documents a code with a section, whose heading is the code, or with a row of a table whose first cell is the
//! code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::LazyLock;

/// A page with codes.
struct Page {
    /// What the page says about a code.
    subject: &'static str,
    text: &'static str,
}

/// The pages with codes, in the order in which they are printed.
const PAGES: [Page; 7] = [
    Page {
        subject: "Diagnostic of `validate`",
        text: include_str!("../pages/diagnostics.md"),
    },
    Page {
        subject: "Finding of `verify`",
        text: include_str!("../pages/verify.md"),
    },
    Page {
        subject: "Reason of a decision",
        text: include_str!("../pages/operations.md"),
    },
    Page {
        subject: "Change that `explain ID` proposes",
        text: include_str!("../pages/denials.md"),
    },
    Page {
        subject: "Finding of `certs read`",
        text: include_str!("../pages/certificates.md"),
    },
    Page {
        subject: "Metric",
        text: include_str!("../pages/metrics.md"),
    },
    Page {
        subject: "Alert",
        text: include_str!("../pages/monitoring.md"),
    },
];

/// First cells of the headers of tables with codes.
const TABLES: [&str; 3] = ["reason", "finding", "metric"];

static TEXTS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(texts);

/// All that the documentation has about a code, as Markdown without links.
pub fn page(code: &str) -> Option<&'static str> {
    TEXTS.get(code).map(String::as_str)
}

/// Every code with a page, in the order of their names.
pub fn codes() -> impl Iterator<Item = &'static str> {
    TEXTS.keys().copied()
}

/// The code that a misspelled one most likely means.
pub fn closest_code(wanted: &str) -> Option<&'static str> {
    let distances = codes().map(|code| (strsim::osa_distance(code, wanted), code));
    let close = distances.filter(|(distance, code)| *distance <= code.len() / 3);
    close.min().map(|(_, code)| code)
}

fn texts() -> BTreeMap<&'static str, String> {
    let mut texts = BTreeMap::new();
    for Page { subject, text } in PAGES {
        for (code, text) in sections(text).into_iter().chain(rows(text)) {
            let entry: &mut String = texts.entry(code).or_default();
            if entry.is_empty() {
                *entry = format!("# {code}\n");
            }
            let text = without_links(text.trim());
            let _ = writeln!(entry, "\n## {subject}\n\n{text}");
        }
    }
    texts
}

/// The sections whose heading is a code.
fn sections(page: &'static str) -> Vec<(&'static str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    let mut is_open = false;
    let mut is_block = false;
    for line in page.lines() {
        is_block ^= line.starts_with("```");
        if line.starts_with('#') && !is_block {
            let title = line.trim_start_matches('#').trim();
            let alert = title.starts_with("Peergate").then_some(title);
            let code = code(title).or(alert).filter(|_| line.starts_with("###"));
            is_open = code.is_some();
            sections.extend(code.map(|code| (code, String::new())));
        } else if let Some((_, text)) = sections.last_mut().filter(|_| is_open) {
            *text += line;
            text.push('\n');
        }
    }
    sections
}

/// The rows of tables with codes, each cell after the header of its column.
fn rows(page: &'static str) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut header: Option<Vec<&str>> = None;
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|') else {
            header = None;
            continue;
        };
        let cells: Vec<_> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let Some((first, others)) = cells.split_first() else {
            continue;
        };
        match &header {
            None => header = Some(cells),
            Some(header) if header.first().is_some_and(|name| TABLES.contains(name)) => {
                let named = header.iter().skip(1).zip(others);
                let named = named.filter(|(_, cell)| !cell.is_empty());
                let text: Vec<_> = named
                    .map(|(name, cell)| format!("{}: {cell}", capitalized(name)))
                    .collect();
                let codes = first.split(", ").filter_map(code);
                rows.extend(codes.map(|code| (code, text.join("\n\n"))));
            }
            Some(_) => {}
        }
    }
    rows
}

/// The text with a capital at its start.
fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|char| char.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The text with the title of each link in place of the link, and blocks without the labels that tests need.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with("```") {
            let language = line.split_whitespace().next().unwrap_or_default();
            plain.push_str(language);
            plain.push('\n');
            continue;
        }
        let mut rest = line;
        while let Some((title, target)) = first_link(rest) {
            plain.push_str(rest.get(..title.start - 1).unwrap_or_default());
            plain.push_str(rest.get(title).unwrap_or_default());
            rest = rest.get(target.end + 1..).unwrap_or_default();
        }
        plain.push_str(rest);
    }
    plain
}

/// The title and the target of the first link.
fn first_link(text: &str) -> Option<(Range<usize>, Range<usize>)> {
    let middle = text.find("](")?;
    let start = text.get(..middle)?.rfind('[')? + 1;
    let end = middle + text.get(middle..)?.find(')')?;
    Some((start..middle, middle + 2..end))
}

/// A code in backticks.
fn code(text: &'static str) -> Option<&'static str> {
    let code = text.strip_prefix('`')?.strip_suffix('`')?;
    let is_code = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    (!code.is_empty() && code.chars().all(is_code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use policy_schema::code;
    use policy_schema::telemetry::ReasonCode;
    use policy_schema::verify::FindingCode;

    use super::*;

    #[test]
    fn every_diagnostic_finding_and_reason_of_a_denial_has_a_page() {
        let diagnostics = code::all().map(|explained| explained.code.as_str());
        let findings = FindingCode::ALL.iter().map(|code| code.as_str());
        let reasons = ReasonCode::DECISION_REASONS
            .iter()
            .map(|reason| reason.as_str());
        for code in diagnostics.chain(findings).chain(reasons) {
            let page = page(code);
            assert!(
                page.is_some_and(|page| page.len() > code.len() + 40),
                "{code}"
            );
        }
    }

    #[test]
    fn a_page_ends_where_the_next_section_begins() {
        let page = page("yaml-syntax").unwrap_or_default();
        assert!(page.starts_with(
            "# yaml-syntax\n\n## Diagnostic of `validate`\n\nThe file is not well-formed YAML."
        ));
        assert!(page.contains("kind: Mesh"), "{page}");
        assert!(!page.contains("yaml-feature"), "{page}");
    }

    #[test]
    fn links_and_labels_of_blocks_are_left_out() {
        let text = "See [one](a.md#b) and [`two`](c.md).\n```yaml rule\n[x](y)\n```\n";
        let plain = "See one and `two`.\n```yaml\nx\n```\n";
        assert_eq!(without_links(text), plain);
    }

    #[test]
    fn a_misspelled_code_is_recognized() {
        assert_eq!(closest_code("no-rule-matchd"), Some("no-rule-matched"));
        assert_eq!(closest_code("AW4IqqBtLhAwAAAAVWhcq"), None);
    }
}
