package console

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/usage"
)

// The text of a new key is in one answer, and works; a second post of the form
// makes no key and says which one there is.
func TestCreateOnce(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	path, form := b.get(t, "/console/keys/new").form(t, "/keys")
	form.Set("name", markup)
	form.Set("permission", "write")
	form.Set("labels", "env=production\r\n\r\nteam = data")
	p := b.post(t, path, form)
	p.mustSay(t, 200, "Your new key", markup, "Read & Write", "You won’t be able to see it again", "curl "+documentedTryURL)
	secret := p.secret(t)
	r := must(w.store.Lookup(secret))(t)
	if r.Name != markup || r.Permission != keystore.Write || r.Labels["env"] != "production" || r.Labels["team"] != " data" || r.ExpiresAt.Sub(r.CreatedAt) != 90*day {
		t.Errorf("made %+v", r)
	}
	p = b.post(t, path, form)
	p.mustSay(t, 409, "This form was used already", r.ID, "its text is not shown again")
	for _, path := range []string{listPath, keyPath(r.ID), auditPath, keyPath(r.ID) + "/usage", "/console/keys/new"} {
		if strings.Contains(b.get(t, path).body, secret) {
			t.Errorf("%s holds the text", path)
		}
	}
	if strings.Contains(p.body, secret) || strings.Contains(w.log.String(), secret) {
		t.Error("the second answer or the log holds the text")
	}
}

// Of many taps at once one makes a key.
func TestCreateTappedManyTimes(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	path, form := b.get(t, "/console/keys/new").form(t, "/keys")
	form.Set("name", "tapped")
	statuses := make(chan int, 20)
	var all sync.WaitGroup
	for range cap(statuses) {
		all.Go(func() { statuses <- b.post(t, path, form).status })
	}
	all.Wait()
	close(statuses)
	counts := map[int]int{}
	for status := range statuses {
		counts[status]++
	}
	keys, _, _ := w.store.List(keystore.Filter{NamePrefix: "tapped"}, "", 10)
	if counts[200] != 1 || counts[409] != 19 || len(keys) != 1 {
		t.Errorf("answers %v, %d keys", counts, len(keys))
	}
}

// Whatever is wrong is said at its field, what was filled in stays, and a key's
// text that was pasted into the wrong field does not.
func TestCreateRefused(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.key(t, keystore.NewKey{Permission: keystore.Operator})
	b := w.signedIn(t, text)
	p := b.submit(t, "/console/keys/new", "/keys", "name", " ", "permission", "operator", "expires", "date", "date", "soon", "labels", "=", "account", "a")
	p.mustSay(t, 422, "Name: Give it a name.", "Permission: Choose one.", "Expiry: Choose a date.", "Labels: Write one name=value")
	for field, says := range map[string]string{
		"name": "Name:", "account": "Account:", "workspace": "Workspace:", "labels": "Labels:",
	} {
		value := text
		if field == "labels" {
			value = "note=" + text
		}
		p := b.submit(t, "/console/keys/new", "/keys", "name", "kept name", field, value)
		p.mustSay(t, 422, says)
		if strings.Contains(p.body, text) {
			t.Errorf("the text of a key in %s comes back", field)
		}
		if field != "name" && !strings.Contains(p.body, "kept name") {
			t.Error("the name is lost")
		}
	}
	b.submit(t, "/console/keys/new", "/keys", "name", "late", "expires", "date", "date", "2001-01-01").mustSay(t, 422, "Expiry:", "in the past")
	b.submit(t, "/console/keys/new", "/keys", "name", "x", "once", "").mustSay(t, 403, "This form is too old")
	if keys, _, _ := w.store.List(keystore.Filter{}, "", 10); len(keys) != 1 {
		t.Errorf("%d keys, want the operator's alone", len(keys))
	}
}

// A scope that the form does not ask for is not taken from it either.
func TestCreateStaysInItsScope(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	secret := b.submit(t, "/console/keys/new", "/keys", "name", "x", "account", "other", "workspace", "other").secret(t)
	if r := must(w.store.Lookup(secret))(t); r.Account != "default" || r.Workspace != "default" {
		t.Errorf("made in %s/%s", r.Account, r.Workspace)
	}
	_, operator := w.key(t, keystore.NewKey{Permission: keystore.Operator})
	secret = w.signedIn(t, operator).submit(t, "/console/keys/new", "/keys", "name", "x", "account", "north", "workspace", "east").secret(t)
	if r := must(w.store.Lookup(secret))(t); r.Account != "north" || r.Workspace != "east" {
		t.Errorf("made in %s/%s", r.Account, r.Workspace)
	}
}

