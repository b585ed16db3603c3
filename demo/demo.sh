#!/bin/bash
# demo.sh: the whole path of a request on this machine, to play with.
#
#   curl  ->  Envoy 127.0.0.1:$PORT  ->  keygate (is this key good for that?)
#                                    ->  go-httpbin (echoes what reached it)
#
# Stays in the foreground until Ctrl-C or SIGTERM, and leaves nothing behind: all
# that it writes is in one temporary folder. `make demo` builds keygate and starts
# this. From the environment:
#
#   PORT             of Envoy, which clients talk to (10000)
#   KEYGATE_PORT     of keygate's checks (9494)
#   CONSOLE_PORT     of keygate's console and management API (9495)
#   OBSERVE_PORT     of keygate's metrics and probes (9496)
#   UPSTREAM_PORT    of go-httpbin (8080)
#   ADMIN_PORT       of Envoy's own admin page (9901)
#   KEYGATE          the binary (./keygate)
#   ENVOY            an Envoy binary; otherwise as envoy/fetch.sh finds it
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-10000}
keygate_port=${KEYGATE_PORT:-9494}
console_port=${CONSOLE_PORT:-9495}
observe_port=${OBSERVE_PORT:-9496}
upstream_port=${UPSTREAM_PORT:-8080}
admin_port=${ADMIN_PORT:-9901}
keygate=${KEYGATE:-./keygate}

# These would point keygate at somebody's real configuration.
unset KEYGATE_CONFIG KEYGATE_SOCKET KEYGATE_SERVER KEYGATE_KEY_FILE KEYGATE_LISTEN KEYGATE_STORE_PATH KEYGATE_OBSERVE

home='' parts=() names=() pause=''

say() { printf '%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

# answers PORT: something accepts connections there.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# need_free VARIABLE PORT notes in $busy what is taken already, by whomever.
need_free() {
	case $2 in '' | *[!0-9]*) die "$1=$2 is not a port" ;; esac
	if [[ $wanted == *" $2 "* ]] || answers "$2"; then
		printf 'demo: port %s is taken: choose another with %s=..., as in: make demo %s=%s\n' "$2" "$1" "$1" $(($2 + 1)) >&2
		busy=yes
	fi
	wanted+="$2 "
}

need_free_ports() {
	local busy='' wanted=' '
	need_free PORT "$port"
	need_free KEYGATE_PORT "$keygate_port"
	need_free CONSOLE_PORT "$console_port"
	need_free OBSERVE_PORT "$observe_port"
	need_free UPSTREAM_PORT "$upstream_port"
	need_free ADMIN_PORT "$admin_port"
	[ -z "$busy" ] || exit 1
}

# start NAME COMMAND... runs a part in the background; what it says goes to $home/NAME.log.
start() {
	local name=$1
	shift
	"$@" 2>"$home/$name.log" &
	parts+=("$!")
	names+=("$name")
}

# all_alive ends the demo, with what it said last, when a part has ended.
all_alive() {
	local i
	for i in "${!parts[@]}"; do
		kill -0 "${parts[$i]}" 2>/dev/null || {
			tail -n 5 "$home/${names[$i]}.log" >&2
			die "${names[$i]} ended, see above"
		}
	done
}

# wait_for WHAT COMMAND... waits until the command succeeds, for 30 s at most.
wait_for() {
	local what=$1 tries=300
	shift
	until "$@" >/dev/null 2>&1; do
		all_alive
		[ $((tries -= 1)) -gt 0 ] || die "waited 30 s for $what in vain"
		rest 0.1
	done
}

# rest SECONDS sleeps, but lets a signal through at once.
rest() {
	sleep "$1" &
	pause=$!
	wait "$pause" || true
}

