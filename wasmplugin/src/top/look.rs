//! The view of a snapshot: what the keys change.

use peergate_insight::traffic::snapshot::Snapshot;
use peergate_report::traffic::order::Order;
use peergate_report::traffic::table::{Kind, Table};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The view of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) kind: Kind,
    pub(super) order: Order,
    pub(super) is_paused: bool,
    pub(super) page: Page,
    /// Text that rows must contain; empty for all rows.
    pub(super) filter: String,
    /// The selected row among those that match the filter.
    pub(super) selected: usize,
    /// The number of rows above the screen.
    pub(super) above: usize,
    /// The number of rows that fit on the screen.
    pub(super) room: usize,
    /// Why the last reading failed.
    pub(super) trouble: Option<String>,
}

/// The page on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    #[default]
    Table,
    /// The table while the user types a filter.
    Filter,
    /// The details of the selected row.
    Row,
    Keys,
}

/// Whether the view goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Leave,
}

impl Look {
    /// The number of rows.
    pub(super) fn table(&self, snapshot: &Snapshot) -> Table {
        let mut table = Table::new(self.kind, snapshot, self.order);
        table.retain(&self.filter);
        table
    }

    /// Scrolls so that the selected row is visible and no line stays empty that a row could fill.
    pub(super) fn scroll(&mut self, rows: usize, room: usize) {
        self.room = room;
        self.selected = self.selected.min(rows.saturating_sub(1));
        let first = (self.selected + 1).saturating_sub(room);
        let last = self.selected.min(rows.saturating_sub(room));
        self.above = self.above.clamp(first.min(last), last);
    }

    /// Handles a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::Stay;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Next::Leave;
        }
        match self.page {
            Page::Filter => self.edit(key.code),
            Page::Table => return self.command(key.code),
            Page::Row | Page::Keys if key.code == KeyCode::Char('q') => return Next::Leave,
            Page::Row => match key.code {
                KeyCode::Esc | KeyCode::Enter => self.page = Page::Table,
                KeyCode::Char('?') => self.page = Page::Keys,
                code => self.select(code),
            },
            Page::Keys => self.page = Page::Table,
        }
        Next::Stay
    }

    fn edit(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.page = Page::Table,
            KeyCode::Esc => {
                self.filter.clear();
                self.page = Page::Table;
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(char) if !char.is_control() => self.filter.push(char),
            code => self.select(code),
        }
    }

    fn command(&mut self, code: KeyCode) -> Next {
        match code {
            KeyCode::Char('q') => return Next::Leave,
            KeyCode::Char('?') => self.page = Page::Keys,
            KeyCode::Char('/') => self.page = Page::Filter,
            KeyCode::Enter => self.page = Page::Row,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('p') => self.is_paused = !self.is_paused,
            KeyCode::Char('s') => self.order = self.order.next(),
            KeyCode::Tab => {
                self.kind = match self.kind {
                    Kind::Rules => Kind::Callers,
                    Kind::Callers => Kind::Rules,
                };
                self.selected = 0;
            }
            code => self.select(code),
        }
        Next::Stay
    }

    /// Selects another row. [`Look::scroll`] limits it to existing rows.
    fn select(&mut self, code: KeyCode) {
        let page = self.room.max(1);
        self.selected = match code {
            KeyCode::Down => self.selected.saturating_add(1),
            KeyCode::Up => self.selected.saturating_sub(1),
            KeyCode::PageDown => self.selected.saturating_add(page),
            KeyCode::PageUp => self.selected.saturating_sub(page),
            KeyCode::Home => 0,
            KeyCode::End => usize::MAX,
            _ => self.selected,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(look: &mut Look, rows: usize, codes: &[KeyCode]) {
        for code in codes {
            let key = KeyEvent::new(*code, KeyModifiers::NONE);
            assert_eq!(look.press(key), Next::Stay, "{code:?}");
            look.scroll(rows, look.room);
        }
    }

    #[test]
    fn the_screen_is_full_at_every_scroll_position() {
        use KeyCode::{Down, End, Home, PageDown, PageUp, Up};
        for (codes, selected, above) in [
            (&[End][..], 39, 25),
            (&[End, Up], 38, 25),
            (&[End, PageUp], 24, 24),
            (&[PageDown], 15, 1),
            (&[PageDown, PageDown, PageDown], 39, 25),
            (&[Down, Down], 2, 0),
            (&[End, Down, Home], 0, 0),
            (&[Up], 0, 0),
        ] {
            let mut look = Look {
                room: 15,
                ..Look::default()
            };
            press(&mut look, 40, codes);
            assert_eq!((look.selected, look.above), (selected, above), "{codes:?}");
        }
    }

    #[test]
    fn another_size_keeps_the_selected_row_on_a_full_screen() {
        for (selected, above, rows, room, expected) in [
            // Larger: the last rows move up.
            (39, 25, 40, 30, (39, 10)),
            (39, 25, 40, 100, (39, 0)),
            // Smaller.
            (39, 25, 40, 3, (39, 37)),
            (20, 18, 40, 1, (20, 20)),
            // No room at all.
            (20, 18, 40, 0, (20, 20)),
            // Rows are gone.
            (39, 25, 5, 15, (4, 0)),
            (39, 25, 0, 15, (0, 0)),
        ] {
            let mut look = Look {
                selected,
                above,
                ..Look::default()
            };
            look.scroll(rows, room);
            assert_eq!((look.selected, look.above), expected, "{rows} {room}");
        }
    }

    #[test]
    fn a_filter_takes_every_letter_and_escape_clears_it() {
        use KeyCode::{Backspace, Char, Enter, Esc};
        let mut look = Look::default();
        press(&mut look, 9, &[Char('/'), Char('q'), Char('?'), Char('x')]);
        press(&mut look, 9, &[Backspace, Enter]);
        assert_eq!((look.page, look.filter.as_str()), (Page::Table, "q?"));
        press(&mut look, 9, &[Esc]);
        assert_eq!(look.filter, "");
        press(&mut look, 9, &[Char('/'), Char('q'), Esc]);
        assert_eq!(look, Look::default());
        // It does not end the live view.
        press(&mut look, 9, &[Esc]);
    }

    #[test]
    fn keys_change_how_it_is_looked_at() {
        let mut look = Look::default();
        press(
            &mut look,
            9,
            &[KeyCode::Char('p'), KeyCode::Char('s'), KeyCode::Tab],
        );
        let expected = Look {
            kind: Kind::Callers,
            order: Order::Denied,
            is_paused: true,
            ..Look::default()
        };
        assert_eq!(look, expected);
        press(&mut look, 9, &[KeyCode::Enter]);
        assert_eq!(look.page, Page::Row);
        press(&mut look, 9, &[KeyCode::Char('?'), KeyCode::Char('x')]);
        assert_eq!(look.page, Page::Table);
    }

    #[test]
    fn q_and_control_c_leave_and_neither_is_taken_for_the_other() {
        let leaves = |page, code, modifiers| {
            let mut look = Look {
                page,
                ..Look::default()
            };
            look.press(KeyEvent::new(code, modifiers)) == Next::Leave
        };
        let (q, c) = (KeyCode::Char('q'), KeyCode::Char('c'));
        for page in [Page::Table, Page::Filter, Page::Row, Page::Keys] {
            assert!(leaves(page, c, KeyModifiers::CONTROL), "{page:?}");
            assert!(!leaves(page, c, KeyModifiers::NONE), "{page:?}");
            let is_typing = page == Page::Filter;
            assert_eq!(leaves(page, q, KeyModifiers::NONE), !is_typing, "{page:?}");
        }
    }
}
