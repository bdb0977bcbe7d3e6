/* SPDX-License-Identifier: Apache-2.0 */
/* memlab-trace: one program, a few commands. */
#include <stdio.h>

#include "doctor.h"
#include "follow.h"
#include "options.h"
#include "trace.h"

int main(int argc, char **argv)
{
	struct trace_options options;
	trace_options_parse(&options, argc, argv);
	switch (options.command) {
	case COMMAND_REPORT:
		return trace_report(&options);
	case COMMAND_PROBES:
		return probes_print(stdout, stderr, options.pid, options.duration_ns ? (double)options.duration_ns / 1e9 : 1);
	case COMMAND_DOCTOR:
		return doctor_print(stdout, options.pid);
	case COMMAND_TRACE:
	case COMMAND_RECORD:
		break;
	}
	return options.follow ? trace_follow(&options) : trace_live(&options);
}