# end leaves nothing behind. A second signal does not stop it half way.
end() {
	local code=$?
	trap '' INT TERM HUP
	[ -z "$pause" ] || kill "$pause" 2>/dev/null || true
	[ ${#parts[@]} -eq 0 ] || kill "${parts[@]}" 2>/dev/null || true
	wait
	if [ -n "$home" ]; then
		rm -rf "$home"
		printf '\ndemo: everything is stopped, and %s is removed\n' "$home" >&2
	fi
	exit "$code"
}

# write_configurations takes the files that users copy, with the demo's places in them.
write_configurations() {
	{
		cat <<-YAML
			listen: 127.0.0.1:$keygate_port
			store: { path: keys.db }
			admin: { socket: admin.sock, listen: 127.0.0.1:$console_port, try_url: http://127.0.0.1:$port/v1/documents }
			usage: { flush_interval: 1s }
			observe: 127.0.0.1:$observe_port
		YAML
		sed -n '/^routes:/,$p' keygate.yaml
	} >"$home/keygate.yaml"
	sed -e "s/port_value: 10000 /port_value: $port /" -e t \
		-e "s/port_value: 9494 /port_value: $keygate_port /" -e t \
		-e "s/port_value: 8080 /port_value: $upstream_port /" -e t \
		-e "s/port_value: 9901 /port_value: $admin_port /" envoy/envoy.yaml >"$home/envoy.yaml"
}

start_parts() {
	"${GO:-go}" build -o "$home/go-httpbin" github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin
	start upstream "$home/go-httpbin" -host 127.0.0.1 -port "$upstream_port" >/dev/null
	start keygate "$keygate" serve -c "$home/keygate.yaml"
	wait_for keygate "$keygate" health --ready --socket "$home/admin.sock"
	start envoy "$envoy" -c "$home/envoy.yaml" --disable-hot-restart --concurrency 2 --log-level warning --file-flush-interval-msec 100
	wait_for go-httpbin answers "$upstream_port"
	wait_for Envoy answers "$port"
}

# mint NAME PERMISSION prints the text of a new key.
mint() { "$keygate" keys create "$1" --permission "$2" --socket "$home/admin.sock" 2>>"$home/mint.log"; }

# id_of NAME prints the id of a key.
id_of() { "$keygate" keys list --socket "$home/admin.sock" | sed -n "s/^\([^ ]*\) .* $1\$/\1/p"; }

# try WHAT CURL-ARGUMENTS prints one thing to try.
try() { printf '\n  %s\n    curl -i %s\n' "$1" "$2"; }

# link prints an address that signs in to the console, once and within 5 minutes.
link() { "$keygate" console-link --account default --workspace default --socket "$home/admin.sock" 2>>"$home/mint.log"; }

show() {
	local at=http://127.0.0.1:$port socket=$home/admin.sock reader writer owner
	reader=$(mint "demo reader" read)
	writer=$(mint "demo writer" write)
	owner=$(mint "demo owner" full)
	say "keygate is up: Envoy on $at asks it about every request. Try, in a second terminal:"
	try "no key: 401" "$at/v1/documents"
	try "a read key: 200, and the echo shows what reached the upstream" "$at/v1/documents -H 'Authorization: Bearer $reader'"
	try "the read key may not write: 401" "-X POST $at/v1/documents -H 'Authorization: Bearer $reader'"
	try "a write key may: 200" "-X POST $at/v1/documents -H 'Authorization: Bearer $writer'"
	try "the write key may not manage the workspace: 401" "-X POST $at/v1/workspace/invite -H 'Authorization: Bearer $writer'"
	try "a full key may: 200" "-X POST $at/v1/workspace/invite -H 'Authorization: Bearer $owner'"
	say
	say "  end the read key, and its line above answers 401 from then on"
	say "    $keygate keys revoke --yes $(id_of "demo reader") --socket $socket"
	say
	say "  the same in a browser: Settings -> API Keys (this link signs in once, within 5 minutes)"
	say "    $(link)"
	say "  another link, later"
	say "    $keygate console-link --account default --workspace default --socket $socket"
	say
	say "  so that keygate's other commands find this server ($keygate keys list, ...)"
	say "    export KEYGATE_SOCKET=$socket"
	say
	say "Envoy's access log follows, a line a request. Ctrl-C ends everything and removes $home"
}

trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

[ -x "$keygate" ] || die "$keygate is not there: make build"
need_free_ports
envoy=$(envoy/fetch.sh)
home=$(mktemp -d "${TMPDIR:-/tmp}/keygate-demo.XXXXXX")
write_configurations
start_parts
show
while :; do
	all_alive
	rest 1
done
