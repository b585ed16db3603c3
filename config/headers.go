package config

import "strings"

const expectedHeaderPrefix = "up to 64 lower-case letters, digits and at most 4 -, ending in -, as in x-antinium-"

// foreignHeaders belong to Envoy, to HTTP or to the platform. Everything that a
// client sends under our prefix is removed, so the prefix must take none of them.
var foreignHeaders = []string{
	"accept-", "access-control-", "authorization", "cache-control", "content-", "grpc-", "if-", "keep-alive",
	"last-event-id", "proxy-", "sec-", "set-cookie", "te", "transfer-encoding", "user-agent", "www-authenticate",
	"x-b3-", "x-client-trace-id", "x-envoy-", "x-forwarded-", "x-http-method", "x-method-override", "x-original-",
	"x-ot-span-context", "x-real-ip", "x-request-id", "x-rewrite-url",
}

// mostDashes bounds the answers: each `-` doubles the number of `_` spellings that every answer removes.
const mostDashes = 4

// checkHeaderPrefix admits a prefix of lower-case header names that is nobody else's.
func checkHeaderPrefix(text string) string {
	name, is := strings.CutSuffix(text, "-")
	if !is || name == "" || name[0] == '-' || len(text) > 64 || strings.Count(text, "-") > mostDashes || !consistsOf(name, lower+digits+"-") {
		return expectedHeaderPrefix
	}
	for _, foreign := range foreignHeaders {
		if strings.HasPrefix(foreign, text) || strings.HasSuffix(foreign, "-") && strings.HasPrefix(text, foreign) {
			return "a prefix of your own: " + quote(text) + " would take " + foreign + " too"
		}
	}
	return ""
}
