#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# memlab-gen, its files, memlab-loadindex, and the service on a file.

load service.bash

gen() { memlab-gen --size 2MiB -o "$BATS_TEST_TMPDIR/$1" "${@:2}"; }
loadindex() { memlab-loadindex --data "$BATS_TEST_TMPDIR/$1" "${@:2}"; }

# refused FILE WORDS: loadindex and the service both say what is wrong in one line.
refused() {
	for program in memlab-loadindex "memlab-svc --listen 127.0.0.1:0"; do
		run timeout 60 $program --data "$BATS_TEST_TMPDIR/$1"
		echo "$program: $status $output"
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ "$output" == *"$1: byte "*"$2"* ]]
	done
}

@test "the same file with any number of threads, another with another seed" {
	gen one --threads 1 --seed 7
	gen three --threads 3 --seed 7
	gen eight --threads 8 --seed 7
	gen other --seed 8
	cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/three"
	cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/eight"
	run cmp -s "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/other"
	[ "$status" -eq 1 ]
}

@test "a file and its seed give the same index, in every layout" {
	gen data --seed 11
	for layout in map flat offheap; do
		for options in "--record packed --intern off" "--record mispacked --intern on"; do
			run loadindex data --layout $layout $options --json -
			echo "$output"
			[ "$(jq -c '[.checked > 5000, .run.seed, .run.layout]' <<<"$output")" = "[true,11,\"$layout\"]" ]
		done
	done
	run memlab-loadindex --index-size 2MiB --seed 11
	[ "$status" -eq 0 ]
	[[ "$output" == *"72 bytes packed"*"104 bytes mispacked"*"all right"* ]]
}

@test "layouts and interning change what the collector sees" {
	records=$(memlab-loadindex --index-size 4MiB --json - | jq .records)
	map=$(memlab-loadindex --index-size 4MiB --json - | jq .objects)
	interned=$(memlab-loadindex --index-size 4MiB --intern on --json - | jq .objects)
	flat=$(memlab-loadindex --index-size 4MiB --layout flat --json - | jq .objects)
	offheap=$(memlab-loadindex --index-size 4MiB --layout offheap --json - | jq .objects)
	echo "$records records: $map $interned $flat $offheap"
	[ "$map" -ge $((records * 6)) ]
	[ "$interned" -lt $((records * 5 / 2)) ]
	[ "$flat" -le 10 ]
	[ "$offheap" -le "$flat" ]
}

@test "the service serves a file" {
	gen data --seed 5
	for layout in map flat offheap; do
		start_service -- --data "$BATS_TEST_TMPDIR/data" --layout $layout
		[ "$(allocs '.seed')" = 5 ]
		file=$(curl -s "$url/lookup?key=4000")
		start_service -- --seed 5 --index-size 2MiB
		[ "$(curl -s "$url/lookup?key=4000")" = "$file" ]
	done
}

@test "truncated, corrupt and foreign files are refused with the place and the reason" {
	gen data
	size=$(stat -c %s "$BATS_TEST_TMPDIR/data")
	for length in 0 5 8 63 64 70 1000 $((size / 2)) $((size - 1)); do
		head -c $length "$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/cut"
		refused cut "$([ $length -lt 8 ] && echo "not a memlab data file" || echo "cut off")"
	done
	for at in 9 20 30 62 64 70 76 78 1000 $((size / 2)) $((size - 1)); do
		cp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/damaged"
		byte=$(od -An -tu1 -j $at -N1 "$BATS_TEST_TMPDIR/data")
		printf "\\x$(printf %x $((byte ^ 0x41)))" |
			dd of="$BATS_TEST_TMPDIR/damaged" bs=1 seek=$at conv=notrunc status=none
		refused damaged ""
	done
	head -c 5000 /dev/zero >"$BATS_TEST_TMPDIR/foreign"
	refused foreign "not a memlab data file"
	cat "$BATS_TEST_TMPDIR/data" <(echo more) >"$BATS_TEST_TMPDIR/longer"
	refused longer "goes on after its last record"
	run memlab-loadindex --data "$BATS_TEST_TMPDIR/missing"
	[ "$status" -eq 1 ]
	[[ "$output" == *"No such file"* ]]
}

@test "memlab-gen leaves no half file behind" {
	run memlab-gen --size 2MiB -o /proc/nowhere
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	memlab-gen --size 20GiB -o "$BATS_TEST_TMPDIR/big" 3>&- &
	gen=$!
	for _ in $(seq 100); do
		[ -s "$BATS_TEST_TMPDIR/big.part" ] && break
		sleep 0.1
	done
	kill -INT $gen
	ended=0
	wait $gen || ended=$?
	[ "$ended" -eq 1 ]
	[ -z "$(ls "$BATS_TEST_TMPDIR")" ]
}

@test "wrong command lines of memlab-gen and memlab-loadindex: one line, status 2" {
	for command in "memlab-gen --size lots" "memlab-gen --size 1" "memlab-gen -o" "memlab-gen --threads 0" "memlab-gen x" \
		"memlab-loadindex --layout tree" "memlab-loadindex --no" "memlab-loadindex --index-size 1"; do
		run $command
		echo "$command: $status $output"
		[ "$status" -eq 2 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ "$output" == "${command%% *}: "* ]]
	done
	for program in memlab-gen memlab-loadindex; do
		run $program --version
		[ "$status" -eq 0 ]
		run $program --help
		[ "$status" -eq 0 ]
	done
}
