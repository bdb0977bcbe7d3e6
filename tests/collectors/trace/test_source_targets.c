/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of targets: events by id and name, and the kind of a process by the events it announces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../bpf/trace.h"
#include "../../../collectors/trace/targets/allocator.h"
#include "../../../collectors/trace/targets/event.h"
#include "../../../collectors/trace/targets/kind.h"

static void events_are_found_by_name(void **state)
{
	(void)state;
	unsigned int known = 0;
	for (uint32_t event = 0; event < EVENT_ID_LIMIT; event++) {
		if (!event_name(event))
			continue;
		known++;
		assert_int_equal(event_find(event_name(event)), event);
		assert_non_null(event_doc(event));
		assert_non_null(event_params(event));
		assert_true(event_argc(event) <= 6);
	}
	assert_true(known >= 24);
	assert_int_equal(event_argc(EVENT_request_end), 6);
	assert_int_equal(event_find("no_such_event"), 0);
	assert_int_equal(event_find("malloc"), 0); /* not a probe: no file can announce it */
	assert_string_equal(event_name(EVENT_malloc), "malloc");
	assert_null(event_name(0));
	assert_null(event_name(4000000000u));
}

static void the_kind_follows_from_the_events(void **state)
{
	(void)state;
	uint64_t end = 1ull << EVENT_request_end, cycle = 1ull << EVENT_gc_cycle_begin;
	assert_string_equal(target_kind_of(end | cycle)->name, "memlab-svc");
	assert_null(target_kind_of(end | cycle)->missing);
	assert_true(target_kind_of(end)->has_request_end);
	assert_false(target_kind_of(cycle)->has_request_end);
	assert_non_null(target_kind_of(cycle)->missing);
	assert_string_equal(target_kind_of(0)->name, "process");
	assert_non_null(target_kind_of(0)->missing);
	assert_string_equal(target_kind_of(1ull << EVENT_gc_grow)->name, "process");
}

static void cookies_keep_their_parts_apart(void **state)
{
	(void)state;
	uint64_t cookie = TRACE_COOKIE(EVENT_malloc, TRACE_SIZE_PRODUCT, 0xfff8);
	assert_int_equal(TRACE_COOKIE_EVENT(cookie), EVENT_malloc);
	assert_int_equal(TRACE_COOKIE_SIZE(cookie), TRACE_SIZE_PRODUCT);
	assert_int_equal(TRACE_COOKIE_STACK(cookie), 0xfff8);
	for (size_t f = 0; f < allocator_function_count; f++) {
		const struct allocator_function *function = &allocator_functions[f];
		/* The register that holds the size must be among those the planner keeps intact. */
		assert_true(function->size == TRACE_SIZE_PRODUCT ? function->arguments >= 2
								 : function->arguments >= function->size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_found_by_name),
		cmocka_unit_test(the_kind_follows_from_the_events),
		cmocka_unit_test(cookies_keep_their_parts_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
