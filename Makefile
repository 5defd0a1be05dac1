# What people and CI run. `make` alone lists it.

CARGO ?= cargo
module := $(CURDIR)/target/filter/peergate_filter.wasm

.DEFAULT_GOAL := help
.PHONY: help check demo reference test test-host test-wasm parity model fuzz lint fmt bench bench-page bench-engine docs diagrams pictures filter clean

# How much `make parity` and `make model` ask, and from which seed on.
SEED ?= 1
CASES ?= 100000
PAIRS ?= 1000000

# What `make fuzz` runs, and for how long. Each target is a test of the crate that reads such bytes, or of the one above it.
TARGET ?= yaml
SECONDS ?= 60
fuzz_crate_certificate := peergate-filter
fuzz_crate_certificates := peergate-mesh
fuzz_crate_access-log := peergate-insight
fuzz_crate = $(or $(fuzz_crate_$(TARGET)),policy-schema)
# A reader that is private to its library has its test inside the library.
fuzz_tests = $(if $(filter peergate-mesh peergate-insight,$(fuzz_crate)),--lib fuzz::,--test fuzz)

# Links to other hosts are checked for their form only: a host that is down is no fault of a page.
lychee_flags := --offline --include-fragments --no-progress

# How long `make bench` measures, and which rows (all by default); `cargo bench -p peergate-bench --bench request -- --list`.
MINUTES ?= 25
ROWS ?=
# A run of some rows is not the published one.
bench_flags = $(if $(ROWS),--rows $(ROWS),--write $(CURDIR)/docs)

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

check: ## format, lints and unit tests: the inner loop, under a minute once built
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy -q --workspace --all-targets -- -D warnings
	@$(CARGO) test -q --workspace --lib

# The profile of tests: it compiles in a fraction of the time, and what it compiles the tests use again.
demo: ## run the guided tour on a local Envoy; DEMO=--keep leaves it running
	@scripts/build-filter --without-comparing
	@envoy=$$(scripts/envoy) && \
		PEERGATE_ENVOY=$$envoy PEERGATE_FILTER=$(module) $(CARGO) run -p peergate -- demo $(DEMO)

reference: ## generate the command reference in docs/commands, man pages and completions in target/reference
	@$(CARGO) run -q -p peergate-reference docs/commands target/reference/man
	@mkdir -p target/reference/completions
	@for shell in bash elvish fish powershell zsh; do \
		$(CARGO) run -q -p peergate -- completions $$shell > target/reference/completions/peergate.$$shell; done
	@echo "wrote docs/commands/, target/reference/man/ and target/reference/completions/"

test: test-host test-wasm ## run every test, those on a real Envoy and on wasm32 included

test-host: filter ## run the tests of the host: unit, property, golden, end to end
	@envoy=$$(scripts/envoy) && registry=$$(scripts/docker-registry) && kubernetes=$$(scripts/kubernetes) && \
		prometheus=$$(scripts/prometheus) && monitoring=$$(scripts/monitoring-tools) && \
		PEERGATE_ENVOY=$$envoy PEERGATE_REGISTRY=$$registry PEERGATE_KUBERNETES=$$kubernetes \
		PEERGATE_PROMETHEUS=$$prometheus PEERGATE_MONITORING_TOOLS=$$monitoring PEERGATE_FILTER=$(module) \
		$(CARGO) test --workspace --no-fail-fast

test-wasm: ## run the engine's tests as wasm32, on Node
	@command -v node >/dev/null || { echo "test-wasm: node is missing: install Node.js 18 or newer" >&2; exit 1; }
	@runner=$$(scripts/wasm-bindgen-runner) && \
		CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$$runner \
		scripts/wasm-cargo test -p peergate-engine --test wasm

