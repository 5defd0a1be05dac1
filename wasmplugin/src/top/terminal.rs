//! A terminal that shows snapshots until the user quits.

use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Duration;
use std::{io, thread};

use peergate_insight::traffic::snapshot::Snapshot;
use peergate_report::traffic::order::Order;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};

use super::look::{Look, Next};
use super::view::draw;

/// How long a key may wait, and with it what came in meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

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
    let mut is_changed = true;
    loop {
        if is_changed {
            terminal.draw(|frame| draw(frame, &snapshot, &mut look))?;
        }
        is_changed = event::poll(POLL_INTERVAL)?;
        // A new size is an event too.
        if is_changed
            && let Event::Key(key) = event::read()?
            && look.press(key) == Next::Leave
        {
            return Ok(());
        }
        loop {
            match snapshots.try_recv() {
                // What comes in during a pause is left, so that rates are over one interval after it too.
                Ok(_) if look.is_paused => {}
                Ok(newer) => {
                    take(newer, &mut snapshot, &mut look);
                    is_changed = true;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
    }
}

/// Shows a new snapshot, or that the one that is shown is getting old.
pub(super) fn take(newer: Result<Snapshot, String>, snapshot: &mut Snapshot, look: &mut Look) {
    match newer {
        Ok(newer) => {
            *snapshot = newer;
            look.trouble = None;
        }
        Err(trouble) => {
            snapshot.is_stale = true;
            look.trouble = Some(trouble);
        }
    }
}
