/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor's facts, here and in worlds where something is missing, and the list of probes.
 */
#include "fixture.h"

#include <cap-ng.h>
#include <sched.h>
#include <sys/mount.h>

#include "../../collectors/trace/doctor.h"
#include "../../collectors/trace/source/features.h"
#include "../../collectors/trace/source/rights.h"

static enum feature_state state_of(const struct feature *features, size_t count, const char *name)
{
	for (size_t f = 0; f < count; f++)
		if (strcmp(features[f].name, name) == 0)
			return features[f].state;
	fail_msg("no feature %s", name);
	return FEATURE_FAIL;
}

static void this_machine_works(void **state)
{
	(void)state;
	struct target target = target_start("0");
	struct feature features[FEATURE_LIMIT];
	size_t count = features_check(target.pid, features);
	for (size_t f = 0; f < count; f++) {
		assert_int_not_equal(features[f].state, FEATURE_FAIL);
		assert_int_equal(features[f].fix[0] != 0, features[f].state != FEATURE_OK);
	}
	assert_int_equal(state_of(features, count, "BPF programs"), FEATURE_OK);
	assert_int_equal(state_of(features, count, "uprobe_multi"), FEATURE_OK);
	assert_int_equal(state_of(features, count, "probes"), FEATURE_OK);
	target_stop(target);
}

static void a_plain_process_and_none(void **state)
{
	(void)state;
	struct feature features[FEATURE_LIMIT];
	size_t count = features_check(getpid(), features);
	assert_int_equal(state_of(features, count, "probes"), FEATURE_WARN);
	count = features_check(999999, features);
	assert_int_equal(state_of(features, count, "target"), FEATURE_FAIL);
}

/* In a child: the named fact fails there. */
static bool fails_in_child(int (*worsen)(void), const char *name)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		struct feature features[FEATURE_LIMIT];
		if (worsen())
			_exit(2);
		_exit(state_of(features, features_check(0, features), name) == FEATURE_FAIL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 0;
}

static int hide_btf(void)
{
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL);
}

static void what_is_missing_fails(void **state)
{
	(void)state;
	assert_true(fails_in_child(rights_drop, "rights"));
	assert_true(fails_in_child(hide_btf, "BTF"));
	assert_true(fails_in_child(hide_btf, "BPF programs"));
}

static char *text;
static size_t text_size;

static void probes_are_listed_with_their_hits(void **state)
{
	(void)state;
	struct target target = target_start("0");
	FILE *out = open_memstream(&text, &text_size);
	int fd = target_connect(target);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			target_ask(fd, "h"), usleep(2000);
	}
	assert_int_equal(probes_print(out, out, target.pid, 0.5), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(probes_print(out, out, target.pid, 0), 0);
	fclose(out);
	const char *line = strstr(text, "gc_handshake_begin");
	assert_non_null(line);
	while (line > text && line[-1] != '\n')
		line--;
	assert_true(atoi(line) > 0);
	assert_non_null(strstr(text, "a mutator starts its own part of a handshake"));
	assert_non_null(strstr(text, "(uint64_t cycle, uint64_t request)"));
	free(text);
	close(fd);
	target_stop(target);
}

static void no_probes_to_list(void **state)
{
	(void)state;
	FILE *out = open_memstream(&text, &text_size);
	assert_int_equal(probes_print(out, out, getpid(), 0), SOURCE_NO_TARGET);
	assert_int_equal(probes_print(out, out, getpid(), 0.01), SOURCE_NO_TARGET);
	assert_int_equal(probes_print(out, out, 999999, 0), SOURCE_NO_TARGET);
	fclose(out);
	free(text);
}

static void the_doctor_prints_a_verdict(void **state)
{
	(void)state;
	FILE *out = open_memstream(&text, &text_size);
	assert_int_equal(doctor_print(out, 0), 0);
	assert_int_equal(doctor_print(out, 999999), 1);
	fclose(out);
	assert_non_null(strstr(text, "memlab-trace works here"));
	assert_non_null(strstr(text, "memlab-trace cannot work here: 1 of"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_machine_works),    cmocka_unit_test(a_plain_process_and_none),
		cmocka_unit_test(what_is_missing_fails), cmocka_unit_test(probes_are_listed_with_their_hits),
		cmocka_unit_test(no_probes_to_list),     cmocka_unit_test(the_doctor_prints_a_verdict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
