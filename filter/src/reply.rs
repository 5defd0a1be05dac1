//! Decision → the answer that a denied caller gets.

/// An answer in place of the upstream's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalReply {
    /// The HTTP status. To gRPC clients Envoy turns 403 into status 7, `PERMISSION_DENIED`.
    pub(crate) status: u32,
    /// What Envoy's access log shows as `%RESPONSE_CODE_DETAILS%`.
    pub(crate) details: String,
    /// The headers.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// The body; to gRPC clients the message.
    pub(crate) body: String,
}

impl LocalReply {
    /// The answer to a caller that is denied for the reason of this code.
    pub(crate) fn denied(reason: &'static str) -> Self {
        Self {
            status: 403,
            details: ["peergate_denied[", reason, "]"].concat(),
            headers: vec![
                ("content-type", "text/plain"),
                ("x-peergate-reason", reason),
            ],
            body: ["access denied: ", reason, "\n"].concat(),
        }
    }

    /// The headers as the proxy takes them (proxy-wasm ABI 0.2.1): how many, the sizes of each
    /// name and value, then names and values each closed by a zero byte.
    #[cfg_attr(
        not(any(test, target_arch = "wasm32")),
        expect(dead_code, reason = "only a proxy takes it")
    )]
    pub(crate) fn serialized_headers(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        let mut push_size = |bytes: &mut Vec<u8>, size: usize| {
            bytes.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
        };
        push_size(&mut bytes, self.headers.len());
        for (name, value) in &self.headers {
            push_size(&mut bytes, name.len());
            push_size(&mut bytes, value.len());
        }
        for text in self.headers.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        bytes
    }
}
