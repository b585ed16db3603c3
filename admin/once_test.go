package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

const plainCreate = `{"name":"a","permission":"read"}`

// refusedWithID is the answer to a call that was made before.
func refusedWithID(id string) string {
	message := (&keystore.RepeatedError{ID: id}).Error()
	return strings.Replace(refused("CONFLICT", message), "}}\n", `,"id":"`+id+`"}}`+"\n", 1)
}

func TestRepeatedCreateMakesOneKey(t *testing.T) {
	w := newWorld(t)
	made := w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, "deploy-17")
	if made.status != 201 {
		t.Fatalf("%d %s", made.status, made.body)
	}
	for _, body := range []string{plainCreate, `{"name":"other","permission":"full","account":"acme"}`} { // the name counts, whatever is asked
		w.ask(t, "POST", "/v1/keys", body, headerOnce, "deploy-17").mustBe(t, 409, refusedWithID(field(t, made, "id")))
	}
	w.mustHold(t, 1)
	var again *APIError
	_, _, err := w.Create(t.Context(), CreateRequest{Name: "a", Permission: "read", IdempotencyKey: "deploy-17"})
	if !errors.As(err, &again) || again.ID != field(t, made, "id") {
		t.Errorf("by the client: %v", err)
	}
	if r := w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, "deploy-18"); r.status != 201 {
		t.Errorf("another name: %d %s", r.status, r.body)
	}
	if r := w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, ""); r.status != 201 {
		t.Errorf("no name: %d %s", r.status, r.body)
	}
	w.mustHold(t, 3)
}

func TestRefusedCreateIsNoFirstCall(t *testing.T) {
	w := newWorld(t)
	w.ask(t, "POST", "/v1/keys", `{"name":" ","permission":"read"}`, headerOnce, "x")
	if r := w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, "x"); r.status != 201 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestRepeatedRotateMakesOneKey(t *testing.T) {
	w := newWorld(t)
	key, _ := mustCreate(t, w, "a")
	path := "/v1/keys/" + key.ID + "/rotate"
	rotated := w.ask(t, "POST", path, "", headerOnce, "r")
	var pair struct{ Data rotatedKeys }
	if err := json.Unmarshal([]byte(rotated.body), &pair); err != nil || rotated.status != 200 {
		t.Fatalf("%d %s", rotated.status, rotated.body)
	}
	w.ask(t, "POST", path, "", headerOnce, "r").mustBe(t, 409, refusedWithID(pair.Data.New.ID))
	w.mustHold(t, 2)
	if r := w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, "r"); r.status != 201 { // a call of another kind
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestNamesOfCallsAreTheCallersOwn: nobody learns from them what another has called.
func TestNamesOfCallsAreTheCallersOwn(t *testing.T) {
	w := newScoped(t)
	const body = `{"name":"a","permission":"read","account":"acme","workspace":"prod"}`
	for name, c := range w.callers {
		if r := ask(t, c, "POST", "/v1/keys", body, headerOnce, "same"); r.status != 201 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if r := ask(t, c, "POST", "/v1/keys", body, headerOnce, "same"); r.status != 409 {
			t.Errorf("%s, again: %d %s", name, r.status, r.body)
		}
	}
	if r := w.ask(t, "POST", "/v1/keys", body, headerOnce, "same"); r.status != 201 {
		t.Errorf("over the socket: %d %s", r.status, r.body)
	}
}

func TestNamesOfCallsAreBounded(t *testing.T) {
	w := newWorld(t)
	_, text := mustCreate(t, w, "leaked")
	w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, strings.Repeat("x", 201)).
		mustBe(t, 400, refused("BAD_REQUEST", "idempotency_key: must have at most 200 characters"))
	w.ask(t, "POST", "/v1/keys", plainCreate, headerOnce, text).
		mustBe(t, 400, refused("BAD_REQUEST", "idempotency_key: holds the text of a key; treat that key as leaked and revoke it"))
}

// TestManyCreatesAtOnceMakeOneKey: twenty callers race with one name, and one wins.
func TestManyCreatesAtOnceMakeOneKey(t *testing.T) {
	w := newWorld(t)
	_, text := w.mint(t, "full", "acme/prod")
	w.remote(t, "") // starts the listener
	for name, row := range map[string]struct {
		request CreateRequest
		lost    func(key Key, text keystore.Secret, err error) bool
	}{
		"one name": {
			CreateRequest{Name: "a", Permission: "read", IdempotencyKey: "race"},
			func(_ Key, _ keystore.Secret, err error) bool { return isStatus(err, 409) },
		},
		"if absent": {
			CreateRequest{Name: "a", Permission: "read", IfAbsent: true, Labels: map[string]string{"id": "race"}},
			func(key Key, text keystore.Secret, err error) bool {
				return err == nil && key.ID != "" && text.Reveal() == ""
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			var mu sync.Mutex
			ids, won := map[string]bool{}, 0
			for range 20 {
				all.Go(func() {
					c, err := NewRemoteClient(w.url, keystore.NewSecret(text))
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					key, text, err := c.Create(t.Context(), row.request)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil && text.Reveal() != "":
						won++
					case !row.lost(key, text, err):
						t.Errorf("%+v, %v", key, err)
					}
					if key.ID != "" {
						ids[key.ID] = true
					}
				})
			}
			all.Wait()
			if won != 1 || len(ids) != 1 {
				t.Errorf("%d callers made a key, %d keys", won, len(ids))
			}
		})
	}
	w.mustHold(t, 3)
}

