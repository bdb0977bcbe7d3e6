/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of the wire, as the client's own kernel saw it: watches a load generator as the tracer watches a
 * server, and writes a line for each of its sends and reads, for each call that wakes it and each time it was off its CPU.
 *
 *   client_edges PID SERVER_PORT FILE.csv      until SIGINT; says "watching" on stderr
 *
 * local_port, kind, time_ns, edge_ns, bytes:
 *   s  sent: edge_ns: its kernel began to send                     r  read: edge_ns: its last byte was queued
 *   w  called: edge_ns: the thread that calls, as its kernel names it   o  on a CPU again: edge_ns: since when it was not
 * edge_ns 0: unknown
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../collectors/trace/source/source.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

/* The client has one thread. */
static void take_switch(FILE *file, const struct record_switch *change, uint32_t client)
{
	static uint64_t left_ns;
	if (change->prev_tgid == client)
		left_ns = change->h.time_ns;
	else if (change->next_tgid == client)
		fprintf(file, "0,o,%" PRIu64 ",%" PRIu64 ",0\n", change->h.time_ns, left_ns);
}

struct sink {
	FILE *file;
	uint32_t client; /* as the kernel names it */
};

static void take(void *context, const struct record *record)
{
	const struct sink *sink = context;
	FILE *file = sink->file;
	const struct record_send *send = (const struct record_send *)record;
	const struct record_recv *recv = (const struct record_recv *)record;
	const struct record_wake *wake = (const struct record_wake *)record;
	if (record->kind == RECORD_SEND)
		fprintf(file, "%u,s,%" PRIu64 ",%" PRIu64 ",%u\n", send->local_port, record->time_ns, send->begin_ns, send->bytes);
	else if (record->kind == RECORD_RECV)
		fprintf(file, "%u,r,%" PRIu64 ",%" PRIu64 ",%u\n", recv->local_port, record->time_ns, recv->arrival_ns, recv->bytes);
	else if (record->kind == RECORD_WAKING)
		fprintf(file, "0,w,%" PRIu64 ",%u,0\n", record->time_ns, wake->current_tid);
	else if (record->kind == RECORD_SWITCH)
		take_switch(file, (const struct record_switch *)record, sink->client);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("client_edges: PID SERVER_PORT FILE.csv; see the head of client_edges.c\n", stderr);
		return 2;
	}
	struct source_options options = {
		.pid = atoi(argv[1]), .client_of = (uint16_t)atoi(argv[2]), .watch_sends = true, .no_probes = true, .ring_bytes = 32u << 20};
	struct source_error error;
	struct source_counts counts = {0};
	struct source *source;
	struct target_info info;
	FILE *file = fopen(argv[3], "we");
	signal(SIGINT, on_interrupt);
	if (!file || source_open_live(&options, &source, &error) < 0) {
		fprintf(stderr, "client_edges: %s\n", file ? error.text : "cannot write the file");
		return 1;
	}
	source_info(source, &info);
	struct sink sink = {file, info.tgid};
	fputs("local_port,kind,time_ns,edge_ns,bytes\n", file);
	fputs("watching\n", stderr);
	while (!interrupted && source_target_alive(source)) {
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		source_drain(source, take, &sink);
	}
	while (source_drain(source, take, &sink) > 0)
		;
	source_counts(source, &counts);
	fprintf(stderr, "lost %" PRIu64 "\n", counts.lost);
	source_close(source);
	return fclose(file) != 0 || counts.lost != 0;
}
