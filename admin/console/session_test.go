package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
)

// Who may sign in: the keys that manage keys. What was pasted comes back in no answer.
func TestSignIn(t *testing.T) {
	w := newWorld(t, "")
	_, full := w.full(t)
	_, read := w.key(t, keystore.NewKey{Permission: keystore.Read})
	_, operator := w.key(t, keystore.NewKey{Permission: keystore.Operator})
	ended, revoked := w.full(t)
	_ = must(w.store.Revoke(ended.ID, w.by("uid:0")))(t)
	for _, c := range []struct {
		name, text string
		status     int
		says       string
	}{
		{"full", " " + full + "\n", 200, "API Keys"},
		{"operator", operator, 200, "all accounts"},
		{"read", read, 403, "manages no keys"},
		{"revoked", revoked, 403, "No key that works"},
		{"unknown", full[:len(full)-1] + "_", 403, "No key that works"},
		{"nothing", "", 403, "No key that works"},
	} {
		p := w.browser(t).post(t, signInPath, url.Values{"key": {c.text}})
		p.mustSay(t, c.status, c.says)
		if text := strings.TrimSpace(c.text); text != "" && strings.Contains(p.body, text) {
			t.Errorf("%s: the answer holds what was pasted", c.name)
		}
	}
	w.manage.Store(false)
	w.browser(t).post(t, signInPath, url.Values{"key": {full}}).mustSay(t, 403, "manages no keys")
}

func TestTooManyAttempts(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(t)
	for range 50 {
		if p := b.post(t, signInPath, url.Values{"key": {"guess"}}); p.status == http.StatusTooManyRequests {
			p.mustSay(t, 429, "Too many attempts", "a few seconds")
			return
		}
	}
	t.Error("50 failed attempts, and none was refused for the number of them")
}

// The cookie is for this host alone; over TLS the browser itself holds that.
func TestCookie(t *testing.T) {
	for public, want := range map[string]string{
		"":                         "keygate=TOKEN; Path=/; HttpOnly; SameSite=Strict",
		"https://keys.example.com": "__Host-keygate=TOKEN; Path=/; HttpOnly; Secure; SameSite=Strict",
	} {
		w := newWorld(t, public)
		_, text := w.full(t)
		p := w.browser(t).once(t, "POST", signInPath, url.Values{"key": {text}}.Encode())
		_, rest, _ := strings.Cut(p.header.Get("Set-Cookie"), "=")
		token, _, _ := strings.Cut(rest, ";")
		if got := strings.Replace(p.header.Get("Set-Cookie"), token, "TOKEN", 1); got != want || len(token) != 43 {
			t.Errorf("%q: cookie %s, want %s", public, got, want)
		}
	}
}

// A session does not outlive its key, nor the right to manage keys.
func TestSessionEndsWithItsKey(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *world, string){
		"revoked": func(t *testing.T, w *world, id string) { must(w.store.Revoke(id, w.by("uid:0")))(t) },
		"disabled": func(t *testing.T, w *world, id string) {
			off := false
			must(w.store.Update(id, keystore.Change{Enabled: &off}, w.by("uid:0")))(t)
		},
		"lowered": func(t *testing.T, w *world, id string) {
			low := keystore.Write
			must(w.store.Update(id, keystore.Change{Permission: &low}, w.by("uid:0")))(t)
		},
		"forbidden": func(_ *testing.T, w *world, _ string) { w.manage.Store(false) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			r, text := w.full(t)
			b := w.signedIn(t, text)
			cookie := b.cookies[plainCookie]
			end(t, w, r.ID)
			b.get(t, listPath).mustSay(t, 403, "Your session has ended")
			w.manage.Store(true)
			on := true
			_, _ = w.store.Update(r.ID, keystore.Change{Enabled: &on}, w.by("uid:0"))
			b.cookies[plainCookie] = cookie
			b.get(t, listPath).mustSay(t, 403, "Your session has ended")
		})
	}
}

func TestSessionEndsWithTime(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	for range sessionLife/(20*time.Minute) - 1 { // in use, a session lives for 12 hours
		w.clock.move(20 * time.Minute)
		b.get(t, listPath).mustSay(t, 200, "API Keys")
	}
	w.clock.move(20 * time.Minute)
	b.get(t, listPath).mustSay(t, 403, "Your session has ended")

	b = w.signedIn(t, text)
	w.clock.move(sessionIdle)
	b.get(t, listPath).mustSay(t, 403, "Your session has ended")
}

