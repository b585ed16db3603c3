#!/bin/sh
# fetch.sh [-n]: print the path of Schemathesis' command on stdout; talk goes to
# stderr. It is installed into .cache/ from PyPI, every hash checked
# (requirements.txt), unless an earlier run did.
#
# -n looks and never downloads. Exit status: 0 found, 1 not to be had (the last
# line says what is missing), 2 wrong usage. Safe to run twice at once.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=$(sed -n 's/^schemathesis==\([0-9.]*\).*/\1/p' "$here/requirements.txt")
cache=$(dirname -- "$(dirname -- "$here")")/.cache

say() { printf '%s\n' "fetch.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# runs tells whether the folder $1 holds a command that runs here.
runs() { [ "$("$1/st" --version 2>/dev/null)" = "st, version $version" ]; }

# cached prints the command that an earlier run installed, if one did.
cached() {
	if runs "$home"; then
		printf '%s\n' "$home/st"
		exit 0
	fi
}

# fetch installs beside the final place and renames the folder there. rename(2) is
# atomic and refuses to replace a folder with files in it, so of two runs at once
# one wins, and the other finds the winner's. The virtual environment is for its
# pip alone: it could not be renamed, and what pip puts into a folder can.
fetch() {
	python3 -c 'import venv, ensurepip' 2>/dev/null ||
		die "python3 cannot make a virtual environment: apt-get install python3-venv"
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/schemathesis-$version.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	trap 'exit 1' HUP INT TERM
	say "fetching Schemathesis $version into $home"
	python3 -m venv "$new/venv" >&2 || die "python3 -m venv failed, see above: apt-get install python3-venv"
	"$new/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
		--require-hashes --target "$new/st/lib" -r "$here/requirements.txt" >&2 ||
		die "pip could not install Schemathesis $version, see above: check the network"
	cat >"$new/st/st" <<-'END'
		#!/bin/sh
		PYTHONPATH=$(dirname -- "$0")/lib exec python3 -s -c 'from schemathesis.cli import schemathesis; schemathesis(prog_name="st")' "$@"
	END
	chmod +x "$new/st/st"
	runs "$new/st" || die "the fetched Schemathesis $version does not run here ($(python3 -V))"
	python3 -c 'import os, sys; os.rename(*sys.argv[1:])' "$new/st" "$home" 2>/dev/null || true
}

look_only=
while getopts n flag; do
	case $flag in
	n) look_only=yes ;;
	*) say "usage: fetch.sh [-n]"; exit 2 ;;
	esac
done

command -v python3 >/dev/null || die "python3 is missing: apt-get install python3 python3-venv"
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "python3 is $python; Schemathesis $version needs 3.11 or later"
home=$cache/schemathesis-$version-python$python
cached
[ -z "$look_only" ] || die "no Schemathesis $version: run admin/schemathesis/fetch.sh"
fetch
cached
die "Schemathesis $version was installed into $home but does not run there: remove that folder and run fetch.sh again"
