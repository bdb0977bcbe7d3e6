/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small process to be traced: it listens on a port of the kernel's choice, answers every
 * read with as many bytes, and does what the read's first byte says:
 *
 *   p  nothing more                    h  fires gc_handshake_begin and _end
 *   r  announces a request's end, by probe and flight ring
 *   q  tells its sleep in poll, and when it has answered notes a true request in its flight ring
 *   O  notes 50,000 requests in its flight ring at once, each with its number in all fields
 *   W  the same on two threads of their own, 1,000,000 each
 *   a  fires gc_alloc three times, each from a deeper function
 *   s  sleeps 5 ms before answering    t  starts a thread that ends at once
 *   k  peeks first, then reads half and then the rest
 *   w  works for 20 ms of CPU time
 *   m  touches 8 fresh pages           T  fires gc_handshake_begin on a thread of its own
 *   f  forks a child that sleeps, and answers with its pid
 *   M  calls malloc twice (1001 bytes, from one place, by two ways), calloc and realloc
 *   F  forks a child that serves on, and never returns itself
 *   e  executes itself again           x  ends
 *
 * It prints its port and then serves any number of connections with one thread and poll.
 * With an argument N it starts N idle threads first; with "v6" it listens on :: instead.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../../svc/probes/flight.h"
#include "../../../svc/probes/probes.h"

#define CONNECTION_LIMIT 1024

static char **arguments;

static void *idle(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *nothing(void *unused)
{
	return unused;
}

static void *fire_begin(void *unused)
{
	PROBE_FIRE(gc_handshake_begin, 33, 44);
	return unused;
}

static void start_thread(void *(*run)(void *))
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, NULL))
		abort();
	pthread_detach(thread);
}

__attribute__((noinline)) static void alloc_inner(uint64_t size)
{
	PROBE_FIRE(gc_alloc, size, 7, 1);
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void alloc_outer(uint64_t size)
{
	alloc_inner(size);
	__asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void *malloc_inner(size_t size)
{
	void *memory = malloc(size);
	__asm__ volatile("" ::"r"(memory) : "memory");
	return memory;
}

__attribute__((noinline)) static void *malloc_outer(size_t size)
{
	void *memory = malloc_inner(size);
	__asm__ volatile("" ::"r"(memory) : "memory");
	return memory;
}

static void use_malloc(void)
{
	void *first = malloc_inner(1001), *second = malloc_outer(1001);
	void *third = calloc(7, 143);
	third = realloc(third, 3003);
	__asm__ volatile("" ::"r"(third) : "memory");
	free(first);
	free(second);
	free(third);
}

static void fire_allocs(void)
{
	PROBE_FIRE(gc_alloc, 16, 7, 1);
	alloc_inner(32);
	alloc_outer(48);
}

static void announce_request(void)
{
	PROBE_FIRE(request_end, 1, 2, 3, 4, 5, 6);
	flight_note(&(struct flight_entry){
		.peer_port = 1, .key = 2, .info = 3, .allocs = 4, .alloc_bytes = 5, .begin_ns = 6});
}

static void note_requests(uint32_t count)
{
	for (uint32_t n = 1; n <= count; n++)
		flight_note(&(struct flight_entry){
			.peer_port = (uint16_t)n, .key = n, .info = n, .allocs = n, .alloc_bytes = n, .begin_ns = n});
}

static void *note_million(void *unused)
{
	note_requests(1000000);
	return unused;
}

static void fire_handshake(void)
{
	PROBE_FIRE(gc_handshake_begin, 11, 22);
	PROBE_FIRE(gc_handshake_end, 11, 22);
}

static void work(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	time_t end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + 20;
	while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < end)
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
}

static void touch_pages(void)
{
	char *pages = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int page = 0; page < 8; page++)
		pages[page * 4096] = 1;
	munmap(pages, 8 * 4096);
}

