//! The host calls of proxy-wasm ABI 0.2.1 that the filter makes, as Envoy implements them.

use wasmtime::{Caller, Engine, InstancePre, Linker, Memory, Module, Result, format_err};

use crate::host::Host;
use crate::module::MEMORY_ALLOCATE;

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;

const PLUGIN_CONFIGURATION: u32 = 7;
/// The lowest level of log lines that are warnings.
const WARN: u32 = 3;

/// A module with the proxy's side of its imports. Fails if the module imports a host call that is
/// not defined here.
pub(crate) fn linked(engine: &Engine, module: &Module) -> Result<InstancePre<Host>> {
    let mut linker = Linker::new(engine);
    define_attributes(&mut linker)?;
    define_headers(&mut linker)?;
    define_metrics(&mut linker)?;
    define_others(&mut linker)?;
    linker.instantiate_pre(module)
}

/// The module that makes a host call.
struct Vm<'c>(Caller<'c, Host>);

impl<'c> Vm<'c> {
    fn calls(mut caller: Caller<'c, Host>, name: &str) -> Self {
        caller.data_mut().counts.host_calls.add(name, 1);
        Self(caller)
    }

    fn host(&mut self) -> &mut Host {
        self.0.data_mut()
    }

    fn memory(&mut self) -> Result<Memory> {
        let memory = self.0.get_export("memory");
        let memory = memory.and_then(wasmtime::Extern::into_memory);
        memory.ok_or_else(|| format_err!("the module exports no memory"))
    }

    /// Reads what the module passes to the proxy.
    fn read(&mut self, at: u32, size: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; size as usize];
        self.memory()?.read(&self.0, at as usize, &mut bytes)?;
        self.host().counts.bytes_out += u64::from(size);
        Ok(bytes)
    }

    /// Writes to a variable of the module.
    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<()> {
        self.memory()?.write(&mut self.0, at as usize, bytes)?;
        self.host().counts.bytes_in += bytes.len() as u64;
        Ok(())
    }

    /// Returns data in a new buffer, whose address and size the module finds at `data` and `size`.
    /// Empty data has no buffer.
    fn give(&mut self, bytes: &[u8], data: u32, size: u32) -> Result<u32> {
        let length = u32::try_from(bytes.len())?;
        let mut buffer = 0;
        if length > 0 {
            let allocate = self.0.get_export(MEMORY_ALLOCATE);
            let allocate = allocate.and_then(wasmtime::Extern::into_func);
            let allocate = allocate.ok_or_else(|| format_err!("no export `{MEMORY_ALLOCATE}`"))?;
            self.host().counts.buffers += 1;
            buffer = allocate
                .typed::<u32, u32>(&self.0)?
                .call(&mut self.0, length)?;
            self.write(buffer, bytes)?;
        }
        let memory = self.memory()?;
        memory.write(&mut self.0, data as usize, &buffer.to_le_bytes())?;
        memory.write(&mut self.0, size as usize, &length.to_le_bytes())?;
        Ok(OK)
    }

    /// The same for data that may be absent.
    fn give_if_found(&mut self, bytes: Option<Vec<u8>>, data: u32, size: u32) -> Result<u32> {
        match bytes {
            Some(bytes) => self.give(&bytes, data, size),
            None => Ok(NOT_FOUND),
        }
    }
}

type Proxy<'c> = Caller<'c, Host>;

fn define_attributes(linker: &mut Linker<Host>) -> Result<()> {
    let name = "proxy_get_property";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, path: u32, path_size: u32, data: u32, size: u32| {
            let mut vm = Vm::calls(caller, name);
            let path = vm.read(path, path_size)?;
            let value = vm.host().property(&path).map(<[u8]>::to_vec);
            vm.give_if_found(value, data, size)
        },
    )?;
    let name = "proxy_set_property";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, path: u32, path_size: u32, value: u32, value_size: u32| {
            let mut vm = Vm::calls(caller, name);
            let path = vm.read(path, path_size)?;
            let value = vm.read(value, value_size)?;
            let Some(request) = &mut vm.host().request else {
                return Ok(BAD_ARGUMENT);
            };
            request.properties.insert(path, value);
            Ok(OK)
        },
    )?;
    let name = "proxy_get_buffer_bytes";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, buffer: u32, start: u32, max: u32, data: u32, size: u32| {
            let mut vm = Vm::calls(caller, name);
            if buffer != PLUGIN_CONFIGURATION {
                return Ok(NOT_FOUND);
            }
            let bytes = vm.host().configuration.iter();
            let bytes = bytes.skip(start as usize).take(max as usize);
            let bytes: Vec<_> = bytes.copied().collect();
            vm.give(&bytes, data, size)
        },
    )?;
    Ok(())
}

