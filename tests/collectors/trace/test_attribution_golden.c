/* SPDX-License-Identifier: Apache-2.0 */
/* The worked example of docs/attribution.md, and a whole simulated machine, as golden text. */
#include "golden.h"
#include "machine.h"

static void print_span(FILE *out, const char *span, const struct blame *blame)
{
	fprintf(out, " %s", span);
	for (int c = 0; c < CAUSE_COUNT; c++)
		if (blame->ns[c])
			fprintf(out, " %s %llu", cause_name((enum cause)c), (unsigned long long)blame->ns[c]);
}

static void print_request(FILE *out, const struct request *request)
{
	fprintf(out, "sock %llu server %llu:", (unsigned long long)request->sock,
		(unsigned long long)(request->end_ns - request->arrival_ns));
	print_span(out, "queue", &request->queue);
	print_span(out, " service", &request->service);
	fprintf(out, "  culprit %s without_gc %llu\n", request->culprit[0] ? request->culprit : "-",
		(unsigned long long)request->without_gc_ns);
}

static char *story_text(const struct story *story)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (uint32_t i = 0; i < story->request_count; i++)
		print_request(out, &story->requests[i]);
	fclose(out);
	return text;
}

static void test_worked_example(void **state)
{
	struct story story = story_new(1);

	(void)state;
	tell_task(&story, 1, 0, 101, ON_CPU, 0);
	tell(&story, 2, 1, 110, EVENT_gc_worker, 1, 1);
	tell_recv(&story, 1000 * US, 0, 101, 1, 990 * US);
	tell(&story, 1100 * US, 0, 101, EVENT_gc_alloc_slow_begin, 64, 0);
	tell(&story, 1110 * US, 0, 101, EVENT_gc_assist_begin, 1, 0);
	tell(&story, 1160 * US, 0, 101, EVENT_gc_assist_end, 1, 0);
	tell(&story, 1180 * US, 0, 101, EVENT_gc_alloc_slow_end, 64, 0);
	tell_preempt(&story, 1200 * US, 0, 101, 110);
	tell_sleep(&story, 1500 * US, 0, 110, 101);
	tell_send(&story, 1600 * US, 0, 101, 1);
	tell_end(&story, 1601 * US, 0, 101, 1, 1001 * US);
	tell_recv(&story, 1610 * US, 0, 101, 2, 1050 * US);
	tell_send(&story, 1650 * US, 0, 101, 2);
	tell_end(&story, 1651 * US, 0, 101, 2, 1611 * US);
	story_play(&story);
	/* The numbers of the text. */
	const struct request *a = &story.requests[0], *b = &story.requests[1];
	assert_int_equal(a->service.ns[CAUSE_OWN], 220 * US);
	assert_int_equal(b->queue.ns[CAUSE_OWN], 180 * US);
	assert_int_equal(b->queue.ns[CAUSE_GC_CPU], 300 * US);
	assert_int_equal(a->without_gc_ns, 260 * US);
	assert_int_equal(b->without_gc_ns, 250 * US);
	char *text = story_text(&story);
	golden_check("attribution.txt", text);
	free(text);
	story_free(&story);
}

static void test_machine(void **state)
{
	struct story story = story_new(1);
	struct machine machine = machine_new(&story, 1);

	(void)state;
	machine_run(&machine, 2000);
	story_play(&story);
	char *text = story_text(&story);
	golden_check("attribution-machine.txt", text);
	free(text);
	machine_free(&machine);
	story_free(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worked_example),
		cmocka_unit_test(test_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
