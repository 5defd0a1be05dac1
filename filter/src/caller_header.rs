//! The header by which the upstream is told who calls.
//!
//! What a client sends under its name never reaches the upstream, in however many copies and in
//! whichever case: to the proxy header names have no case, and both calls below take all values.

use policy_schema::identity::SpiffeId;

use crate::host::Host;

/// The header's name.
pub const NAME: &[u8] = b"x-peergate-caller";

/// Leaves the header with the caller's SPIFFE ID as its one value, or without any.
///
/// A write makes Envoy look up the route again, at up to four microseconds, so a copy is removed
/// only where there is one; that there is none is quickly seen.
pub fn write(caller: Option<SpiffeId<'_>>, host: &impl Host) {
    match caller {
        Some(id) => host.replace_request_header(NAME, id.as_str().as_bytes()),
        None if host.request_header(NAME).is_some() => host.remove_request_header(NAME),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::{FakeHost, WEB};

    #[test]
    fn without_a_copy_nothing_is_written() {
        let host = FakeHost::anonymous();
        write(None, &host);
        assert_eq!(host.calls.header_writes.get(), 0);
        assert_eq!(host.calls.answered.get(), 0);
    }

    #[test]
    fn every_copy_is_removed_an_empty_first_one_included() {
        let host = FakeHost::anonymous()
            .with_header("x-peergate-caller", "")
            .with_header("X-PEERGATE-CALLER", "a")
            .with_header("x-other", "b");
        write(None, &host);
        assert_eq!(host.header_values(NAME), [""; 0]);
        assert_eq!(host.header_values(b"x-other"), ["b"]);
        assert_eq!(host.calls.header_writes.get(), 1);
    }

    #[test]
    fn the_caller_takes_the_place_of_every_copy() {
        let host = FakeHost::anonymous()
            .with_header("x-peergate-caller", "a")
            .with_header("x-peergate-caller", "b");
        write(Some(SpiffeId::parse(WEB.as_bytes()).unwrap()), &host);
        assert_eq!(host.header_values(NAME), [WEB]);
    }
}
