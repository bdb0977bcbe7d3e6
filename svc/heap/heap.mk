# SPDX-License-Identifier: Apache-2.0
# bench-heap: the collected heap beside its peers. Not part of all or test.

HEAP_BENCH := build/bench

.PHONY: bench-heap
bench-heap: ## the heap beside bdwgc, jemalloc, glibc and Go: ratios, table and JSON (ARGS=--full)
	$(Q)$(MAKE) --no-print-directory build/release/lib/libmlheap.a VARIANT=release
	$(Q)tests/bench/bench-heap $(HEAP_BENCH) $(ARGS)
