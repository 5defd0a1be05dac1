//! A VM of a proxy: it calls the module's callbacks as Envoy 1.40 does.

use std::collections::BTreeSet;

use wasmtime::{
    Config, Engine, Instance, InstancePre, Module, OptLevel, Result, Store, Val, format_err,
};

use crate::counts::Counts;
use crate::exchange::{Answer, Properties, Request};
use crate::host::Host;
use crate::host_calls::linked;
use crate::module::{ALLOCATIONS, FUEL_PER_ALLOCATION, MEMORY_ALLOCATE};

/// The exports apart from callbacks: those that a proxy looks up, and the linker's own.
const OTHER_EXPORTS: [&str; 7] = [
    "__data_end",
    "__heap_base",
    "_initialize",
    ALLOCATIONS,
    MEMORY_ALLOCATE,
    "memory",
    "proxy_abi_version_0_2_1",
];

/// The callbacks that are called here, if a module exports them.
const CALLBACKS: [&str; 14] = [
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_log",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
    "proxy_validate_configuration",
];

/// The filter lets a request pass.
const CONTINUE: i32 = 0;

/// The time between requests, in nanoseconds. Limits per second do not apply.
const BETWEEN_REQUESTS: u64 = 1_000_000_000;

/// The bytes of a page of linear memory.
const PAGE: u64 = 65_536;

/// A compiled module.
pub(crate) struct Program {
    engine: Engine,
    linked: InstancePre<Host>,
}

impl Program {
    /// Compiles a module in which allocations are counted. Fails if the simulated proxy lacks one of
    /// its imports or exports.
    pub(crate) fn new(module: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        // The machine code's speed does not matter, and fuel does not depend on it.
        config
            .consume_fuel(true)
            .cranelift_opt_level(OptLevel::None);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, module)?;
        let known: BTreeSet<_> = OTHER_EXPORTS.into_iter().chain(CALLBACKS).collect();
        let mut names = module.exports().map(|export| export.name());
        if let Some(unknown) = names.find(|name| !known.contains(name)) {
            return Err(format_err!("unknown export `{unknown}`"));
        }
        let linked = linked(&engine, &module)?;
        Ok(Self { engine, linked })
    }
}

/// A configuration of the filter in a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root(u32);

/// A running module.
pub(crate) struct Vm {
    store: Store<Host>,
    instance: Instance,
    next_context: u32,
}

impl Vm {
    /// Starts a module in a proxy with these attributes.
    pub(crate) fn start(program: &Program, node: Properties) -> Self {
        let mut store = Store::new(&program.engine, Host::new(node));
        store.set_fuel(u64::MAX).unwrap();
        let instance = program.linked.instantiate(&mut store).unwrap();
        let mut vm = Self {
            store,
            instance,
            next_context: 1,
        };
        vm.call("_initialize", &[]);
        vm.assert_allocations_are_counted();
        vm
    }

    /// Every allocation for a long value from the proxy counts once, and short values need none.
    fn assert_allocations_are_counted(&mut self) {
        let allocate = self
            .instance
            .get_typed_func::<u32, u32>(&mut self.store, MEMORY_ALLOCATE)
            .unwrap();
        for (size, expected) in [(24, 0), (600, 1), (5_000, 1), (200_000, 1)] {
            let before = self.allocations();
            allocate.call(&mut self.store, size).unwrap();
            let counted = self.allocations() - before;
            assert_eq!(counted, expected, "allocations for a value of {size} bytes");
        }
    }

    fn allocations(&mut self) -> u64 {
        let counter = self.instance.get_global(&mut self.store, ALLOCATIONS);
        let value = counter.unwrap().get(&mut self.store);
        u64::try_from(value.unwrap_i64()).unwrap()
    }

    /// The instructions executed since the start, without those that count allocations.
    fn fuel(&mut self) -> u64 {
        let used = u64::MAX - self.store.get_fuel().unwrap();
        used - self.allocations() * FUEL_PER_ALLOCATION
    }

    /// What was counted since the start.
    pub(crate) fn counts(&mut self) -> Counts {
        Counts {
            allocations: self.allocations(),
            ..self.store.data().counts.clone()
        }
    }

    /// The linear memory, in KiB.
    pub(crate) fn memory(&mut self) -> u64 {
        let memory = self.instance.get_memory(&mut self.store, "memory");
        memory.unwrap().size(&self.store) * PAGE / 1024
    }

    /// The warnings and errors that the module has logged.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.store.data().warnings
    }

    /// Calls an export if the module has it, and counts it if it is a callback.
    fn call(&mut self, name: &str, arguments: &[u32]) -> Option<i32> {
        let function = self.instance.get_func(&mut self.store, name)?;
        let arguments: Vec<_> = arguments
            .iter()
            .map(|argument| Val::I32(argument.cast_signed()))
            .collect();
        let before = self.fuel();
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function
            .call(&mut self.store, &arguments, &mut results)
            .unwrap();
        if CALLBACKS.contains(&name) {
            let used = self.fuel() - before;
            let counts = &mut self.store.data_mut().counts;
            counts.callbacks.add(name, 1);
            counts.fuel.add(name, used);
        }
        results.first().and_then(Val::i32)
    }

    fn create_context(&mut self, root: u32) -> u32 {
        let context = self.next_context;
        self.next_context += 1;
        self.store.data_mut().contexts.insert(context);
        self.call("proxy_on_context_create", &[context, root]);
        context
    }

    fn end_context(&mut self, context: u32) {
        self.call("proxy_on_done", &[context]);
        self.call("proxy_on_delete", &[context]);
        self.store.data_mut().contexts.remove(&context);
    }

    /// Creates a root with this configuration. Returns it, and whether the module accepted it.
    pub(crate) fn configure(&mut self, configuration: &str) -> (Root, bool) {
        let size = u32::try_from(configuration.len()).unwrap();
        let context = self.create_context(0);
        self.store.data_mut().configuration = configuration.as_bytes().to_vec();
        self.call("proxy_on_vm_start", &[context, 0]);
        let accepted = self.call("proxy_on_configure", &[context, size]);
        self.store.data_mut().configuration.clear();
        (Root(context), accepted == Some(1))
    }

    /// Ends a root, as the proxy does after its successor is configured.
    pub(crate) fn end(&mut self, root: Root) {
        self.end_context(root.0);
    }

    /// Sends a request and its response through the filter.
    pub(crate) fn send(&mut self, root: Root, request: &Request) -> Answer {
        let size = |list: &[_]| u32::try_from(list.len()).unwrap();
        let host = self.store.data_mut();
        host.now += BETWEEN_REQUESTS;
        host.request = Some(request.clone());
        host.local_response = None;
        host.incremented.clear();
        let context = self.create_context(root.0);
        let has_trailers = !request.trailers.is_empty();
        let count = size(&request.headers);
        let ends = u32::from(!has_trailers);
        let action = self.call("proxy_on_request_headers", &[context, count, ends]);
        let status = self.store.data().local_response;
        assert_eq!(action == Some(CONTINUE), status.is_none(), "{action:?}");
        if status.is_none() && has_trailers {
            let count = size(&request.trailers);
            self.call("proxy_on_request_trailers", &[context, count]);
        }
        self.call("proxy_on_response_headers", &[context, 1, 1]);
        self.call("proxy_on_log", &[context]);
        self.end_context(context);
        let host = self.store.data_mut();
        Answer {
            status,
            reasons: host.reasons(),
            request: host.request.take().unwrap(),
        }
    }
}
