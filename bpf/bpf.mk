# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
# One BPF object from bpf/trace.bpf.c (which includes the small programs), and its skeleton.
# vmlinux.h is a minimal CO-RE header kept in the tree: the build needs no kernel's BTF.

BPF_SKEL := $(B)/gen/trace.skel.h
BPF_CFLAGS := -O2 -g -Wall -Werror -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu -ffile-prefix-map=$(CURDIR)=.

$(B)/gen/trace.bpf.o: $(wildcard bpf/*.c bpf/*.h) svc/probes/probes.def | deps-check
	@mkdir -p $(@D)
	$(call say,BPF) $(CLANG) $(BPF_CFLAGS) -c -o $@.tmp bpf/trace.bpf.c
	$(Q)$(BPFTOOL) gen object $@ $@.tmp && rm -f $@.tmp

$(BPF_SKEL): $(B)/gen/trace.bpf.o
	$(call say,SKEL) $(BPFTOOL) gen skeleton $< name trace_bpf > $@