func TestChanges(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	r, _ := w.key(t, keystore.NewKey{Name: "old name", Permission: keystore.Full, Labels: map[string]string{"a": "1", "b": "2"}})
	b, page := w.signedIn(t, text), keyPath(r.ID)
	b.submit(t, page, "/rename", "name", "  new name ").mustSay(t, 200, "Renamed.", "new name")
	if p := b.get(t, page); strings.Contains(p.body, "Renamed.") {
		t.Error("a notice is said twice")
	}
	b.submit(t, page, "/labels", "labels", "b=3\nc=4").mustSay(t, 200, "Labels saved.", "b=3", "c=4")
	b.submit(t, page, "/expiry", "expires", "date", "date", time.Now().UTC().AddDate(0, 1, 0).Format(time.DateOnly)).mustSay(t, 200, "Expiry changed.")
	b.submit(t, page, "/permission", "permission", "read").mustSay(t, 200, "Permission lowered.", "Read Only")
	b.submit(t, page, "/disable").mustSay(t, 200, "Key disabled", "Disabled")
	b.submit(t, page, "/enable").mustSay(t, 200, "Key enabled", "Active")
	after := must(w.store.Get(r.ID))(t)
	if after.Name != "new name" || len(after.Labels) != 2 || after.Labels["b"] != "3" || after.Permission != keystore.Read || after.ExpiresAt.IsZero() || after.Disabled {
		t.Errorf("the key is %+v", after)
	}
	b.get(t, page+"/rename").mustSay(t, 200, "new name") // the address of the form leads to the key
	b.get(t, auditPath+"?key="+r.ID).mustSay(t, 200, "Key renamed", "Labels changed", "Expiry changed", "Permission lowered", "Key disabled", "Key enabled", "the manager", "console")
}

func TestChangesRefused(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	r, _ := w.key(t, keystore.NewKey{Name: "the name", Permission: keystore.Write})
	b, page := w.signedIn(t, text), keyPath(r.ID)
	b.submit(t, page, "/rename", "name", strings.Repeat("n", 101)).mustSay(t, 422, "Error: Must have at most 100 characters.")
	if p := b.submit(t, page, "/rename", "name", "x "+text); p.status != 422 || strings.Contains(p.body, text) {
		t.Errorf("a name with the text of a key: %d", p.status)
	}
	b.submit(t, page, "/labels", "labels", "no label").mustSay(t, 422, "name=value")
	b.submit(t, page, "/expiry", "expires", "date", "date", "2001-01-01").mustSay(t, 422, "in the past")
	b.submit(t, page, "/permission", "permission", "full").mustSay(t, 422, "can be lowered but never raised")
	b.submit(t, page, "/permission", "permission", "").mustSay(t, 422, "Choose one.")
	b.submit(t, page, "/rename", "name", "x", "revision", "").mustSay(t, 403, "This form is too old")
	if after := must(w.store.Get(r.ID))(t); after.Revision() != r.Revision() {
		t.Errorf("the key is %+v", after)
	}
}

// Of two tabs, the one with the old page changes nothing and is told so.
func TestTwoTabs(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	r, _ := w.key(t, keystore.NewKey{Name: "first", Permission: keystore.Write})
	b, page := w.signedIn(t, text), keyPath(r.ID)
	path, old := b.get(t, page).form(t, "/rename")
	b.submit(t, page, "/rename", "name", "second").mustSay(t, 200, "second")
	old.Set("name", "third")
	b.post(t, path, old).mustSay(t, 412, "The key has changed meanwhile")
	if after := must(w.store.Get(r.ID))(t); after.Name != "second" {
		t.Errorf("the name is %q", after.Name)
	}
}

