package admin

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

// scoped is a server with keys in several places, and callers of each scope.
type scoped struct {
	*world
	ids     map[string]string // of keys, by "permission account/workspace"
	texts   map[string]string
	callers map[string]*Client
}

// places are where every scoped world has a read key and an operator key.
var places = []string{"acme/prod", "acme/test", "globex/prod"}

// scopes are what each caller sees of them: read keys, and full.
var scopes = map[string][]string{
	"full acme/prod":     {"acme/prod"},
	"operator acme/prod": {"acme/prod"},
	"operator acme":      {"acme/prod", "acme/test"},
	"operator ":          {"acme/prod", "acme/test", "globex/prod"},
}

func newScoped(t *testing.T) *scoped {
	t.Helper()
	w := &scoped{newWorld(t), map[string]string{}, map[string]string{}, map[string]*Client{}}
	w.unlimited()
	add := func(permission, place string) {
		name := permission + " " + place
		w.ids[name], w.texts[name] = w.mint(t, permission, place)
	}
	for _, place := range places {
		add("read", place)
		add("operator", place)
	}
	add("full", "acme/prod")
	add("operator", "acme")
	add("operator", "")
	for name := range scopes {
		w.callers[name] = w.remote(t, w.texts[name])
	}
	return w
}

// visible are the ids that a caller may know of.
func (w *scoped) visible(caller string) (ids []string) {
	for name, id := range w.ids {
		permission, place, _ := strings.Cut(name, " ")
		if permission != "operator" && slices.Contains(scopes[caller], place) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *scoped) each(t *testing.T, do func(t *testing.T, name string, c *Client)) {
	for name, c := range w.callers {
		t.Run(name, func(t *testing.T) { do(t, name, c) })
	}
}

func listed(t *testing.T, c *Client, f ListFilter) (ids []string) {
	t.Helper()
	for key, err := range c.list(t.Context(), f, 1) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, key.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestListShowsTheScopeAlone(t *testing.T) {
	w := newScoped(t)
	w.each(t, func(t *testing.T, name string, c *Client) {
		visible := w.visible(name)
		if diff := cmp.Diff(visible, listed(t, c, ListFilter{})); diff != "" {
			t.Errorf("all: %s", diff)
		}
		for _, f := range []ListFilter{
			{Account: "globex"}, {Workspace: "test"}, {Account: "acme", Workspace: "test"}, {Name: "read of globex"}, {Permission: keystore.Operator}, {Newest: true},
			{Account: "nowhere"}, {Account: "acme", Permission: keystore.Operator, Status: keystore.Active},
		} {
			for _, id := range listed(t, c, f) {
				if !slices.Contains(visible, id) {
					t.Errorf("%+v shows %s", f, id)
				}
			}
		}
	})
}

// TestCursorOfAForeignKeyIsUnknown: a cursor would tell which ids there are, by the
// answer or by the time it takes.
func TestCursorOfAForeignKeyIsUnknown(t *testing.T) {
	w := newScoped(t)
	w.each(t, func(t *testing.T, name string, c *Client) {
		paths := []string{"/v1/keys?cursor="}
		if name == "operator " {
			paths = append(paths, "/v1/export?cursor=")
		}
		for _, path := range paths {
			unknown := ask(t, c, "GET", path+unknownID, "")
			unknown.mustBe(t, 400, refused("BAD_REQUEST", "cursor: is not one that a list returned"))
			for _, id := range w.ids {
				if r := ask(t, c, "GET", path+id, ""); slices.Contains(w.visible(name), id) {
					if r.status != 200 {
						t.Errorf("%s of its own: %d %s", path, r.status, r.body)
					}
				} else {
					r.mustEqual(t, unknown, path)
				}
			}
		}
	})
}

func TestFindKnowsTheScopeAlone(t *testing.T) {
	w := newScoped(t)
	_, unknown := newWorld(t).mint(t, "read", "")
	w.each(t, func(t *testing.T, name string, c *Client) {
		for key, text := range w.texts {
			got, err := c.Find(t.Context(), keystore.NewSecret(text))
			if slices.Contains(w.visible(name), w.ids[key]) {
				if err != nil || got.ID != w.ids[key] {
					t.Errorf("%s: %+v, %v", key, got, err)
				}
				continue
			}
			ask(t, c, "POST", "/v1/keys/find", `{"key":"`+text+`"}`).mustEqual(t, ask(t, c, "POST", "/v1/keys/find", `{"key":"`+unknown+`"}`), key)
		}
	})
}

func audited(t *testing.T, c *Client, f AuditFilter) (ids []string) {
	t.Helper()
	for entry, err := range c.Audit(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(entry.KeyID))
	}
	slices.Sort(ids)
	return ids
}

func TestAuditShowsTheScopeAlone(t *testing.T) {
	w := newScoped(t)
	w.each(t, func(t *testing.T, name string, c *Client) {
		visible := w.visible(name)
		if diff := cmp.Diff(visible, audited(t, c, AuditFilter{})); diff != "" {
			t.Errorf("all: %s", diff)
		}
		for key, id := range w.ids {
			var want []string
			if slices.Contains(visible, id) {
				want = []string{id}
			}
			if diff := cmp.Diff(want, audited(t, c, AuditFilter{KeyID: id})); diff != "" {
				t.Errorf("of %s: %s", key, diff)
			}
			account, workspace := placeOf(key)
			for _, id := range audited(t, c, AuditFilter{Account: account, Workspace: workspace}) {
				if !slices.Contains(visible, id) {
					t.Errorf("where %s is: shows %s", key, id)
				}
			}
		}
		foreign := ask(t, c, "GET", "/v1/audit?key="+w.ids["operator globex/prod"], "")
		foreign.mustEqual(t, ask(t, c, "GET", "/v1/audit?key="+unknownID, ""), "the audit of a foreign key")
	})
}

// TestRevokeAllStaysInTheScope: whatever a caller asks for, only what it sees ends.
func TestRevokeAllStaysInTheScope(t *testing.T) {
	for name := range scopes {
		t.Run(name, func(t *testing.T) {
			w := newScoped(t)
			c, ended := w.callers[name], map[string]bool{}
			for _, f := range []RevokeAllRequest{
				{Account: "nowhere"}, {Account: "globex"}, {Account: "acme", Workspace: "test"},
				{CreatedBefore: Time{w.store.Now().AddDate(1, 0, 0)}}, // the caller, if it is a full key, and so the last
			} {
				want := 0
				for key, id := range w.ids {
					if account, workspace := placeOf(key); !ended[id] && slices.Contains(w.visible(name), id) &&
						(f.Account == "" || f.Account == account) && (f.Workspace == "" || f.Workspace == workspace) {
						ended[id] = true
						want++
					}
				}
				for _, f.DryRun = range []bool{true, false} {
					if got, err := c.RevokeAll(t.Context(), f); err != nil || got.Count != want {
						t.Errorf("%+v: %d, %v, want %d", f, got.Count, err, want)
					}
				}
				for key, id := range w.ids {
					if r, err := w.store.Get(id); err != nil || r.RevokedAt.IsZero() == ended[id] {
						t.Errorf("%+v: %s is revoked at %v, %v", f, key, r.RevokedAt, err)
					}
				}
			}
		})
	}
}

func TestRevokeAllWantsToKnowWhat(t *testing.T) {
	w := newScoped(t)
	w.each(t, func(t *testing.T, _ string, c *Client) {
		ask(t, c, "POST", "/v1/keys/revoke", `{}`).
			mustBe(t, 400, refused("BAD_REQUEST", "account: give an account, a workspace or created_before: all keys at once cannot be meant"))
	})
}

// placeOf is the account and the workspace in the name of a key.
func placeOf(name string) (account, workspace string) {
	_, place, _ := strings.Cut(name, " ")
	account, workspace, _ = strings.Cut(place, "/")
	return account, workspace
}

func TestKeysAreMadeInTheScope(t *testing.T) {
	w := newScoped(t)
	const (
		noOperator = "operator keys are made over the Unix socket only: keygate keys create --operator"
		only       = "this key makes keys in "
	)
	for _, row := range []struct{ caller, place, permission, want string }{
		{"full acme/prod", "/", "full", "acme/prod"},
		{"full acme/prod", "acme/", "full", "acme/prod"},
		{"full acme/prod", "acme/prod", "full", "acme/prod"},
		{"full acme/prod", "acme/test", "read", only + "workspace acme/prod only"},
		{"full acme/prod", "/test", "read", only + "workspace acme/prod only"},
		{"full acme/prod", "globex/prod", "read", only + "workspace acme/prod only"},
		{"full acme/prod", "globex/", "read", only + "workspace acme/prod only"},
		{"full acme/prod", "/", "operator", noOperator},
		{"operator acme/prod", "/", "full", "acme/prod"},
		{"operator acme/prod", "acme/test", "read", only + "workspace acme/prod only"},
		{"operator acme/prod", "/", "operator", noOperator},
		{"operator acme", "/", "full", "acme/default"},
		{"operator acme", "/test", "read", "acme/test"},
		{"operator acme", "globex/prod", "read", only + "account acme only"},
		{"operator acme", "nowhere/prod", "read", only + "account acme only"},
		{"operator acme", "acme/prod", "operator", noOperator},
		{"operator ", "/", "full", "default/default"},
		{"operator ", "globex/new", "read", "globex/new"},
		{"operator ", "globex/new", "operator", noOperator},
	} {
		account, workspace, _ := strings.Cut(row.place, "/")
		key, _, err := w.callers[row.caller].Create(t.Context(), CreateRequest{Name: "made", Permission: row.permission, Account: account, Workspace: workspace})
		switch {
		case err != nil:
			if !isStatus(err, 403) || err.Error() != row.want {
				t.Errorf("%s in %s: %v, want %s", row.caller, row.place, err, row.want)
			}
		case string(key.Account+"/"+key.Workspace) != row.want:
			t.Errorf("%s in %s: made in %s/%s, want %s", row.caller, row.place, key.Account, key.Workspace, row.want)
		case string(key.CreatedBy) != "key:"+w.ids[row.caller]:
			t.Errorf("%s: made by %s", row.caller, key.CreatedBy)
		}
	}
}

func TestConsoleLinksAreWithinTheScope(t *testing.T) {
	var got Principal
	w := newWorld(t, func(o *Options) {
		o.ConsoleLink = func(p Principal) (ConsoleLink, error) { got = p; return ConsoleLink{URL: "u"}, nil }
	})
	for _, row := range []struct {
		from, body string
		status     int
		want       string
	}{
		{"owner", ``, 201, "operator of /"},
		{"owner", `{"account":"acme"}`, 201, "operator of acme/"},
		{"", `{"account":"acme","workspace":"prod"}`, 201, "operator of acme/prod"},
		{"", `{"workspace":"prod"}`, 400, "account: is required beside a workspace"},
		{"acme", ``, 201, "operator of acme/"},
		{"acme", `{"workspace":"prod"}`, 201, "operator of acme/prod"},
		{"acme", `{"account":"globex"}`, 403, "this key makes links into account acme only"},
		{"acme/prod", ``, 201, "operator of acme/prod"},
		{"acme/prod", `{"workspace":"test"}`, 403, "this key makes links into workspace acme/prod only"},
		{"acme", `{"workspace":"no such name"}`, 400, "workspace: "},
	} {
		c := w.Client
		if row.from != "owner" {
			c = w.operator(t, row.from)
		}
		got = Principal{}
		r := ask(t, c, "POST", "/v1/console-links", row.body)
		said := fmt.Sprintf("%s of %s/%s", got.Role, got.Account, got.Workspace)
		if r.status != row.status || row.status == 201 && said != row.want || row.status != 201 && !strings.Contains(r.body, row.want) {
			t.Errorf("%q asks %s: %d %s for %s", row.from, row.body, r.status, r.body, said)
		}
	}
}

// TestNarrowedOwnerIsNoOwner: a session is over TCP, where nobody knows operator keys.
func TestNarrowedOwnerIsNoOwner(t *testing.T) {
	w := newScoped(t)
	who, ok := ownerPrincipal("uid:1").Within("", "")
	if !ok || who.Actor != "uid:1" {
		t.Fatalf("%+v, %v", who, ok)
	}
	k := w.server.Keyring(who, keystore.By{})
	if _, err := k.Record(w.ids["operator acme/prod"]); StatusOf(err) != 404 {
		t.Errorf("an operator key: %v", err)
	}
	if _, _, err := k.Create(t.Context(), keystore.NewKey{Name: "a", Permission: keystore.Operator}); StatusOf(err) != 403 {
		t.Errorf("made an operator key: %v", err)
	}
	if _, ok := who.Within("acme", "prod"); !ok {
		t.Error("cannot be narrowed further")
	}
	narrow, _ := who.Within("acme", "prod")
	for _, wider := range [][2]string{{"", ""}, {"acme", ""}, {"acme", "test"}, {"globex", "prod"}, {"", "prod"}} {
		if p, ok := narrow.Within(wider[0], wider[1]); ok || p != (Principal{}) {
			t.Errorf("widened to %v: %+v", wider, p)
		}
	}
}

// TestAKeyWithoutARoleManagesNothing, whatever part of the program hands it on.
func TestAKeyWithoutARoleManagesNothing(t *testing.T) {
	w := newScoped(t)
	r, err := w.store.Get(w.ids["read acme/prod"])
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []Principal{{}, KeyPrincipal(r, "", true)} {
		k := w.server.Keyring(who, keystore.By{})
		_, err1 := k.Record(r.ID)
		_, _, err2 := k.List(keystore.Filter{}, "", 1)
		_, _, err3 := k.Create(t.Context(), keystore.NewKey{Name: "a", Permission: keystore.Read})
		_, err4 := k.RevokeAll(t.Context(), keystore.Filter{Account: "acme"}, false)
		_, err5 := k.Audit(AuditFilter{}, "", 1)
		_, _, err6 := k.Export("", 1)
		_, err7 := k.BeginImport(t.Context(), true)
		_, err8 := k.Find(w.texts["read acme/prod"])
		for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8} {
			if status := StatusOf(err); status != 403 && status != 404 && !errors.Is(err, keystore.ErrUnknownKey) {
				t.Errorf("%+v, call %d: %v", who, i+1, err)
			}
		}
	}
}

