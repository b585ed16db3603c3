# keygate. `make help` says what there is; nothing is installed outside this folder.

export GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# What `make test` runs with: RACE= leaves out the race detector, which needs a C compiler.
RACE      ?= -race
TESTFLAGS ?=
FUZZTIME  ?= 10s
EXAMPLES  ?= 100
BENCH     ?= .
BENCHFLAGS ?=

TOOL = $(GO) tool -modfile=tools.mod

.DEFAULT_GOAL := help
.PHONY: help build test lint vulncheck fuzz schemathesis bench demo compose-test clean need-go need-cc need-envoy want-schemathesis

help: ## print this
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

build: need-go ## build ./keygate, one static file
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o keygate ./cmd/keygate

test: need-cc need-envoy want-schemathesis lint ## everything: lint, then all tests under the race detector with a real Envoy
	$(GO) test $(RACE) -shuffle=on -timeout 12m $(TESTFLAGS) ./...

lint: need-go ## gofmt, go vet, staticcheck, and shellcheck where it is installed
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) && test -z "$$unformatted" || { echo "run gofmt -w on:" $$unformatted >&2; exit 1; }
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	@if command -v shellcheck >/dev/null; then \
		echo shellcheck && shellcheck .ci/run demo/*.sh deploy/compose/*.sh envoy/*.sh admin/schemathesis/*.sh; \
	else echo "shellcheck is not installed: scripts are not looked at"; fi

vulncheck: need-go ## known holes in what keygate is built from (asks vuln.go.dev)
	$(TOOL) govulncheck ./...

fuzz: need-go ## each fuzz target for FUZZTIME (10s)
	@grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . >/dev/null || { echo "no fuzz targets"; exit 1; }
	@set -e; for file in $$(grep -rlE --include='*_test.go' '^func Fuzz' . | sort); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$file); do \
			echo "$$(dirname $$file) $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$(dirname $$file); \
		done; \
	done

schemathesis: need-go ## the admin API by its OpenAPI document, EXAMPLES (100) calls of each kind and caller: minutes
	@admin/schemathesis/fetch.sh >/dev/null
	KEYGATE_REQUIRE_SCHEMATHESIS=1 KEYGATE_SCHEMATHESIS_EXAMPLES=$(EXAMPLES) $(GO) test -count=1 -timeout 0 -run '^TestSchemathesis$$' -v ./admin

bench: need-go ## every benchmark once (BENCH=pattern, BENCHFLAGS=-count=5); stores of a million keys take minutes
	$(GO) test -run '^$$' -bench '$(BENCH)' $(BENCHFLAGS) -timeout 60m ./keystore ./usage ./extauthz/... ./admin

demo: build need-envoy ## upstream, keygate and Envoy on 127.0.0.1:10000, to play with (PORT=, see demo/demo.sh)
	@exec demo/demo.sh

compose-test: ## docker-compose.yaml on the engine of this machine, from build to revoke
	@exec deploy/compose/test.sh

clean: ## remove what was built and fetched
	rm -rf keygate .cache

need-go:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install Go 1.26 from https://go.dev/dl" >&2; exit 1; }

# The race detector links C. Asked here, since Go's own message names neither the reason nor a remedy.
need-cc: need-go
	@test -z "$(RACE)" || command -v "$$($(GO) env CC | cut -d' ' -f1)" >/dev/null || { \
		echo "a C compiler is missing, which the race detector needs: apt-get install gcc libc6-dev (or leave it out: make test RACE=)" >&2; exit 1; }

need-envoy:
	@envoy/fetch.sh >/dev/null

# Its test is skipped where it cannot be had, for want of a network or of Python 3.11.
want-schemathesis:
	@admin/schemathesis/fetch.sh >/dev/null || true
