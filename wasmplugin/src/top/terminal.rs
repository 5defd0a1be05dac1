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

/// The longest delay before keys and new snapshots are handled.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Shows `first`, then the result of `next` every `interval`, until the user quits.
pub(crate) fn show(
    first: Snapshot,
    order: Order,
    interval: Duration,
    mut next: impl FnMut() -> Result<Snapshot, String> + Send + 'static,
) -> io::Result<()> {
    let (sender, snapshots) = mpsc::channel();
    // Reading is slow, so it has its own thread. The thread ends with the process, or when the receiver is gone.
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
        // A resized terminal is also an event.
        if is_changed
            && let Event::Key(key) = event::read()?
            && look.press(key) == Next::Leave
        {
            return Ok(());
        }
        loop {
            match snapshots.try_recv() {
                // Snapshots that arrive while paused are dropped, so that later rates cover one interval.
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

/// Takes a new snapshot, or marks the current one as stale.
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
