#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# make install: what stands where; what others build against it; manual pages and completions that cannot be out of date.

root="$BATS_TEST_DIRNAME/../.."
programs="memlab-gen memlab-load memlab-loadindex memlab-svc memlab-trace"

# One install for the file. Programs are the release variant's, whatever is being tested.
setup_file() {
	export DEST="$BATS_FILE_TMPDIR/dest"
	[ "$(basename "$BUILD")" = release ] || return 0
	# One make at a time in this tree: deb.bats runs one too.
	flock "$BUILD/../make.lock" make -s -C "$BATS_TEST_DIRNAME/../.." DESTDIR="$DEST" PREFIX=/usr MAKELEVEL=0 MAKEFLAGS=-j2 install \
		>"$BATS_FILE_TMPDIR/log" 2>&1 3>&- ||
		{ cat "$BATS_FILE_TMPDIR/log"; return 1; }
}

setup() {
	[ "$(basename "$BUILD")" = release ] || skip "only the release variant is installed"
}

@test "everything stands in its place, and every program runs from there" {
	for p in $programs; do
		"$DEST/usr/bin/$p" --version
		[ -f "$DEST/usr/share/man/man1/$p.1" ]
		[ -f "$DEST/usr/share/bash-completion/completions/$p" ]
		[ -f "$DEST/usr/share/zsh/site-functions/_$p" ]
		[ -f "$DEST/usr/share/fish/vendor_completions.d/$p.fish" ]
	done
	[ -f "$DEST/usr/lib/libmlheap.a" ]
	[ -f "$DEST/usr/lib/systemd/system/memlab-svc.service" ]
	[ -f "$DEST/usr/lib/systemd/system/memlab-trace@.service" ]
	[ "$(ls "$DEST")" = "$(printf 'etc\nusr')" ]
	# No template left a place unfilled, no file names the folder it was staged in.
	run grep -rnE '@[A-Z]+@' "$DEST/usr/lib" "$DEST/etc" --include='*.service' --include='*.pc' --include='memlab*'
	[ "$status" -ne 0 ]
	run grep -rlF "$DEST" "$DEST"
	[ "$status" -ne 0 ]
}

@test "the example of docs/embedding.md builds with one pkg-config line, and its heap is sound" {
	export PKG_CONFIG_PATH="$DEST/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$DEST"
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_TEST_DIRNAME/embed.c" .
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror -O2 embed.c $(pkg-config --cflags --libs memlab-heap) -o embed
	run timeout 60 ./embed
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == "2047 nodes kept, 818800 allocated, "*" 0 violations" ]]
	GOGC=nonsense run ./embed
	[ "$status" -eq 1 ]
	[[ $output == *"embed: no heap: "*GOGC* ]]
	# The document shows this very program.
	awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/docs/embedding.md" | diff - "$BATS_TEST_DIRNAME/embed.c"
}

@test "the header stands alone, under several standards" {
	for standard in gnu11 gnu17 gnu2x; do
		printf '#include <gc.h>\nint main(void) { return 0; }\n' |
			cc -std=$standard -Wall -Wextra -Werror -pedantic-errors -Wno-pedantic -I"$DEST/usr/include/memlab" -xc - -c -o /dev/null
	done
}

@test "manual pages are clean" {
	for p in $programs; do
		mandoc -T lint -W warning "$root/docs/man/$p.1"
		# Only references to pages that are not installed yet may remain.
		run bash -c "mandoc -T lint -W style '$root/docs/man/$p.1' | grep -v 'referenced manual not found: Xr memlab-'"
		echo "$output"
		[ -z "$output" ]
	done
}

