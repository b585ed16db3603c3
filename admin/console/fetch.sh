#!/bin/sh
# fetch.sh [-n]: print the path of axe-core, which finds what keeps people from
# using a page, on stdout; talk goes to stderr. Only the tests of the console
# need it, so it is fetched from npm into .cache/ and never committed.
#
# -n looks and never downloads. Exit status: 0 found, 1 not to be had (the last
# line says what is missing), 2 wrong usage. Safe to run twice at once.
set -eu

version=4.14.1
sha512=1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=$(CDPATH='' cd -- "$here/../.." && pwd)/.cache
home=$cache/axe-core-$version

say() { printf '%s\n' "fetch.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# found prints the script and ends, if it is there.
found() {
	if [ -s "$home/axe.min.js" ]; then
		printf '%s\n' "$home/axe.min.js"
		exit 0
	fi
}

# sum_of FILE prints the SHA-512 of FILE.
sum_of() {
	if command -v sha512sum >/dev/null; then sha512sum "$1"; else shasum -a 512 "$1"; fi | cut -d' ' -f1
}

# fetch unpacks beside the final place and renames: of two runs at once one wins,
# and the other finds the winner's.
fetch() {
	command -v npm >/dev/null || die "npm is missing: apt-get install npm"
	mkdir -p "$cache"
	new=$(mktemp -d "$cache/axe-core-$version.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	trap 'exit 1' HUP INT TERM
	say "fetching axe-core $version into $home"
	(cd "$new" && npm pack --silent "axe-core@$version" >&2) || die "npm could not fetch axe-core $version, see above"
	file=$new/axe-core-$version.tgz
	[ "$(sum_of "$file")" = "$sha512" ] || die "axe-core $version from npm is not the one that is pinned here"
	tar -xzf "$file" -C "$new"
	[ -e "$home" ] || mv "$new/package" "$home" 2>/dev/null || true
}

look_only=
while getopts n flag; do
	case $flag in
	n) look_only=yes ;;
	*) say "usage: fetch.sh [-n]"; exit 2 ;;
	esac
done

found
[ -z "$look_only" ] || die "no axe-core $version: run admin/console/fetch.sh"
fetch
found
die "axe-core $version was unpacked into $home but is not there: remove that folder and run fetch.sh again"
