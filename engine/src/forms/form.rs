//! Forms of texts, and the macro that declares them.

/// A form of texts: a regular expression with a description for editors.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its name in the schema.
    pub name: &'static str,
    /// A description of the texts.
    pub description: &'static str,
    /// The regular expression of the whole text.
    pub pattern: &'static str,
    /// The maximum length in characters.
    pub max_len: Option<usize>,
    /// The help for texts that do not match.
    pub hint: &'static str,
    /// Examples.
    pub examples: &'static [&'static str],
}

impl Form {
    /// The JSON Schema of the texts.
    #[must_use]
    pub fn schema(&self) -> schemars::Schema {
        let mut schema = schemars::json_schema!({
            "type": "string",
            "description": self.description,
            "pattern": self.pattern,
            // Not in the standard; editors show it instead of the pattern.
            "patternErrorMessage": self.hint,
            "examples": self.examples,
        });
        if let Some(max_len) = self.max_len {
            schema.insert("maxLength".to_owned(), max_len.into());
        }
        schema
    }
}

/// The first number, if any.
#[doc(hidden)]
#[must_use]
pub const fn first(numbers: &[usize]) -> Option<usize> {
    match numbers {
        [first, ..] => Some(*first),
        [] => None,
    }
}

/// Declares forms: a type for each, for `#[schemars(with = …)]`, and the list `ALL`.
#[macro_export]
macro_rules! text_forms {
    ($($(#[doc = $description:literal])+ $name:ident = $pattern:expr, $(max $max_len:literal,)? $hint:literal, [$($example:literal),+];)+) => {
        $(
            $(#[doc = $description])+
            #[derive(Debug)]
            pub struct $name;

            impl $name {
                /// The form.
                pub const FORM: $crate::forms::Form = $crate::forms::Form {
                    name: stringify!($name),
                    description: concat!($($description),+).trim_ascii(),
                    pattern: $pattern,
                    max_len: $crate::forms::first(&[$($max_len)?]),
                    hint: $hint,
                    examples: &[$($example),+],
                };
            }

            impl $crate::forms::schemars::JsonSchema for $name {
                fn schema_name() -> ::std::borrow::Cow<'static, str> {
                    Self::FORM.name.into()
                }

                fn json_schema(
                    _: &mut $crate::forms::schemars::SchemaGenerator,
                ) -> $crate::forms::schemars::Schema {
                    Self::FORM.schema()
                }
            }
        )+

        /// All forms.
        pub const ALL: &[$crate::forms::Form] = &[$($name::FORM),+];
    };
}
