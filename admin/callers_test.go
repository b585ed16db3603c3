package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

var unauthorized = refused("UNAUTHORIZED", "Invalid or missing API key")

// mustBeRefused checks that a caller gets nothing, and is told how to authenticate.
func (r reply) mustBeRefused(t *testing.T) {
	t.Helper()
	r.mustBe(t, 401, unauthorized)
	if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="keygate"` {
		t.Errorf("www-authenticate %q", got)
	}
}

// TestEndedKeyStopsAtOnce: the first call after the end has returned is refused, on
// the connection that the key has used before.
func TestEndedKeyStopsAtOnce(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, w *world, id string) error{
		"revoke": func(ctx context.Context, w *world, id string) error { _, err := w.Revoke(ctx, id, false); return err },
		"disable": func(ctx context.Context, w *world, id string) error {
			_, err := w.Update(ctx, id, UpdateRequest{Enabled: ptr(false)})
			return err
		},
		"rotate": func(ctx context.Context, w *world, id string) error {
			_, err := w.Rotate(ctx, id, RotateRequest{Overlap: ptr("0")})
			return err
		},
		"all": func(ctx context.Context, w *world, _ string) error {
			_, err := w.RevokeAll(ctx, RevokeAllRequest{Account: "acme"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.unlimited()
			for _, permission := range []string{"full", "operator", "read"} {
				id, text := w.mint(t, permission, "acme/prod")
				c := w.remote(t, text)
				if who, err := c.Whoami(t.Context()); err != nil || who.Key.ID != id {
					t.Fatalf("%+v, %v", who, err)
				}
				if err := end(t.Context(), w, id); err != nil {
					t.Fatal(err)
				}
				ask(t, c, "GET", "/v1/whoami", "").mustBeRefused(t)
				ask(t, c, "GET", "/v1/keys", "").mustBeRefused(t)
			}
		})
	}
}

func TestLoweredKeyManagesNothingFromThenOn(t *testing.T) {
	w := newWorld(t)
	id, text := w.mint(t, "full", "acme/prod")
	c := w.remote(t, text)
	listed(t, c, ListFilter{})
	if _, err := w.Update(t.Context(), id, UpdateRequest{Permission: ptr("write")}); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, c, "GET", "/v1/keys", ""); r.status != 403 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// slowBody does something while it is read.
type slowBody struct {
	io.Reader
	meanwhile func()
}

func (b slowBody) Read(p []byte) (int, error) {
	b.meanwhile()
	return b.Reader.Read(p)
}

// slowly makes a call, and does something while its body is on its way.
func (w *world) slowly(text, path, body string, meanwhile func()) (status int) {
	req := httptest.NewRequest("POST", path, slowBody{strings.NewReader(body), meanwhile})
	req.Header.Set("Authorization", "Bearer "+text)
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, req)
	return rec.Code
}

// TestKeyThatEndsWhileTheBodyIsOnItsWay: a body can take half a minute, and must not
// carry a call past the end of its key.
func TestKeyThatEndsWhileTheBodyIsOnItsWay(t *testing.T) {
	for name, row := range map[string]struct {
		meanwhile keystore.Change
		revoke    bool
		status    int
	}{
		"nothing":  {keystore.Change{Name: ptr("same")}, false, 201},
		"revoked":  {keystore.Change{Name: ptr("same")}, true, 401},
		"disabled": {keystore.Change{Enabled: ptr(false)}, false, 401},
		"lowered":  {keystore.Change{Permission: ptr(keystore.Read)}, false, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id, text := w.mint(t, "full", "acme/prod")
			code := w.slowly(text, "/v1/keys", `{"name":"late","permission":"full"}`, func() {
				_, err := w.store.Update(id, row.meanwhile, keystore.By{})
				if row.revoke && err == nil {
					_, err = w.store.Revoke(id, keystore.By{})
				}
				var again *keystore.RefusedError // it is read in several parts
				if err != nil && !errors.As(err, &again) {
					t.Error(err)
				}
			})
			if code != row.status {
				t.Errorf("status %d", code)
			}
			if row.status != 201 {
				w.mustHold(t, 1)
			}
		})
	}
}

// TestKeyIsLoweredWhileItLooks: a call that changes nothing is judged anew as well.
func TestKeyIsLoweredWhileItLooks(t *testing.T) {
	w := newWorld(t)
	id, text := w.mint(t, "full", "acme/prod")
	code := w.slowly(text, "/v1/keys/find", `{"key":"x"}`, func() {
		if _, err := w.store.Update(id, keystore.Change{Permission: ptr(keystore.Read)}, keystore.By{}); err != nil {
			t.Error(err)
		}
	})
	if code != 403 {
		t.Errorf("status %d", code)
	}
}

// TestAuthorizationHeaders: one key, presented one way.
func TestAuthorizationHeaders(t *testing.T) {
	w := newWorld(t)
	w.unlimited()
	_, text := w.mint(t, "full", "acme/prod")
	c := w.remote(t, "")
	for _, good := range []string{"Bearer " + text, "bearer " + text, "BEARER  " + text} {
		if r := ask(t, c, "GET", "/v1/whoami", "", "Authorization", good); r.status != 200 {
			t.Errorf("%.10q: %d %s", good, r.status, r.body)
		}
	}
	for _, bad := range []string{
		"", "Bearer", "Bearer ", text, "Basic " + text, "Bearer" + text, "Bearer " + text + " x", "Bearer " + text + ",", "Bearer x " + text, "Bearer " + text + "=",
		"Token " + text, "Bearer " + strings.Repeat("a", 5000), "Bearer " + strings.ToUpper(text), "Bearer\t" + text,
	} {
		ask(t, c, "GET", "/v1/whoami", "", "Authorization", bad).mustBeRefused(t)
	}
	ask(t, c, "GET", "/v1/whoami", "", "Authorization", "Bearer "+text, "Authorization", "Bearer "+text).mustBeRefused(t)
	ask(t, c, "GET", "/v1/whoami?access_token="+text, "").mustBeRefused(t)
	for _, header := range []string{"X-Api-Key", "Proxy-Authorization", "X-Authorization", "Api-Key"} {
		ask(t, c, "GET", "/v1/whoami", "", header, "Bearer "+text).mustBeRefused(t)
	}
}

// TestNothingElseIsTrusted: neither where a request says that it comes from, nor
// what a browser sends along by itself, stands in for a key.
func TestNothingElseIsTrusted(t *testing.T) {
	w := newWorld(t)
	w.unlimited()
	_, text := w.mint(t, "full", "acme/prod")
	headers := []string{
		"Origin", w.url, "Referer", "http://127.0.0.1/", "Sec-Fetch-Site", "same-origin", "X-Forwarded-For", "10.1.2.3", "X-Real-Ip", "10.1.2.3",
		"Forwarded", "for=10.1.2.3;host=localhost", "X-Forwarded-Host", "localhost", "X-Envoy-External-Address", "10.1.2.3", "X-Forwarded-Proto", "https",
		"Cookie", "keygate=" + text + "; __Host-keygate=" + text + "; session=" + text, headerClaimed, "uid:0", "X-Keygate-Uid", "0",
	}
	for _, host := range []string{"", "localhost", "keygate", "127.0.0.1", "evil.example"} {
		c := w.remote(t, "")
		c.http.Transport = withHost{host, c.http.Transport}
		ask(t, c, "GET", "/v1/keys", "", headers...).mustBeRefused(t)
		ask(t, c, "POST", "/v1/keys", `{"name":"a","permission":"read"}`, headers...).mustBeRefused(t)
	}
	c := w.remote(t, text)
	made := ask(t, c, "POST", "/v1/keys", `{"name":"a","permission":"read"}`, headers...)
	if made.status != 201 || len(made.header.Values("Set-Cookie"))+len(made.header.Values("Access-Control-Allow-Origin")) > 0 {
		t.Fatalf("%d %v %s", made.status, made.header, made.body)
	}
	for entry, err := range w.Audit(t.Context(), AuditFilter{KeyID: field(t, made, "id")}) {
		if err != nil || entry.Address != "127.0.0.1" || entry.Claimed != "uid:0" || !strings.HasPrefix(string(entry.Actor), "key:") {
			t.Errorf("%+v, %v", entry, err)
		}
	}
	preflight := ask(t, c, "OPTIONS", "/v1/keys", "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "authorization")
	for name := range preflight.header {
		if preflight.status != 405 || strings.HasPrefix(name, "Access-Control") {
			t.Errorf("a preflight: %d, %s", preflight.status, name)
		}
	}
}

// withHost sends another Host than it connects to.
type withHost struct {
	host string
	http.RoundTripper
}

func (h withHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.host != "" {
		r.Host = h.host
	}
	return h.RoundTripper.RoundTrip(r)
}

func TestHeadersGivenTwice(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{headerClaimed, headerReason, headerRequestID, headerOnce, headerMatch} {
		w.ask(t, "POST", "/v1/keys", `{"name":"a","permission":"read"}`, name, "a", name, "b").
			mustBe(t, 400, refused("BAD_REQUEST", name+": given more than once"))
	}
	w.mustHold(t, 0)
}

func TestEveryKeyMayEndItself(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.FullKeysManage = func() bool { return false } })
	w.unlimited()
	for _, permission := range []string{"read", "write", "full", "operator"} {
		id, text := w.mint(t, permission, "acme/prod")
		c := w.remote(t, text)
		key, err := c.RevokeSelf(t.Context())
		if err != nil || key.ID != id || key.Status != keystore.Revoked {
			t.Errorf("%s: %+v, %v", permission, key, err)
		}
		if _, err := c.RevokeSelf(t.Context()); !isStatus(err, 401) {
			t.Errorf("%s, again: %v", permission, err)
		}
		if r, err := w.store.Lookup(text); err != nil || r.RevokedAt.IsZero() {
			t.Errorf("%s: %+v, %v", permission, r, err)
		}
	}
	if _, err := w.RevokeSelf(t.Context()); !isStatus(err, 409) {
		t.Errorf("over the socket: %v", err)
	}
}

func TestWhoamiTellsRoleAndScope(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		permission, place string
		role              Role
		account           Text
		workspace         Text
	}{
		{"read", "acme/prod", RoleHolder, "acme", "prod"},
		{"full", "acme/prod", RoleManager, "acme", "prod"},
		{"operator", "acme/prod", RoleOperator, "acme", "prod"},
		{"operator", "acme", RoleOperator, "acme", ""},
		{"operator", "", RoleOperator, "", ""},
	} {
		id, text := w.mint(t, row.permission, row.place)
		got, err := w.remote(t, text).Whoami(t.Context())
		if err != nil || got.Key == nil || got.Key.ID != id {
			t.Fatalf("%+v, %v", got, err)
		}
		got.Key = nil
		if diff := cmp.Diff(Whoami{Role: row.role, Actor: Text("key:" + id), Account: row.account, Workspace: row.workspace}, got); diff != "" {
			t.Errorf("%s of %q: %s", row.permission, row.place, diff)
		}
	}
	if got, err := w.Whoami(t.Context()); err != nil || got.Role != RoleOwner || got.Key != nil || !strings.HasPrefix(string(got.Actor), "uid:") {
		t.Errorf("over the socket: %+v, %v", got, err)
	}
}

// TestDescendants: a key's whole family ends with it, and nobody else's.
func TestDescendants(t *testing.T) {
	w := newWorld(t)
	w.unlimited()
	make := func(c *Client) (string, *Client) {
		t.Helper()
		key, text, err := c.Create(t.Context(), CreateRequest{Name: "made", Permission: "full"})
		if err != nil {
			t.Fatal(err)
		}
		return key.ID, w.remote(t, text.Reveal())
	}
	_, text := w.mint(t, "full", "acme/prod")
	bystander := w.remote(t, text)
	other, _ := make(bystander)
	leakedID, text := w.mint(t, "full", "acme/prod")
	childID, child := make(w.remote(t, text))
	grandchildID, _ := make(child)
	foreign := w.operator(t, "globex")

	if _, err := foreign.Revoke(t.Context(), leakedID, true); !isStatus(err, 404) {
		t.Errorf("from another account: %v", err)
	}
	if key, err := bystander.Get(t.Context(), leakedID); err != nil || key.Made != 2 {
		t.Errorf("%+v, %v", key, err)
	}
	ended, err := bystander.Revoke(t.Context(), leakedID, false)
	if err != nil || ended.Descendants != 0 || ended.Living != 2 {
		t.Errorf("without descendants: %+v, %v", ended, err)
	}
	if who, err := child.Whoami(t.Context()); err != nil || who.Key.CreatedBy != Text("key:"+leakedID) {
		t.Errorf("the child: %+v, %v", who, err)
	}
	ended, err = bystander.Revoke(t.Context(), leakedID, true)
	if err != nil || ended.Descendants != 2 || ended.Living != 0 {
		t.Errorf("with descendants: %+v, %v", ended, err)
	}
	ask(t, child, "GET", "/v1/whoami", "").mustBeRefused(t)
	for _, id := range []string{childID, grandchildID} {
		if key, err := w.Get(t.Context(), id); err != nil || key.Status != keystore.Revoked {
			t.Errorf("%+v, %v", key, err)
		}
	}
	if key, err := w.Get(t.Context(), other); err != nil || key.Status != keystore.Active {
		t.Errorf("a key of another: %+v, %v", key, err)
	}
}

// TestReadinessIsToldToTheOwnerAlone: nobody was asked for a key.
func TestReadinessIsToldToTheOwnerAlone(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Ready = func() error { return fmt.Errorf("the disk under /var/lib is gone") } })
	_, text := w.mint(t, "operator", "")
	for _, c := range []*Client{w.remote(t, ""), w.remote(t, text)} {
		ask(t, c, "GET", "/v1/health?ready=true", "").
			mustBe(t, 503, refused("UNAVAILABLE", "not ready; the server's log, and its socket, say why"))
		if err := c.Health(t.Context(), false); err != nil {
			t.Error(err)
		}
	}
	if err := w.Health(t.Context(), true); err == nil || err.Error() != "the disk under /var/lib is gone" {
		t.Errorf("over the socket: %v", err)
	}
}

// TestOpenAPIIsForEverybody: it tells what there is, and nothing of what is stored.
func TestOpenAPIIsForEverybody(t *testing.T) {
	w := newWorld(t)
	w.mint(t, "full", "acme/secretworkspace")
	r := ask(t, w.remote(t, ""), "GET", "/openapi.json", "")
	var document map[string]any
	if err := json.Unmarshal([]byte(r.body), &document); err != nil || r.status != 200 || document["openapi"] == nil || strings.Contains(r.body, "secretworkspace") {
		t.Errorf("%d, %v", r.status, err)
	}
}

// TestKeyThatEndsBeforeTheChange: a key that was let in, and ended together with all
// that it made before its call had its turn, leaves nothing behind.
func TestKeyThatEndsBeforeTheChange(t *testing.T) {
	w := newWorld(t)
	target, _ := w.mint(t, "read", "acme/prod")
	id, text := w.mint(t, "operator", "acme")
	who, err := w.server.SignIn(keystore.NewSecret(text), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	k := w.server.Keyring(who, keystore.By{})
	pending, err := k.BeginImport(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	part := []textLine{{1, []byte(importLine(1, `,"account":"acme"`))}}
	if bad, err := k.addToImport(pending, part); err != nil || len(bad) > 0 {
		t.Fatal(bad, err)
	}
	if _, err := w.Revoke(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	before := listed(t, w.Client, ListFilter{Status: keystore.Active})
	for name, call := range map[string]func() error{
		"create": func() error {
			_, _, err := k.Create(t.Context(), keystore.NewKey{Name: "late", Permission: keystore.Full})
			return err
		},
		"update": func() error {
			_, err := k.Update(t.Context(), target, keystore.Change{Enabled: ptr(false)})
			return err
		},
		"rotate": func() error { _, _, _, err := k.Rotate(t.Context(), target, keystore.Rotation{}); return err },
		"revoke": func() error { _, _, err := k.Revoke(t.Context(), target, true); return err },
		"all":    func() error { _, err := k.RevokeAll(t.Context(), keystore.Filter{Account: "acme"}, false); return err },
		"finish": func() error { _, err := k.FinishImport(t.Context(), pending); return err },
		"begin":  func() error { _, err := k.BeginImport(t.Context(), false); return err },
	} {
		if err := call(); StatusOf(err) != 401 && name != "begin" || err == nil {
			t.Errorf("%s: %v", name, err)
		} else if name != "begin" && MessageOf(err, true) != unauthorizedMessage {
			t.Errorf("%s says %q", name, MessageOf(err, true))
		}
	}
	if diff := cmp.Diff(before, listed(t, w.Client, ListFilter{Status: keystore.Active})); diff != "" {
		t.Error(diff)
	}
}

// TestRouteThatSaysNothingIsTheOwners: a route whose access was forgotten is closed.
func TestRouteThatSaysNothingIsTheOwners(t *testing.T) {
	w := newWorld(t)
	type none struct{}
	read(w.server, endpoint{id: "forgotten", method: "GET", path: "/v1/forgotten"}, func(context.Context, *none) (int, error) { return 7, nil })
	w.server.mux.HandleFunc("GET /v1/raw", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, `{"success":true,"data":7}`) })
	for _, path := range []string{"/v1/forgotten", "/v1/raw"} {
		ask(t, w.remote(t, ""), "GET", path, "").mustBeRefused(t)
		ask(t, w.operator(t, ""), "GET", path, "").mustBe(t, 403, refused("FORBIDDEN", "this takes the Unix socket"))
		w.ask(t, "GET", path, "").mustBe(t, 200, `{"success":true,"data":7}`+"\n")
	}
}