@test "every option of --help stands in the manual page, and no other" {
	for p in $programs; do
		"$BUILD/bin/$p" --help | grep -oE '^ {2,6}(-., +)?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u >"$BATS_TEST_TMPDIR/help"
		grep '^\.It Fl' "$root/docs/man/$p.1" | grep -oE 'Fl Fl [a-z-]+' | sed 's/Fl Fl /--/' | sort -u >"$BATS_TEST_TMPDIR/man"
		[ -s "$BATS_TEST_TMPDIR/man" ]
		diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/man" || { echo "$p"; return 1; }
		"$BUILD/bin/$p" --help | grep -oE '^ +-[a-zA-Z],' | tr -d ' ,-' | sort -u >"$BATS_TEST_TMPDIR/help"
		grep '^\.It Fl' "$root/docs/man/$p.1" | grep -oE 'Fl [a-zA-Z]( |$)' | cut -c4 | grep -v '^F$' | sort -u >"$BATS_TEST_TMPDIR/man"
		diff "$BATS_TEST_TMPDIR/help" "$BATS_TEST_TMPDIR/man" || { echo "$p: short options"; return 1; }
	done
}

@test "the manual page of each program names its exit statuses as --help does" {
	run bash -c "'$BUILD/bin/memlab-trace' --help | tr '\n' ' ' | grep -oE '[0-9]+ (ok|error|usage|no permission|target|--fail-if)' | grep -oE '^[0-9]+'"
	[ "$(wc -w <<<"$output")" -ge 6 ]
	for status_number in $output; do grep -qx "\.It $status_number" "$root/docs/man/memlab-trace.1"; done
}

# What bash offers for a command line; the last word is being completed.
offer() { # program words...
	bash --norc -c '
		. "$1/$2"; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_"${1//-/_}" && printf "%s\n" "${COMPREPLY[@]}"' bash "$DEST/usr/share/bash-completion/completions" "$@"
}

@test "bash offers options, values, files and commands" {
	for p in $programs; do
		offer "$p" -- | tr -d = | sort -u >"$BATS_TEST_TMPDIR/offered"
		"$BUILD/bin/$p" --help | grep -oE '^ {2,6}(-., +)?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u | diff "$BATS_TEST_TMPDIR/offered" -
	done
	[ "$(offer memlab-svc --path = n)" = naive ]
	[ "$(offer memlab-svc --path '=' | sort | xargs)" = "naive opt" ]
	[ "$(offer memlab-trace --color al)" = always ]
	[ "$(offer memlab-trace rep)" = report ]
	cd "$BATS_TEST_TMPDIR" && touch some.mlab
	[ "$(offer memlab-svc --data so)" = some.mlab ]
	offer memlab-trace -p "$$" | grep -x "$$"
}

@test "the completions of zsh and fish know every option, and zsh and fish can read them" {
	for p in $programs; do
		for option in $("$BUILD/bin/$p" --help | grep -oE '^ {2,6}(-., +)?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
			grep -q -- "'${option}[=[]" "$DEST/usr/share/zsh/site-functions/_$p"
			grep -qE -- "-l ${option#--}( |$)" "$DEST/usr/share/fish/vendor_completions.d/$p.fish"
		done
		if command -v zsh >/dev/null; then zsh -n "$DEST/usr/share/zsh/site-functions/_$p"; fi
		if command -v fish >/dev/null; then fish -n "$DEST/usr/share/fish/vendor_completions.d/$p.fish"; fi
	done
}

@test "the units name programs that are installed and ask for no more than they need" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
	for unit in memlab-svc.service memlab-trace@.service; do
		sed -E "s|/usr/bin/|$DEST/usr/bin/|" "$DEST/usr/lib/systemd/system/$unit" >"$BATS_TEST_TMPDIR/$unit"
	done
	cp "$BATS_TEST_TMPDIR/memlab-trace@.service" "$BATS_TEST_TMPDIR/memlab-trace@memlab-svc.service"
	cd "$BATS_TEST_TMPDIR"
	run env SYSTEMD_UNIT_PATH="$BATS_TEST_TMPDIR:/lib/systemd/system" systemd-analyze verify --man=no ./memlab-svc.service ./memlab-trace@memlab-svc.service
	echo "$output"
	run bash -c "echo '$output' | grep memlab"
	[ "$status" -ne 0 ]
	grep -qx DynamicUser=yes memlab-svc.service
	run systemd-analyze security --no-pager --offline=true --threshold=25 ./memlab-svc.service
	echo "$output" | tail -3
	[ "$status" -eq 0 ]
}