parity: filter ## compare RBAC and the filter in Envoy with the engine; SEED=1 CASES=100000
	@envoy=$$(scripts/envoy) && counts=$$(mktemp) && trap 'rm -f "$$counts"' EXIT && \
		PEERGATE_SEED=$(SEED) PEERGATE_CASES=$(CASES) PEERGATE_COUNTS=$$counts \
		PEERGATE_ENVOY=$$envoy PEERGATE_FILTER=$(module) \
		$(CARGO) test -q -p peergate-tests --test parity -- --nocapture && cat "$$counts"

model: ## compare the engine with a naive reading of the rules; SEED=1 PAIRS=1000000
	@PEERGATE_SEED=$(SEED) PEERGATE_PAIRS=$(PAIRS) \
		$(CARGO) test --release -p peergate-tests --test model -- --nocapture

fuzz: ## run mutations of a corpus in fuzz/corpus; TARGET=yaml SECONDS=60 SEED=1
	@test -d fuzz/corpus/$(TARGET) || { echo "fuzz: no such target; there are: $$(ls fuzz/corpus)" >&2; exit 1; }
	@PEERGATE_FUZZ_TARGET=$(TARGET) PEERGATE_FUZZ_SECONDS=$(SECONDS) PEERGATE_FUZZ_SEED=$(SEED) \
		$(CARGO) test --profile fuzz -q -p $(fuzz_crate) $(fuzz_tests) -- --nocapture

lint: ## check format, lints on host and wasm32, documentation, scripts
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p peergate --no-default-features -- -D warnings
	scripts/wasm-cargo clippy -p peergate-filter -p peergate-engine -p peergate-bench-floor -p peergate-bench-noop -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --workspace
	@scripts/words
	@if tools=$$(scripts/lint-tools); then PATH=$$tools:$$PATH; shellcheck $$(grep -l '^#!.*bash' scripts/*) .ci/run && actionlint; \
		else echo "lint: scripts and workflows were not checked" >&2; fi
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny check bans licenses sources; \
		else echo "lint: cargo-deny is not installed; licences were not checked" >&2; fi

fmt: ## format the code
	$(CARGO) fmt --all

bench: filter ## measure requests in a real Envoy, and write docs/performance.md; MINUTES=25 ROWS=none-again,lua prints some rows
	@scripts/build-bench-modules
	@envoy=$$(scripts/envoy) && PEERGATE_ENVOY=$$envoy PEERGATE_FILTER=$(module) \
		$(CARGO) bench -p peergate-bench --bench request -- --minutes $(MINUTES) $(bench_flags)

bench-page: ## write docs/performance.md again from the data of the last measurement
	@$(CARGO) bench -q -p peergate-bench --bench request -- --write $(CURDIR)/docs --render >/dev/null

bench-engine: ## run the benchmarks of the engine and of the command line, natively
	@$(CARGO) bench -p peergate-bench --bench decide --bench configure --bench render

docs: ## build the site of docs/ into target/site, and check every link within it
	@mdbook=$$(scripts/mdbook) && "$$mdbook" build
	@lychee=$$(scripts/lychee) && \
		echo "links as the repository shows them:" && $$lychee $(lychee_flags) '*.md' 'docs/*.md' 'examples/*/*.md' && \
		echo "links of the site:" && $$lychee $(lychee_flags) --root-dir target/site 'target/site/**/*.html'

diagrams: ## draw docs/pictures/*.svg from their sources, *.dot
	@scripts/draw-diagrams

pictures: filter ## draw the dashboards in docs/pictures anew, from minutes of traffic
	@envoy=$$(scripts/envoy) && prometheus=$$(scripts/prometheus) && \
		PEERGATE_ENVOY=$$envoy PEERGATE_PROMETHEUS=$$prometheus PEERGATE_FILTER=$(module) \
		$(CARGO) run -p peergate-tests --example draw-dashboards

filter: ## build the wasm module, target/filter/peergate_filter.wasm
	@scripts/build-filter

clean: ## remove what was built; the tools in .tools/ stay
	$(CARGO) clean
