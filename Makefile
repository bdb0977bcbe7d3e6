# SPDX-License-Identifier: Apache-2.0
# memlab: one Makefile, a fragment per folder, outputs in build/<variant>/.
# `make help` lists the targets. V=1 shows the commands.

VERSION := 0.1
VARIANT ?= release
B := build/$(VARIANT)
BIN := $(B)/bin

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

CC := gcc
CLANG := clang
BPFTOOL := $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
COMMIT := $(shell git -c safe.directory='*' rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# Frame pointers make user stacks walkable from BPF; the leaf's too.
CFLAGS_COMMON := -std=gnu11 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer \
	-fno-strict-aliasing -fvisibility=hidden -ffile-prefix-map=$(CURDIR)=. -D_GNU_SOURCE \
	-DMEMLAB_VERSION='"$(VERSION)"'
CFLAGS_release := -O2
CFLAGS_debug := -O1 -DGC_DEBUG=1
CFLAGS_asan := -O1 -DGC_DEBUG=1 -fsanitize=address,undefined -fno-sanitize-recover=all
# TSan does not model fences; the one there is (flight rings) orders stores for a reader in another process.
CFLAGS_tsan := -O1 -DGC_DEBUG=1 -fsanitize=thread -Wno-tsan
CFLAGS_torture := -O1 -DGC_DEBUG=1 -DGC_TORTURE=1
CFLAGS_coverage := -O1 --coverage -fprofile-update=atomic
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
LDFLAGS_coverage := --coverage
CFLAGS := $(CFLAGS_COMMON) $(CFLAGS_$(VARIANT)) $(EXTRA_CFLAGS)
LDFLAGS := -Wl,--as-needed -Wl,-z,relro,-z,now $(LDFLAGS_$(VARIANT))
ifeq ($(CFLAGS_$(VARIANT)),)
$(error unknown VARIANT '$(VARIANT)': release, debug, asan, tsan, torture or coverage)
endif
# The sanitizers bring their own malloc.
JEMALLOC := $(if $(filter asan tsan,$(VARIANT)),,-ljemalloc)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $(patsubst build/%,%,$@);)

# What root built through sudo belongs to the user who called.
give_back = @[ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" build

# The objects of some sources.
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

PROGRAMS :=
EXTRA_TEST_PROGRAMS :=

include svc/svc.mk
include bpf/bpf.mk
include collectors/trace/trace.mk
include collectors/load/load.mk
include tests/fuzz/fuzz.mk
include tests/tests.mk
include $(sort $(wildcard tests/bench/*.mk))
include tests/lint.mk
include docker/docker.mk
include docker/install.mk

.PHONY: all release debug asan tsan torture help clean deps demo up test lint
all: deps-check $(PROGRAMS) ## every program, into build/release/bin (the default)
	$(give_back)

release debug asan tsan torture: ## build one variant into build/<variant>/bin
	$(Q)$(MAKE) --no-print-directory VARIANT=$@ all

# ---- one rule builds every object; fragments name theirs with $(call objects,sources).
$(B)/obj/%.o: %.c | deps-check
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CFLAGS) $(CFLAGS_$(firstword $(subst /, ,$*))) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# A target with a `##` comment is listed, under the first of these headings that names it.
HELP_RUN := all demo up deps deps-test install deb image
HELP_TEST := test lint test-long container-test package-test coverage fuzz fuzz-svc faults model reproducible
HELP_MEASURE := bench-heap bench-svc bench-trace bench-truth
help: ## this list
	@echo 'memlab: see what memory management costs each request'
	@grep -hE '^[a-z-]+( [a-z-]+)*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' \
		-v 'run=$(HELP_RUN)' -v 'test=$(HELP_TEST)' -v 'measure=$(HELP_MEASURE)' ' \
		function show(title, names, n, name, i) { \
			printf "\n%s\n", title; n = split(names, name, " "); \
			for (i = 1; i <= n; i++) { printf "  %-36s %s\n", name[i], text[name[i]]; delete text[name[i]] } \
		} \
		{ text[$$1] = $$2; order[NR] = $$1 } \
		END { \
			show("Run it", run); show("Test it", test); show("Measure it", measure); print "\nOther"; \
			for (i = 1; i <= NR; i++) if (order[i] in text) printf "  %-36s %s\n", order[i], text[order[i]] \
		}'
	@echo
	@echo '  Variables: VARIANT=release|debug|asan|tsan|torture|coverage  V=1'

clean: ## remove build/
	$(Q)rm -rf build
