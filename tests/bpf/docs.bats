#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The table of events in docs/tracing.md is the one that probes.def gives.

@test "docs/tracing.md lists every event as probes.def has it (bpf/event_table --update)" {
	cd "$BATS_TEST_DIRNAME/../.."
	table=$(sed -n '/<!-- events: /,/<!-- events end/p' docs/tracing.md | grep '^|')
	[ "$table" = "$(bpf/event_table)" ]
}

@test "the table has as many events as probes.def" {
	cd "$BATS_TEST_DIRNAME/../.."
	[ "$(bpf/event_table | grep -c '^| [0-9]')" -eq "$(grep -c '^PROBE(' svc/probes/probes.def)" ]
}
