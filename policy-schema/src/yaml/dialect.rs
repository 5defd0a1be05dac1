//! What of YAML is understood.

use granit_parser::Tag;

use super::form::Form;
use super::scalar::Scalar;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// What hides a meaning is refused.
    Strict,
    /// What `kubectl` understands is understood.
    Kubernetes,
}

impl Dialect {
    /// How deep values may lie in each other. Everything that walks a tree may recurse.
    pub(super) fn deepest(self) -> usize {
        match self {
            // A policy needs less than half of it.
            Self::Strict => 32,
            // Definitions of resources need about half of it.
            Self::Kubernetes => 128,
        }
    }

    /// How a scalar without a tag is to be read.
    pub(super) fn form(self, plain: bool) -> Form {
        match (plain, self) {
            (false, _) => Form::Text,
            (true, Self::Strict) => Form::Core,
            (true, Self::Kubernetes) => Form::Kubernetes,
        }
    }

    /// How a scalar is to be read that has a tag, and that has this form without. A tag may say so, as long as it
    /// does not change what the value is: there is none for another tag.
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

    /// Whether a collection of the kind `name`, which is `seq` or `map`, may have this tag.
    pub(super) fn accepts_tag(self, tag: &Tag, name: &str) -> bool {
        self == Self::Kubernetes && tag.core_suffix() == Some(name)
    }
}
