package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/usage"
)

// TestEveryCallOverTCP makes each call of the Client with an operator key.
func TestEveryCallOverTCP(t *testing.T) {
	recorder, err := usage.Open(usage.Options{Path: filepath.Join(t.TempDir(), "usage.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = recorder.Close() })
	w := newWorld(t, func(o *Options) {
		o.Usage = recorder
		o.ConsoleLink = func(Principal) (ConsoleLink, error) { return ConsoleLink{URL: "https://x/console/link"}, nil }
		o.Explain = func(context.Context, ExplainRequest) (Explanation, error) { return Explanation{Reason: "allowed"}, nil }
		o.Reload = func(context.Context) (Reloaded, error) { return Reloaded{Routes: 3}, nil }
	})
	c, ctx := w.operator(t, ""), t.Context()
	must := func(call string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
	}
	who, err := c.Whoami(ctx)
	must("whoami", err)
	must("health", c.Health(ctx, true))
	key, text, err := c.Create(ctx, CreateRequest{Name: "a", Permission: "write", Account: "acme", Workspace: "prod", Labels: map[string]string{"env": "prod"}})
	must("create", err)
	if string(key.CreatedBy) != "key:"+who.Key.ID || text.Reveal() == "" {
		t.Errorf("made %+v", key)
	}
	recorder.Count(usage.Event{KeyID: key.ID, Reason: "allowed", Allowed: true, Address: "192.0.2.7"})
	shown, err := c.Get(ctx, key.ID)
	must("get", err)
	if shown.LastUsedAt.IsZero() {
		t.Errorf("shown %+v", shown)
	}
	used, err := c.Usage(ctx, key.ID)
	must("usage", err)
	if used.Allowed != 1 || used.LastAddress != "192.0.2.7" || used.ByReason["allowed"] != 1 || len(used.Hours) != 1 || len(used.Days) != 1 {
		t.Errorf("used %+v", used)
	}
	found, err := c.Find(ctx, text)
	must("find", err)
	if ids := listed(t, c, ListFilter{Labels: "env=prod", Name: "A", Last4: found.Last4}); len(ids) != 1 || ids[0] != key.ID {
		t.Errorf("listed %v", ids)
	}
	_, err = c.Rename(ctx, key.ID, "b")
	must("rename", err)
	changed, err := c.Update(ctx, key.ID, UpdateRequest{Permission: ptr("read"), Labels: map[string]*string{"env": nil}})
	must("update", err)
	if changed.Permission != keystore.Read || len(changed.Labels) != 0 || changed.Name != "b" {
		t.Errorf("changed %+v", changed)
	}
	rotated, err := c.Rotate(ctx, key.ID, RotateRequest{RetireWhenUnused: ptr("24h")})
	must("rotate", err)
	if rotated.Old.RetireWhenUnused != "24h0m0s" || rotated.Old.ReplacedBy != Text(rotated.New.ID) || rotated.New.Replaces != Text(key.ID) {
		t.Errorf("rotated %+v", rotated)
	}
	ended, err := c.Revoke(ctx, key.ID, true)
	must("revoke", err)
	all, err := c.RevokeAll(ctx, RevokeAllRequest{Account: "acme"})
	must("revoke all", err)
	if ended.Status != keystore.Revoked || all.Count != 1 {
		t.Errorf("ended %+v, %+v", ended, all)
	}
	done, err := c.Import(ctx, JSONLines(strings.NewReader(importLine(1, ""))), false, nil)
	must("import", err)
	exported := 0
	for _, err := range c.Export(ctx) {
		must("export", err)
		exported++
	}
	if done.Count != 1 || exported != 3 {
		t.Errorf("imported %+v, exported %d", done, exported)
	}
	if ids := audited(t, c, AuditFilter{KeyID: key.ID, Newest: true}); len(ids) != 5 { // create, rename, update, rotate, revoke
		t.Errorf("%d audit records", len(ids))
	}
	verdict, err := c.VerifyAudit(ctx, w.store.AuditHead().String())
	must("verify", err)
	link, err := c.ConsoleLink(ctx, ConsoleLinkRequest{Account: "acme"})
	must("console link", err)
	explained, err := c.Explain(ctx, ExplainRequest{Method: "GET", Path: "/"})
	must("explain", err)
	reloaded, err := c.Reload(ctx)
	must("reload", err)
	if !verdict.Sound || link.URL == "" || explained.Reason != "allowed" || reloaded.Routes != 3 {
		t.Errorf("%+v %+v %+v %+v", verdict, link, explained, reloaded)
	}
	_, err = c.RevokeSelf(ctx)
	must("revoke self", err)
	if _, err := c.Whoami(ctx); !isStatus(err, 401) {
		t.Errorf("after its end: %v", err)
	}
}

func TestServersThatARemoteClientRefuses(t *testing.T) {
	key := keystore.NewSecret("ant_secret")
	for _, good := range []string{
		"https://keys.example.com", "https://keys.example.com:9495/", "http://127.0.0.1:9495", "http://localhost:9495", "http://[::1]:9495", "http://127.3.2.1",
	} {
		c, err := NewRemoteClient(good, key)
		if err != nil {
			t.Errorf("%s: %v", good, err)
			continue
		}
		c.Close()
	}
	const notURL, clear = "that is not the URL of a server", "would send the key in clear"
	for server, want := range map[string]string{
		"http://keys.example.com": clear, "http://10.0.0.1:9495": clear, "http://localhost.example.com": clear, "http://[2001:db8::1]": clear,
		"http://127.0.0.1.example.com": clear, "http://ant_hostname": clear,
		"": notURL, "keys.example.com": notURL, "127.0.0.1:9495": notURL, "ftp://127.0.0.1": notURL, "https://": notURL, "unix:///run/x": notURL,
		"https://user:ant_secret@keys.example.com": notURL, "https://keys.example.com/v1": notURL, "https://keys.example.com?key=ant_secret": notURL,
		"https://keys.example.com#ant_secret": notURL, "https://keys.example.com?": notURL, "https://ant_secret@": notURL, "ant_secret": notURL, "%": notURL,
	} {
		c, err := NewRemoteClient(server, key)
		if err == nil {
			c.Close()
			t.Errorf("%q is taken", server)
		} else if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ant_") {
			t.Errorf("%q: %v", server, err)
		}
	}
}

// TestRemoteErrorsHoldNoKey and say what to do.
func TestRemoteErrorsHoldNoKey(t *testing.T) {
	const text = "ant_this-must-not-be-shown"
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	answer := func(status int, body string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+text {
				t.Errorf("no key came")
			}
			rw.Header().Set("Location", elsewhere.URL)
			rw.WriteHeader(status)
			fmt.Fprint(rw, body)
		}))
	}
	other, moved, refusing := answer(200, "<html>"), answer(307, ""), answer(401, unauthorized)
	lost := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	for _, s := range []*httptest.Server{other, moved, refusing, lost} {
		defer s.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for name, row := range map[string]struct{ url, want string }{
		"nobody":          {"http://" + l.Addr().String(), "is admin.listen set there, and the address right?"},
		"another program": {other.URL, "is that the admin.listen of a server of this version?"},
		"a redirect":      {moved.URL, "(status 307) is not one of keygate"},
		"refused":         {refusing.URL, "Invalid or missing API key"},
		"lost":            {lost.URL, "the answer was lost, and the change may have been made: look with `keygate keys list`"},
		"no TLS":          {strings.Replace(other.URL, "http:", "https:", 1), "ask the server at https://"},
	} {
		c, err := NewRemoteClient(row.url, keystore.NewSecret(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Rename(t.Context(), unknownID, "b")
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), text) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", c, *c), text) {
			t.Errorf("printing the client shows the key")
		}
		c.Close()
	}
	c, err := NewRemoteClient(other.URL, keystore.NewSecret(text+"\r\nX-Evil: 1"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Whoami(t.Context()); err == nil || strings.Contains(err.Error(), text) {
		t.Errorf("a key that no header can carry: %v", err)
	}
}

// TestLostAnswersOfNewCalls: each says what to do.
func TestLostAnswersOfNewCalls(t *testing.T) {
	var lostOf atomic.Value // the end of a path
	lostOf.Store("")
	c := impostor(t, func(rw http.ResponseWriter, r *http.Request) {
		if end := lostOf.Load().(string); end == "" || !strings.HasSuffix(r.URL.Path, end) {
			fmt.Fprint(rw, `{"success":true,"data":{"id":"ID"}}`)
			return
		}
		panic(http.ErrAbortHandler)
	})
	lines := func() (Imported, error) {
		return c.Import(t.Context(), JSONLines(strings.NewReader(importLine(1, ""))), false, nil)
	}
	for _, row := range []struct {
		lost string
		call func() error
		want string
	}{
		{"/v1/imports", func() error { _, err := lines(); return err }, "nothing was imported; wait a minute, and begin again"},
		{"/lines", func() error { _, err := lines(); return err }, "nothing was imported; wait a minute, and begin again"},
		{"/finish", func() error { _, err := lines(); return err }, "it is all of them or none"},
		{"/self/revoke", func() error { _, err := c.RevokeSelf(t.Context()); return err }, "tells that it has ended"},
		{"/keys/revoke", func() error { _, err := c.RevokeAll(t.Context(), RevokeAllRequest{}); return err }, "or revoke again: that is safe"},
		{"/console-links", func() error { _, err := c.ConsoleLink(t.Context(), ConsoleLinkRequest{}); return err }, ""},
	} {
		lostOf.Store(row.lost)
		err := row.call()
		var lost *AnswerLostError
		if errors.As(err, &lost) != (row.want != "") || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.lost, err)
		}
	}
}
