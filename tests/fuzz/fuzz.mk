# SPDX-License-Identifier: Apache-2.0
# Damaged input for the readers of what is not ours: a short run with the tests, a longer one with sanitizers by make fuzz.

HOSTILE := $(B)/tests/fuzz/hostile
EXTRA_TEST_PROGRAMS += $(HOSTILE)
$(HOSTILE): $(B)/obj/tests/fuzz/hostile.o $(TRACE_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(TRACE_LIBS)

FUZZ_ROUNDS ?= 200000
FUZZ_SEED ?= 1
.PHONY: fuzz fuzz-run
fuzz: ## hostile ELF files, recordings and flight rings for the tracer's readers, with sanitizers (FUZZ_ROUNDS, FUZZ_SEED)
	$(Q)$(MAKE) --no-print-directory VARIANT=asan fuzz-run

fuzz-run: $(HOSTILE) $(BIN)/memlab-svc
	$(Q)$(HOSTILE) elf $(FUZZ_SEED) $(FUZZ_ROUNDS) $(BIN)/memlab-svc
	$(Q)$(HOSTILE) recording $(FUZZ_SEED) $(FUZZ_ROUNDS)
	$(Q)$(HOSTILE) flight $(FUZZ_SEED) $(FUZZ_ROUNDS)
