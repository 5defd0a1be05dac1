//! The supported dialects of YAML.

use granit_parser::Tag;

use super::form::Form;
use super::scalar::Scalar;

/// The dialect of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Refuses features that hide a meaning.
    Strict,
    /// Understands the same features as `kubectl`.
    Kubernetes,
}

impl Dialect {
    /// The maximum nesting depth. Everything that walks a tree may recurse.
    pub(super) fn max_depth(self) -> usize {
        match self {
            // A policy needs less than half.
            Self::Strict => 32,
            // Resource definitions need about half.
            Self::Kubernetes => 128,
        }
    }

    /// How to read a scalar without a tag.
    pub(super) fn form(self, plain: bool) -> Form {
        match (plain, self) {
            (false, _) => Form::Text,
            (true, Self::Strict) => Form::Core,
            (true, Self::Kubernetes) => Form::Kubernetes,
        }
    }

    /// How to read a scalar with a tag, which would have `form` without one. The tag must not
    /// change the value. None for an unsupported tag.
    pub(super) fn tagged_form(self, tag: &Tag, text: &str, form: Form) -> Option<Form> {
        if self == Self::Strict {
            return None;
        }
        if tag.core_suffix() == Some("str") {
            return Some(Form::Text);
        }
        let name = match Scalar::resolve(text, form) {
            Scalar::Null => "null",
            Scalar::Bool(_) => "bool",
            Scalar::Integer(_) => "int",
            Scalar::Float(_) => "float",
            Scalar::Text(_) => "str",
        };
        (tag.core_suffix() == Some(name)).then_some(form)
    }

    /// Whether a collection of the type `name`, `seq` or `map`, may have this tag.
    pub(super) fn accepts_tag(self, tag: &Tag, name: &str) -> bool {
        self == Self::Kubernetes && tag.core_suffix() == Some(name)
    }
}
