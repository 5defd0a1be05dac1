//! What every command that talks to others begins with.

use std::io;

/// Runs what waits for others to its end.
pub(crate) fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    // Somebody else may have chosen one for the process, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(work))
}