fn define_headers(linker: &mut Linker<Host>) -> Result<()> {
    let name = "proxy_get_header_map_value";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, map: u32, key: u32, key_size: u32, data: u32, size: u32| {
            let mut vm = Vm::calls(caller, name);
            let key = vm.read(key, key_size)?;
            let Some(map) = vm.host().header_map(map) else {
                return Ok(BAD_ARGUMENT);
            };
            let mut values = map.iter().filter(|(known, _)| known.as_bytes() == key);
            let first = values.next().map(|(_, value)| value.clone().into_bytes());
            vm.give_if_found(first, data, size)
        },
    )?;
    let name = "proxy_get_header_map_pairs";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, map: u32, data: u32, size: u32| {
            let mut vm = Vm::calls(caller, name);
            let Some(map) = vm.host().header_map(map) else {
                return Ok(BAD_ARGUMENT);
            };
            let bytes = serialized(map);
            vm.give(&bytes, data, size)
        },
    )?;
    let name = "proxy_remove_header_map_value";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, map: u32, key: u32, key_size: u32| {
            let mut vm = Vm::calls(caller, name);
            let key = vm.read(key, key_size)?;
            let Some(map) = vm.host().header_map(map) else {
                return Ok(BAD_ARGUMENT);
            };
            map.retain(|(known, _)| known.as_bytes() != key);
            Ok(OK)
        },
    )?;
    let name = "proxy_replace_header_map_value";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, map: u32, key: u32, key_size: u32, value: u32, value_size: u32| {
            let mut vm = Vm::calls(caller, name);
            let key = String::from_utf8(vm.read(key, key_size)?)?;
            let value = String::from_utf8(vm.read(value, value_size)?)?;
            let Some(map) = vm.host().header_map(map) else {
                return Ok(BAD_ARGUMENT);
            };
            map.retain(|(known, _)| *known != key);
            map.push((key, value));
            Ok(OK)
        },
    )?;
    Ok(())
}

/// Headers in the ABI's form: their number, the sizes of each name and value, then names and
/// values, each with a zero byte at its end.
fn serialized(headers: &[(String, String)]) -> Vec<u8> {
    let size = |text: &str| u32::try_from(text.len()).unwrap().to_le_bytes();
    let mut bytes = u32::try_from(headers.len()).unwrap().to_le_bytes().to_vec();
    for (name, value) in headers {
        bytes.extend(size(name));
        bytes.extend(size(value));
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn define_metrics(linker: &mut Linker<Host>) -> Result<()> {
    let name = "proxy_define_metric";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, _kind: u32, metric: u32, metric_size: u32, id: u32| {
            let mut vm = Vm::calls(caller, name);
            let metric = String::from_utf8(vm.read(metric, metric_size)?)?;
            let metrics = &mut vm.host().metrics;
            metrics.push(metric);
            let defined = u32::try_from(metrics.len() - 1)?;
            vm.write(id, &defined.to_le_bytes())?;
            Ok(OK)
        },
    )?;
    let name = "proxy_increment_metric";
    linker.func_wrap("env", name, move |caller: Proxy<'_>, id: u32, _by: i64| {
        let mut vm = Vm::calls(caller, name);
        if vm.host().metrics.get(id as usize).is_none() {
            return NOT_FOUND;
        }
        vm.host().incremented.push(id);
        OK
    })?;
    let name = "proxy_record_metric";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, id: u32, _value: u64| {
            let mut vm = Vm::calls(caller, name);
            let metric = vm.host().metrics.get(id as usize);
            metric.map_or(NOT_FOUND, |_| OK)
        },
    )?;
    Ok(())
}

fn define_others(linker: &mut Linker<Host>) -> Result<()> {
    let name = "proxy_set_effective_context";
    linker.func_wrap("env", name, move |caller: Proxy<'_>, id: u32| {
        let mut vm = Vm::calls(caller, name);
        if vm.host().contexts.contains(&id) {
            OK
        } else {
            BAD_ARGUMENT
        }
    })?;
    let name = "proxy_get_current_time_nanoseconds";
    linker.func_wrap("env", name, move |caller: Proxy<'_>, time: u32| {
        let mut vm = Vm::calls(caller, name);
        let now = vm.host().now.to_le_bytes();
        vm.write(time, &now)?;
        Ok(OK)
    })?;
    let name = "proxy_log";
    linker.func_wrap(
        "env",
        name,
        move |caller: Proxy<'_>, level: u32, line: u32, line_size: u32| {
            let mut vm = Vm::calls(caller, name);
            let line = vm.read(line, line_size)?;
            if level >= WARN {
                let line = String::from_utf8_lossy(&line).into_owned();
                vm.host().warnings.push(line);
            }
            Ok(OK)
        },
    )?;
    linker.func_wrap("env", "proxy_send_local_response", send_local_response)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the ABI has that many")]
fn send_local_response(
    caller: Proxy<'_>,
    status: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    headers: u32,
    headers_size: u32,
    _grpc_status: i32,
) -> Result<u32> {
    let mut vm = Vm::calls(caller, "proxy_send_local_response");
    vm.read(details, details_size)?;
    vm.read(body, body_size)?;
    vm.read(headers, headers_size)?;
    let host = vm.host();
    if host.request.is_none() || host.local_response.is_some() {
        return Ok(BAD_ARGUMENT);
    }
    host.local_response = Some(status);
    Ok(OK)
}
