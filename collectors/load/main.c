/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memlab-load: asks the target who it is, drives it on schedule, says what came of it.
 *
 * Exit status: 0 every request was answered well, 1 some failed or another error, 2 usage, 4 target not found,
 * 5 the target went away. Ctrl-C ends the schedule, drains and reports; a second one exits at once.
 */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "driver.h"
#include "hgrm.h"
#include "report.h"

enum exit_status { STATUS_OK = 0, STATUS_ERROR = 1, STATUS_USAGE = 2, STATUS_NOT_FOUND = 4, STATUS_GONE = 5 };

#define SIGNAL_TWICE_NS (300 * NS_PER_MS)

struct outputs {
	FILE *json, *hgrm, *edges;
	FILE *text; /* standard output, unless another output goes there */
};

static volatile sig_atomic_t stop;

/*
 * A second signal means "at once", unless it comes right behind the first: timeout(1) and terminals that signal
 * both a process and its group deliver one Ctrl-C twice.
 */
static void on_signal(int number)
{
	static uint64_t first_ns;

	if (!stop)
		first_ns = clock_ns();
	else if (clock_ns() - first_ns > SIGNAL_TWICE_NS)
		_exit(128 + number);
	stop = 1;
}

static void signals_take(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

#define complain(...)                             \
	do {                                      \
		fprintf(stderr, "memlab-load: "); \
		fprintf(stderr, __VA_ARGS__);     \
		fputc('\n', stderr);              \
	} while (0)

/* ---------------------------------------------------------------- outputs */

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int output_open(const char *path, FILE **file)
{
	if (!path)
		return STATUS_OK;
	*file = is_stdout(path) ? stdout : fopen(path, "we");
	if (*file)
		return STATUS_OK;
	complain("cannot write %s: %s; name another file", path, strerror(errno));
	return STATUS_ERROR;
}

/* Before the load, so that a bad path costs no run. */
static int outputs_open(struct outputs *outputs, const struct load_options *options)
{
	bool piped = is_stdout(options->json_path) || is_stdout(options->hgrm_path) || is_stdout(options->edges_path);

	outputs->text = piped ? stderr : stdout;
	if (output_open(options->json_path, &outputs->json) || output_open(options->hgrm_path, &outputs->hgrm) ||
	    output_open(options->edges_path, &outputs->edges))
		return STATUS_ERROR;
	return STATUS_OK;
}

static int output_close(FILE *file, const char *path)
{
	if (!file)
		return STATUS_OK;
	bool failed = fflush(file) || ferror(file);

	if (file != stdout)
		fclose(file);
	if (!failed)
		return STATUS_OK;
	complain("cannot write %s: %s; the output is not complete", path, strerror(errno));
	return STATUS_ERROR;
}

static int outputs_close(struct outputs *outputs, const struct load_options *options)
{
	int json = output_close(outputs->json, options->json_path);
	int hgrm = output_close(outputs->hgrm, options->hgrm_path);
	int edges = output_close(outputs->edges, options->edges_path);

	return json || hgrm || edges ? STATUS_ERROR : STATUS_OK;
}

/* ----------------------------------------------------------------- target */

static int complain_unreachable(const struct load_options *options, int error)
{
	bool absent = error == -ECONNREFUSED || error == -ETIMEDOUT || error == -EHOSTUNREACH || error == -ENETUNREACH;

	if (error == -EMFILE)
		complain("%u connections need more open files than allowed; raise ulimit -n", options->connections);
	else if (error == -EADDRNOTAVAIL)
		complain("no local port is free for %u connections; wait a minute or ask for fewer",
			 options->connections);
	else
		complain("cannot connect to %s: %s; start the service there or name its address with --url",
			 options->url.authority, strerror(-error));
	return absent ? STATUS_NOT_FOUND : STATUS_ERROR;
}

/* Number of keys and seed: what the options say, otherwise what the service says. */
static int keys_settle(struct load_options *options, const struct target *target)
{
	if (!target->known && !options->keys_given) {
		complain("%s does not say how many records it has (GET /debug/allocs); is it memlab-svc? Give --keys "
			 "and --seed",
			 options->url.authority);
		return STATUS_NOT_FOUND;
	}
	if (!options->keys_given)
		options->keys = target->records;
	if (!options->seed_given && target->known)
		options->seed = target->seed;
	return STATUS_OK;
}

static int target_find(struct load_options *options, struct target *target)
{
	int error = target_resolve(target, &options->url);

	if (error) {
		complain("cannot find host %s: %s; check --url", options->url.host, gai_strerror(error));
		return STATUS_NOT_FOUND;
	}
	if (options->url.path[0]) {
		options->keys = 1;
		return STATUS_OK;
	}
	error = target_ask(target, &options->url, options->timeout_ns);
	if (error && error != -EPROTO)
		return complain_unreachable(options, error);
	return keys_settle(options, target);
}

/* -------------------------------------------------------------------- run */

static uint64_t errors_of(const struct outcome *outcome)
{
	uint64_t sum = 0;

	for (uint32_t step = 0; step < outcome->step_count; step++)
		sum += tally_errors(&outcome->tallies[step]);
	return sum;
}

static int verdict(const struct load_options *options, const struct outcome *outcome)
{
	uint64_t errors = errors_of(outcome);

	if (outcome->target_gone) {
		complain("%s went away: nothing listens there any more; see its own output", options->url.authority);
		return STATUS_GONE;
	}
	if (errors) {
		complain("%" PRIu64 " errors, %" PRIu64 " requests sent; the report counts them by kind", errors,
			 outcome->sent_total);
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

static int report_all(const struct report *report, struct outputs *outputs)
{
	report_text(report, outputs->text);
	fflush(outputs->text);
	if (outputs->json && report_json(report, outputs->json))
		return STATUS_ERROR;
	/* One table: of the last step, the one asked for when there are no others. */
	if (outputs->hgrm)
		hgrm_write(&report->outcome->tallies[report->outcome->step_count - 1].response_ns, outputs->hgrm);
	return STATUS_OK;
}

static int drive(const struct load_options *options, struct driver *driver, const struct target *target,
		 struct outputs *outputs)
{
	struct report report = {options, target, driver_outcome(driver)};
	int error = driver_connect(driver);

	if (error)
		return complain_unreachable(options, error);
	error = driver_run(driver, &stop);
	if (error) {
		complain("the event loop failed: %s; this is a defect", strerror(-error));
		return STATUS_ERROR;
	}
	int status = report_all(&report, outputs);

	return status ? status : verdict(options, report.outcome);
}

static int run(struct load_options *options, struct target *target, struct outputs *outputs)
{
	struct driver *driver = NULL;
	int status = outputs_open(outputs, options);

	if (!status)
		status = target_find(options, target);
	if (status)
		return status;
	int error = driver_create(options, target, outputs->edges, &driver);

	if (error)
		return complain_unreachable(options, error);
	status = drive(options, driver, target, outputs);
	driver_destroy(driver);
	return status;
}

int main(int argc, char **argv)
{
	static struct load_options options;
	static struct target target;
	struct outputs outputs = {0};
	char error[OPTIONS_ERROR_BYTES];
	int status = options_parse(&options, argc, argv, error);

	if (status) {
		complain("%s", error);
		return status == -EINVAL ? STATUS_USAGE : STATUS_ERROR;
	}
	signals_take();
	status = run(&options, &target, &outputs);
	int closed = outputs_close(&outputs, &options);

	return status ? status : closed;
}
