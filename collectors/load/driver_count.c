/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer or a failure means for the tallies. Only good answers of the measured window enter the
 * distributions (tally.h).
 */
#include "check.h"
#include "driver_internal.h"
#include "edges.h"

#define WAITED_NS NS_PER_MS /* a wait for a connection worth counting */

static struct tally *tally_of(struct driver *driver, uint32_t step)
{
	return &driver->outcome.tallies[step];
}

void driver_count_error(struct driver *driver, uint32_t step, enum error_kind kind)
{
	tally_of(driver, step)->errors[kind]++;
}

/* Throughput is counted by the time of receipt, whichever step asked. */
static void count_receipt(struct driver *driver, uint64_t now)
{
	const struct schedule *schedule = &driver->schedule;

	while (driver->window + 1 < schedule->step_count && now >= schedule->steps[driver->window].end_ns)
		driver->window++;
	const struct schedule_step *step = &schedule->steps[driver->window];

	if (now >= step->measured_ns && now < step->end_ns)
		tally_of(driver, driver->window)->received_in_window++;
}

static void count_times(struct tally *tally, const struct flight *flight, uint64_t now)
{
	latency_add(&tally->response_ns, now - flight->intended_ns);
	latency_add(&tally->uncorrected_ns, now - flight->send_ns);
	latency_add(&tally->client_wait_ns, flight->send_ns - flight->intended_ns);
	latency_add(&tally->send_lag_ns, flight->lag_ns);
	tally->waited += flight->send_ns - flight->intended_ns - flight->lag_ns > WAITED_NS;
}

static bool answer_good(struct driver *driver, const struct connection *connection, const struct flight *flight)
{
	const struct load_options *options = driver->options;

	if (connection->response.status >= 400) {
		driver_count_error(driver, flight->step, ERROR_STATUS);
		return false;
	}
	if (options->check && !check_body(options->format, options->seed, flight->key, &connection->body)) {
		driver_count_error(driver, flight->step, ERROR_CHECK);
		return false;
	}
	return true;
}

void driver_count_answer(struct driver *driver, struct connection *connection, uint64_t now)
{
	const struct flight *flight = connection_flight(connection, driver->options->pipeline, 0);
	struct tally *tally = tally_of(driver, flight->step);
	bool measured = schedule_measured(&driver->schedule, flight->step, flight->intended_ns);

	driver->outcome.answered_total++;
	count_receipt(driver, now);
	live_add(&driver->live, now - flight->intended_ns);
	edges_write(driver->edges, connection, flight, now);
	tally->answered += measured;
	if (answer_good(driver, connection, flight) && measured)
		count_times(tally, flight, now);
}