func TestRotate(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	r, oldText := w.key(t, keystore.NewKey{Name: "turning", Permission: keystore.Write, Expiry: keystore.ExpiresIn(100 * day)})
	b, page := w.signedIn(t, text), keyPath(r.ID)
	path, form := b.get(t, page+"/rotate").form(t, "/rotate")
	form.Set("overlap", "7d")
	form.Set("retire", "24h")
	p := b.post(t, path, form)
	p.mustSay(t, 200, "Your new key", "The old key", "24 h")
	fresh := must(w.store.Lookup(p.secret(t)))(t)
	old := must(w.store.Lookup(oldText))(t)
	if fresh.Replaces != old.ID || old.RetireUnused != day || old.ExpiresAt.Sub(fresh.CreatedAt) != 7*day || fresh.ExpiresAt.Sub(fresh.CreatedAt) != 100*day {
		t.Errorf("old %+v, new %+v", old, fresh)
	}
	b.post(t, path, form).mustSay(t, 409, "This form was used already", fresh.ID)
	b.submit(t, page+"/rotate", "/rotate").mustSay(t, 422, "was rotated already")
	b.get(t, page).mustSay(t, 200, "This key was rotated and still works", "Replaced by", "It has not been used yet")
	w.usage.Count(usage.Event{KeyID: old.ID, Reason: "allowed", Allowed: true})
	b.get(t, keyPath(fresh.ID)).mustSay(t, 200, "Replaces", "old key last used just now")

	p = b.submit(t, keyPath(fresh.ID)+"/rotate", "/rotate", "overlap", "0s", "retire", "1h", "expires", "never")
	p.mustSay(t, 200, "has ended")
	if last := must(w.store.Lookup(p.secret(t)))(t); !last.ExpiresAt.IsZero() {
		t.Errorf("the last key expires at %s", last.ExpiresAt)
	}
}

// Revoking says what the key made, and ends that too if it is told to.
func TestRevoke(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	maker, makerText := w.full(t)
	made := w.signedIn(t, makerText).submit(t, "/console/keys/new", "/keys", "name", "child", "permission", "full").secret(t)
	grandchild := w.signedIn(t, made).submit(t, "/console/keys/new", "/keys", "name", "grandchild").secret(t)
	b := w.signedIn(t, text)
	b.get(t, keyPath(maker.ID)).mustSay(t, 200, "Keys that it made", "child", "2 still work")
	b.get(t, keyPath(maker.ID)+"/revoke").mustSay(t, 200, "Revoke the manager ?", "It made 2 live keys", "child", "and 1 more")
	if _, err := w.store.Lookup(made); err != nil {
		t.Errorf("asking ended a key: %v", err)
	}
	b.submit(t, keyPath(maker.ID)+"/revoke", "/revoke", "made", "1", "reason", "it leaked").mustSay(t, 200, "Key revoked, and 2 keys that it made.", "Revoked")
	for _, secret := range []string{makerText, made, grandchild} {
		if r := must(w.store.Lookup(secret))(t); r.RevokedAt.IsZero() {
			t.Errorf("%s lives", r.Name)
		}
	}
	b.get(t, auditPath).mustSay(t, 200, "Key revoked", "Reason: it leaked")
	b.submit(t, keyPath(maker.ID)+"/revoke", "/revoke", "reason", "again").mustSay(t, 200, "Key revoked")
	p := b.submit(t, "/console/keys/new", "/keys", "name", "kept")
	id := must(w.store.Lookup(p.secret(t)))(t).ID
	if p := b.submit(t, keyPath(id)+"/revoke", "/revoke", "reason", "key "+makerText); p.status != 422 || strings.Contains(p.body, makerText) {
		t.Errorf("a reason with the text of a key: %d", p.status)
	}
}

// Whoever revokes the key of the session is signed out by it, and told before.
func TestRevokeOwnKey(t *testing.T) {
	w := newWorld(t, "")
	r, text := w.full(t)
	b := w.signedIn(t, text)
	b.get(t, keyPath(r.ID)).mustSay(t, 200, "You are signed in with this key")
	b.get(t, keyPath(r.ID)+"/revoke").mustSay(t, 200, "revoking it ends your session")
	b.submit(t, keyPath(r.ID)+"/revoke", "/revoke").mustSay(t, 200, "You are signed out")
	b.get(t, listPath).mustSay(t, 200, "Sign in to your API keys")
}

