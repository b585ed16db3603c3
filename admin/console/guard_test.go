package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/antinium/keygate/keystore"
)

// changing are all the forms that change something, for a key with this id.
func changing(id string) map[string]url.Values {
	return map[string]url.Values{
		"/console/keys":                       {"name": {"forged"}, "permission": {"full"}, "expires": {"never"}, "once": {"x"}},
		"/console/keys/" + id + "/rename":     {"name": {"forged"}},
		"/console/keys/" + id + "/labels":     {"labels": {"forged=1"}},
		"/console/keys/" + id + "/expiry":     {"expires": {"30d"}},
		"/console/keys/" + id + "/permission": {"permission": {"read"}},
		"/console/keys/" + id + "/disable":    {},
		"/console/keys/" + id + "/enable":     {},
		"/console/keys/" + id + "/rotate":     {"overlap": {"0s"}, "expires": {"same"}, "once": {"x"}},
		"/console/keys/" + id + "/revoke":     {"made": {"1"}},
		"/console/sign-out":                   {},
	}
}

// Forms of other sites, of other sessions and of nobody change nothing.
func TestForgedForms(t *testing.T) {
	w := newWorld(t, "")
	r, _ := w.key(t, keystore.NewKey{Permission: keystore.Full})
	_, text := w.full(t)
	b, other := w.signedIn(t, text), w.signedIn(t, text)
	_, foreign := other.get(t, listPath).form(t, "/sign-out")
	_, own := b.get(t, listPath).form(t, "/sign-out")
	for path, values := range changing(r.ID) {
		values.Set("revision", r.Revision())
		for name, c := range map[string]struct {
			token  string
			header []string
			says   string
		}{
			"no token":       {"", nil, "This form is too old"},
			"another's":      {foreign.Get("csrf"), nil, "This form is too old"},
			"another site":   {own.Get("csrf"), []string{"Sec-Fetch-Site", "cross-site"}, "This form is too old"},
			"a sibling site": {own.Get("csrf"), []string{"Sec-Fetch-Site", "same-site"}, "This form is too old"},
			"old browser":    {own.Get("csrf"), []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, "This form is too old"},
		} {
			values.Set("csrf", c.token)
			p := b.post(t, path, values, c.header...)
			if p.status != http.StatusForbidden || !strings.Contains(p.body, c.says) {
				t.Errorf("%s, %s: %d", path, name, p.status)
			}
		}
		// In the query a token is none, and a session is needed in any case.
		values.Del("csrf")
		b.post(t, path+"?csrf="+own.Get("csrf"), values).mustSay(t, 403, "This form is too old")
		values.Set("csrf", own.Get("csrf"))
		w.browser(t).post(t, path, values).mustSay(t, 403, "Your session has ended")
	}
	after := must(w.store.Get(r.ID))(t)
	if after.Revision() != r.Revision() {
		t.Errorf("the key is another now: %+v", after)
	}
	keys, _, _ := w.store.List(keystore.Filter{}, "", 10)
	if len(keys) != 2 {
		t.Errorf("%d keys, want the 2 from before", len(keys))
	}
	b.get(t, listPath).mustSay(t, 200, "API Keys") // and nobody was signed out
}

