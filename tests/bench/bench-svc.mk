# SPDX-License-Identifier: Apache-2.0
# make bench-svc: what a request costs. Not part of `make test`: it takes a quarter of an hour and wants a
# quiet machine (it leaves disturbed windows out, and says so when none is left).

BENCH_SVC := $(B)/bench/constant-server $(B)/bench/handler-bench

$(B)/bench/constant-server: $(B)/obj/tests/bench/constant_server.o
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ -lmicrohttpd

$(B)/bench/handler-bench: $(B)/obj/tests/bench/handler_bench.o $(SVC_LIB) $(LOAD_LIB) $(HEAP_LIB)
	@mkdir -p $(@D)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(SVC_LIBS)

# Built with the tests, so that they do not rot between measurements.
test-programs: $(BENCH_SVC)

.PHONY: bench-svc
bench-svc: ## what a request costs, beside constant-reply servers; ARGS=--quick for a short one
	$(Q)$(MAKE) --no-print-directory $(BIN)/memlab-svc $(BIN)/memlab-load $(BENCH_SVC)
	$(Q)tests/bench/bench-svc $(B) $(ARGS)
