//! Edits the image of the filter in a `Mesh`.

use super::{Edit, EditError, LINE_END, PolicyText, is_blank};
use crate::yaml::{Node, Span};

const FILTER: &str = "filter";
const IMAGE: &str = "image";
/// The field with the digest of a module. The reference of the image has its own, so this one is
/// removed.
const DIGEST: &str = "sha256";

impl PolicyText<'_> {
    /// Whether the text contains a mesh.
    pub fn has_mesh(&self) -> bool {
        self.mesh_spec().is_ok()
    }

    /// Sets the image that sidecars fetch, pinned by its digest.
    pub fn set_filter_image(&self, pinned: &str) -> Result<Vec<Edit>, EditError> {
        let spec = self.mesh_spec()?;
        let Some(filter) = spec.field(FILTER) else {
            return Ok(vec![self.append_filter(spec, pinned)?]);
        };
        let mut edits = vec![match filter.field(IMAGE) {
            Some(image) => Edit {
                span: image.span(),
                // Quoted, which is valid in any YAML and JSON.
                replacement: format!("\"{pinned}\""),
            },
            None if filter.keys().next().is_some() => self.prepend_image(filter, pinned)?,
            None => self.replace_empty_filter(spec, filter, pinned)?,
        }];
        if filter.field(DIGEST).is_some() {
            edits.push(self.remove_field(filter, DIGEST)?);
        }
        Ok(edits)
    }

    fn mesh_spec(&self) -> Result<&Node, EditError> {
        let mut documents = self.documents.iter();
        let is_mesh = |node: &&Node| node.field("kind").and_then(Node::as_str) == Some("Mesh");
        let spec = documents.find(is_mesh).and_then(|mesh| mesh.field("spec"));
        spec.filter(|spec| spec.keys().next().is_some())
            .ok_or(EditError::NoMesh)
    }

    /// Appends the filter to the fields of the mesh.
    fn append_filter(&self, spec: &Node, pinned: &str) -> Result<Edit, EditError> {
        let indent = self.indent_of_fields(spec, FILTER)?;
        let content = self.before(spec.span().end).trim_end().len();
        let line_end = self.line_end();
        let (at, before) = match self.rest(content).find(LINE_END) {
            Some(length) => (self.after_line_end(content + length), ""),
            None => (self.text.len(), line_end),
        };
        Ok(Edit {
            span: Span { start: at, end: at },
            replacement: format!(
                "{before}{indent}{FILTER}:{line_end}{indent}  {IMAGE}: {pinned}{line_end}"
            ),
        })
    }

    /// Inserts the image before all other fields of the filter.
    fn prepend_image(&self, filter: &Node, pinned: &str) -> Result<Edit, EditError> {
        let indent = self.indent_of_fields(filter, IMAGE)?;
        let (_, first) = filter.keys().next().ok_or(EditError::NoMesh)?;
        Ok(Edit {
            span: Span {
                start: first.start,
                end: first.start,
            },
            replacement: format!("{IMAGE}: {pinned}{}{indent}", self.line_end()),
        })
    }

    /// Replaces an empty filter with one that has the image.
    fn replace_empty_filter(
        &self,
        spec: &Node,
        filter: &Node,
        pinned: &str,
    ) -> Result<Edit, EditError> {
        let place = self.in_place_of_brackets(spec, FILTER, filter);
        let place = place.ok_or_else(|| EditError::InBrackets {
            line: self.line(filter.span().start),
            field: FILTER.to_owned(),
        })?;
        Ok(Edit {
            span: place.span,
            replacement: format!(
                "{}{}{IMAGE}: {pinned}{}",
                place.before,
                place.indent,
                self.line_end()
            ),
        })
    }

    /// The indentation of the fields of a mapping in block style. `field` is the one to be added.
    fn indent_of_fields(&self, mapping: &Node, field: &str) -> Result<&str, EditError> {
        let start = mapping.keys().next().map(|(_, key)| key.start);
        let indent = start.and_then(|start| self.text.get(self.line_start(start)..start));
        let is_in_brackets = self.rest(mapping.span().start).starts_with('{');
        indent
            .filter(|indent| is_blank(indent) && !indent.is_empty() && !is_in_brackets)
            .ok_or_else(|| EditError::InBrackets {
                line: self.line(mapping.span().start),
                field: field.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: &str = "oci://r.example/f@sha256:0";
    const HEAD: &str = "apiVersion: peergate.dev/v1alpha1\nkind: Mesh\nmetadata: {name: m}\n";

    fn with_image(text: &str) -> Result<String, String> {
        let text = PolicyText::parse(text).unwrap();
        let edits = text.set_filter_image(IMAGE);
        let changed = edits.and_then(|edits| text.apply(edits));
        changed.map_err(|reason| reason.to_string())
    }

    #[test]
    fn inserts_the_image_where_a_user_would() {
        let added = "  filter:\n    image: oci://r.example/f@sha256:0\n";
        for (spec, expected) in [
            (
                "spec: # of the mesh\n  # first\n  trustDomain: a\n",
                format!("spec: # of the mesh\n  # first\n  trustDomain: a\n{added}"),
            ),
            (
                "spec:\n  trustDomain: a",
                format!("spec:\n  trustDomain: a\n{added}"),
            ),
            (
                "spec:\n  trustDomain: a # ours\n  mtls:\n    mode: Strict # all\n\n  # defaults:\n---\nkind: X\n",
                format!("spec:\n  trustDomain: a # ours\n  mtls:\n    mode: Strict # all\n{added}\n  # defaults:\n---\nkind: X\n"),
            ),
            (
                "spec:\n  trustDomain: a\n  defaults: {owner: x}\n",
                format!("spec:\n  trustDomain: a\n  defaults: {{owner: x}}\n{added}"),
            ),
            (
                "spec:\n  trustDomain: a\n  trustDomainAliases:\n  - b\n",
                format!("spec:\n  trustDomain: a\n  trustDomainAliases:\n  - b\n{added}"),
            ),
            (
                "spec:\r\n  trustDomain: a\r\n",
                format!("spec:\r\n  trustDomain: a\r\n{}", added.replace('\n', "\r\n")),
            ),
            (
                "spec:\n  filter: {} # soon\n  trustDomain: a\n",
                "spec:\n  filter: # soon\n    image: oci://r.example/f@sha256:0\n  trustDomain: a\n".to_owned(),
            ),
            (
                "spec:\n  filter:\n      # ours\n      reporting: {}\n  trustDomain: a\n",
                "spec:\n  filter:\n      # ours\n      image: oci://r.example/f@sha256:0\n      reporting: {}\n  trustDomain: a\n".to_owned(),
            ),
            (
                "spec:\n  filter: {image: old}\n",
                "spec:\n  filter: {image: \"oci://r.example/f@sha256:0\"}\n".to_owned(),
            ),
            (
                "spec: {filter: {image: old}}\n",
                "spec: {filter: {image: \"oci://r.example/f@sha256:0\"}}\n".to_owned(),
            ),
            (
                "spec:\n  filter:\n    image: https://old/f.wasm\n    sha256: 5f70\n    reporting: {}\n",
                "spec:\n  filter:\n    image: \"oci://r.example/f@sha256:0\"\n    reporting: {}\n".to_owned(),
            ),
            (
                "spec:\n  filter:\n    sha256: 5f70\n    image: old\n",
                "spec:\n  filter:\n    image: \"oci://r.example/f@sha256:0\"\n".to_owned(),
            ),
        ] {
            let found = with_image(&format!("{HEAD}{spec}"));
            assert_eq!(found, Ok(format!("{HEAD}{expected}")), "{spec}");
        }
    }

    #[test]
    fn refuses_edits_that_need_a_guess() {
        for (text, expected) in [
            (
                "spec: {trustDomain: a}\n",
                "line 4: `filter` is in flow style",
            ),
            (
                "spec: {\n  trustDomain: a}\n",
                "line 4: `filter` is in flow style",
            ),
            (
                "spec:\n  filter: {reporting: {}}\n",
                "line 5: `image` is in flow style",
            ),
            (
                "spec:\n  filter: {image: a, sha256: b}\n",
                "line 5: `sha256` is in flow style",
            ),
            ("spec:\n", "it has no document of kind `Mesh` with a `spec`"),
            ("", "it has no document of kind `Mesh` with a `spec`"),
        ] {
            let found = with_image(&format!("{HEAD}{text}"));
            assert_eq!(found, Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn fills_an_empty_filter_and_keeps_the_rest() {
        let first = format!(
            "{HEAD}spec:\n  # Where sidecars fetch it.\n  filter: {{}}\n\n  # mtls:\n  #   mode: Strict\n"
        );
        let expected = first.replace("filter: {}\n", &format!("filter:\n    image: {IMAGE}\n"));
        assert_eq!(with_image(&first), Ok(expected.clone()));
        assert_eq!(expected.matches("\n  filter:").count(), 1);
    }
}
