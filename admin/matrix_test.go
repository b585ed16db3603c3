package admin

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/usage"
)

// rank is what a caller may, from the least to the most.
type rank int

const (
	nobody     rank = iota // no key that works
	holding                // a key that manages none
	managing               // a full key
	operating              // an operator key of an account or a workspace
	everywhere             // an operator key of every account
	owning                 // whoever opens the socket
)

// matrixCalls are all routes, with who may call each, a request that is good where the
// caller may make it, and what that answers.
var matrixCalls = map[string]struct {
	from   rank
	body   string
	answer int
}{
	"GET /openapi.json": {nobody, "", 200},
	"GET /v1/health":    {nobody, "", 200},

	"GET /v1/whoami":       {holding, "", 200},
	"POST /v1/self/revoke": {holding, "", 200},

	"POST /v1/keys":             {managing, `{"name":"made","permission":"read","account":"acme","workspace":"prod"}`, 201},
	"GET /v1/keys":              {managing, "", 200},
	"POST /v1/keys/find":        {managing, `{"key":"elsewhere"}`, 404},
	"POST /v1/keys/revoke":      {managing, `{"account":"initech"}`, 200},
	"GET /v1/keys/{id}":         {managing, "", 200},
	"GET /v1/keys/{id}/usage":   {managing, "", 200},
	"PATCH /v1/keys/{id}":       {managing, `{"name":"renamed"}`, 200},
	"POST /v1/keys/{id}/rotate": {managing, "", 200},
	"POST /v1/keys/{id}/revoke": {managing, `{"descendants":true}`, 200},
	"GET /v1/audit":             {managing, "", 200},

	"POST /v1/console-links":       {operating, "", 201},
	"POST /v1/imports":             {operating, `{"dry_run":true}`, 201},
	"POST /v1/imports/{id}/lines":  {operating, `{}`, 404}, // the import of each row is unknown: see TestImportOfAnotherIsUnknown
	"POST /v1/imports/{id}/finish": {operating, "", 404},
	"DELETE /v1/imports/{id}":      {operating, "", 404},

	"GET /v1/audit/verify": {everywhere, "", 200},
	"GET /v1/export":       {everywhere, "", 200},
	"POST /v1/explain":     {everywhere, `{"method":"GET","path":"/"}`, 200},
	"POST /v1/reload":      {everywhere, "", 200},
}

// matrixRoles are all kinds of callers. sees are the targets that it may know of.
var matrixRoles = []struct {
	name string
	rank rank
	sees string
}{
	{"no key", nobody, ""}, {"junk", nobody, ""}, {"unknown", nobody, ""}, {"revoked", nobody, ""}, {"expired", nobody, ""}, {"disabled", nobody, ""},
	{"read", holding, ""}, {"write", holding, ""}, {"full without", holding, ""},
	{"full", managing, "own"},
	{"operator of the workspace", operating, "own"},
	{"operator of the account", operating, "own, workspace"},
	{"operator of all", everywhere, "own, workspace, account"},
	{"owner", owning, "own, workspace, account, operator"},
}

// matrixTargets are the ids that a route is called with: a key of acme/prod, of
// another workspace, of another account, an operator key of acme/prod, none, no id.
var matrixTargets = []string{"own", "workspace", "account", "operator", "unknown", "malformed"}

