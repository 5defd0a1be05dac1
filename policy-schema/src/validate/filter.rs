//! Checks where and how sidecars fetch the filter.

use super::names::check_subdomain;
use crate::code;
use crate::document::FilterSpec;
use crate::module_url::{ModuleUrl, is_sha256};
use crate::problem::{Cursor, Problems};

/// Checks the `filter` of a mesh, except its `reporting`.
pub(super) fn check(spec: &FilterSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    let Some(image) = &spec.image else {
        check_without_image(spec, cursor, problems);
        return;
    };
    let url = check_image(image, &cursor.key("image"), problems);
    if let Some(secret) = &spec.image_pull_secret {
        let cursor = cursor.key("imagePullSecret");
        check_subdomain(secret, &cursor, problems);
        if url
            .as_ref()
            .is_some_and(|url| !matches!(url, ModuleUrl::Image(_)))
        {
            exclusive(
                &cursor,
                "only an image from a registry can use a pull secret",
                "remove the secret, or use `oci://…`",
                problems,
            );
        }
    }
    if spec.image_pull_policy.is_some() && url == Some(ModuleUrl::File) {
        exclusive(
            &cursor.key("imagePullPolicy"),
            "a file is not pulled",
            "remove the policy",
            problems,
        );
    }
    if let Some(digest) = &spec.sha256 {
        check_digest(digest, url.as_ref(), &cursor.key("sha256"), problems);
    } else if let Some(url) = url.filter(|url| *url != ModuleUrl::File && !url.is_pinned()) {
        let help = if matches!(url, ModuleUrl::Image(_)) {
            "add the digest of the image: `@sha256:…`"
        } else {
            "add the digest of the module: `sha256: …`"
        };
        problems.report(
            code::UNPINNED_IMAGE,
            &cursor.key("image"),
            format!("`{image}` is not pinned and may change"),
            help,
        );
    }
}

/// Reports settings for fetching an image when there is no image.
fn check_without_image(spec: &FilterSpec, cursor: &Cursor<'_>, problems: &mut Problems) {
    let fields = [
        ("imagePullSecret", spec.image_pull_secret.is_some()),
        ("imagePullPolicy", spec.image_pull_policy.is_some()),
        ("sha256", spec.sha256.is_some()),
    ];
    for (field, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
        problems.report(
            code::MISSING_FIELD,
            &cursor.key(field),
            format!("`{field}` requires an `image`"),
            "add `image`, or remove the field",
        );
    }
}

/// Parses the URL, if a sidecar can fetch it.
fn check_image(image: &str, cursor: &Cursor<'_>, problems: &mut Problems) -> Option<ModuleUrl> {
    match ModuleUrl::parse(image) {
        Ok(url) => Some(url),
        Err(reason) => {
            problems.report(
                code::INVALID_IMAGE,
                cursor,
                format!("sidecars cannot fetch `{image}`: {reason}"),
                "write `oci://REGISTRY/NAME@sha256:…`, `https://…` or `file:///…`",
            );
            None
        }
    }
}

fn check_digest(
    digest: &str,
    url: Option<&ModuleUrl>,
    cursor: &Cursor<'_>,
    problems: &mut Problems,
) {
    if !is_sha256(digest) {
        problems.report(
            code::INVALID_VALUE,
            cursor,
            format!("`{digest}` is not a SHA-256 digest"),
            "use 64 lower-case hex digits, as `sha256sum` prints",
        );
    }
    if url.is_some_and(ModuleUrl::is_pinned) {
        exclusive(
            cursor,
            "the image reference already has a digest",
            "remove the field",
            problems,
        );
    } else if url == Some(&ModuleUrl::File) {
        exclusive(
            cursor,
            "Istio only checks the digest of a module that it fetches, and a file is not fetched",
            "remove the field",
            problems,
        );
    }
}

fn exclusive(cursor: &Cursor<'_>, message: &str, help: &str, problems: &mut Problems) {
    problems.report(code::EXCLUSIVE_FIELDS, cursor, message, help);
}
