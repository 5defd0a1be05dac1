//! `peergate push`.

use std::path::{Path, PathBuf};

use policy_schema::yaml::{self, Node, Span};

use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::image;
use crate::input::bytes;
use crate::network;
use crate::output::{self, NewFile};
use crate::registry::{self, Access, Destination};
use crate::report;

/// Upload an image of the filter to a registry
///
/// Credentials are those that `docker login` left: the configuration in `DOCKER_CONFIG` or `~/.docker`, credential
/// helpers included.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  peergate push image.tar registry.example.com/peergate/filter:0.1.0
  peergate push image.tar registry.example.com/peergate/filter --write policies/mesh.yaml

Prints the reference with the digest, for `spec.filter.image` of the `Mesh`; with `--write` it is put there.

Exit codes: 0 uploaded; 1 a file or the registry failed; 3 the image, the reference or the `Mesh` is not one.")]
pub(crate) struct Args {
    /// What `peergate package` made
    image: PathBuf,
    /// The registry, the name there, and if wanted a tag; `oci://` may stand before it
    destination: Destination,
    /// The file with the `Mesh` whose `spec.filter.image` is to name the image
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Speak plain HTTP with the registry, such as one on this machine
    #[arg(long)]
    plain_http: bool,
    /// A PEM file with authorities for the registry's certificate, beside those of the system
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    ca_file: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<ExitStatus, Failure> {
    let invalid = |reason| Failure::InvalidImage {
        name: args.image.display().to_string(),
        reason,
    };
    let image = image::from_tar(&bytes(&args.image)?).map_err(invalid)?;
    let reference = &args.destination.reference;
    let (registry, name) = (reference.registry(), reference.repository());
    let digest = image.digest().unwrap_or_default();
    let pinned = format!("oci://{registry}/{name}@{digest}");
    // A mesh that cannot be written is found before anything is uploaded.
    let mesh = args.write.as_deref().map(|path| with_image(path, &pinned));
    let mesh = mesh.transpose()?;
    let access = Access {
        is_plain_http: args.plain_http,
        authorities: args.ca_file.as_deref().map(authorities).transpose()?,
    };
    registry::push(&image, &args.destination, access).map_err(Failure::Push)?;
    output::write_stdout(format!("{pinned}\n").as_bytes())?;
    if let Some(mesh) = mesh {
        let path = mesh.path.clone();
        output::write_files(vec![mesh])?;
        report::wrote(&path);
    }
    Ok(ExitStatus::Success)
}

/// A file with authorities, as it is.
fn authorities(path: &Path) -> Result<Vec<u8>, Failure> {
    network::authorities(path)?;
    bytes(path)
}

/// The file with this image in its `Mesh`, and everything else as it was.
fn with_image(path: &Path, pinned: &str) -> Result<NewFile, Failure> {
    let no_mesh = || Failure::NoImageField(path.to_owned());
    let text = String::from_utf8(bytes(path)?).map_err(|_| no_mesh())?;
    let content = text_with_image(text, pinned).ok_or_else(no_mesh)?;
    Ok(NewFile {
        path: path.to_owned(),
        content: content.into_bytes(),
    })
}

/// The text with this image in its `Mesh`; none where there is no `Mesh`, or where the field would have to be added to a
/// mapping in flow style.
fn text_with_image(mut text: String, pinned: &str) -> Option<String> {
    let nodes = yaml::parse(&text).ok()?;
    let mesh = nodes.iter().find(|node| is_mesh(node))?;
    let spec = mesh.field("spec")?;
    let filter = spec.field("filter");
    if let Some(image) = filter.and_then(|filter| filter.field("image")) {
        let Span { start, end } = image.span();
        // Plain in any YAML and JSON.
        text.replace_range(start..end, &format!("\"{pinned}\""));
        return Some(text);
    }
    let (start, lines) = if let Some(filter) = filter {
        let (start, indent) = first_line(spec, "filter", filter, &text)?;
        (start, format!("{indent}image: {pinned}\n"))
    } else {
        let (start, indent) = first_line(mesh, "spec", spec, &text)?;
        let lines = format!("{indent}filter:\n{indent}  image: {pinned}\n");
        (start, lines)
    };
    text.insert_str(start, &lines);
    Some(text)
}

/// Where the line after a key begins, and how far the keys of its value are indented, if that is a mapping in block
/// style.
fn first_line<'t>(
    parent: &Node,
    key: &str,
    mapping: &Node,
    text: &'t str,
) -> Option<(usize, &'t str)> {
    let (_, at) = parent.keys().find(|(name, _)| *name == key)?;
    let start = at.end + text.get(at.end..)?.find('\n')? + 1;
    let (_, first) = mapping.keys().next()?;
    let (before, _) = text
        .get(start..)?
        .split_at_checked(first.start.checked_sub(start)?)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let indent = before.get(line..)?;
    let is_indented = !indent.is_empty() && indent.bytes().all(|byte| byte == b' ');
    let is_block = !text.get(mapping.span().start..)?.starts_with('{');
    (is_indented && is_block).then_some((start, indent))
}

fn is_mesh(document: &Node) -> bool {
    document.field("kind").and_then(Node::as_str) == Some("Mesh")
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: &str = "oci://r.example/f@sha256:0";
    const HEAD: &str = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: m}\n";

    #[test]
    fn the_image_goes_into_whatever_mesh_there_is() {
        let cases = [
            (
                "spec: # of the mesh\n  # first\n  trustDomain: a\n",
                Some(
                    "spec: # of the mesh\n  filter:\n    image: oci://r.example/f@sha256:0\n  # first\n  trustDomain: a\n",
                ),
            ),
            (
                "spec:\n  filter:\n      reporting: {}\n  trustDomain: a\n",
                Some(
                    "spec:\n  filter:\n      image: oci://r.example/f@sha256:0\n      reporting: {}\n  trustDomain: a\n",
                ),
            ),
            (
                "spec:\n  filter: {image: old}\n",
                Some("spec:\n  filter: {image: \"oci://r.example/f@sha256:0\"}\n"),
            ),
            ("spec: {trustDomain: a}\n", None),
            ("spec: {trustDomain: a,\n  istioVersion: b}\n", None),
            ("spec: {\n  trustDomain: a}\n", None),
            ("spec:\n  filter: {reporting: {}}\n", None),
        ];
        for (spec, expected) in cases {
            let found = text_with_image(format!("{HEAD}{spec}"), IMAGE);
            let expected = expected.map(|expected| format!("{HEAD}{expected}"));
            assert_eq!(found, expected, "{spec}");
        }
        let first_policy = include_str!("init/policy.yaml").to_owned();
        let found = text_with_image(first_policy.clone(), IMAGE).unwrap();
        let added = "  filter:\n    image: oci://r.example/f@sha256:0\n";
        assert_eq!(found.replacen(added, "", 1), first_policy);
        assert!(found.contains(added), "{found}");
    }
}
