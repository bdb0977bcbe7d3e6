/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edges of requests in every shape a client can give them. The target is frozen while bytes are
 * sent, so that what waits for it is known; times are compared, never measured.
 */
#include "fixture.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

struct session {
	struct target target;
	struct source *source;
	int fd;
};

static struct session session_open(const char *argument)
{
	struct session session = {.target = target_start(argument)};
	session.source = open_source(session.target, (struct source_options){.no_sched = true});
	session.fd = target_connect(session.target);
	target_ask(session.fd, "p");
	drain_until(session.source, RECORD_SEND, 1);
	kept.count = kept.bytes = 0;
	return session;
}

static void session_close(struct session session)
{
	close(session.fd);
	source_close(session.source);
	target_stop(session.target);
}

/* A sender may hold back segments until earlier ones are acknowledged. */
static void wait_delivered(int fd)
{
	for (int pending = 1; pending > 0; usleep(1000))
		assert_int_equal(ioctl(fd, SIOCOUTQ, &pending), 0);
}

static const struct record_recv *recv_at(size_t n)
{
	const struct record_recv *recv = kept_find(RECORD_RECV, 0, n);
	assert_non_null(recv);
	return recv;
}

/* Two segments in one read: the request has arrived when its last byte has. */
static void arrival_is_that_of_the_last_byte(void **state)
{
	(void)state;
	struct session s = session_open("0");
	target_freeze(s.target);
	send_bytes(s.fd, "p1");
	uint64_t between_ns = source_now_ns();
	send_bytes(s.fd, "234");
	uint64_t thaw_ns = source_now_ns();
	target_thaw(s.target);
	receive_bytes(s.fd, 5);
	drain_until(s.source, RECORD_SEND, 1);
	assert_int_equal(kept_count(RECORD_RECV, 0), 1);
	assert_int_equal(recv_at(0)->bytes, 5);
	assert_true(recv_at(0)->arrival_ns > between_ns);
	assert_true(recv_at(0)->arrival_ns < thaw_ns);
	session_close(s);
}

/* Peeked first, then read in two parts, each of which arrived at its own time. */
static void peeks_do_not_count_and_parts_have_their_own_arrival(void **state)
{
	(void)state;
	struct session s = session_open("0");
	target_freeze(s.target);
	send_bytes(s.fd, "k1234");
	uint64_t between_ns = source_now_ns();
	send_bytes(s.fd, "56789");
	target_thaw(s.target);
	receive_bytes(s.fd, 10);
	drain_until(s.source, RECORD_SEND, 1);
	assert_int_equal(kept_count(RECORD_RECV, 0), 2);
	assert_int_equal(recv_at(0)->bytes, 5);
	assert_int_equal(recv_at(1)->bytes, 5);
	assert_true(recv_at(0)->arrival_ns < between_ns);
	assert_true(recv_at(1)->arrival_ns > between_ns);
	session_close(s);
}

/* One segment read in two parts: both arrived together. */
static void parts_of_one_segment_share_its_arrival(void **state)
{
	(void)state;
	struct session s = session_open("0");
	target_ask(s.fd, "k123456789");
	drain_until(s.source, RECORD_SEND, 1);
	assert_int_equal(kept_count(RECORD_RECV, 0), 2);
	assert_true(recv_at(0)->arrival_ns == recv_at(1)->arrival_ns);
	assert_true(recv_at(0)->arrival_ns != 0);
	session_close(s);
}

/* More segments than stamps: the last byte's arrival stays right, and so does what follows. */
static void more_segments_than_stamps(void **state)
{
	(void)state;
	struct session s = session_open("0");
	target_freeze(s.target);
	for (int segment = 0; segment < 30; segment++) {
		send_bytes(s.fd, "p");
		if (segment % 5 == 4)
			wait_delivered(s.fd);
	}
	uint64_t before_last_ns = source_now_ns();
	send_bytes(s.fd, "p");
	target_thaw(s.target);
	receive_bytes(s.fd, 31);
	uint64_t next_ns = source_now_ns();
	target_ask(s.fd, "p");
	drain_until(s.source, RECORD_SEND, 2);
	assert_int_equal(recv_at(0)->bytes, 31);
	assert_true(recv_at(0)->arrival_ns > before_last_ns);
	assert_true(recv_at(1)->arrival_ns > next_ns);
	session_close(s);
}

