//! Where sidecars fetch the filter, and how.

use super::names::check_subdomain;
use crate::code::Code;
use crate::document::FilterSpec;
use crate::problem::{Cursor, Problems};

/// Checks the `filter` of a mesh but for its `reporting`.
pub(super) fn check(spec: &FilterSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    let Some(image) = &spec.image else {
        check_without_image(spec, cursor, problems);
        return;
    };
    let is_sound = check_image(image, &cursor.key("image"), problems);
    if let Some(secret) = &spec.image_pull_secret {
        let cursor = cursor.key("imagePullSecret");
        check_subdomain(secret, &cursor, problems);
        if is_sound && !image.starts_with("oci://") {
            exclusive(
                &cursor,
                "only an image of a registry is fetched with a login",
                "remove the secret, or use `oci://…`",
                problems,
            );
        }
    }
    if spec.image_pull_policy.is_some() && image.starts_with("file://") {
        exclusive(
            &cursor.key("imagePullPolicy"),
            "a file is not fetched",
            "remove the policy",
            problems,
        );
    }
    if let Some(digest) = &spec.sha256 {
        check_digest(digest, image, &cursor.key("sha256"), problems);
    } else if is_sound && !image.starts_with("file://") && !is_pinned(image) {
        let help = if image.starts_with("oci://") {
            "end it with the digest of the image: `@sha256:…`"
        } else {
            "add the digest of the module: `sha256: …`"
        };
        problems.report(
            Code::UnpinnedImage,
            &cursor.key("image"),
            format!("`{image}` may be another module tomorrow"),
            help,
        );
    }
}

/// What says how to fetch an image, and there is none.
fn check_without_image(spec: &FilterSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    let fields = [
        ("imagePullSecret", spec.image_pull_secret.is_some()),
        ("imagePullPolicy", spec.image_pull_policy.is_some()),
        ("sha256", spec.sha256.is_some()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
        problems.report(
            Code::MissingField,
            &cursor.key(field),
            format!("`{field}` is about the `image`, and there is none"),
            "add `image`, or remove the field",
        );
    }
}

/// Whether the reference is one that a sidecar can fetch.
fn check_image(image: &str, cursor: &Cursor<'_>, problems: &mut Problems) -> bool {
    let schemes = ["oci://", "https://", "file://"];
    let is_image = schemes.iter().any(|scheme| {
        image.strip_prefix(scheme).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
        })
    });
    if !is_image {
        problems.report(
            Code::InvalidImage,
            cursor,
            format!("`{image}` is not a reference that a sidecar can fetch"),
            "write `oci://REGISTRY/NAME@sha256:…`, `https://…` or `file:///…`",
        );
    }
    is_image
}

fn check_digest(digest: &str, image: &str, cursor: &Cursor<'_>, problems: &mut Problems) {
    if !is_digest(digest) {
        problems.report(
            Code::InvalidValue,
            cursor,
            format!("`{digest}` is not a SHA-256 digest"),
            "write its 64 digits in lower-case hex, as `sha256sum` prints them",
        );
    }
    if is_pinned(image) {
        exclusive(
            cursor,
            "the image's reference has its digest already",
            "remove the field",
            problems,
        );
    } else if image.starts_with("file://") {
        exclusive(
            cursor,
            "Istio compares the digest of what it fetches, and a file is not fetched",
            "remove the field",
            problems,
        );
    }
}

fn exclusive(cursor: &Cursor<'_>, message: &str, help: &str, problems: &mut Problems) {
    problems.report(Code::ExclusiveFields, cursor, message, help);
}

/// Whether the reference of an image ends with the digest of its manifest.
fn is_pinned(image: &str) -> bool {
    image.starts_with("oci://")
        && image
            .rsplit_once("@sha256:")
            .is_some_and(|(_, digest)| is_digest(digest))
}

fn is_digest(text: &str) -> bool {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_hex)
}
