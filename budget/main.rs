//! The built module's cost per request and per configuration, counted rather than timed.

mod counts;
mod exchange;
mod host;
mod host_calls;
mod module;
mod vm;

#[test]
fn probe() {
    let bytes = std::fs::read(peergate_tests::module()).unwrap();
    let t = std::time::Instant::now();
    let bytes = module::counting(&bytes, None);
    eprintln!("rewritten {:?}", t.elapsed());
    let program = vm::Program::new(&bytes).unwrap();
    eprintln!("compiled {:?}", t.elapsed());
    let mut vm = vm::Vm::start(&program, Default::default());
    let (root, ok) = vm.configure("{}");
    eprintln!("{ok} {:?} {} {:?} {:?}", vm.counts(), vm.memory(), vm.warnings(), t.elapsed());
}
