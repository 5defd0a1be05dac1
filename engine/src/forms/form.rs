//! A form of texts, and how forms are declared.

/// A form of texts.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its name in the schema.
    pub name: &'static str,
    /// What the texts are.
    pub description: &'static str,
    /// The regular expression of the whole text.
    pub pattern: &'static str,
    /// The most characters of a text.
    pub max_len: Option<usize>,
    /// What to write instead of a text of another form.
    pub hint: &'static str,
    /// Texts of this form.
    pub examples: &'static [&'static str],
}

impl Form {
    /// The schema of the texts.
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

/// The only one of at most one number.
#[doc(hidden)]
#[must_use]
pub const fn first(numbers: &[usize]) -> Option<usize> {
    match numbers {
        [first, ..] => Some(*first),
        [] => None,
    }
}

/// Declares forms: for each a type that stands for it in `#[schemars(with = …)]`, and all of them in `ALL`.
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

        /// All of them.
        pub const ALL: &[$crate::forms::Form] = &[$($name::FORM),+];
    };
}
