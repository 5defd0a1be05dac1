//! What is to be seen → a screen.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table as Grid};

use super::snapshot::{Order, Snapshot};
use super::table::{Kind, Mark, Table};

/// How somebody looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) kind: Kind,
    pub(super) order: Order,
    pub(super) is_paused: bool,
    /// How many rows are above the screen.
    pub(super) above: usize,
    /// Why what is seen is not of now.
    pub(super) trouble: Option<String>,
}

/// Draws a screen.
pub(super) fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, look: &Look) {
    let heading: Vec<_> = snapshot
        .heading
        .iter()
        .map(|line| Line::raw(line.as_str()))
        .collect();
    let lines = u16::try_from(heading.len()).unwrap_or(u16::MAX);
    let [top, middle, bottom] = Layout::vertical([
        Constraint::Length(lines.saturating_add(1)),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(heading), top);
    let table = Table::new(look.kind, snapshot, look.order);
    if table.rows.is_empty() {
        let nothing = match look.kind {
            Kind::Rules => "nothing is counted",
            Kind::Callers => "callers are counted in the learning mode alone",
        };
        frame.render_widget(Paragraph::new(nothing), middle);
    } else {
        frame.render_widget(grid(&table, look.above), middle);
    }
    frame.render_widget(footer(look), bottom);
}

fn grid(table: &Table, above: usize) -> Grid<'static> {
    let cell = |(text, is_number): (String, bool)| {
        let alignment = if is_number {
            Alignment::Right
        } else {
            Alignment::Left
        };
        Cell::from(Text::from(text).alignment(alignment))
    };
    let are_numbers: Vec<_> = table
        .columns
        .iter()
        .map(|column| column.is_number)
        .collect();
    let titles = table.columns.iter().map(|column| column.title.to_owned());
    let titles = Row::new(titles.zip(are_numbers.clone()).map(cell))
        .style(Style::new().add_modifier(Modifier::BOLD));
    // The last row stays on the screen.
    let above = above.min(table.rows.len().saturating_sub(1));
    let rows = table.rows.iter().skip(above).map(|row| {
        let cells = row.cells.iter().cloned().zip(are_numbers.clone());
        Row::new(cells.map(cell)).style(style(row.mark))
    });
    let widths = table.widths().into_iter();
    let widths = widths.map(|width| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)));
    Grid::new(rows.collect::<Vec<_>>(), widths)
        .column_spacing(2)
        .header(titles)
}

fn style(mark: Mark) -> Style {
    match mark {
        Mark::Nothing => Style::new(),
        Mark::Denying => Style::new().fg(Color::Red),
        Mark::Shadowing => Style::new().fg(Color::Yellow),
    }
}

fn footer(look: &Look) -> Paragraph<'static> {
    if let Some(trouble) = &look.trouble {
        return Paragraph::new(trouble.clone()).style(Style::new().fg(Color::Red));
    }
    let order = match look.order {
        Order::Name => "name",
        Order::Denied => "denied",
        Order::Shadow => "shadow",
        Order::Allowed => "allowed",
    };
    let other = match look.kind {
        Kind::Rules => "callers",
        Kind::Callers => "rules",
    };
    let paused = if look.is_paused { "PAUSED  " } else { "" };
    Paragraph::new(format!(
        "{paused}q quit  p pause  s sort (by {order})  tab {other}  arrows scroll"
    ))
    .style(Style::new().add_modifier(Modifier::DIM))
}
