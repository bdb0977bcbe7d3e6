# SPDX-License-Identifier: Apache-2.0
# Damaged input for the readers of what is not ours: a short run with the tests; by make fuzz a longer one with sanitizers, then one guided by
# what the readers' code does with it.

HOSTILE := $(B)/tests/fuzz/hostile
EXTRA_TEST_PROGRAMS += $(HOSTILE)
$(HOSTILE): $(call objects,tests/fuzz/hostile.c tests/fuzz/readers.c) $(TRACE_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(TRACE_LIBS)

FUZZ_ROUNDS ?= 200000
FUZZ_SEED ?= 1
FUZZ_READERS := elf flight recording report code
FUZZ_TRACE := $(FUZZ_READERS:%=build/fuzz/trace_%)
.PHONY: fuzz fuzz-run fuzz-trace
fuzz: ## hostile ELF files, notes, code, flight rings, recordings for the tracer, with sanitizers (FUZZ_ROUNDS, FUZZ_SEED, FUZZ_SECONDS)
	$(Q)$(MAKE) --no-print-directory VARIANT=asan fuzz-run
	$(Q)$(MAKE) --no-print-directory fuzz-trace

fuzz-run: $(HOSTILE) $(BIN)/memlab-svc build/fuzz/tiny
	$(Q)$(HOSTILE) elf $(FUZZ_SEED) $(FUZZ_ROUNDS) $(BIN)/memlab-svc
	$(Q)$(HOSTILE) elf $(FUZZ_SEED) $(FUZZ_ROUNDS) build/fuzz/tiny
	$(Q)$(HOSTILE) recording $(FUZZ_SEED) $(FUZZ_ROUNDS)
	$(Q)$(HOSTILE) flight $(FUZZ_SEED) $(FUZZ_ROUNDS)
	$(Q)$(HOSTILE) code $(FUZZ_SEED) $(FUZZ_ROUNDS) $(BIN)/memlab-svc
	$(Q)[ ! -s "$(FUZZ_RECORDING)" ] || $(HOSTILE) report $(FUZZ_SEED) $$(($(FUZZ_ROUNDS) / 100)) $(FUZZ_RECORDING) 2>/dev/null

# One fuzzer, compiled once; the reader is chosen when the entry is compiled. FUZZ_RECORDING: a recording to begin with.
FUZZ_TRACE_CFLAGS := -std=gnu11 -g -O1 -D_GNU_SOURCE -DMEMLAB_VERSION='"$(VERSION)"' -fno-strict-aliasing \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -I$(B)/gen
FUZZ_RECORDING ?=
FUZZ_TRACE_SRC := tests/fuzz/readers.c $(TRACE_SRC)
build/fuzz/obj/%.o: %.c $(BPF_SKEL)
	@mkdir -p $(@D)
	$(call say,FUZZ) $(CLANG) $(FUZZ_TRACE_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_TRACE): build/fuzz/trace_%: tests/fuzz/guided.c tests/fuzz/readers.h $(FUZZ_TRACE_SRC:%.c=build/fuzz/obj/%.o)
	$(call say,FUZZ) $(CLANG) $(FUZZ_TRACE_CFLAGS) -fsanitize=fuzzer -DFUZZ_TARGET=$* -o $@ $(filter %.c %.o,$^) $(TRACE_LIBS)

build/fuzz/tiny: tests/fuzz/tiny.S
	@mkdir -p $(@D)
	$(call say,LD) $(CC) -nostdlib -static -Wl,--build-id=none -o $@ $<

fuzz-trace: $(FUZZ_TRACE) $(HOSTILE) build/fuzz/tiny
	$(Q)cd build/fuzz && mkdir -p $(FUZZ_READERS:%=%.corpus) && cp tiny elf.corpus/tiny && cp tiny code.corpus/tiny
	$(Q)$(HOSTILE) flight-seed >build/fuzz/flight.corpus/seed
	$(Q)[ ! -s "$(FUZZ_RECORDING)" ] || for reader in recording report; do \
		$(HOSTILE) seed $(FUZZ_RECORDING) >build/fuzz/$$reader.corpus/seed; done
	$(Q)for reader in $(FUZZ_READERS); do echo "$$reader: $(FUZZ_SECONDS) s"; \
		build/fuzz/trace_$$reader -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -rss_limit_mb=2048 -close_fd_mask=3 \
			-artifact_prefix=build/fuzz/$$reader- build/fuzz/$$reader.corpus || exit 1; done

-include $(FUZZ_TRACE_SRC:%.c=build/fuzz/obj/%.d)
