package extauthz

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/antinium/keygate/extauthz/rules"
	"github.com/antinium/keygate/keystore"
)

// exampleRoutes are those of the example configuration.
var exampleRoutes = []rules.Route{
	{Pattern: "/healthz", Methods: map[string]rules.Requirement{"GET": rules.Public}},
	{Pattern: "/v1/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Full}},
	{Pattern: "/v1/documents/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Write}},
	{Pattern: "/v1/translations/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Write}},
	{Pattern: "/v1/content/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Write}},
	{Pattern: "/v1/workspace/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Full}},
	{Pattern: "/v1/members/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Full}},
}

func mustTable(t testing.TB, routes []rules.Route, byDefault rules.Requirement) *rules.Table {
	t.Helper()
	table, err := rules.New(routes, byDefault)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// rig is a Service over a real store with one key of each kind, and a clock that the test moves.
type rig struct {
	*Service
	store *keystore.Store
	path  string
	keys  map[string]string // by the names of testdata/decisions.txt
	ids   map[string]string
	clock atomic.Int64 // ms since the epoch
	seen  []Observation

	damaged bool // the test broke the file, so closing it may fail
}

func newRig(t testing.TB, responses Responses, routes []rules.Route, byDefault rules.Requirement) *rig {
	t.Helper()
	r := &rig{path: filepath.Join(t.TempDir(), "keys.db"), ids: map[string]string{}}
	r.clock.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	store, err := keystore.Open(keystore.Options{Path: r.path, Clock: func() time.Time { return time.UnixMilli(r.clock.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil && !r.damaged {
			t.Error(err)
		}
	})
	r.store = store
	r.keys = map[string]string{"none": "", "junk": "jünk"}
	r.create(t, "read", keystore.Read, "never")
	r.create(t, "write", keystore.Write, "never")
	r.create(t, "full", keystore.Full, "never")
	r.create(t, "expired", keystore.Full, "1m")
	r.create(t, "revoked", keystore.Full, "never")
	if _, err := store.Revoke(r.ids["revoked"], keystore.By{}); err != nil {
		t.Fatal(err)
	}
	r.keys["unknown"] = keyOfAnotherStore(t)
	r.clock.Add(time.Minute.Milliseconds())
	r.Service = NewService(store, NewPolicy(mustTable(t, routes, byDefault), responses), func(o Observation) { r.seen = append(r.seen, o) })
	return r
}

func exampleRig(t testing.TB) *rig { return newRig(t, Responses{}, exampleRoutes, rules.Full) }

func (r *rig) create(t testing.TB, name string, p keystore.Permission, expires string) {
	t.Helper()
	expiry, err := keystore.ParseWhen(expires)
	if err != nil {
		t.Fatal(err)
	}
	record, text, err := r.store.Create(keystore.NewKey{Name: name, Permission: p, Expiry: expiry}, keystore.By{})
	if err != nil {
		t.Fatal(err)
	}
	r.keys[name], r.ids[name] = text.Reveal(), record.ID
}

func keyOfAnotherStore(t testing.TB) string {
	t.Helper()
	other, err := keystore.Open(keystore.Options{Path: filepath.Join(t.TempDir(), "other.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, text, err := other.Create(keystore.NewKey{Name: "other", Permission: keystore.Full}, keystore.By{})
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

// request builds a check with the key called name.
func (r *rig) request(method, target, name string, more ...header) *authv3.CheckRequest {
	if key := r.keys[name]; key != "" {
		more = append(more, header{"authorization", "Bearer " + key})
	}
	return asList(method, target, more...)
}

func TestGoldenDecisions(t *testing.T) {
	r := exampleRig(t)
	file, err := os.Open("../testdata/decisions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		rows++
		for name, in := range map[string]*authv3.CheckRequest{"list": r.request(f[0], f[1], f[2]), "map": r.requestAsMap(f[0], f[1], f[2])} {
			out, err := r.Check(context.Background(), in)
			if err != nil {
				t.Errorf("%s: %s: %v", lines.Text(), name, err)
				continue
			}
			m := out.GetDynamicMetadata().AsMap()
			got := []string{str(m["reason"]), str(m["rule"]), str(m["required"])}
			if got[0] != f[4] || got[1] != f[5] || got[2] != f[6] {
				t.Errorf("%s: %s: got %q", lines.Text(), name, got)
			}
			if allows := codes.Code(out.GetStatus().GetCode()) == codes.OK; allows != (f[4] == "allowed" || f[4] == "public") {
				t.Errorf("%s: %s: allows = %t", lines.Text(), name, allows)
			}
		}
	}
	if rows < 60 {
		t.Errorf("only %d rows read", rows)
	}
}

func (r *rig) requestAsMap(method, target, name string) *authv3.CheckRequest {
	if r.keys[name] == "" {
		return asMap(method, target)
	}
	return asMap(method, target, header{"authorization", "Bearer " + r.keys[name]})
}

func str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return "-"
}

// reasonOf is the reason that a check's answer gives.
func (r *rig) reasonOf(t testing.TB, in *authv3.CheckRequest) string {
	t.Helper()
	out, err := r.Check(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return str(out.GetDynamicMetadata().AsMap()["reason"])
}

func TestPreflight(t *testing.T) {
	routes := []rules.Route{
		{Pattern: "/v1/**", Methods: map[string]rules.Requirement{"GET": rules.Read, "*": rules.Full}},
		{Pattern: "/listed", Methods: map[string]rules.Requirement{"OPTIONS": rules.Read, "*": rules.Full}},
		{Pattern: "/shut", Methods: map[string]rules.Requirement{"*": rules.Deny}},
	}
	origin, method := header{"origin", "https://a.example"}, header{"access-control-request-method", "PUT"}
	for _, tc := range []struct {
		name, verb, target, want string
		responses                Responses
		byDefault                rules.Requirement
		headers                  []header
	}{
		{"preflight", "OPTIONS", "/v1/x", "preflight", Responses{}, rules.Full, []header{origin, method}},
		{"by default", "OPTIONS", "/x", "preflight", Responses{}, rules.Full, []header{origin, method}},
		{"by default deny", "OPTIONS", "/x", "no_credential", Responses{}, rules.Deny, []header{origin, method}},
		{"on a denied path", "OPTIONS", "/shut", "no_credential", Responses{}, rules.Full, []header{origin, method}},
		{"on a rule that lists OPTIONS", "OPTIONS", "/listed", "no_credential", Responses{}, rules.Full, []header{origin, method}},
		{"switched off", "OPTIONS", "/v1/x", "no_credential", Responses{CheckPreflights: true}, rules.Full, []header{origin, method}},
		{"no origin", "OPTIONS", "/v1/x", "no_credential", Responses{}, rules.Full, []header{method}},
		{"no requested method", "OPTIONS", "/v1/x", "no_credential", Responses{}, rules.Full, []header{origin}},
		{"two origins", "OPTIONS", "/v1/x", "no_credential", Responses{}, rules.Full, []header{origin, origin, method}},
		{"two origins joined", "OPTIONS", "/v1/x", "no_credential", Responses{}, rules.Full, []header{{"origin", "a, b"}, method}},
		{"two requested methods", "OPTIONS", "/v1/x", "no_credential", Responses{}, rules.Full, []header{origin, method, method}},
		{"with a credential", "OPTIONS", "/v1/x", "malformed_credential", Responses{}, rules.Full, []header{origin, method, {"authorization", "Bearer !"}}},
		{"another method", "POST", "/v1/x", "no_credential", Responses{}, rules.Full, []header{origin, method}},
		{"ambiguous path", "OPTIONS", "/v1//x", "ambiguous_path", Responses{}, rules.Full, []header{origin, method}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, tc.responses, routes, tc.byDefault)
			if got := r.reasonOf(t, r.request(tc.verb, tc.target, "none", tc.headers...)); got != tc.want {
				t.Errorf("reason %s, want %s", got, tc.want)
			}
		})
	}
}

// Raw TCP under a mesh policy sends a check without a request: a denial, never a panic.
func TestNotHTTP(t *testing.T) {
	r := exampleRig(t)
	for _, in := range []*authv3.CheckRequest{nil, {}, {Attributes: &authv3.AttributeContext{}}} {
		if got := r.reasonOf(t, in); got != "not_http" {
			t.Errorf("reason %s, want not_http", got)
		}
	}
}

func TestRevokedAtOnce(t *testing.T) {
	r := exampleRig(t)
	in := r.request("GET", "/v1/documents", "full")
	if got := r.reasonOf(t, in); got != "allowed" {
		t.Fatalf("before: %s", got)
	}
	if _, err := r.store.Revoke(r.ids["full"], keystore.By{}); err != nil {
		t.Fatal(err)
	}
	if got := r.reasonOf(t, in); got != "revoked" {
		t.Errorf("after: %s", got)
	}
}

// Expiry is compared at every check, also for a cached record.
func TestExpiryOfACachedRecord(t *testing.T) {
	r := exampleRig(t)
	r.create(t, "short", keystore.Read, "10s")
	in := r.request("GET", "/v1/documents", "short")
	r.clock.Add(9_999)
	if got := r.reasonOf(t, in); got != "allowed" {
		t.Fatalf("a millisecond early: %s", got)
	}
	r.clock.Add(1)
	if got := r.reasonOf(t, in); got != "expired" {
		t.Errorf("at expires_at: %s", got)
	}
	r.clock.Add(-time.Hour.Milliseconds())
	if got := r.reasonOf(t, in); got != "expired" {
		t.Errorf("after the clock went back: %s", got)
	}
}

// undecided holds that nobody is allowed and the cause is told to the observer alone.
func (r *rig) assertUndecided(t *testing.T, ctx context.Context, in *authv3.CheckRequest) Observation {
	t.Helper()
	out, err := r.Check(ctx, in)
	if out != nil || status.Code(err) != codes.Unavailable || err.Error() != errUndecided.Error() {
		t.Fatalf("got %v, %v; want UNAVAILABLE alone", out, err)
	}
	last := r.seen[len(r.seen)-1]
	if last.Verdict.Reason != CouldNotDecide || last.Err == nil {
		t.Fatalf("observed %+v", last)
	}
	return last
}

func TestNoAnswerAfterTheContextEnded(t *testing.T) {
	r := exampleRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	r.testingOnlyBeforeAnswer = cancel
	if seen := r.assertUndecided(t, ctx, r.request("GET", "/v1/documents", "full")); !errors.Is(seen.Err, context.Canceled) {
		t.Errorf("observed %v", seen.Err)
	}
}

func TestPanicIsNotAnAnswer(t *testing.T) {
	r := exampleRig(t)
	secret := r.keys["full"]
	r.testingOnlyBeforeAnswer = func() { panic("at the key " + secret) }
	seen := r.assertUndecided(t, context.Background(), r.request("GET", "/v1/documents", "full"))
	if !seen.Panicked || strings.Contains(seen.Err.Error(), secret) {
		t.Errorf("observed %v", seen)
	}
	r.testingOnlyBeforeAnswer = func() { _ = []int{}[len(r.seen)] }
	if seen := r.assertUndecided(t, context.Background(), r.request("GET", "/v1/documents", "full")); !strings.Contains(seen.Err.Error(), "index out of range") {
		t.Errorf("observed %v", seen.Err)
	}
}

// A file cut under the running process faults on the mapped pages: that is no answer either, and no crash.
func TestFaultOnTheMappedFile(t *testing.T) {
	r := exampleRig(t)
	r.damaged = true
	if err := os.Truncate(r.path, 0); err != nil {
		t.Fatal(err)
	}
	if seen := r.assertUndecided(t, context.Background(), r.request("GET", "/v1/documents", "full")); seen.Panicked {
		t.Errorf("a fault of the file counts as a defect of ours: %v", seen.Err)
	}
	if got := r.reasonOf(t, r.request("GET", "/healthz", "none")); got != "public" {
		t.Errorf("what needs no key: %s", got)
	}
}

// An operator key manages keys and opens no door: it gets what a key with too little permission gets.
func TestOperatorKeysPassNoCheck(t *testing.T) {
	r := exampleRig(t)
	r.create(t, "operator", keystore.Operator, "never")
	for target, want := range map[string]string{
		"/v1/documents/7": "insufficient_permission", "/v1/workspace/invite": "insufficient_permission", "/v1/unknown": "insufficient_permission",
		"/elsewhere": "insufficient_permission", "/healthz": "public",
	} {
		if got := r.reasonOf(t, r.request("GET", target, "operator")); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	r.SetPolicy(NewPolicy(mustTable(t, nil, rules.Deny), Responses{}))
	if got := r.reasonOf(t, r.request("GET", "/v1/documents/7", "operator")); got != "no_rule" {
		t.Errorf("where no key will do: %s", got)
	}
}

// Every check is observed once, and never with a credential.
func TestObservation(t *testing.T) {
	r := exampleRig(t)
	r.reasonOf(t, r.request("GET", "/v1/documents", "read", header{"x-request-id", "r-1"}))
	r.reasonOf(t, r.request("g\nET", "/v1/documents", "read"))
	if len(r.seen) != 2 {
		t.Fatalf("%d observations, want 2", len(r.seen))
	}
	if o := r.seen[0]; o.Method != "GET" || o.RequestID != "r-1" || o.Verdict.Reason != Allowed || o.Verdict.Record.ID != r.ids["read"] || o.Err != nil {
		t.Errorf("first: %+v", o)
	}
	if o := r.seen[1]; o.Method != "" || o.Verdict.Reason != BadMethod {
		t.Errorf("second: %+v", o)
	}
}

// A check uses one policy whole, and SetPolicy decides which.
func TestSetPolicy(t *testing.T) {
	r := exampleRig(t)
	if got := r.reasonOf(t, r.request("GET", "/v1/documents", "read")); got != "allowed" {
		t.Fatal(got)
	}
	r.SetPolicy(NewPolicy(mustTable(t, nil, rules.Deny), Responses{}))
	if got := r.reasonOf(t, r.request("GET", "/v1/documents", "read")); got != "no_rule" {
		t.Errorf("after SetPolicy: %s, want no_rule", got)
	}
}
