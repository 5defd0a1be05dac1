//! A terminal that shows what is to be seen, until somebody has seen enough.

use std::io;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::snapshot::{Order, Snapshot};
use super::table::Kind;
use super::view::{Look, draw};

/// How long a key may wait, and with it what came in meanwhile.
const GLANCE: Duration = Duration::from_millis(100);

/// How many rows a page is.
const PAGE: usize = 10;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Stay,
    Leave,
}

/// Shows `first`, and every `interval` what `next` gives, until somebody quits.
pub(crate) fn show(
    first: Snapshot,
    order: Order,
    interval: Duration,
    mut next: impl FnMut() -> Result<Snapshot, String> + Send + 'static,
) -> io::Result<()> {
    let (sender, snapshots) = mpsc::channel();
    // Looking takes its time, and keys do not wait for it. The thread ends with the process, or when nobody listens.
    thread::spawn(move || {
        loop {
            thread::sleep(interval);
            if sender.send(next()).is_err() {
                break;
            }
        }
    });
    let mut terminal = ratatui::try_init()?;
    let look = Look {
        order,
        ..Look::default()
    };
    let ended = watch(&mut terminal, first, look, &snapshots);
    ratatui::try_restore()?;
    ended
}

fn watch(
    terminal: &mut DefaultTerminal,
    mut snapshot: Snapshot,
    mut look: Look,
    snapshots: &Receiver<Result<Snapshot, String>>,
) -> io::Result<()> {
    loop {
        terminal.draw(|frame| draw(frame, &snapshot, &look))?;
        let rows = rows(&snapshot, look.kind);
        if event::poll(GLANCE)?
            && let Event::Key(key) = event::read()?
            && press(key, &mut look, rows) == Wish::Leave
        {
            return Ok(());
        }
        loop {
            match snapshots.try_recv() {
                // What comes in during a pause is left, so that rates are over one interval after it too.
                Ok(_) if look.is_paused => {}
                Ok(Ok(newer)) => {
                    snapshot = newer;
                    look.trouble = None;
                }
                Ok(Err(trouble)) => look.trouble = Some(trouble),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
    }
}

fn rows(snapshot: &Snapshot, kind: Kind) -> usize {
    match kind {
        Kind::Rules => snapshot.rules.len(),
        Kind::Callers => snapshot.callers.len(),
    }
}

/// What a key does to how somebody looks at so many rows.
pub(super) fn press(key: KeyEvent, look: &mut Look, rows: usize) -> Wish {
    if key.kind == KeyEventKind::Release {
        return Wish::Stay;
    }
    let last = rows.saturating_sub(1);
    let down = |by: usize, above: usize| above.saturating_add(by).min(last);
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return Wish::Leave,
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Wish::Leave,
        KeyCode::Char('p') => look.is_paused = !look.is_paused,
        KeyCode::Char('s') => look.order = look.order.next(),
        KeyCode::Tab => {
            look.kind = match look.kind {
                Kind::Rules => Kind::Callers,
                Kind::Callers => Kind::Rules,
            };
            look.above = 0;
        }
        KeyCode::Down => look.above = down(1, look.above),
        KeyCode::PageDown => look.above = down(PAGE, look.above),
        KeyCode::Up => look.above = look.above.saturating_sub(1),
        KeyCode::PageUp => look.above = look.above.saturating_sub(PAGE),
        KeyCode::Home => look.above = 0,
        KeyCode::End => look.above = last,
        _ => {}
    }
    Wish::Stay
}
