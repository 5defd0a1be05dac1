//! `peergate`.

use peergate::{Cli, ExitStatus};

fn main() -> ExitStatus {
    Cli::run()
}