/* The first request of a connection is there before the connection is accepted. */
static void data_before_accept_counts(void **state)
{
	(void)state;
	struct session s = session_open("0");
	target_freeze(s.target);
	int fd = target_connect(s.target);
	uint64_t before_ns = source_now_ns();
	send_bytes(fd, "p12");
	uint64_t after_ns = source_now_ns();
	target_thaw(s.target);
	receive_bytes(fd, 3);
	drain_until(s.source, RECORD_SEND, 1);
	assert_true(before_ns < recv_at(0)->arrival_ns && recv_at(0)->arrival_ns < after_ns);
	close(fd);
	session_close(s);
}

/* What lay in an open connection before the tracer came has no arrival; what follows has. */
static void data_before_attach_has_no_arrival(void **state)
{
	(void)state;
	struct target target = target_start("0");
	int fd = target_connect(target);
	target_ask(fd, "p");
	target_freeze(target);
	int pending = target_connect(target);
	send_bytes(fd, "p1");
	send_bytes(pending, "p12");
	struct source *source = open_source(target, (struct source_options){.no_sched = true});
	uint64_t attached_ns = source_now_ns();
	send_bytes(fd, "234");
	target_thaw(target);
	receive_bytes(fd, 5);
	receive_bytes(pending, 3);
	target_ask(pending, "p1234567");
	drain_until(source, RECORD_SEND, 3);
	for (size_t n = 0; n < 3; n++) {
		if (recv_at(n)->bytes == 3)
			assert_int_equal(recv_at(n)->arrival_ns, 0);
		else
			assert_true(recv_at(n)->arrival_ns > attached_ns);
	}
	source_close(source);
	target_stop(target);
}

/* Read up to exactly where the tracer came in: nothing that arrived later may be taken for it. */
static void nothing_new_is_taken_for_old_data(void **state)
{
	(void)state;
	struct target target = target_start("0");
	int fd = target_connect(target);
	target_ask(fd, "p");
	target_freeze(target);
	send_bytes(fd, "k1234");
	struct source *source = open_source(target, (struct source_options){.no_sched = true});
	send_bytes(fd, "56789"); /* the peek sees ten bytes, so the first part is the five old ones */
	target_thaw(target);
	receive_bytes(fd, 10);
	drain_until(source, RECORD_SEND, 1);
	assert_int_equal(recv_at(0)->arrival_ns, 0);
	assert_true(recv_at(1)->arrival_ns != 0);
	source_close(source);
	target_stop(target);
}

static void a_closed_connection_is_announced_once(void **state)
{
	(void)state;
	struct session s = session_open("0");
	target_ask(s.fd, "p");
	int silent = target_connect(s.target);
	close(silent); /* never carried a request */
	close(s.fd);
	drain_until(s.source, RECORD_CLOSE, 1);
	const struct record_close *closed = kept_find(RECORD_CLOSE, 0, 0);
	assert_true(closed->sock == recv_at(0)->sock);
	assert_int_equal(closed->peer_port, recv_at(0)->peer_port);
	session_close(s);
}

static void listening_on_v6_serves_v4_clients(void **state)
{
	(void)state;
	struct session s = session_open("v6");
	target_ask(s.fd, "p");
	drain_until(s.source, RECORD_SEND, 1);
	assert_int_equal(recv_at(0)->local_port, s.target.port);
	assert_true(recv_at(0)->arrival_ns != 0);
	session_close(s);
}