func TestSignOutEndsTheSessionOnTheServer(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	cookie := b.cookies[plainCookie]
	b.submit(t, listPath, "/sign-out").mustSay(t, 200, "You are signed out")
	if len(b.cookies) != 0 {
		t.Errorf("cookies are left: %v", b.cookies)
	}
	b.get(t, listPath).mustSay(t, 200, "Sign in to your API keys")
	b.cookies[plainCookie] = cookie
	b.get(t, listPath).mustSay(t, 403, "Your session has ended")
}

// Signing in again ends the session that the browser had: nobody goes on in one
// that somebody else began.
func TestSignInBeginsAFreshSession(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	old := b.cookies[plainCookie]
	b.post(t, signInPath, url.Values{"key": {text}}).mustSay(t, 200)
	if b.cookies[plainCookie] == old {
		t.Error("the same token again")
	}
	b.cookies[plainCookie] = old
	b.get(t, listPath).mustSay(t, 403, "Your session has ended")
}

// A link signs in once, by POST; looking at it does not use it up.
func TestLink(t *testing.T) {
	w := newWorld(t, "")
	_, operator := w.key(t, keystore.NewKey{Permission: keystore.Operator})
	who, err := w.server.SignIn(keystore.NewSecret(operator), "")
	if err != nil {
		t.Fatal(err)
	}
	narrow, ok := who.Within("northwind", "production")
	if !ok {
		t.Fatal("not within")
	}
	path := w.link(t, narrow)
	first, second := w.browser(t), w.browser(t)
	first.get(t, path).mustSay(t, 200, "northwind / production")
	second.get(t, path).mustSay(t, 200, "northwind / production")
	first.submit(t, path, "/link").mustSay(t, 200, "API Keys", "One-time link", "northwind / production")
	second.get(t, path).mustSay(t, 410, "This link no longer works")
	token := strings.TrimPrefix(path, "/console/link?token=")
	second.post(t, "/console/link", url.Values{"token": {token}}).mustSay(t, 410, "This link no longer works")

	first.submit(t, "/console/keys/new", "/keys", "name", "made by link").mustSay(t, 200, "Your new key")
	keys, _, err := w.store.List(keystore.Filter{Account: "northwind", Workspace: "production"}, "", 10)
	if err != nil || len(keys) != 1 || keys[0].CreatedBy != who.Actor {
		t.Errorf("the link's session made %+v, %v", keys, err)
	}
	_ = must(w.store.Revoke(who.KeyID, w.by("uid:0")))(t)
	first.get(t, listPath).mustSay(t, 403, "Your session has ended")
}

func TestLinkEnds(t *testing.T) {
	w := newWorld(t, "")
	owned, _ := admin.Principal{Role: admin.RoleOwner, Actor: "uid:1000"}.Within("", "")
	path := w.link(t, owned)
	w.clock.move(linkLife)
	w.browser(t).get(t, path).mustSay(t, 410, "This link no longer works")

	r, text := w.key(t, keystore.NewKey{Permission: keystore.Operator})
	who, _ := w.server.SignIn(keystore.NewSecret(text), "")
	path = w.link(t, who)
	form := w.browser(t).get(t, path)
	_ = must(w.store.Revoke(r.ID, w.by("uid:0")))(t)
	to, values := form.form(t, "/link")
	w.browser(t).post(t, to, values).mustSay(t, 410, "This link no longer works")
	if _, err := w.console.Link(admin.Principal{Role: admin.RoleHolder}); err == nil {
		t.Error("a link for who manages no keys")
	}
	if _, err := w.console.Link(admin.Principal{Role: admin.RoleOwner}); err == nil {
		t.Error("a link that is the owner's, operator keys and all")
	}
}

// link is the path of a fresh link.
func (w *world) link(t *testing.T, who admin.Principal) string {
	t.Helper()
	link, err := w.console.Link(who)
	if err != nil {
		t.Fatal(err)
	}
	path, ours := strings.CutPrefix(link.URL, w.url)
	if !ours {
		t.Fatalf("link to %s", link.URL)
	}
	return path
}