func TestCreateIfAbsent(t *testing.T) {
	w := newWorld(t)
	body := func(more string) string {
		return `{"name":"a","permission":"read","if_absent":true,"labels":{"id":"ci"}` + more + `}`
	}
	made := w.ask(t, "POST", "/v1/keys", body(""))
	if made.status != 201 || field(t, made, "key") == "" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	again := w.ask(t, "POST", "/v1/keys", body(`,"expires":"30d"`))
	if again.status != 200 || field(t, again, "id") != field(t, made, "id") || !strings.Contains(again.body, `"key":null`) ||
		again.header.Get("ETag") != made.header.Get("ETag") {
		t.Errorf("%d %v %s", again.status, again.header, again.body)
	}
	if n := strings.Count(w.log.String(), "create"); n != 1 {
		t.Errorf("%d lines: %s", n, w.log)
	}
	if other := w.ask(t, "POST", "/v1/keys", body(`,"account":"acme"`)); other.status != 201 {
		t.Errorf("in another account: %d %s", other.status, other.body)
	}
	w.ask(t, "POST", "/v1/keys", `{"name":"a","permission":"read","if_absent":true}`).
		mustBe(t, 400, refused("BAD_REQUEST", `if_absent: wants the label "id": it says which key must be absent`))
	if _, err := w.Revoke(t.Context(), field(t, made, "id"), false); err != nil {
		t.Fatal(err)
	}
	if fresh := w.ask(t, "POST", "/v1/keys", body("")); fresh.status != 201 {
		t.Errorf("after the end of the first: %d %s", fresh.status, fresh.body)
	}
}

// TestIfAbsentShowsNoOperatorKey: what is there already may be none of the caller's business.
func TestIfAbsentShowsNoOperatorKey(t *testing.T) {
	w := newWorld(t)
	hidden, _, err := w.Create(t.Context(), CreateRequest{
		Name: "a", Permission: "operator", Account: "acme", Workspace: "prod", Labels: map[string]string{"id": "ci"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, text := w.mint(t, "full", "acme/prod")
	r := ask(t, w.remote(t, text), "POST", "/v1/keys", `{"name":"a","permission":"read","if_absent":true,"labels":{"id":"ci"}}`)
	if strings.Contains(r.body, hidden.ID) || strings.Contains(r.body, hidden.Last4) && r.status == 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestIfMatch(t *testing.T) {
	w := newWorld(t)
	key, _ := mustCreate(t, w, "a")
	path := "/v1/keys/" + key.ID
	tag := func() string {
		t.Helper()
		r := w.ask(t, "GET", path, "")
		etag := r.header.Get("ETag")
		if len(etag) != 18 || etag[0] != '"' || etag[17] != '"' {
			t.Fatalf("etag %q", etag)
		}
		return etag
	}
	first := tag()
	if again := tag(); again != first {
		t.Errorf("etag %s became %s by looking", first, again)
	}
	changed := w.ask(t, "PATCH", path, `{"name":"b"}`, headerMatch, first)
	if changed.status != 200 || changed.header.Get("ETag") == first || changed.header.Get("ETag") != tag() {
		t.Errorf("%d %v %s", changed.status, changed.header, changed.body)
	}
	stale := w.ask(t, "PATCH", path, `{"name":"c"}`, headerMatch, first)
	if stale.status != http.StatusPreconditionFailed || !strings.Contains(stale.body, "PRECONDITION_FAILED") {
		t.Errorf("%d %s", stale.status, stale.body)
	}
	if _, err := w.Update(t.Context(), key.ID, UpdateRequest{Name: ptr("c"), IfMatch: strings.Trim(first, `"`)}); !isStatus(err, 412) {
		t.Errorf("by the client: %v", err)
	}
	for _, odd := range []string{"x", `"`, `""`, `W/` + first, first + ", " + first, `"` + first, "**"} {
		w.ask(t, "PATCH", path, `{"name":"c"}`, headerMatch, odd).
			mustBe(t, 400, refused("BAD_REQUEST", `If-Match: must be one ETag, as in "0123456789abcdef", or *`))
	}
	if got, err := w.Get(t.Context(), key.ID); err != nil || got.Name != "b" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, good := range []string{"*", ""} {
		if r := w.ask(t, "PATCH", path, `{"name":"d"}`, headerMatch, good); r.status != 200 {
			t.Errorf("%q: %d %s", good, r.status, r.body)
		}
	}
	_, text := w.mint(t, "full", "globex/prod")
	foreign := ask(t, w.remote(t, text), "PATCH", path, `{"name":"c"}`, headerMatch, first)
	unknown := ask(t, w.remote(t, text), "PATCH", "/v1/keys/"+unknownID, `{"name":"c"}`, headerMatch, first)
	foreign.body = strings.ReplaceAll(foreign.body, key.ID, unknownID)
	foreign.mustEqual(t, unknown, "a foreign key")
}

// TestOneOfManyChangesWins: with If-Match, of twenty changes of one state one is made.
func TestOneOfManyChangesWins(t *testing.T) {
	w := newWorld(t)
	key, _ := mustCreate(t, w, "a")
	revision := strings.Trim(w.ask(t, "GET", "/v1/keys/"+key.ID, "").header.Get("ETag"), `"`)
	var all sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		all.Go(func() {
			_, results[i] = w.Update(t.Context(), key.ID, UpdateRequest{Name: ptr(fmt.Sprint("name ", i)), IfMatch: revision})
		})
	}
	all.Wait()
	winner := ""
	for i, err := range results {
		switch {
		case err == nil && winner == "":
			winner = fmt.Sprint("name ", i)
		case !isStatus(err, 412):
			t.Errorf("change %d: %v", i, err)
		}
	}
	if got, err := w.Get(t.Context(), key.ID); err != nil || winner == "" || !cmp.Equal(got.Name, winner) {
		t.Errorf("%q won, and the name is %q, %v", winner, got.Name, err)
	}
}