func TestListFindsKeys(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	for i := range 120 {
		w.key(t, keystore.NewKey{Name: fmt.Sprintf("Robot %03d", i), Permission: keystore.Read})
	}
	special, specialText := w.key(t, keystore.NewKey{Name: "Special", Permission: keystore.Write})
	seen, path := 0, listPath+"?q=robot&permission=read"
	for pages := 1; ; pages++ {
		p := b.get(t, path)
		seen += strings.Count(p.body, `class="row-link"`)
		next := ""
		for _, e := range elements(t, p.body) {
			if attr(e, "rel") == "next" {
				next = attr(e, "href")
			}
		}
		if next == "" {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		path = next
	}
	if seen != 120 {
		t.Errorf("%d keys on all pages, want 120", seen)
	}
	for query, found := range map[string]bool{
		"q=SPECIAL": true, "q=" + special.Last4: true, "q=ant_..." + special.Last4: true, "permission=write": true, "status=active": true,
		"q=nobody": false, "status=revoked": false, "permission=write&q=robot": false, "status=nonsense": true,
	} {
		p := b.get(t, listPath+"?"+query)
		if strings.Contains(p.body, special.ID) != found {
			t.Errorf("%s: found %v, want %v", query, !found, found)
		}
	}
	b.get(t, listPath+"?q=nobody").mustSay(t, 200, "No key matches")
	if p := b.get(t, listPath+"?after=nonsense"); p.path != listPath || p.status != 200 {
		t.Errorf("a cursor that is none leads to %s with %d", p.path, p.status)
	}
	if p := b.get(t, listPath+"?q="+url.QueryEscape(specialText)); p.path != listPath || strings.Contains(p.body, specialText) || !strings.Contains(p.body, "Treat the key as leaked") {
		t.Errorf("a key in the search leads to %s", p.path)
	}
	if p := b.get(t, auditPath+"?key="+url.QueryEscape(specialText)); p.path != auditPath || strings.Contains(p.body, specialText) {
		t.Errorf("a key in the filter leads to %s", p.path)
	}
}

func TestEmptyList(t *testing.T) {
	w := newWorld(t, "")
	_, operator := w.key(t, keystore.NewKey{Permission: keystore.Operator})
	b := w.signedIn(t, operator)
	b.get(t, listPath).mustSay(t, 200, "Make your first key")
	b.get(t, auditPath+"?key=nonsense").mustSay(t, 422, "not the ID of a key")
	b.get(t, auditPath+"?before=nonsense").mustSay(t, 200, "Audit log")
}

func TestUsage(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	r, _ := w.key(t, keystore.NewKey{Name: "busy", Permission: keystore.Read})
	b, page := w.signedIn(t, text), keyPath(r.ID)
	b.get(t, page+"/usage").mustSay(t, 200, "No figures")
	for range 3 {
		w.usage.Count(usage.Event{KeyID: r.ID, Reason: "allowed", Allowed: true, Address: "203.0.113.77"})
	}
	w.usage.Count(usage.Event{KeyID: r.ID, Reason: "insufficient_permission"})
	b.get(t, page+"/usage").mustSay(t, 200, "Last used just now", "First seen just now", "203.0.113.77", "Allowed: the request was let through", "Denied: the key may not do that", "Last 48 hours", "Last 90 days")
	b.get(t, page).mustSay(t, 200, "Allowed, 48 h 3", "Denied, 48 h 1")
	b.get(t, listPath).mustSay(t, 200, "just now")
	_ = w.usage.Close()
	b.get(t, page+"/usage").mustSay(t, 200, "busy") // whatever it says, it is a page
	b.get(t, page).mustSay(t, 200, "busy")
}

// A store that fails is said to, with nothing of what failed, and the log has it.
func TestStoreFails(t *testing.T) {
	w := newWorld(t, "")
	_, text := w.full(t)
	b := w.signedIn(t, text)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	b.get(t, listPath).mustSay(t, 503, "Something went wrong")
	if !strings.Contains(w.log.String(), "cannot be looked up") {
		t.Error("the log does not have it")
	}
}

func TestNewWantsAURL(t *testing.T) {
	for _, bad := range []string{"", "keys.example.com", "ftp://keys.example.com", "https://", "http://[::1"} {
		if _, err := New(Options{URL: bad}); err == nil {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
}

func TestProblemsInWords(t *testing.T) {
	if got := sentence("must be short"); got != "Must be short." {
		t.Error(got)
	}
	if _, about := problemOf(errors.New("x"), "name"); about {
		t.Error("any error is about a name")
	}
}
