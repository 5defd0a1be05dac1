//! The URL of the filter's module: an image of a registry, a web server, or a file.

use std::net::Ipv6Addr;

use thiserror::Error;

/// The default port of registries and web servers.
const HTTPS_PORT: u16 = 443;

/// The maximum length of an image name, including the registry (OCI distribution spec).
const MAX_NAME_LEN: usize = 255;

/// The maximum length of a tag (OCI distribution spec).
const MAX_TAG_LEN: usize = 128;

/// The URL of a module, as in a `WasmPlugin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleUrl {
    /// `oci://…`
    Image(ImageReference),
    /// `https://…`
    Https {
        /// The port of the server.
        port: u16,
    },
    /// `file:///…`, a local file.
    File,
}

/// A reference to an image: `REGISTRY/NAME`, then a tag, a digest, or both.
///
/// The registry is required. Docker's tools default to `docker.io`, which hides a forgotten
/// registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// The host of the registry, with an optional port.
    pub registry: String,
    /// The name within the registry.
    pub repository: String,
    /// The tag, if any.
    pub tag: Option<String>,
    /// The digest of the manifest, including `sha256:`.
    pub digest: Option<String>,
    /// The port of the registry.
    port: u16,
}

/// Why a text is not the URL of a module or a reference to an image.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InvalidModuleUrl {
    /// Unknown scheme.
    #[error("it begins with none of `oci://`, `https://` and `file:///`")]
    Scheme,
    /// The first part of a reference is not a registry.
    #[error(
        "it names no registry: the part before the first `/` needs a `.`, a port, or to be `localhost`"
    )]
    Registry,
    /// Invalid host.
    #[error("it has no valid host")]
    Host,
    /// The name within the registry is invalid.
    #[error(
        "the name of an image has only lower-case letters, digits, and single `.`, `_`, `-` or `/` between them"
    )]
    Repository,
    /// The name is too long.
    #[error("the name of an image has at most {MAX_NAME_LEN} characters")]
    NameLength,
    /// The tag is invalid.
    #[error(
        "a tag has 1 to {MAX_TAG_LEN} letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`"
    )]
    Tag,
    /// The digest is not SHA-256.
    #[error("a digest is `sha256:` with 64 digits in lower-case hex")]
    Digest,
    /// The path of a URL does not lead to a file.
    #[error("it has no path to a file, or one with characters that a URL cannot have")]
    Path,
}

impl ModuleUrl {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// If sidecars cannot fetch it.
    pub fn parse(text: &str) -> Result<Self, InvalidModuleUrl> {
        if let Some(reference) = text.strip_prefix("oci://") {
            return ImageReference::parse(reference).map(Self::Image);
        }
        if let Some(rest) = text.strip_prefix("https://") {
            let (server, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let port = port_of_server(server).ok_or(InvalidModuleUrl::Host)?;
            check_path(path)?;
            return Ok(Self::Https { port });
        }
        let path = text.strip_prefix("file://");
        check_path(path.ok_or(InvalidModuleUrl::Scheme)?)?;
        Ok(Self::File)
    }

    /// The port that it is fetched from. None for a file.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Image(reference) => Some(reference.port),
            Self::Https { port } => Some(*port),
            Self::File => None,
        }
    }

    /// Whether it contains a digest.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        matches!(self, Self::Image(reference) if reference.digest.is_some())
    }
}

impl ImageReference {
    /// Parses a reference without a scheme.
    ///
    /// # Errors
    ///
    /// If no registry can have such an image.
    pub fn parse(text: &str) -> Result<Self, InvalidModuleUrl> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let (registry, path) = name.split_once('/').ok_or(InvalidModuleUrl::Registry)?;
        // Docker would fetch a name without a registry from Docker Hub.
        if registry != "localhost" && !registry.contains(['.', ':']) {
            return Err(InvalidModuleUrl::Registry);
        }
        let port = port_of_server(registry).ok_or(InvalidModuleUrl::Host)?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if !repository.split('/').all(is_component) {
            return Err(InvalidModuleUrl::Repository);
        }
        if registry.len() + 1 + repository.len() > MAX_NAME_LEN {
            return Err(InvalidModuleUrl::NameLength);
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(InvalidModuleUrl::Tag);
        }
        if digest.is_some_and(|digest| !digest.strip_prefix("sha256:").is_some_and(is_sha256)) {
            return Err(InvalidModuleUrl::Digest);
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
            port,
        })
    }
}

