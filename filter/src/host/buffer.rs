//! The memory for the values that host calls return.
//!
//! The proxy gets it from the module for each value. Nearly all values are short and live as long
//! as the callback, so they share a few slots, which stay in the processor's cache.

#![expect(unsafe_code, reason = "the proxy fills the memory")]

use std::cell::{Cell, UnsafeCell};
use std::ops::Deref;
use std::ptr::NonNull;
use std::{fmt, ptr, slice};

/// One for each bit of [`USED`].
const SLOTS: usize = u8::BITS as usize;
const SLOT_SIZE: usize = 512;

#[repr(align(64))]
struct Slots(UnsafeCell<[[u8; SLOT_SIZE]; SLOTS]>);

// SAFETY: a module has a single thread.
unsafe impl Sync for Slots {}

static MEMORY: Slots = Slots(UnsafeCell::new([[0; SLOT_SIZE]; SLOTS]));

thread_local! {
    /// A bit for each slot in use.
    static USED: Cell<u8> = const { Cell::new(0) };
}

/// A value that a host call returned.
pub(crate) struct Buffer {
    data: NonNull<u8>,
    size: usize,
}

/// Memory of `size` bytes for a value, which [`Buffer::from_raw`] takes over.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let used = USED.get();
    let slot = used.trailing_ones();
    if size <= SLOT_SIZE && slot < u8::BITS {
        USED.set(used | 1 << slot);
        return MEMORY
            .0
            .get()
            .cast::<u8>()
            .wrapping_add(slot as usize * SLOT_SIZE);
    }
    Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast()
}

/// The slot that begins at `data`; `None` for memory of the allocator.
fn slot_of(data: NonNull<u8>) -> Option<usize> {
    let offset = data.addr().get().checked_sub(MEMORY.0.get().addr())?;
    let slot = offset / SLOT_SIZE;
    (slot < SLOTS).then_some(slot)
}

impl Buffer {
    /// The value at `data`, which must come from [`proxy_on_memory_allocate`] for this size, filled
    /// by the proxy and used by nothing else. Without `data` the value is empty.
    pub(super) unsafe fn from_raw(data: *mut u8, size: usize) -> Self {
        NonNull::new(data).map_or_else(Self::default, |data| Self { data, size })
    }
}

/// An empty value.
impl Default for Buffer {
    fn default() -> Self {
        Self {
            data: NonNull::dangling(),
            size: 0,
        }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `from_raw` requires it, and a slot is used by one buffer at a time.
        unsafe { slice::from_raw_parts(self.data.as_ptr(), self.size) }
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = slot_of(self.data) {
            USED.set(USED.get() & !(1 << slot));
        } else if self.size > 0 {
            // SAFETY: it was a box of this size.
            drop(unsafe {
                Box::from_raw(ptr::slice_from_raw_parts_mut(self.data.as_ptr(), self.size))
            });
        }
    }
}

/// Omits the value: client data must not appear in logs.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").finish_non_exhaustive()
    }
}
