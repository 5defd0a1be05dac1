//! Deliberate regressions of the built module, which must not pass as what the golden file has.

use crate::golden;
use crate::module::Regression;
use crate::programs::{program, regressed};
use crate::requests::{GOLDEN, measured, table};
use crate::scenario::{BuiltModule, by_identity};
use crate::vm::Program;

/// The cells of the row that `program` makes for the most common request.
fn row(program: &Program) -> Vec<String> {
    let scenario = by_identity();
    let (answer, counts) = measured(program, &scenario);
    let lines = table(&[(&scenario, answer, counts)]).lines();
    cells(&lines[1])
}

fn cells(line: &str) -> Vec<String> {
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// The cells of the same row in the golden file.
fn golden_row() -> Vec<String> {
    let name = by_identity().name;
    let lines = golden::lines(GOLDEN);
    let mut rows = lines.iter().map(|line| cells(line));
    rows.find(|row| row[0] == name).unwrap()
}

/// The columns in which the module with a regression differs from the golden file.
fn changed(regression: Regression) -> Vec<(String, String)> {
    let golden = golden_row().into_iter();
    let pairs = golden.zip(row(&regressed(regression)));
    pairs
        .filter(|(golden, measured)| golden != measured)
        .collect()
}

#[test]
fn the_built_module_has_no_regression() {
    assert_eq!(row(program(BuiltModule::Plain)), golden_row());
}

#[test]
fn an_additional_host_call_shows() {
    let [number, by_name] = &changed(Regression::HostCall)[..] else {
        panic!("two columns change");
    };
    assert_one_more(number);
    let (golden, measured) = by_name;
    let expected = golden.replace("increment_metric 1", "increment_metric 2");
    assert_eq!(*measured, expected);
}

#[test]
fn an_additional_callback_shows() {
    let changed = changed(Regression::Callback);
    let callbacks = changed.iter().map(|(_, measured)| measured);
    let mut callbacks = callbacks.filter(|measured| measured.contains("response_headers 1"));
    assert!(callbacks.next().is_some(), "{changed:?}");
}

#[test]
fn an_additional_allocation_shows() {
    let [number] = &changed(Regression::Allocation)[..] else {
        panic!("one column changes");
    };
    assert_one_more(number);
}

fn assert_one_more((golden, measured): &(String, String)) {
    let [golden, measured] = [golden, measured].map(|count| count.parse::<u64>().unwrap());
    assert_eq!(measured, golden + 1);
}

#[test]
fn a_module_with_an_unknown_import_is_refused() {
    let error = Program::new(&importing("proxy_unheard_of")).err().unwrap();
    let error = format!("{error:#}");
    assert!(error.contains("proxy_unheard_of"), "{error}");
    assert!(Program::new(&importing("proxy_log")).is_ok());
}

/// A module that imports this host call, and does nothing.
fn importing(name: &str) -> Vec<u8> {
    use wasm_encoder::{EntityType, ImportSection, Module, TypeSection, ValType::I32};
    let mut types = TypeSection::new();
    types.ty().function([I32; 3], [I32]);
    let mut imports = ImportSection::new();
    imports.import("env", name, EntityType::Function(0));
    let mut module = Module::new();
    module.section(&types).section(&imports);
    module.finish()
}

#[test]
fn a_module_with_an_unknown_callback_is_refused() {
    let error = Program::new(&exporting("proxy_on_something"))
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "unknown export `proxy_on_something`");
    assert!(Program::new(&exporting("proxy_on_log")).is_ok());
}

/// A module that exports a global under this name.
fn exporting(name: &str) -> Vec<u8> {
    use wasm_encoder::{ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType};
    let mut globals = GlobalSection::new();
    let constant = GlobalType {
        val_type: wasm_encoder::ValType::I32,
        mutable: false,
        shared: false,
    };
    globals.global(constant, &ConstExpr::i32_const(0));
    let mut exports = ExportSection::new();
    exports.export(name, ExportKind::Global, 0);
    let mut module = wasm_encoder::Module::new();
    module.section(&globals).section(&exports);
    module.finish()
}
