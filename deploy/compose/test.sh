#!/bin/bash
# test.sh: runs docker-compose.yaml from build to revoke on the engine of this
# machine, under a project name of its own, and removes what it made.
#
# From the environment:
#
#   PORT            of Envoy on 127.0.0.1 (any that is free)
#   BUILD_NETWORK   network of the build, for engines whose default one reaches no
#                   module proxy: BUILD_NETWORK=host
#
# Where no registry has the upstream's image, it is built from the Go module.
set -euo pipefail
cd "$(dirname "$0")/../.."

export COMPOSE_PROJECT_NAME=keygate-test-$$
export PORT=${PORT:-0}
VERSION=$(git describe --tags --always --dirty 2>/dev/null || echo dev)
export VERSION

say() { printf '%s\n' "$*"; }
die() { printf 'compose-test: %s\n' "$*" >&2; exit 1; }

command -v docker >/dev/null || die "docker is missing: install an engine with docker compose (https://docs.docker.com/engine/install)"
docker info >/dev/null 2>&1 || die "no engine answers: start it, or set DOCKER_HOST ($(docker info 2>&1 | tail -n 1))"
if docker compose version >/dev/null 2>&1; then
	program=(docker compose)
elif command -v docker-compose >/dev/null; then
	program=(docker-compose)
else
	die "docker compose is missing: apt-get install docker-compose-v2, or docker-compose-plugin from Docker"
fi

temp=$(mktemp -d "${TMPDIR:-/tmp}/keygate-compose.XXXXXX")
image=$COMPOSE_PROJECT_NAME-keygate

compose() { "${program[@]}" --project-directory . -f docker-compose.yaml -f "$temp/override.yaml" "$@"; }

end() {
	local code=$?
	trap '' INT TERM HUP
	if [ "$code" -ne 0 ] && [ -e "$temp/override.yaml" ]; then
		compose ps -a || true
		compose logs --tail 20 || true
	fi
	say "removing everything"
	compose down -v --remove-orphans --timeout 10 >"$temp/down.log" 2>&1 || cat "$temp/down.log"
	docker image rm -f "$image" "$image-upstream" >/dev/null 2>&1 || true
	rm -rf "$temp"
	exit "$code"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# override sets apart what this run makes from what the user of this machine has.
override() {
	cat <<-YAML
		services:
		  keygate:
		    image: $image
		    restart: "no"
	YAML
	[ -z "${BUILD_NETWORK:-}" ] || printf '    build: { network: %s }\n' "$BUILD_NETWORK"
}

# override_upstream builds the upstream here.
override_upstream() {
	say "no registry has the upstream's image: building it from the Go module" >&2
	mkdir "$temp/upstream"
	CGO_ENABLED=0 GOOS=linux "${GO:-go}" build -o "$temp/upstream/go-httpbin" github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin
	printf 'FROM scratch\nCOPY go-httpbin /\nUSER 65532\nENTRYPOINT ["/go-httpbin"]\n' >"$temp/upstream/Dockerfile"
	printf '  upstream:\n    image: %s\n    build: %s\n' "$image-upstream" "$temp/upstream"
}

# status METHOD TARGET [KEY] prints the status that Envoy answers.
status() {
	local code
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	printf '%s %s HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n' "$1" "$2" "${3:+Authorization: Bearer $3$'\r\n'}" >&3
	read -r -t 30 _ code _ <&3 || true
	exec 3>&-
	say "${code:-none}"
}

# expect STATUS WHAT METHOD TARGET [KEY] is one request, and the end if it is answered otherwise.
expect() {
	local want=$1 what=$2 got
	shift 2
	got=$(status "$@" 2>/dev/null) || got=none
	[ "$got" = "$want" ] || die "$what: $got, want $want"
	say "  $got  $what"
}

# until_status is expect with time: Envoy and keygate may still be finding each other.
until_status() {
	local tries=50 want=$1
	shift 2
	until [ "$(status "$@" 2>/dev/null)" = "$want" ] || [ $((tries -= 1)) -eq 0 ]; do sleep 0.2; done
}

keygate() { compose exec -T keygate keygate "$@"; }

override >"$temp/override.yaml"
compose pull --quiet upstream >/dev/null 2>&1 || override_upstream >>"$temp/override.yaml"

say "docker compose up --build"
compose up --build --detach --wait --wait-timeout 180 >"$temp/up.log" 2>&1 || { tail -n 40 "$temp/up.log"; die "docker compose up failed, see above"; }
port=$(compose port envoy 10000 | sed 's/.*://')
say "up: $(keygate version)"
say "    Envoy on 127.0.0.1:$port, keygate and upstream without a port"

until_status 401 "Envoy" GET /v1/documents
expect 401 "no key" GET /v1/documents
reader=$(keygate keys create reader --permission read 2>/dev/null)
writer=$(keygate keys create writer --permission write 2>/dev/null)
expect 200 "a read key reads" GET /v1/documents "$reader"
expect 401 "a read key does not write" POST /v1/documents "$reader"
expect 200 "a write key writes" POST /v1/documents "$writer"
keygate keys revoke --yes "$(keygate keys list | sed -n 's/^\([^ ]*\) .* reader$/\1/p')" 2>/dev/null
expect 401 "the read key after docker compose exec keygate keygate keys revoke" GET /v1/documents "$reader"

compose stop keygate >/dev/null 2>&1
expect 503 "keygate is stopped" GET /v1/documents "$writer"
compose up --detach --wait --no-recreate >/dev/null 2>&1
until_status 200 "Envoy" GET /v1/documents "$writer"
expect 200 "the write key after a restart: the data survives" GET /v1/documents "$writer"
expect 401 "the revoked key after a restart" GET /v1/documents "$reader"
compose up --detach --wait --force-recreate keygate >/dev/null 2>&1
until_status 200 "Envoy" GET /v1/documents "$writer"
expect 200 "the write key after a new container" GET /v1/documents "$writer"
expect 401 "the revoked key after a new container" GET /v1/documents "$reader"

compose exec -T envoy sh -c 'test -S /run/keygate/envoy/ext_authz.sock && ! ls /run/keygate/admin.sock /var/lib/keygate 2>/dev/null' ||
	die "Envoy sees more of keygate than the folder of the ext_authz socket"
say "  Envoy sees the ext_authz socket, and neither the admin socket nor the data"
say "compose-test: good"
