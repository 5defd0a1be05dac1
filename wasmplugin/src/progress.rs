//! Progress on a terminal, for what takes longer than a second.

use std::io::{IsTerminal, Read, stderr};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::verbosity::{Verbosity, verbosity};

/// What takes less time shows no progress.
const DELAY: Duration = Duration::from_secs(1);

/// How often the display changes.
const TICK: Duration = Duration::from_millis(100);

/// The bar that is shown, which messages must not overwrite.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows that something is going on, until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    is_done: Arc<(Mutex<bool>, Condvar)>,
}

impl Progress {
    /// For work of unknown size: a spinner with the elapsed time. The text names the work, such as `rendering`.
    pub(crate) fn spinner(text: impl Into<String>) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
        Self::start(ProgressBar::no_length(), style, text.into())
    }

    /// For reading so many bytes.
    pub(crate) fn bytes(length: u64, text: impl Into<String>) -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}");
        Self::start(ProgressBar::new(length), style, text.into())
    }

    /// The reader, whose bytes count.
    pub(crate) fn wrap(&self, reader: impl Read + 'static) -> Box<dyn Read> {
        Box::new(self.bar.wrap_read(reader))
    }

    fn start(
        bar: ProgressBar,
        style: Result<ProgressStyle, indicatif::style::TemplateError>,
        text: String,
    ) -> Self {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_message(text);
        let is_done = Arc::new((Mutex::new(false), Condvar::new()));
        if stderr().is_terminal() && verbosity() > Verbosity::Quiet {
            show_later(bar.clone(), Arc::clone(&is_done));
        }
        Self { bar, is_done }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let (is_done, changed) = &*self.is_done;
        *is_done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
        shown(|shown| *shown = None);
        self.bar.finish_and_clear();
    }
}

/// Runs what prints on stderr, with the bar out of the way.
pub(crate) fn suspended(print: impl FnOnce()) {
    let bar = shown(|shown| shown.clone());
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

fn show_later(bar: ProgressBar, is_done: Arc<(Mutex<bool>, Condvar)>) {
    thread::spawn(move || {
        let (done, changed) = &*is_done;
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(done, DELAY, |done| !*done);
        let (done, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && !*done {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
            shown(|shown| *shown = Some(bar));
        }
    });
}

fn shown<T>(change: impl FnOnce(&mut Option<ProgressBar>) -> T) -> T {
    change(&mut SHOWN.lock().unwrap_or_else(PoisonError::into_inner))
}