/* The program inside the target is replaced and listens on a new port. */
static void a_port_opened_later_is_found(void **state)
{
	(void)state;
	struct session s = session_open("0");
	send_bytes(s.fd, "e");
	struct target_info info;
	uint64_t give_up_ns = source_now_ns() + 10000000000u;
	do {
		usleep(2000);
		source_info(s.source, &info);
	} while (info.port_count < 2 && source_now_ns() < give_up_ns);
	assert_int_equal(info.port_count, 2);
	s.target.port = info.ports[info.ports[0] == s.target.port];
	int fd = target_connect(s.target);
	target_ask(fd, "p12");
	drain_until(s.source, RECORD_SEND, 1);
	assert_int_equal(recv_at(1)->bytes, 3);
	assert_int_equal(recv_at(1)->local_port, s.target.port);
	struct source_counts counts;
	source_counts(s.source, &counts);
	assert_int_equal(counts.execs, 1);
	close(fd);
	session_close(s);
}

/* Another process's sockets, and the client's own end, are not the target's. */
static void strangers_are_not_recorded(void **state)
{
	(void)state;
	struct session s = session_open("0");
	struct target other = target_start("0");
	int fd = target_connect(other);
	target_ask(fd, "p");
	target_ask(s.fd, "p12");
	drain_until(s.source, RECORD_SEND, 1);
	assert_int_equal(kept_count(RECORD_RECV, 0), 1);
	assert_int_equal(recv_at(0)->bytes, 3);
	close(fd);
	target_stop(other);
	session_close(s);
}

/* The parent listens, its child serves: the parent has no requests, but it is known who has. */
static void who_serves_instead_is_named(void **state)
{
	(void)state;
	struct target target = target_start("0");
	int fd = target_connect(target);
	target_ask(fd, "F");
	struct source *source = open_source(target, (struct source_options){.no_sched = true});
	target_ask(fd, "p");
	struct source_counts counts;
	uint64_t give_up_ns = source_now_ns() + 10000000000u;
	do {
		usleep(2000);
		source_counts(source, &counts);
	} while (!counts.stranger_tgid && source_now_ns() < give_up_ns);
	assert_int_not_equal(counts.stranger_tgid, 0);
	assert_int_not_equal(counts.stranger_tgid, target_tgid(source));
	assert_string_equal(counts.stranger_comm, "echo");
	source_drain(source, keep, NULL);
	assert_int_equal(kept_count(RECORD_RECV, 0), 0);
	close(fd);
	source_close(source);
	target_stop(target);
}

static void every_request_of_many_connections(void **state)
{
	(void)state;
	struct session s = session_open("0");
	int fds[64];
	for (int c = 0; c < 64; c++)
		fds[c] = target_connect(s.target);
	for (int round = 0; round < 20; round++)
		for (int c = 0; c < 64; c++)
			target_ask(fds[c], "p1");
	drain_until(s.source, RECORD_SEND, 64 * 20);
	assert_int_equal(kept_count(RECORD_RECV, 0), 64 * 20);
	for (size_t n = 0; n < 64 * 20; n += 101)
		assert_true(recv_at(n)->arrival_ns != 0 && recv_at(n)->arrival_ns < recv_at(n)->h.time_ns);
	for (int c = 0; c < 64; c++)
		close(fds[c]);
	session_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrival_is_that_of_the_last_byte),
		cmocka_unit_test(peeks_do_not_count_and_parts_have_their_own_arrival),
		cmocka_unit_test(parts_of_one_segment_share_its_arrival),
		cmocka_unit_test(more_segments_than_stamps),
		cmocka_unit_test(data_before_accept_counts),
		cmocka_unit_test(data_before_attach_has_no_arrival),
		cmocka_unit_test(nothing_new_is_taken_for_old_data),
		cmocka_unit_test(a_closed_connection_is_announced_once),
		cmocka_unit_test(listening_on_v6_serves_v4_clients),
		cmocka_unit_test(a_port_opened_later_is_found),
		cmocka_unit_test(strangers_are_not_recorded),
		cmocka_unit_test(who_serves_instead_is_named),
		cmocka_unit_test(every_request_of_many_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
