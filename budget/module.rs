//! The built module, prepared for counting.
//!
//! The shipped module has no names, and no allocator to exchange. But exactly one of its functions
//! grows the memory: the allocator's `malloc`, which every allocation enters, also those for long
//! values from the proxy and for growing vectors that must move. So a counter at its start counts
//! allocations in the module as it is shipped. [`Vm::start`](crate::vm::Vm::start) checks that
//! the counter counts.

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, Instruction,
    ValType,
};
use wasmparser::{
    ExportSectionReader, ExternalKind, FunctionBody, GlobalSectionReader, Operator, Parser,
    Payload, TypeRef,
};

/// The exported global with the number of allocations.
pub(crate) const ALLOCATIONS: &str = "allocations";

/// The export with which the proxy gets memory for values.
pub(crate) const MEMORY_ALLOCATE: &str = "proxy_on_memory_allocate";

/// The size of an additional allocation, in bytes. Short values need none.
const ALLOCATED: i32 = 5_000;

/// An ID that no metric has.
const NO_METRIC: i32 = -1;

/// The instructions that each counted allocation adds.
pub(crate) const FUEL_PER_ALLOCATION: u64 = 4;

/// A deliberate regression: what the tests must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regression {
    /// Each request increments a counter once more.
    HostCall,
    /// The module also has something to do for each response.
    Callback,
    /// Each request allocates once more, and leaks the memory.
    Allocation,
}

/// The bytes of a module in which allocations are counted.
pub(crate) fn counting(module: &[u8], regression: Option<Regression>) -> Vec<u8> {
    let layout = Layout::read(module);
    let mut output = wasm_encoder::Module::new();
    let mut rewriter = Rewriter {
        next_function: layout.imported_functions,
        layout,
        regression,
    };
    rewriter
        .parse_core_module(&mut output, Parser::new(0), module)
        .unwrap();
    output.finish()
}

/// The positions in a module that the counter and the regressions need.
#[derive(Debug, Default)]
struct Layout {
    imported_functions: u32,
    increment_metric: Option<u32>,
    globals: u32,
    memory_allocate: Option<u32>,
    on_request_headers: Option<u32>,
    /// The functions that grow the memory.
    allocators: Vec<u32>,
}

impl Layout {
    fn read(module: &[u8]) -> Self {
        let mut layout = Self::default();
        let mut next_function = 0;
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::ImportSection(section) => {
                    for import in section.into_imports().map(Result::unwrap) {
                        assert!(matches!(import.ty, TypeRef::Func(_)), "{}", import.name);
                        if import.name == "proxy_increment_metric" {
                            layout.increment_metric = Some(next_function);
                        }
                        next_function += 1;
                    }
                    layout.imported_functions = next_function;
                }
                Payload::GlobalSection(section) => layout.globals = section.count(),
                Payload::ExportSection(section) => {
                    for export in section.into_iter().map(Result::unwrap) {
                        match (export.kind, export.name) {
                            (ExternalKind::Func, MEMORY_ALLOCATE) => {
                                layout.memory_allocate = Some(export.index);
                            }
                            (ExternalKind::Func, "proxy_on_request_headers") => {
                                layout.on_request_headers = Some(export.index);
                            }
                            _ => {}
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let operators = body.get_operators_reader().unwrap();
                    let mut operators = operators.into_iter().map(Result::unwrap);
                    if operators.any(|operator| matches!(operator, Operator::MemoryGrow { .. })) {
                        layout.allocators.push(next_function);
                    }
                    next_function += 1;
                }
                _ => {}
            }
        }
        layout
    }

    fn allocator(&self) -> u32 {
        let [allocator] = self.allocators[..] else {
            panic!(
                "functions {:?} grow the memory, so none is known to be the allocator: \
                 find another way to count allocations",
                self.allocators
            );
        };
        allocator
    }
}

/// Copies a module, with the counter and the regression.
struct Rewriter {
    layout: Layout,
    regression: Option<Regression>,
    /// The function that is copied next.
    next_function: u32,
}

impl Rewriter {
    /// What is added at the start of a function.
    fn added(&self, function: u32) -> Vec<Instruction<'static>> {
        let mut added = Vec::new();
        if function == self.layout.allocator() {
            added.extend([
                Instruction::GlobalGet(self.layout.globals),
                Instruction::I64Const(1),
                Instruction::I64Add,
                Instruction::GlobalSet(self.layout.globals),
            ]);
        }
        if Some(function) == self.layout.on_request_headers {
            match self.regression {
                Some(Regression::HostCall) => added.extend([
                    Instruction::I32Const(NO_METRIC),
                    Instruction::I64Const(1),
                    Instruction::Call(self.layout.increment_metric.unwrap()),
                    Instruction::Drop,
                ]),
                Some(Regression::Allocation) => added.extend([
                    Instruction::I32Const(ALLOCATED),
                    Instruction::Call(self.layout.memory_allocate.unwrap()),
                    Instruction::Drop,
                ]),
                Some(Regression::Callback) | None => {}
            }
        }
        added
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        let counter = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        globals.global(counter, &ConstExpr::i64_const(0));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(ALLOCATIONS, ExportKind::Global, self.layout.globals);
        if self.regression == Some(Regression::Callback) {
            let function = self.layout.on_request_headers.unwrap();
            exports.export("proxy_on_response_headers", ExportKind::Func, function);
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        for instruction in self.added(self.next_function) {
            function.instruction(&instruction);
        }
        self.next_function += 1;
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            function.instruction(&self.parse_instruction(&mut operators)?);
        }
        code.function(&function);
        Ok(())
    }
}
