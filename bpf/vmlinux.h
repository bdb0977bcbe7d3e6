/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The kernel types that memlab's BPF programs touch, and of those only the fields they
 * touch. preserve_access_index makes every field access a CO-RE relocation: the loader
 * finds the true offset in the running kernel's BTF, so the build needs no kernel's headers
 * and no kernel's BTF, and one object runs on every kernel from 6.6 on. Order and size here
 * mean nothing. Kept by hand; a field that some kernel lacks is guarded in compat.bpf.h.
 */
#ifndef MEMLAB_VMLINUX_H
#define MEMLAB_VMLINUX_H

#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info {
	u32 cpu;
};

struct rq {
	unsigned int nr_running;
	u64 clock;
	u64 prev_steal_time_rq;
};

struct cfs_rq {
	struct rq *rq;
};

struct sched_entity {
	struct cfs_rq *cfs_rq;
	u64 sum_exec_runtime;
};

struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_queued;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct net;

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	int on_cpu;
	int on_rq;
	struct sched_entity se;
	struct sched_info sched_info;
	int exit_state;
	int pid;
	int tgid;
	struct pid *thread_pid;
	unsigned long min_flt;
	unsigned long maj_flt;
	char comm[16];
	struct nsproxy *nsproxy;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
};

struct tcp_sock {
	u32 copied_seq;
	u32 rcv_nxt;
};

struct socket {
	struct sock *sk;
};

struct file;

struct bpf_iter__task {
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

/* x86-64, the names of the kernel's own struct. */
struct pt_regs {
	unsigned long di, si, dx, cx, r8, r9, sp, ip, orig_ax;
};

#pragma clang attribute pop

#endif
