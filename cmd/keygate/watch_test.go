package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/antinium/keygate/extauthz"
	"github.com/antinium/keygate/observe"
)

// Every reason of the table is a label from the start, with the result that the table gives it.
func TestOutcomesAreTheReasons(t *testing.T) {
	seen := map[string]string{}
	for _, o := range outcomes() {
		seen[o.Reason] = o.Result
	}
	for _, r := range extauthz.Reasons() {
		if seen[r.String()] != string(r.Result()) {
			t.Errorf("%s has result %q", r, seen[r.String()])
		}
	}
}

// What a client sends fills no log: one line, bounded, and nothing that could be a key.
func TestLogLinesOfChecks(t *testing.T) {
	var out strings.Builder
	w := watcher{
		metrics:  observe.NewMetrics(observe.Build{}, outcomes(), func() observe.StoreStats { return observe.StoreStats{} }),
		log:      observe.NewCheckLog(slog.New(slog.NewTextHandler(&out, nil))),
		prefixes: func() []string { return []string{"ant_", "old_"} },
	}
	line := func(o extauthz.Observation) string {
		out.Reset()
		w.observe(o)
		return out.String()
	}
	denied := extauthz.Verdict{Reason: extauthz.NoCredential, Routed: true, Rule: "/v1/**"}
	if got := line(extauthz.Observation{Verdict: denied, Method: "GET", RequestID: "r-1"}); !strings.Contains(got, `msg=denied reason=no_credential method=GET rule=/v1/** required=deny request_id=r-1`) {
		t.Errorf("denied: %q", got)
	}
	for _, id := range []string{"ant_abc", "x-old_abc"} {
		if got := line(extauthz.Observation{Verdict: denied, RequestID: id}); strings.Contains(got, "abc") {
			t.Errorf("request id %q is in %q", id, got)
		}
	}
	if got := line(extauthz.Observation{Verdict: denied, RequestID: strings.Repeat("a", 9000) + "\n"}); len(got) > 400 || strings.Count(got, "\n") != 1 {
		t.Errorf("a long request id made %d bytes", len(got))
	}
	failed := extauthz.Observation{Verdict: extauthz.Verdict{Reason: extauthz.CouldNotDecide}, Err: errors.New("disk on fire")}
	if got := line(failed); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "disk on fire") {
		t.Errorf("error: %q", got)
	}
	if got := line(extauthz.Observation{Verdict: extauthz.Verdict{Reason: extauthz.Allowed}}); got != "" {
		t.Errorf("an allowed check is logged: %q", got)
	}
}
