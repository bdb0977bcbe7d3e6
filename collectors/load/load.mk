# SPDX-License-Identifier: Apache-2.0
# memlab-load. Everything but main.c is a library for tests; --check recomputes records with svc/dataset.

LOAD_SRC := $(filter-out collectors/load/main.c,$(wildcard collectors/load/*.c))
LOAD_LIB := $(B)/lib/libmlload.a

PROGRAMS += $(BIN)/memlab-load

$(LOAD_LIB): $(call objects,$(LOAD_SRC) $(DATASET_SRC))
	@mkdir -p $(@D)
	$(call say,AR) rm -f $@; ar rcsD $@ $^

$(BIN)/memlab-load: $(B)/obj/collectors/load/main.o $(LOAD_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ -lz -lpthread -lm
