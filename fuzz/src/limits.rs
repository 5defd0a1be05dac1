//! Limits on the cost of one input.

use std::cell::{Cell, RefCell};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The maximum time for one input.
pub const MAX_TIME: Duration = Duration::from_secs(2);

/// The maximum number of bytes allocated at a time for one input.
pub const MAX_MEMORY: u64 = 200_000_000;

/// After this time an input counts as hanging.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// The input that is being read, and its start time.
type Current = Mutex<Option<(Instant, Vec<u8>)>>;

/// Runs inputs and enforces the limits.
pub(crate) struct Watch {
    target: String,
    measures_time: bool,
    slowest: RefCell<(Duration, Vec<u8>)>,
    peak_memory: Cell<u64>,
    current: Arc<Current>,
}

impl Watch {
    pub(crate) fn new(target: &str, measures_time: bool) -> Self {
        let current = Arc::new(Current::default());
        if measures_time {
            let (target, current) = (target.to_owned(), Arc::downgrade(&current));
            std::thread::spawn(move || {
                while let Some(current) = current.upgrade() {
                    end_hanging(&target, &current);
                    drop(current);
                    std::thread::park_timeout(Duration::from_secs(1));
                }
            });
        }
        Self {
            target: target.to_owned(),
            measures_time,
            slowest: RefCell::default(),
            peak_memory: Cell::default(),
            current,
        }
    }

    /// Runs an input, and returns its outcome.
    pub(crate) fn run(&self, input: &[u8], read: &impl Fn(&[u8]) -> String) -> String {
        let start = Instant::now();
        if self.measures_time {
            *lock(&self.current) = Some((start, input.to_owned()));
        }
        let mut result = Ok(String::new());
        let memory = allocation_counter::measure(|| {
            result = catch_unwind(AssertUnwindSafe(|| read(input)));
        });
        let time = start.elapsed();
        *lock(&self.current) = None;
        if self.measures_time && time > self.slowest.borrow().0 {
            *self.slowest.borrow_mut() = (time, input.to_owned());
        }
        self.peak_memory
            .set(self.peak_memory.get().max(memory.bytes_max));
        let fault = if result.is_err() {
            "it panicked".to_owned()
        } else if memory.bytes_max > MAX_MEMORY {
            format!("it allocated {} bytes at a time", memory.bytes_max)
        } else if self.measures_time && time > MAX_TIME {
            format!("it took {time:?}")
        } else {
            return result.unwrap_or_default();
        };
        panic!("{}", failed(&self.target, input, &fault));
    }

    /// Saves the slowest input, and returns where.
    pub(crate) fn slowest(&self) -> String {
        let (time, input) = &*self.slowest.borrow();
        failed(&self.target, input, &format!("the slowest took {time:?}"))
    }

    pub(crate) fn peak_memory(&self) -> u64 {
        self.peak_memory.get()
    }
}

fn lock(current: &Current) -> std::sync::MutexGuard<'_, Option<(Instant, Vec<u8>)>> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end_hanging(target: &str, current: &Current) {
    if let Some((start, input)) = &*lock(current)
        && start.elapsed() > HANGS_AFTER
    {
        eprintln!("{}", failed(target, input, "it hangs"));
        std::process::abort();
    }
}

/// Saves a failing input, and returns where.
fn failed(target: &str, input: &[u8], fault: &str) -> String {
    let mut hasher = DefaultHasher::new();
    input.hash(&mut hasher);
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz-failures");
    let path = folder.join(format!("{target}-{:016x}", hasher.finish()));
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    match written {
        Ok(()) => format!("{target}: {fault}; the input is in {}", path.display()),
        Err(error) => format!("{target}: {fault}; the input cannot be written: {error}"),
    }
}
