//! The commands, one file for each.

pub(crate) mod certs;
pub(crate) mod completions;
pub(crate) mod decide;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod install_values;
pub(crate) mod learn;
pub(crate) mod metrics;
pub(crate) mod monitoring;
pub(crate) mod package;
pub(crate) mod promote;
pub(crate) mod push;
pub(crate) mod render;
pub(crate) mod schema;
pub(crate) mod top;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod version;
