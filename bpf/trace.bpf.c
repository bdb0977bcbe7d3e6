/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* memlab-trace's one BPF object: the small programs together share maps and globals. */
#include "task.bpf.c"
#include "sched.bpf.c"
#include "socket.bpf.c"
#include "fault.bpf.c"
#include "runtime.bpf.c"
#include "profile.bpf.c"

/* Some helpers (stacks, task storage) are for GPL-compatible programs; ours may be used under either. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
