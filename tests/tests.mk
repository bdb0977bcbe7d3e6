# SPDX-License-Identifier: Apache-2.0
# Tests: every tests/<area>/test_*.c is a cmocka program, every *.bats a bats file;
# tests/run runs them all and counts. Areas link with the library they test.

HEAP_TESTS := $(wildcard tests/heap/test_*.c tests/model/test_*.c)
SVC_TESTS := $(wildcard tests/svc/test_*.c)
TRACE_TESTS := $(wildcard tests/collectors/trace/test_*.c)
LOAD_TESTS := $(wildcard tests/collectors/load/test_*.c)
BPF_TESTS := $(wildcard tests/bpf/test_*.c)

test_binaries = $(patsubst tests/%.c,$(B)/tests/%,$(1))
# Fragments included before this one add programs that tests start, with EXTRA_TEST_PROGRAMS += ...
TEST_PROGRAMS := $(call test_binaries,$(HEAP_TESTS) $(SVC_TESTS) $(TRACE_TESTS) $(LOAD_TESTS) $(BPF_TESTS)) $(EXTRA_TEST_PROGRAMS)

$(B)/tests/bench/trace_cost $(B)/tests/bench/client_edges: $(B)/tests/bench/%: $(B)/obj/tests/bench/%.o $(TRACE_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(TRACE_LIBS)
TEST_PROGRAMS += $(B)/tests/bench/client_edges

.PHONY: bench-trace
bench-trace: $(BIN)/memlab-svc $(BIN)/memlab-load $(BIN)/memlab-trace $(B)/tests/bench/trace_cost $(B)/tests/bpf/targets/echo ## what watching costs: memlab-svc without and with memlab-trace and bpftrace, echo server by kind of record; ARGS
	$(Q)tests/bench/bench-trace $(B) $(ARGS)
	$(Q)$(B)/tests/bench/trace_cost

.PHONY: bench-truth
bench-truth: $(BIN)/memlab-svc $(BIN)/memlab-load $(BIN)/memlab-trace $(B)/tests/bench/client_edges ## is what the tracer says true? Against the client's kernel, GOGC=off and the heap's counters; ARGS
	$(Q)tests/bench/bench-truth $(B) $(ARGS)

.PHONY: faults
faults: $(BIN)/memlab-svc $(BIN)/memlab-load $(BIN)/memlab-trace ## tests/e2e/faults.bats with 100 kills -9 of the tracer
	$(Q)BUILD=$(CURDIR)/$(B) MEMLAB_KILLS=100 bats tests/e2e/faults.bats

.PHONY: claims
claims: ## what README and docs/tracing.md say of accuracy and cost, measured here: bench-truth, faults, bench-trace (a quarter of an hour, on an idle machine)
	$(Q)$(MAKE) --no-print-directory bench-truth
	$(Q)$(MAKE) --no-print-directory faults
	$(Q)$(MAKE) --no-print-directory bench-trace

# Small processes to be traced; they fire memlab's probes.
TRACE_TARGETS := $(call test_binaries,$(wildcard tests/bpf/targets/*.c))
TEST_PROGRAMS += $(TRACE_TARGETS)
$(TRACE_TARGETS): $(B)/tests/%: $(B)/obj/tests/%.o $(B)/obj/svc/probes/probes.o $(B)/obj/svc/probes/flight.o
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -rdynamic -o $@ $^ -lpthread

define test_rule
$(call test_binaries,$(1)): $(B)/tests/%: $(B)/obj/tests/%.o $(2)
	@mkdir -p $$(@D)
	$$(call say,LD) $$(CC) $$(LDFLAGS) -o $$@ $$^ -lcmocka $(3)
endef
$(eval $(call test_rule,$(HEAP_TESTS),$(HEAP_LIB),$(JEMALLOC) -lpthread -lm))
$(eval $(call test_rule,$(SVC_TESTS),$(SVC_LIB) $(HEAP_LIB),$(SVC_LIBS)))
$(eval $(call test_rule,$(TRACE_TESTS),$(TRACE_LIB),$(TRACE_LIBS)))
$(eval $(call test_rule,$(LOAD_TESTS),$(LOAD_LIB),-lz -lpthread -lm))
$(eval $(call test_rule,$(BPF_TESTS),$(TRACE_LIB),$(TRACE_LIBS)))

.PHONY: test-programs
test-programs: $(TEST_PROGRAMS)
	$(give_back)

test: deps-test-check ## unit, integration and real-BPF tests (root for the last)
	$(Q)$(MAKE) --no-print-directory all test-programs
	$(Q)tests/run $(B); status=$$?; [ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" build; exit $$status

# Which tests make sense in which variant: BPF and timing are the same in all.
TEST_LONG := asan:heap|svc|collectors/load/test|collectors/trace/test tsan:heap|svc/(http|connections) torture:heap

.PHONY: model
model: $(B)/tests/model/test_cycle ## the marking protocol, searched exhaustively (minutes, up to 4 GB)
	$(Q)GC_MODEL_ALL=1 $<

.PHONY: test-long
test-long: deps-test-check ## the tests again under ASan+UBSan, TSan and torture
	$(Q)status=0; for pair in $(foreach pair,$(TEST_LONG),'$(pair)'); do \
		$(MAKE) --no-print-directory VARIANT="$${pair%%:*}" all test-programs || exit 1; \
		tests/run "build/$${pair%%:*}" "$${pair#*:}" || status=1; \
	done; [ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" build; exit $$status

.PHONY: coverage
coverage: deps-test-check ## which lines the tests reach, by folder (gcovr): build/coverage/report/index.html
	$(Q)$(MAKE) --no-print-directory VARIANT=coverage all test-programs
	$(Q)tests/coverage $(PATTERN); status=$$?; [ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" build; exit $$status

demo: ## the main job: service under load, traced; leaves build/demo/
	$(Q)$(MAKE) --no-print-directory all
	$(Q)collectors/lab/demo $(B)

up: ## service, load and tracer until Ctrl-C
	$(Q)$(MAKE) --no-print-directory all
	$(Q)collectors/lab/up $(B)
