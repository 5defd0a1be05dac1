//! A snapshot → a screen.

use peergate_insight::traffic::snapshot::Snapshot;
use peergate_report::shorten;
use peergate_report::traffic::table::{Kind, Mark, Table};
use peergate_report::traffic::{fit, row};
use policy_schema::wording::counted;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use super::look::{Look, Page};

/// The help page. Its lines fit 40 columns, and with the footer ten rows.
const KEYS: [&str; 9] = [
    "Up Down PgUp PgDn Home End  move",
    "Enter  details of the row",
    "Tab    rules or callers",
    "s      change the sort order",
    "/      filter rows, Esc clears it",
    "p      pause, and go on",
    "q      quit",
    "",
    "! being denied  ~ matched in shadow",
];

/// How to enable the counters of callers.
const NO_CALLERS: &str = "no callers are counted: turn on the learning mode with \
    `spec.filter.reporting.learning: {}` in the `Mesh`, render and apply it";

/// Draws a screen, and keeps the view within the rows that exist.
pub(super) fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, look: &mut Look) {
    let area = frame.area();
    let [body, bottom] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let table = look.table(snapshot);
    let hidden = match look.page {
        Page::Keys => {
            frame.render_widget(Paragraph::new(KEYS.map(Line::raw).to_vec()), body);
            0
        }
        Page::Row => {
            look.scroll(table.row_count(), look.room);
            frame.render_widget(whole_row(&table, look.selected), body);
            0
        }
        Page::Table | Page::Filter => overview(frame, body, snapshot, &table, look),
    };
    let width = usize::from(bottom.width);
    let rows = table.row_count();
    frame.render_widget(footer(look, rows, hidden, width), bottom);
}

/// Draws heading and table. Returns the number of columns that do not fit.
fn overview(
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot,
    table: &Table,
    look: &mut Look,
) -> usize {
    let width = usize::from(area.width);
    // On a small screen, the table gets two thirds.
    let heading = heading(snapshot, width, usize::from(area.height / 3));
    let lines = u16::try_from(heading.len()).unwrap_or(u16::MAX);
    // An empty line between them, if it fits.
    let gap = u16::from(area.height > 10);
    let [top, _, middle] = Layout::vertical([
        Constraint::Length(lines),
        Constraint::Length(gap),
        Constraint::Min(0),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(heading), top);
    let room = usize::from(middle.height.saturating_sub(1));
    look.scroll(table.row_count(), room);
    if table.row_count() == 0 {
        let nothing = if look.filter.is_empty() {
            match look.kind {
                Kind::Rules => "nothing is counted".to_owned(),
                Kind::Callers => NO_CALLERS.to_owned(),
            }
        } else {
            format!("no row has `{}`: Esc clears the filter", look.filter)
        };
        let nothing = Paragraph::new(nothing).wrap(Wrap { trim: true });
        frame.render_widget(nothing, middle);
        return 0;
    }
    let shown = look.above..look.above.saturating_add(room);
    let fitted = fit::fit(table, shown, look.order, width);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut lines = vec![Line::styled(fitted.header, bold)];
    for (place, line) in (look.above..).zip(fitted.lines) {
        let mut style = style(line.mark);
        if snapshot.is_stale {
            style = style.add_modifier(Modifier::DIM);
        }
        if place == look.selected {
            style = style.add_modifier(Modifier::REVERSED);
        }
        lines.push(Line::styled(line.text, style));
    }
    frame.render_widget(Paragraph::new(lines), middle);
    fitted.hidden.len()
}

/// The lines of the heading that fit, at least the first.
fn heading(snapshot: &Snapshot, width: usize, room: usize) -> Vec<Line<'static>> {
    let all = &snapshot.heading;
    let room = room.max(1);
    let left_out = all.len().saturating_sub(room);
    let mut lines: Vec<_> = all
        .iter()
        .take(room)
        .map(|line| Line::raw(shorten::words(line, width)))
        .collect();
    if left_out > 0
        && let Some(last) = lines.last_mut()
        && room > 1
    {
        let more = format!("and {} more lines: see `--once`", left_out + 1);
        *last = Line::raw(shorten::words(&more, width));
    }
    lines
}

/// Every cell of a row, with every digit.
fn whole_row(table: &Table, selected: usize) -> Paragraph<'static> {
    let Some(lines) = row::lines(table, selected) else {
        return Paragraph::new("no row is selected");
    };
    let lines: Vec<_> = lines.into_iter().map(Line::raw).collect();
    Paragraph::new(lines).wrap(Wrap { trim: false })
}

fn style(mark: Mark) -> Style {
    match mark {
        Mark::Nothing => Style::new(),
        Mark::Denying => Style::new().fg(Color::Red),
        Mark::Shadowing => Style::new().fg(Color::Yellow),
    }
}

/// The footer, with the hints that fit.
fn footer(look: &Look, rows: usize, hidden: usize, width: usize) -> Paragraph<'static> {
    match look.page {
        Page::Filter => {
            let typed = format!("/{}_  Enter keeps, Esc clears", look.filter);
            return Paragraph::new(shorten::words(&typed, width));
        }
        Page::Keys => return dim("any key goes back"),
        Page::Table | Page::Row => {}
    }
    if let Some(trouble) = &look.trouble {
        let trouble = format!("STALE: {trouble}");
        return Paragraph::new(shorten::words(&trouble, width)).style(Style::new().fg(Color::Red));
    }
    if look.page == Page::Row {
        return dim("Esc goes back  Up, Down other rows");
    }
    let mut parts = Vec::new();
    if look.is_paused {
        parts.push("PAUSED".to_owned());
    }
    parts.push("? keys".to_owned());
    if !look.filter.is_empty() {
        parts.push(format!("filter `{}`", look.filter));
    }
    if rows > look.room {
        let last = look.above.saturating_add(look.room).min(rows);
        parts.push(format!("{}-{last} of {rows}", look.above.saturating_add(1)));
    }
    if hidden > 0 {
        parts.push(format!("Enter +{}", counted(hidden, "column", "columns")));
    }
    let other = match look.kind {
        Kind::Rules => "callers",
        Kind::Callers => "rules",
    };
    parts.push("q quit".to_owned());
    parts.push(format!("s sort (by {})", look.order.name()));
    parts.push(format!("Tab {other}"));
    parts.push("/ filter".to_owned());
    let mut text = String::new();
    for part in parts {
        let longer = if text.is_empty() {
            part
        } else {
            format!("{text}  {part}")
        };
        if shorten::width(&longer) <= width {
            text = longer;
        }
    }
    dim(text)
}

fn dim(text: impl Into<String>) -> Paragraph<'static> {
    Paragraph::new(text.into()).style(Style::new().add_modifier(Modifier::DIM))
}
