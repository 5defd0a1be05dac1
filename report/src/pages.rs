//! The documentation of codes, embedded in the program: diagnostics, findings, reasons of denials, metrics and alerts.
//!
//! A page documents a code with a section, whose heading is the code, or with a row of a table whose first cell is the
//! code.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// The pages with codes, in the order in which they are printed.
const PAGES: [&str; 7] = [
    include_str!("../pages/diagnostics.md"),
    include_str!("../pages/verify.md"),
    include_str!("../pages/operations.md"),
    include_str!("../pages/denials.md"),
    include_str!("../pages/certificates.md"),
    include_str!("../pages/metrics.md"),
    include_str!("../pages/monitoring.md"),
];

/// First cells of the headers of tables with codes.
const TABLES: [&str; 3] = ["reason", "finding", "metric"];

static TEXTS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(texts);

/// All that the documentation has about a code, as Markdown.
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
    for page in PAGES {
        for (code, text) in sections(page).into_iter().chain(rows(page)) {
            let entry: &mut String = texts.entry(code).or_default();
            if entry.is_empty() {
                *entry = format!("# {code}\n");
            }
            let _ = writeln!(entry, "\n{}", text.trim());
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
                let text: Vec<_> = named
                    .map(|(name, cell)| format!("{name}: {cell}"))
                    .collect();
                let codes = first.split(", ").filter_map(code);
                rows.extend(codes.map(|code| (code, text.join("\n\n"))));
            }
            Some(_) => {}
        }
    }
    rows
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
        assert!(page.starts_with("# yaml-syntax\n\nThe file is not well-formed YAML."));
        assert!(page.contains("kind: Mesh"), "{page}");
        assert!(!page.contains("yaml-feature"), "{page}");
    }

    #[test]
    fn a_misspelled_code_is_recognized() {
        assert_eq!(closest_code("no-rule-matchd"), Some("no-rule-matched"));
        assert_eq!(closest_code("AW4IqqBtLhAwAAAAVWhcq"), None);
    }
}