// matrix is a server and the keys of all roles.
type matrix struct {
	*world
	manage  atomic.Bool // admin.full_keys_manage
	callers map[string]*Client
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	recorder, err := usage.Open(usage.Options{Path: filepath.Join(t.TempDir(), "usage.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	m := &matrix{}
	m.world = newWorld(t, func(o *Options) {
		o.Usage, o.FullKeysManage = recorder, m.manage.Load
		o.ConsoleLink = func(Principal) (ConsoleLink, error) { return ConsoleLink{URL: "https://x/"}, nil }
		o.Explain = func(context.Context, ExplainRequest) (Explanation, error) { return Explanation{}, nil }
		o.Reload = func(context.Context) (Reloaded, error) { return Reloaded{}, nil }
	})
	m.unlimited()
	m.callers = map[string]*Client{"no key": m.remote(t, ""), "junk": m.remote(t, "junk"), "owner": m.Client}
	_, unknown := newWorld(t).mint(t, "full", "acme/prod")
	m.callers["unknown"] = m.remote(t, unknown)
	for _, role := range []string{
		"revoked", "expired", "disabled", "read", "write", "full without", "full",
		"operator of the workspace", "operator of the account", "operator of all",
	} {
		m.renew(t, role)
	}
	return m
}

// unlimited lets failed attempts go on for ever: each is an hour after the last.
func (w *world) unlimited() {
	var hours atomic.Int64
	w.server.limits = newAttempts(func() time.Time { return time.Unix(3600*hours.Add(1), 0) })
}

// renew gives a role a new key.
func (m *matrix) renew(t *testing.T, role string) {
	t.Helper()
	if m.callers[role] != nil && m.callers[role].key.Reveal() == "" || role == "junk" || role == "unknown" {
		return
	}
	permission, place := "full", "acme/prod"
	switch role {
	case "read", "write":
		permission = role
	case "operator of the workspace":
		permission = "operator"
	case "operator of the account":
		permission, place = "operator", "acme"
	case "operator of all":
		permission, place = "operator", ""
	}
	id, text := m.mint(t, permission, place)
	var err error
	switch role {
	case "revoked":
		_, err = m.Revoke(t.Context(), id, false)
	case "expired":
		_, err = m.Rotate(t.Context(), id, RotateRequest{Overlap: ptr("0")})
	case "disabled":
		_, err = m.Update(t.Context(), id, UpdateRequest{Enabled: ptr(false)})
	}
	if err != nil {
		t.Fatal(err)
	}
	m.callers[role] = m.remote(t, text)
}

// target makes a key for a route to be called with.
func (m *matrix) target(t *testing.T, kind string) (id string) {
	t.Helper()
	switch kind {
	case "unknown":
		return unknownID
	case "malformed":
		return "not-an-id"
	case "operator":
		id, _ = m.mint(t, "operator", "acme/prod")
	case "workspace":
		id, _ = m.mint(t, "read", "acme/test")
	case "account":
		id, _ = m.mint(t, "read", "globex/prod")
	default:
		id, _ = m.mint(t, "read", "acme/prod")
	}
	return id
}

// TestEveryRouteForEveryRole walks all routes, all roles and all kinds of keys. A
// route that the table does not name fails it.
func TestEveryRouteForEveryRole(t *testing.T) {
	m := newMatrix(t)
	routes := slices.Sorted(maps.Keys(m.server.rules))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(matrixCalls)), routes); diff != "" {
		t.Fatalf("the table and the routes of the server: %s", diff)
	}
	described := []string{"GET /openapi.json"}
	eachOperation(m.server.api.OpenAPI(), func(op *huma.Operation) { described = append(described, op.Method+" "+op.Path) })
	slices.Sort(described)
	if diff := cmp.Diff(described, routes); diff != "" {
		t.Errorf("OpenAPI and the routes of the server: %s", diff)
	}
	for _, route := range routes {
		t.Run(route, func(t *testing.T) { m.walk(t, route) })
	}
}

// walk calls one route in every role.
func (m *matrix) walk(t *testing.T, route string) {
	shared := map[string]string{}
	for _, kind := range matrixTargets {
		shared[kind] = m.target(t, kind)
	}
	before := m.states(t, shared)
	var refusal *reply // of those whose key does not work
	for _, role := range matrixRoles {
		m.manage.Store(role.name != "full without")
		var unknown reply
		for _, kind := range slices.Backward(matrixTargets) { // unknown before those that must answer like it
			if !strings.Contains(route, "{id}") && kind != "unknown" {
				continue
			}
			sees := strings.Contains(role.sees, kind)
			id := shared[kind]
			if sees {
				id = m.target(t, kind) // it may be changed
			}
			got := m.call(t, role.name, route, id)
			if want := expected(route, role.rank, sees); got.status != want {
				t.Errorf("%s, %s key: %d, want %d: %s", role.name, kind, got.status, want, got.body)
			}
			switch {
			case kind == "unknown":
				unknown = got
			case !sees && kind != "malformed":
				got.mustEqual(t, unknown, role.name+", "+kind)
			}
			if got.status == http.StatusUnauthorized {
				if refusal == nil {
					refusal = &got
				}
				got.mustEqual(t, *refusal, role.name)
			}
			if route == "POST /v1/self/revoke" {
				m.renew(t, role.name)
			}
		}
	}
	if diff := cmp.Diff(before, m.states(t, shared)); diff != "" {
		t.Errorf("keys that nobody may change were: %s", diff)
	}
}

// expected is the status by rule.
func expected(route string, who rank, sees bool) int {
	call := matrixCalls[route]
	switch {
	case call.from == nobody:
		return call.answer
	case who == nobody:
		return http.StatusUnauthorized
	case who < call.from:
		return http.StatusForbidden
	case strings.Contains(route, "{id}") && !sees:
		return http.StatusNotFound
	case route == "POST /v1/self/revoke" && who == owning:
		return http.StatusConflict
	}
	return call.answer
}

// call makes a call, masks its id, and tidies up behind an import.
func (m *matrix) call(t *testing.T, role, route, id string) reply {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	c := m.callers[role]
	got := ask(t, c, method, strings.Replace(path, "{id}", id, 1), matrixCalls[route].body)
	got.mustBeOurs(t)
	if route == "POST /v1/imports" && got.status == http.StatusCreated {
		if r := ask(t, c, "DELETE", path+"/"+field(t, got, "id"), ""); r.status != 200 {
			t.Errorf("abort: %d %s", r.status, r.body)
		}
	}
	if method == http.MethodGet {
		head := ask(t, c, http.MethodHead, strings.Replace(path, "{id}", id, 1), "")
		if head.status != got.status || head.body != "" {
			t.Errorf("%s: HEAD answers %d %q, and GET %d", role, head.status, head.body, got.status)
		}
	}
	got.body = strings.ReplaceAll(got.body, id, "ID")
	return got
}

// mustEqual compares two answers to the byte, headers included.
func (r reply) mustEqual(t *testing.T, want reply, what string) {
	t.Helper()
	a, b := r.header.Clone(), want.header.Clone()
	a.Del("Date")
	b.Del("Date")
	if r.status != want.status || r.body != want.body || !cmp.Equal(a, b) {
		t.Errorf("%s: can be told apart:\n%d %v %s\n%d %v %s", what, r.status, a, r.body, want.status, b, want.body)
	}
}

// states are the revisions of keys.
func (m *matrix) states(t *testing.T, ids map[string]string) map[string]string {
	t.Helper()
	revisions := map[string]string{}
	for kind, id := range ids {
		if r, err := m.store.Get(id); err == nil {
			revisions[kind] = fmt.Sprint(r.Revision(), r.Status(m.store.Now()) == keystore.Active)
		}
	}
	return revisions
}