/// Whether a text is a SHA-256 digest in lower-case hex.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The port of `HOST` or `HOST:PORT`. None if the server is invalid.
fn port_of_server(server: &str) -> Option<u16> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            let port = if port.is_empty() {
                None
            } else {
                Some(port.strip_prefix(':')?)
            };
            (None, port)
        }
        None => match server.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(server), None),
        },
    };
    if host.is_some_and(|host| !host.split('.').all(is_host_label)) {
        return None;
    }
    let Some(port) = port else {
        return Some(HTTPS_PORT);
    };
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|port| is_number && *port > 0)
}

/// Whether a text is a label of a host name, in either case.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether a text is a component of an image's name: letters and digits, separated by `.`, `_`,
/// `__` or any number of `-` (OCI distribution spec).
fn is_component(component: &str) -> bool {
    let is_alphanumeric = |char: char| matches!(char, 'a'..='z' | '0'..='9');
    let mut separators = component.split(is_alphanumeric);
    // The separators before the first and after the last letter or digit must be empty.
    let first = separators.next();
    let last = separators.next_back();
    first == Some("")
        && last == Some("")
        && separators.all(|between| {
            matches!(between, "" | "." | "_" | "__") || between.bytes().all(|byte| byte == b'-')
        })
}

fn is_tag(tag: &str) -> bool {
    (1..=MAX_TAG_LEN).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// Checks that a path, with an optional query, is absolute and leads to a file (RFC 3986).
fn check_path(path: &str) -> Result<(), InvalidModuleUrl> {
    let file = path.split('?').next().unwrap_or_default();
    let is_file = file.starts_with('/') && !file.ends_with('/');
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    let escapes = path.split('%').skip(1);
    let mut escapes = escapes.map(|rest| rest.bytes().take_while(u8::is_ascii_hexdigit).count());
    if is_file && path.bytes().all(is_allowed) && escapes.all(|digits| digits >= 2) {
        Ok(())
    } else {
        Err(InvalidModuleUrl::Path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

    #[test]
    fn a_url_has_the_port_of_its_server() {
        let cases = [
            (
                format!("oci://registry.example.com/filter@sha256:{DIGEST}"),
                Some(443),
                true,
            ),
            (
                format!("oci://registry.example.com/filter:1@sha256:{DIGEST}"),
                Some(443),
                true,
            ),
            (
                "oci://registry.example.com:5000/filter:1".to_owned(),
                Some(5000),
                false,
            ),
            (
                "oci://registry.example.com/filter".to_owned(),
                Some(443),
                false,
            ),
            (
                "oci://Registry.example.com/a/b.c/d_e/f__g/h---i/0".to_owned(),
                Some(443),
                false,
            ),
            ("oci://localhost/f".to_owned(), Some(443), false),
            (
                "oci://registry:5000/f:v1.0_A-b".to_owned(),
                Some(5000),
                false,
            ),
            ("oci://127.0.0.1:28700/f".to_owned(), Some(28700), false),
            ("oci://[::1]:5000/f".to_owned(), Some(5000), false),
            ("oci://[2001:db8::1]/f".to_owned(), Some(443), false),
            (
                format!("oci://r.example/{}", "a".repeat(245)),
                Some(443),
                false,
            ),
            (
                format!("oci://r.example/f:{}", "a".repeat(128)),
                Some(443),
                false,
            ),
            (
                "https://files.example.com/filter.wasm".to_owned(),
                Some(443),
                false,
            ),
            (
                "https://files.example.com:8443/a:1/filter.wasm".to_owned(),
                Some(8443),
                false,
            ),
            (
                "https://files/f%20g.wasm?version=1&a=/".to_owned(),
                Some(443),
                false,
            ),
            ("file:///filter.wasm".to_owned(), None, false),
        ];
        for (text, port, is_pinned) in cases {
            let url = ModuleUrl::parse(&text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
            assert_eq!((url.port(), url.is_pinned()), (port, is_pinned), "{text}");
        }
    }

    #[test]
    fn refuses_urls_that_sidecars_cannot_fetch() {
        use InvalidModuleUrl as Invalid;
        let upper = DIGEST.to_uppercase();
        let cases = [
            (String::new(), Invalid::Scheme),
            ("registry.example.com/filter".to_owned(), Invalid::Scheme),
            (
                "http://files.example.com/f.wasm".to_owned(),
                Invalid::Scheme,
            ),
            ("OCI://r.example/f".to_owned(), Invalid::Scheme),
            ("oci://".to_owned(), Invalid::Registry),
            ("oci://x".to_owned(), Invalid::Registry),
            ("oci://x:1".to_owned(), Invalid::Registry),
            ("oci://a/b".to_owned(), Invalid::Registry),
            ("oci:///f".to_owned(), Invalid::Registry),
            (
                "oci://REGISTRY/NAME@sha256:DIGEST".to_owned(),
                Invalid::Registry,
            ),
            ("oci://r.example:/f".to_owned(), Invalid::Host),
            ("oci://r.example:0/f".to_owned(), Invalid::Host),
            ("oci://r.example:+1/f".to_owned(), Invalid::Host),
            ("oci://r.example:65536/f".to_owned(), Invalid::Host),
            ("oci://r.example:5000:5000/f".to_owned(), Invalid::Host),
            ("oci://r..example/f".to_owned(), Invalid::Host),
            ("oci://-r.example/f".to_owned(), Invalid::Host),
            ("oci://r_x.example/f".to_owned(), Invalid::Host),
            ("oci://[::1/f".to_owned(), Invalid::Host),
            ("oci://[::1]5000/f".to_owned(), Invalid::Host),
            ("oci://r.example/".to_owned(), Invalid::Repository),
            ("oci://r.example//f".to_owned(), Invalid::Repository),
            ("oci://r.example/f/".to_owned(), Invalid::Repository),
            ("oci://r.example/Filter".to_owned(), Invalid::Repository),
            ("oci://r.example/f..g".to_owned(), Invalid::Repository),
            ("oci://r.example/f___g".to_owned(), Invalid::Repository),
            ("oci://r.example/f-".to_owned(), Invalid::Repository),
            ("oci://r.example/-".to_owned(), Invalid::Repository),
            ("oci://r.example/f g".to_owned(), Invalid::Repository),
            ("oci://r.example/f?x".to_owned(), Invalid::Repository),
            ("oci://r.example/ü".to_owned(), Invalid::Repository),
            (
                format!("oci://r.example/{}", "a".repeat(246)),
                Invalid::NameLength,
            ),
            ("oci://r.example/f:".to_owned(), Invalid::Tag),
            ("oci://r.example/f:.1".to_owned(), Invalid::Tag),
            ("oci://r.example/f:1:2".to_owned(), Invalid::Tag),
            (
                format!("oci://r.example/f:{}", "a".repeat(129)),
                Invalid::Tag,
            ),
            ("oci://r.example/f@".to_owned(), Invalid::Digest),
            ("oci://r.example/f@sha256:abc".to_owned(), Invalid::Digest),
            ("oci://r.example/f@sha512:5f70".to_owned(), Invalid::Digest),
            (
                format!("oci://r.example/f@sha512:{DIGEST}{DIGEST}"),
                Invalid::Digest,
            ),
            (format!("oci://r.example/f@sha256:{upper}"), Invalid::Digest),
            (format!("oci://r.example/f@{DIGEST}"), Invalid::Digest),
            (
                format!("oci://r.example/f@sha256:{DIGEST}@sha256:{DIGEST}"),
                Invalid::Digest,
            ),
            ("https://".to_owned(), Invalid::Host),
            ("https:///f.wasm".to_owned(), Invalid::Host),
            (
                "https://user:password@files.example/f.wasm".to_owned(),
                Invalid::Host,
            ),
            ("https://files.example".to_owned(), Invalid::Path),
            ("https://files.example/".to_owned(), Invalid::Path),
            ("https://files.example/a/?b=c".to_owned(), Invalid::Path),
            ("https://files.example/a b".to_owned(), Invalid::Path),
            ("https://files.example/a#b".to_owned(), Invalid::Path),
            ("https://files.example/a%2".to_owned(), Invalid::Path),
            ("file://".to_owned(), Invalid::Path),
            ("file:///".to_owned(), Invalid::Path),
            ("file://filter.wasm".to_owned(), Invalid::Path),
        ];
        for (text, expected) in cases {
            assert_eq!(ModuleUrl::parse(&text), Err(expected), "{text}");
        }
    }
}