static void fork_child(char *answer, size_t size)
{
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	char text[32];
	snprintf(text, sizeof(text), "%016d", pid);
	memcpy(answer, text, size < 16 ? size : 16);
}

static void leave_to_child(void)
{
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		return;
	}
	for (;;)
		pause();
}

static void act(char *bytes, size_t size)
{
	char command = bytes[0];
	switch (command) {
	case 'h':
		fire_handshake();
		break;
	case 'r':
		announce_request();
		break;
	case 'O':
		note_requests(50000);
		break;
	case 'W':
		start_thread(note_million), start_thread(note_million);
		break;
	case 'a':
		fire_allocs();
		break;
	case 's':
		usleep(5000);
		break;
	case 't':
		start_thread(nothing);
		break;
	case 'T':
		start_thread(fire_begin);
		break;
	case 'w':
		work();
		break;
	case 'm':
		touch_pages();
		break;
	case 'f':
		fork_child(bytes, size);
		break;
	case 'M':
		use_malloc();
		break;
	case 'F':
		leave_to_child();
		break;
	case 'e':
		execv("/proc/self/exe", arguments);
		abort();
	case 'x':
		exit(0);
	}
}

/* The bytes in three calls, of which the first leaves them where they are. */
static ssize_t read_in_parts(int fd, char *bytes, ssize_t available)
{
	ssize_t half = available / 2;
	if (recv(fd, bytes, (size_t)half, 0) != half)
		abort();
	return half + recv(fd, bytes + half, (size_t)(available - half), 0);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void note_answer(int fd, uint64_t begin_ns)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	getpeername(fd, (struct sockaddr *)&peer, &length);
	flight_note(&(struct flight_entry){.peer_port = ntohs(peer.sin_port), .info = 200, .begin_ns = begin_ns});
}

/* 0: the connection has ended. */
static ssize_t serve(int fd)
{
	char bytes[4096];
	char first = 0;
	if (recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
		return 0;
	ssize_t got;
	if (first == 'k')
		got = read_in_parts(fd, bytes, recv(fd, bytes, sizeof(bytes), MSG_PEEK));
	else
		got = recv(fd, bytes, sizeof(bytes), 0);
	if (got <= 0)
		return 0;
	uint64_t begin_ns = now_ns();
	act(bytes, (size_t)got);
	ssize_t sent = send(fd, bytes, (size_t)got, MSG_NOSIGNAL);
	if (first == 'q')
		note_answer(fd, begin_ns);
	return sent;
}

static int start_listening(int family)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = {.any.sa_family = (sa_family_t)family};
	socklen_t length = family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, &address.any, length) || listen(fd, 1024))
		abort();
	getsockname(fd, &address.any, &length);
	printf("%d\n", ntohs(address.v4.sin_port)); /* at the same place in both */
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	static struct pollfd polls[CONNECTION_LIMIT];
	nfds_t count = 1;
	arguments = argv;
	signal(SIGPIPE, SIG_IGN);
	strcpy(memlab_run_info, "{\"path\":\"echo\"}");
	for (int thread = 0; argc > 1 && thread < atoi(argv[1]); thread++)
		start_thread(idle);
	polls[0] = (struct pollfd){.fd = start_listening(argc > 1 && strcmp(argv[1], "v6") == 0 ? AF_INET6 : AF_INET),
				   .events = POLLIN};
	for (;;) {
		flight_sleep();
		int ready = poll(polls, count, -1);
		flight_wake();
		if (ready < 0)
			continue;
		if ((polls[0].revents & POLLIN) && count < CONNECTION_LIMIT)
			polls[count++] = (struct pollfd){.fd = accept(polls[0].fd, NULL, NULL), .events = POLLIN};
		for (nfds_t c = 1; c < count; c++) {
			if (!polls[c].revents || serve(polls[c].fd) > 0)
				continue;
			close(polls[c].fd);
			polls[c--] = polls[--count];
		}
	}
}
