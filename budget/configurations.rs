//! The cost of a configuration, and the memory after many.

use crate::golden::{assert_figures, assert_text};
use crate::policy::{Shape, config, rules};
use crate::programs::program;
use crate::request::sidecar;
use crate::scenario::BuiltModule;
use crate::table::Table;
use crate::tolerance::Figures;
use crate::vm::{Root, Vm};

const SIZES: [(&str, usize); 3] = [
    ("1 rule", 1),
    ("1,000 rules", 1_000),
    ("10,000 rules", 10_000),
];
const SHAPES: [(&str, Shape); 2] = [
    ("identity", Shape::Identity),
    ("identity, method and path", Shape::Path),
];

/// The numbers of configurations after which memory is measured.
const RECONFIGURATIONS: [usize; 3] = [10, 1_000, 10_000];

/// The number of rules in each of these configurations.
const RULES: usize = 10;

fn start() -> Vm {
    Vm::start(program(BuiltModule::Plain), sidecar())
}

fn accepted(vm: &mut Vm, config: &str) -> Root {
    let (root, accepted) = vm.configure(config);
    assert!(accepted, "{:?}", vm.warnings());
    root
}

#[test]
fn a_configuration_costs_what_the_golden_files_say() {
    let mut table = Table::new(&["policy", "callbacks", "buffers", "host calls"]);
    let mut figures = Figures {
        headings: vec!["policy", "fuel", "allocations", "memory in KiB"],
        rows: Vec::new(),
    };
    for (shape_name, shape) in SHAPES {
        for (size_name, size) in SIZES {
            let name = format!("{size_name} by {shape_name}");
            let config = config("{}", &rules(shape, size, "rule"));
            let mut vm = start();
            let before = vm.counts();
            accepted(&mut vm, &config);
            let counts = &vm.counts() - &before;
            table.push(vec![
                name.clone(),
                counts.callbacks.to_string(),
                counts.buffers.to_string(),
                counts.host_calls.to_string(),
            ]);
            let figure = vec![counts.fuel.total(), counts.allocations, vm.memory()];
            figures.rows.push((name, figure));
        }
    }
    let text = table.lines().join("\n");
    assert_text(
        "configurations",
        &text,
        "Counts of the first configuration.",
    );
    let description = "Cost of the first configuration, and the memory after it.";
    assert_figures("configurations_cost", &figures, description);
}

/// The memory after each of [`RECONFIGURATIONS`], in KiB, with `config` for each number.
fn memory_after_reconfigurations(config: impl Fn(usize) -> String) -> Vec<u64> {
    let mut vm = start();
    let mut root = accepted(&mut vm, &config(0));
    let mut memory = Vec::new();
    for number in 1..=RECONFIGURATIONS.into_iter().max().unwrap() {
        let new = accepted(&mut vm, &config(number));
        vm.end(root);
        root = new;
        if RECONFIGURATIONS.contains(&number) {
            memory.push(vm.memory());
        }
    }
    memory
}

#[test]
fn many_configurations_occupy_the_memory_that_the_golden_file_says() {
    let config = |prefix: &str| config("{}", &rules(Shape::Path, RULES, prefix));
    let same = config("rule");
    let template = config("rule-number");
    let rows = [
        (
            "10 rules, the same IDs",
            memory_after_reconfigurations(|number| {
                // A proxy keeps the root of an equal configuration.
                same.replace("service-1/", &format!("service-{number}/"))
            }),
        ),
        (
            "10 rules, new IDs",
            memory_after_reconfigurations(|number| {
                template.replace("rule-number", &format!("rule-{number}"))
            }),
        ),
    ];
    let figures = Figures {
        headings: vec!["policy", "KiB after 10", "after 1,000", "after 10,000"],
        rows: rows
            .into_iter()
            .map(|(name, memory)| (name.to_owned(), memory))
            .collect(),
    };
    let description = "Memory after many configurations, each of which replaced the one before.";
    assert_figures("reconfigurations_memory", &figures, description);
}
