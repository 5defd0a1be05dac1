//! Output formats that several commands share.

use peergate_report::rendered::object::Syntax;

/// The format of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

/// The format of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DocumentFormat {
    /// YAML documents
    #[default]
    Yaml,
    /// One JSON object
    Json,
}

/// The format of findings about files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FindingFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
    /// For CI systems that show tests
    Junit,
    /// For annotations in GitHub Actions
    Github,
}

impl From<DocumentFormat> for Syntax {
    fn from(format: DocumentFormat) -> Self {
        match format {
            DocumentFormat::Yaml => Self::Yaml,
            DocumentFormat::Json => Self::Json,
        }
    }
}