// What one may not see is answered as what there is not, to the byte.
func TestForeignKeysAreUnknown(t *testing.T) {
	w := newWorld(t, "")
	mine, text := w.full(t)
	foreign, _ := w.key(t, keystore.NewKey{Name: "foreign", Permission: keystore.Read, Account: "other"})
	beside, _ := w.key(t, keystore.NewKey{Name: "beside", Permission: keystore.Read, Workspace: "other"})
	operator, _ := w.key(t, keystore.NewKey{Name: "operator", Permission: keystore.Operator})
	const unknown = "01M85D58N20XT1KJQV8V0M7JS0"
	b := w.signedIn(t, text)
	_, own := b.get(t, listPath).form(t, "/sign-out")
	for _, id := range []string{foreign.ID, beside.ID, operator.ID} {
		for _, path := range []string{"", "/usage", "/rotate", "/revoke", "/rename"} {
			got, want := b.get(t, keyPath(id)+path), b.get(t, keyPath(unknown)+path)
			mustBeAlike(t, path, got, want, id, unknown)
		}
		for path, values := range changing(id) {
			if !strings.Contains(path, id) {
				continue
			}
			values.Set("csrf", own.Get("csrf"))
			values.Set("revision", "0123456789abcdef")
			got, want := b.post(t, path, values), b.post(t, strings.ReplaceAll(path, id, unknown), values)
			mustBeAlike(t, path, got, want, id, unknown)
		}
		mustBeAlike(t, "audit", b.get(t, auditPath+"?key="+id), b.get(t, auditPath+"?key="+unknown), id, unknown)
	}
	if p := b.get(t, listPath); strings.Contains(p.body, "foreign") || strings.Contains(p.body, "beside") || !strings.Contains(p.body, mine.Name) {
		t.Error("the list is not that of the workspace")
	}
	if p := b.get(t, auditPath); strings.Contains(p.body, foreign.ID) || strings.Contains(p.body, beside.ID) {
		t.Error("the audit tells of other workspaces")
	}
}

func mustBeAlike(t *testing.T, what string, got, want visited, id, unknown string) {
	t.Helper()
	if got.status != want.status || strings.ReplaceAll(got.body, id, unknown) != want.body {
		t.Errorf("%s: %s answers %d, an unknown id %d", what, id, got.status, want.status)
	}
}

// Every answer has the headers, whatever it says.
func TestHeaders(t *testing.T) {
	w := newWorld(t, "")
	r, text := w.full(t)
	b := w.signedIn(t, text)
	answers := []visited{
		w.browser(t).get(t, "/"), w.browser(t).get(t, "/console"), w.browser(t).get(t, "/console/nothing"), w.browser(t).get(t, "/console/link"),
		b.get(t, listPath), b.get(t, "/console/keys/new"), b.get(t, keyPath(r.ID)), b.get(t, keyPath(r.ID)+"/usage"), b.get(t, auditPath), b.get(t, "/console/nothing"),
		b.post(t, listPath, nil), b.post(t, listPath, nil, "Sec-Fetch-Site", "cross-site"),
		b.submit(t, "/console/keys/new", "/keys", "name", "x"),
		b.once(t, "POST", "/console/keys/x/rename", ""), b.once(t, "GET", keyPath(r.ID)+"/rename", ""),
	}
	for _, p := range answers {
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": Policy,
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if got := p.header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s (%d): %s %q, want %q", p.path, p.status, name, got, want)
			}
		}
	}
}

// Where a form comes from must reach the server: see TestInPlainTextOffLoopback.
func TestReferrerPolicy(t *testing.T) {
	for _, c := range []struct{ public, host, want string }{
		{"", "127.0.0.1:9495", "no-referrer"}, {"", "localhost:9495", "no-referrer"}, {"", "[::1]:9495", "no-referrer"}, {"", "[::1]", "no-referrer"},
		{"", "keys.example.com", "same-origin"}, {"", "192.0.2.1:9495", "same-origin"}, {"https://keys.example.com", "keys.example.com", "no-referrer"},
	} {
		w := newWorld(t, c.public)
		r := httptest.NewRequest("GET", signInPath, nil)
		r.Host = c.host
		answer := httptest.NewRecorder()
		w.console.ServeHTTP(answer, r)
		if got := answer.Header().Get("Referrer-Policy"); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.public, c.host, got, c.want)
		}
	}
}

// The pages want a session, all but those that lead to one.
func TestPagesWantASession(t *testing.T) {
	w := newWorld(t, "")
	r, _ := w.full(t)
	for _, path := range []string{"/", "/console", "/console/", listPath, "/console/keys/new", keyPath(r.ID), keyPath(r.ID) + "/usage", keyPath(r.ID) + "/rotate", auditPath, "/console/nothing"} {
		b := w.browser(t)
		if p := b.get(t, path); p.path != signInPath {
			t.Errorf("%s leads to %s", path, p.path)
		}
		b.cookies[plainCookie] = "forged"
		if p := b.get(t, path); p.status != 403 || !strings.Contains(p.body, "Your session has ended") {
			t.Errorf("%s with a forged cookie: %d", path, p.status)
		}
	}
}
