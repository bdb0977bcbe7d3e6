#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# make deb: what lintian says, what is inside, that it installs and that purging it leaves nothing.

root="$BATS_TEST_DIRNAME/../.."

setup_file() {
	[ "$(basename "$BUILD")" = release ] || return 0
	export DEBS="$BATS_FILE_TMPDIR/deb"
	mkdir "$DEBS"
	# The package is built in build/deb; two of these tests at the same time would meet there.
	(flock 9 && make -s -C "$BATS_TEST_DIRNAME/../.." MAKELEVEL=0 MAKEFLAGS=-j2 deb && cp "$BUILD"/../deb/*.deb "$DEBS") \
		9>"$BUILD/../make.lock" >"$BATS_FILE_TMPDIR/log" 2>&1 3>&- || { cat "$BATS_FILE_TMPDIR/log"; return 1; }
}

setup() {
	[ "$(basename "$BUILD")" = release ] || skip "only the release variant is packed"
	deb=$(echo "$DEBS"/memlab_*.deb)
}

@test "lintian finds no error and no warning" {
	run lintian --allow-root --fail-on error,warning "$DEBS"/*.deb
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "programs, pages, units, library and header are inside, owned by root" {
	dpkg-deb --contents "$deb" >"$BATS_TEST_TMPDIR/contents"
	for file in /usr/bin/memlab-{svc,load,trace,gen,loadindex} /usr/share/man/man1/memlab-{svc,load,trace,gen,loadindex}.1.gz \
		/usr/lib/systemd/system/memlab-svc.service /usr/lib/systemd/system/memlab-trace@.service /usr/include/memlab/gc.h \
		/etc/default/memlab-svc /usr/share/memlab/prometheus/rules.yml; do
		grep -q " \.$file\$" "$BATS_TEST_TMPDIR/contents" || { echo "$file is missing"; return 1; }
	done
	run grep -v ' root/root ' "$BATS_TEST_TMPDIR/contents"
	[ -z "$output" ]
	for library in libc6 libbpf1 libmicrohttpd12 libjemalloc2 libdw1 zlib1g libcap-ng0; do
		dpkg-deb -f "$deb" Depends | grep -q "$library" || { echo "does not depend on $library"; return 1; }
	done
}

@test "stripped programs keep their probes, and their symbols stand in the other package" {
	dpkg-deb -x "$deb" "$BATS_TEST_TMPDIR/x"
	dpkg-deb -x "$(echo "$DEBS"/memlab-dbgsym_*.deb)" "$BATS_TEST_TMPDIR/x"
	cd "$BATS_TEST_TMPDIR/x"
	for program in usr/bin/*; do
		run readelf -SW "$program"
		[[ $output != *" .debug_info "* && $output != *" .symtab "* ]]
		id=$(readelf -n "$program" | sed -n 's/.*Build ID: //p')
		[ -f "usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" ]
	done
	probes() { readelf -n "$1" | awk '/Provider: memlab/ { getline; print $2 }' | sort; }
	[ "$(probes usr/bin/memlab-svc | wc -l)" -ge 20 ]
	diff <(probes usr/bin/memlab-svc) <(probes "$BUILD/bin/memlab-svc")
}

@test "installed into a root of its own, run, and purged: nothing is left" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	local other="$BATS_TEST_TMPDIR/root"
	mkdir -p "$other"/var/lib/dpkg/{info,updates,triggers} "$other/etc/systemd/system/multi-user.target.wants"
	touch "$other/var/lib/dpkg/status" "$other/var/lib/dpkg/available"
	# Small images leave documents and manual pages out.
	packages() { dpkg --root="$other" --path-include='*' --log=/dev/null --force-script-chrootless --force-depends "$@" 2>&1; }
	files() { (cd "$other" && find . -path ./var/lib/dpkg -prune -o -print | sort); }
	files >"$BATS_TEST_TMPDIR/before"
	packages -i "$deb"
	"$other/usr/bin/memlab-svc" --version
	(cd "$other" && md5sum -c --quiet var/lib/dpkg/info/memlab.md5sums)
	# What an administrator does afterwards.
	ln -s /usr/lib/systemd/system/memlab-svc.service "$other/etc/systemd/system/multi-user.target.wants/"
	mkdir -p "$other/etc/systemd/system/memlab-svc.service.d"
	echo 'GOGC=50' >>"$other/etc/default/memlab-svc"
	packages -r memlab
	[ -e "$other/etc/default/memlab-svc" ]
	packages -P memlab
	files | diff "$BATS_TEST_TMPDIR/before" -
}

@test "the same tree gives the same package, byte for byte" {
	(flock 9 && make -s -C "$root" MAKELEVEL=0 MAKEFLAGS=-j2 deb) 9>"$BUILD/../make.lock"
	for file in "$DEBS"/*.deb; do cmp "$file" "$BUILD/../deb/${file##*/}"; done
}
