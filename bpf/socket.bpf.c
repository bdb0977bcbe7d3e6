/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The edges of requests, from the socket, for any program: when bytes arrived, when a
 * thread of the target read them, when it wrote an answer.
 *
 * A socket is the target's if its local port is one the target listens on, in the target's network
 * namespace: so the first request of a connection counts too, whose data can arrive before
 * the connection is accepted.
 *
 * Note [stamps]: each data_ready leaves a stamp (stream position reached, time) in the
 * socket's storage. A read consumes the stamps up to the position it reached; the one that covers
 * its last byte is the arrival. Peeks, end of file and EAGAIN never get here: the tracepoint
 * reports no length for them. The queue has one writer at a time (data_ready runs
 * under the socket's lock) and one reader (threads that read one socket at the same time
 * may spoil each other's arrival, never memory). When it is full the newest stamp moves on: the
 * arrival of the last byte stays right, those before it become late.
 */
#include "common.bpf.h"
#include "compat.bpf.h"

#define AF_INET 2
#define AF_INET6 10
#define STATE_LISTEN 10
#define STATE_ESTABLISHED 1

#define STAMP_COUNT 8 /* a power of two */

struct stamp {
	__u64 time_ns;
	__u32 end; /* the sequence number after the last byte that has arrived */
	__u32 pad;
};

struct socket_state {
	__u32 head, tail; /* stamps written, stamps consumed */
	__u32 known;      /* bytes before this sequence number have no arrival: they came before us, or were read */
	__u16 local_port; /* 0: nothing was read yet; a closing socket no longer knows its port */
	__u16 pad;
	__u64 sending_ns; /* the send that is under way began; 0: none */
	struct stamp stamps[STAMP_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

/* The ports the target listens on, one bit each. Bits are only ever set. */
__u64 ports[TRACE_PORT_WORDS];

static __always_inline bool port_listed(__u16 port)
{
	return ports[port / 64] >> (port % 64) & 1;
}

static __always_inline void port_list(__u16 port)
{
	__sync_fetch_and_or(&ports[port / 64], 1ull << (port % 64));
}

static __always_inline bool socket_inet(const struct sock *sk)
{
	unsigned short family = sk->__sk_common.skc_family;
	return (family == AF_INET || family == AF_INET6) && (__u64)sk->__sk_common.skc_net.net == target_net;
}

/* Not 0: the target is a client, and its sockets are those connected to this port (tests use it to hear both ends). */
const volatile __u16 served_port;

/* The port first: it tells our sockets from all others with one look. */
static __always_inline bool socket_served(const struct sock *sk)
{
	if (served_port)
		return sk->__sk_common.skc_dport == bpf_htons(served_port) && socket_inet(sk);
	return port_listed(sk->__sk_common.skc_num) && socket_inet(sk);
}

/*
 * Until the target has read something: who else reads from its ports (a worker that
 * shares the socket with its parent, say). One reader is enough for a hint.
 */
__u32 target_has_read;
__u32 stranger_tgid;
char stranger_comm[16];

static __always_inline void stranger_note(const struct sock *sk)
{
	if (target_has_read || stranger_tgid || !socket_served(sk))
		return;
	bpf_get_current_comm(stranger_comm, sizeof(stranger_comm));
	stranger_tgid = bpf_get_current_pid_tgid() >> 32;
}

/* A socket first met: what has been read by now, nobody can date. */
static __always_inline struct socket_state *socket_meet(struct tcp_sock *tcp)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, tcp, NULL, 0);
	if (state)
		return state;
	state = bpf_sk_storage_get(&sockets, tcp, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (state)
		state->known = tcp->copied_seq;
	return state;
}

static __always_inline void stamp_push(struct socket_state *state, __u32 end)
{
	__u32 head = state->head;
	bool full = head - state->tail >= STAMP_COUNT;
	struct stamp *stamp = &state->stamps[(full ? head - 1 : head) & (STAMP_COUNT - 1)];
	stamp->time_ns = bpf_ktime_get_ns();
	stamp->end = end;
	barrier();
	if (!full)
		state->head = head + 1;
}

/* The time of the stamp that covers the byte before `end`; 0 if it came before us. */
static __always_inline __u64 stamp_pop(struct socket_state *state, __u32 end)
{
	__u64 arrival = 0;
	bool fresh = (__s32)(end - state->known) > 0;
	for (int i = 0; i < STAMP_COUNT && state->tail != state->head; i++) {
		struct stamp *stamp = &state->stamps[state->tail & (STAMP_COUNT - 1)];
		__s32 beyond = (__s32)(stamp->end - end);
		if (beyond >= 0)
			arrival = stamp->time_ns;
		if (beyond > 0)
			break;
		state->tail++;
		if (beyond == 0)
			break;
	}
	if (!fresh)
		return 0;
	state->known = end;
	return arrival;
}

static __always_inline void arrival_emit(struct sock *sk, __u32 end)
{
	__u32 number = bpf_get_smp_processor_id();
	struct trace_cpu *cpu = &cpus[number & (TRACE_CPU_LIMIT - 1)];
	struct record_arrival *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&cpu->arrivals, 1);
		__sync_fetch_and_add(&cpu->arrivals_lost, 1);
		__sync_fetch_and_add(&cpu->lost_of[RECORD_ARRIVAL], 1);
		return;
	}
	__sync_fetch_and_add(&cpu->written_of[RECORD_ARRIVAL], 1);
	record->h.tid = 0;
	record->h.cpu = number;
	record->h.kind = RECORD_ARRIVAL;
	record->h.words = sizeof(*record) / 8;
	record->h.lost = cpu->arrivals_lost;
	record->h.seq = __sync_fetch_and_add(&cpu->arrivals, 1) + 1;
	record->sock = (__u64)sk;
	record->end = end;
	record->local_port = sk->__sk_common.skc_num;
	record->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	record->h.time_ns = bpf_ktime_get_ns();
	record_submit(record);
}

