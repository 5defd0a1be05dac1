//! What every command that talks to others begins with.

use std::io;

/// Runs what waits for others to its end.
pub(crate) fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    choose_cryptography();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(work))
}

/// Chooses who does the cryptography of TLS, which nobody does by default.
pub(crate) fn choose_cryptography() {
    // Somebody else may have chosen one for the process, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
