/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's end of the wire, as the client's own kernel saw it: watches a load generator as the tracer watches a
 * server, and writes a line for each of its sends and reads.
 *
 *   client_edges PID SERVER_PORT FILE.csv      until SIGINT; says "watching" on stderr
 *
 * local_port, kind (s: sent, r: read), time_ns, edge_ns (s: its kernel began to send; r: the read's last byte was queued; 0: unknown), bytes
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

static void take(void *context, const struct record *record)
{
	FILE *file = context;
	const struct record_send *send = (const struct record_send *)record;
	const struct record_recv *recv = (const struct record_recv *)record;
	if (record->kind == RECORD_SEND)
		fprintf(file, "%u,s,%" PRIu64 ",%" PRIu64 ",%u\n", send->local_port, record->time_ns, send->begin_ns, send->bytes);
	else if (record->kind == RECORD_RECV)
		fprintf(file, "%u,r,%" PRIu64 ",%" PRIu64 ",%u\n", recv->local_port, record->time_ns, recv->arrival_ns, recv->bytes);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("client_edges: PID SERVER_PORT FILE.csv; see the head of client_edges.c\n", stderr);
		return 2;
	}
	struct source_options options = {
		.pid = atoi(argv[1]), .client_of = (uint16_t)atoi(argv[2]), .watch_sends = true, .no_sched = true, .no_probes = true, .ring_bytes = 32u << 20};
	struct source_error error;
	struct source_counts counts = {0};
	struct source *source;
	FILE *file = fopen(argv[3], "we");
	signal(SIGINT, on_interrupt);
	if (!file || source_open_live(&options, &source, &error) < 0) {
		fprintf(stderr, "client_edges: %s\n", file ? error.text : "cannot write the file");
		return 1;
	}
	fputs("local_port,kind,time_ns,edge_ns,bytes\n", file);
	fputs("watching\n", stderr);
	while (!interrupted && source_target_alive(source)) {
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
		source_drain(source, take, file);
	}
	while (source_drain(source, take, file) > 0)
		;
	source_counts(source, &counts);
	fprintf(stderr, "lost %" PRIu64 "\n", counts.lost);
	source_close(source);
	return fclose(file) != 0 || counts.lost != 0;
}