/* An answer over loopback comes here too, at its other end, while the thread that sends it is at work. */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(sk_data_ready, struct sock *sk)
{
	task_acts();
	if (!socket_served(sk) || sk->__sk_common.skc_state == STATE_LISTEN)
		return 0;
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	if (mode_arrivals)
		arrival_emit(sk, tcp->rcv_nxt);
	if (mode_tail)
		return 0;
	struct socket_state *state = socket_meet(tcp);
	if (state)
		stamp_push(state, tcp->rcv_nxt);
	return 0;
}

static __always_inline void recv_emit(struct sock *sk, __u32 bytes, __u64 arrival)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct record_recv *record = RECORD_RESERVE(record_recv, RECORD_RECV, task->pid);
	if (!record)
		return;
	record->sock = (__u64)sk;
	record->arrival_ns = arrival;
	record->exec_ns = task->se.sum_exec_runtime;
	record->run_delay_ns = task_run_delay_ns(task);
	record->bytes = bytes;
	record->local_port = sk->__sk_common.skc_num;
	record->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	record->cpu_stolen_ns = task_cpu_stolen_ns(task);
	record->pad = 0;
	record_submit(record);
}

#define MSG_PEEK 2

SEC("tp_btf/sock_recv_length")
int BPF_PROG(sock_recv_length, struct sock *sk, int length, int flags)
{
	if (length <= 0 || (flags & MSG_PEEK))
		return 0;
	if (!current_is_target()) {
		stranger_note(sk);
		return 0;
	}
	if (!socket_served(sk))
		return 0;
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	if (!target_has_read) /* written once: every read of anybody's looks at it */
		target_has_read = 1;
	struct socket_state *state = socket_meet(tcp);
	if (state)
		state->local_port = sk->__sk_common.skc_num;
	recv_emit(sk, length, state ? stamp_pop(state, tcp->copied_seq) : 0);
	return 0;
}

/* The begin of each send is told (the program below is loaded). */
const volatile bool sends_begin;

/* Fires for each part of a long answer: the first one counts. */
SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(tcp_sendmsg_locked, struct sock *sk)
{
	if (!current_is_target() || !socket_served(sk))
		return 0;
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct socket_state *state = tcp ? socket_meet(tcp) : NULL;
	if (state && !state->sending_ns)
		state->sending_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline __u64 send_begin_ns(struct sock *sk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	__u64 begin_ns = state ? state->sending_ns : 0;
	if (state)
		state->sending_ns = 0;
	return begin_ns;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(sock_send_length, struct sock *sk, int length)
{
	__u64 begin_ns = sends_begin && current_is_target() ? send_begin_ns(sk) : 0; /* of a send that failed, too */
	if (length <= 0 || !current_is_target() || !socket_served(sk) || !bpf_skc_to_tcp_sock(sk))
		return 0;
	struct task_struct *task = bpf_get_current_task_btf();
	struct record_send *record = RECORD_RESERVE(record_send, RECORD_SEND, task->pid);
	if (!record)
		return 0;
	record->sock = (__u64)sk;
	record->run_delay_ns = task_run_delay_ns(task);
	record->begin_ns = begin_ns;
	record->bytes = length;
	record->local_port = sk->__sk_common.skc_num;
	record->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	record->cpu_stolen_ns = task_cpu_stolen_ns(task);
	record->pad = 0;
	record_submit(record);
	return 0;
}

/* Of sockets that nothing was read from nobody knows, and they need no end. */
SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(tcp_destroy_sock, struct sock *sk)
{
	struct socket_state *state = bpf_sk_storage_get(&sockets, sk, NULL, 0);
	if (!state || !state->local_port)
		return 0;
	struct record_close *record = RECORD_RESERVE(record_close, RECORD_CLOSE, 0);
	if (!record)
		return 0;
	record->sock = (__u64)sk;
	record->local_port = state->local_port;
	record->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	record->pad = 0;
	record_submit(record);
	return 0;
}

/* The target opens another port. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(inet_sock_set_state, struct sock *sk, int before, int after)
{
	if (after == STATE_LISTEN && current_is_target() && socket_inet(sk))
		port_list(sk->__sk_common.skc_num);
	return 0;
}

static __always_inline struct tcp_sock *file_tcp(struct file *file)
{
	struct socket *socket = file ? bpf_sock_from_file(file) : NULL;
	if (!socket || !socket->sk)
		return NULL;
	return bpf_skc_to_tcp_sock(socket->sk);
}

/* At attach, first: the ports the target listens on already. */
SEC("iter/task_file")
int socket_ports(struct bpf_iter__task_file *context)
{
	struct tcp_sock *tcp = file_tcp(context->file);
	if (!tcp)
		return 0;
	struct sock *sk = (struct sock *)tcp;
	if (sk->__sk_common.skc_state == STATE_LISTEN && socket_inet(sk))
		port_list(sk->__sk_common.skc_num);
	return 0;
}

/* At attach, second: what lies in connections that are open already arrived before us. */
SEC("iter/task_file")
int socket_seed(struct bpf_iter__task_file *context)
{
	struct tcp_sock *tcp = file_tcp(context->file);
	if (!tcp)
		return 0;
	struct sock *sk = (struct sock *)tcp;
	if (sk->__sk_common.skc_state == STATE_LISTEN || !socket_served(sk))
		return 0;
	struct socket_state *state = bpf_sk_storage_get(&sockets, tcp, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (state && state->head == 0)
		state->known = tcp->rcv_nxt;
	return 0;
}
