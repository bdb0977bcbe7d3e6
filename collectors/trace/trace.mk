# SPDX-License-Identifier: Apache-2.0
# memlab-trace. Everything but main.c is a library, so that tests link against it.

TRACE_SRC := $(filter-out collectors/trace/main.c,$(wildcard collectors/trace/*.c collectors/trace/*/*.c))
TRACE_LIB := $(B)/lib/libmltrace.a
TRACE_LIBS := -lbpf -ldw -lelf -lz -lcap-ng -lmicrohttpd -lpthread -lm

PROGRAMS += $(BIN)/memlab-trace

# Only source/ may include the skeleton.
$(B)/obj/collectors/trace/source/%.o: CFLAGS += -I$(B)/gen
$(call objects,$(wildcard collectors/trace/source/*.c)): $(BPF_SKEL)

$(TRACE_LIB): $(call objects,$(TRACE_SRC))
	@mkdir -p $(@D)
	$(call say,AR) rm -f $@; ar rcsD $@ $^

$(BIN)/memlab-trace: $(B)/obj/collectors/trace/main.o $(TRACE_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(TRACE_LIBS)
