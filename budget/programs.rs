//! The built modules, compiled once for all tests.

use std::sync::LazyLock;

use crate::module::{Regression, counting};
use crate::scenario::BuiltModule;
use crate::vm::Program;

static PLAIN: LazyLock<Program> = LazyLock::new(|| compiled(BuiltModule::Plain, None));
static COMPARING: LazyLock<Program> = LazyLock::new(|| compiled(BuiltModule::Comparing, None));

/// A built module.
pub(crate) fn program(module: BuiltModule) -> &'static Program {
    match module {
        BuiltModule::Plain => &PLAIN,
        BuiltModule::Comparing => &COMPARING,
    }
}

/// A built module with a deliberate regression.
pub(crate) fn regressed(regression: Regression) -> Program {
    compiled(BuiltModule::Plain, Some(regression))
}

fn compiled(module: BuiltModule, regression: Option<Regression>) -> Program {
    let path = match module {
        BuiltModule::Plain => peergate_tests::module(),
        BuiltModule::Comparing => {
            peergate_tests::module().with_file_name("peergate_filter_comparing.wasm")
        }
    };
    let bytes = std::fs::read(&path);
    let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Program::new(&counting(&bytes, regression)).unwrap()
}