// TestDamagedRecordIsUnknown to all but the owner: nobody can tell whose it was.
func TestDamagedRecordIsUnknown(t *testing.T) {
	const name = "a name that is nowhere else"
	w := newScoped(t)
	key, secret, err := w.Create(t.Context(), CreateRequest{Name: name, Permission: "read", Account: "acme", Workspace: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(w.socket), "keys.db")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := bytes.Index(content, []byte(name)); at >= 0; at = bytes.Index(content, []byte(name)) {
		content[at] ^= 1
		if _, err := f.WriteAt(content[at:at+1], int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	body := `{"key":"` + secret.Reveal() + `"}`
	w.ask(t, "GET", "/v1/keys/"+key.ID, "").mustBe(t, 500, refused("INTERNAL", corruptMessage))
	w.ask(t, "POST", "/v1/keys/find", body).mustBe(t, 500, refused("INTERNAL", corruptMessage))
	w.each(t, func(t *testing.T, _ string, c *Client) {
		got, unknown := ask(t, c, "GET", "/v1/keys/"+key.ID, ""), ask(t, c, "GET", "/v1/keys/"+unknownID, "")
		got.body = strings.ReplaceAll(got.body, key.ID, unknownID)
		got.mustEqual(t, unknown, "by its id")
		if r := ask(t, c, "POST", "/v1/keys/find", body); r.status != 404 || !strings.Contains(r.body, "was not made by this store") {
			t.Errorf("by its text: %d %s", r.status, r.body)
		}
	})
	ask(t, w.remote(t, secret.Reveal()), "GET", "/v1/whoami", "").mustBeRefused(t)
}
