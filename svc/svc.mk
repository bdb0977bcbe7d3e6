# SPDX-License-Identifier: Apache-2.0
# The collected heap as a library, the service, and the data programs.

HEAP_SRC := $(wildcard svc/heap/*.c) svc/probes/probes.c
HEAP_LIB := $(B)/lib/libmlheap.a

DATASET_MAINS := svc/dataset/memlab-gen.c svc/dataset/memlab-loadindex.c
DATASET_SRC := $(filter-out $(DATASET_MAINS),$(wildcard svc/dataset/*.c))
SVC_SRC := $(filter-out svc/main.c,$(wildcard svc/*.c)) svc/probes/flight.c $(DATASET_SRC)
SVC_LIB := $(B)/lib/libmlsvc.a
SVC_LIBS := -lmicrohttpd -lz $(JEMALLOC) -lpthread -lm

PROGRAMS += $(BIN)/memlab-svc
ifneq ($(wildcard svc/dataset/memlab-gen.c),)
PROGRAMS += $(BIN)/memlab-gen
endif
ifneq ($(wildcard svc/dataset/memlab-loadindex.c),)
PROGRAMS += $(BIN)/memlab-loadindex
endif

$(HEAP_LIB): $(call objects,$(HEAP_SRC))
	@mkdir -p $(@D)
	$(call say,AR) rm -f $@; ar rcsD $@ $^

$(SVC_LIB): $(call objects,$(SVC_SRC))
	@mkdir -p $(@D)
	$(call say,AR) rm -f $@; ar rcsD $@ $^

# Both must stay in .dynsym, where a tracer finds them in a stripped binary.
$(BIN)/memlab-svc: $(call objects,svc/main.c) $(SVC_LIB) $(HEAP_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -Wl,--export-dynamic-symbol=memlab_run_info \
		-Wl,--export-dynamic-symbol=memlab_flight -o $@ $^ $(SVC_LIBS)

$(BIN)/memlab-gen: $(call objects,svc/dataset/memlab-gen.c svc/options.c $(DATASET_SRC)) $(HEAP_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ -lz $(JEMALLOC) -lpthread -lm

$(BIN)/memlab-loadindex: $(call objects,svc/dataset/memlab-loadindex.c) $(SVC_LIB) $(HEAP_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(SVC_LIBS)

# run{} names the commit; the stamp changes only when the commit does.
$(B)/commit: FORCE
	@mkdir -p $(@D)
	@echo $(COMMIT) | cmp -s - $@ || echo $(COMMIT) >$@
$(B)/obj/svc/runinfo.o: CFLAGS += -DMEMLAB_COMMIT='"$(COMMIT)"'
$(B)/obj/svc/runinfo.o: $(B)/commit
.PHONY: FORCE
FORCE:

# The service with known delays injected into chosen requests: what tracing tests find again.
INJECT := $(B)/tests/memlab-svc-inject
EXTRA_TEST_PROGRAMS += $(INJECT)
$(INJECT): $(call objects,svc/main.c tests/svc/inject.c tests/svc/truth.c) $(SVC_LIB) $(HEAP_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -Wl,--export-dynamic-symbol=memlab_run_info \
		-Wl,--export-dynamic-symbol=memlab_flight -o $@ $^ $(SVC_LIBS)

# Coverage-guided fuzzing with clang: FUZZ_SECONDS of each target; crashes are left in build/fuzz.
FUZZ_SECONDS ?= 60
FUZZ_CFLAGS := -std=gnu11 -g -O1 -D_GNU_SOURCE -DMEMLAB_VERSION='"$(VERSION)"' -DMEMLAB_COMMIT='"fuzz"' -DGC_DEBUG=1 \
	-fno-strict-aliasing -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-unused-function
FUZZ_SVC := build/fuzz/fuzz_request build/fuzz/fuzz_file build/fuzz/fuzz_http
$(FUZZ_SVC): build/fuzz/%: tests/svc/fuzz/fuzz.c tests/svc/fuzz/targets.h tests/svc/fuzz/http.h $(SVC_SRC) $(HEAP_SRC)
	@mkdir -p $(@D)
	$(call say,FUZZ) $(CLANG) $(FUZZ_CFLAGS) -DFUZZ_TARGET=$* -o $@ $(filter %.c,$^) -lmicrohttpd -lz -lpthread -lm

# In the middle of a run the leak checker cannot see what the heap's own mappings refer to; it looks whenever a run leaves more
# allocated than it found, which a loop of its own does. tests/svc/test_fuzz closes its loop and is checked with ASan.
.PHONY: fuzz-svc
fuzz-svc: $(FUZZ_SVC) ## fuzz the handlers, the data file reader and the event loop (FUZZ_SECONDS=60 each)
	$(Q)for target in $(FUZZ_SVC); do mkdir -p $$target.corpus; leaks=1; [ $$target != build/fuzz/fuzz_http ] || leaks=0; \
		$$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -detect_leaks=$$leaks -artifact_prefix=build/fuzz/ \
			$$target.corpus || exit 1; done

include svc/heap/heap.mk
