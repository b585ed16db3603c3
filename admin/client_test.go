package admin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/keystore"
)

func TestListWalksAllPages(t *testing.T) {
	w := newWorld(t)
	var want []Key
	for i := range 7 {
		key, _ := mustCreate(t, w, fmt.Sprint("key ", i))
		want = append(want, key)
	}
	for _, size := range []int{0, 1, 2, 3, 7, 500} {
		var got []Key
		for key, err := range w.list(t.Context(), ListFilter{}, size) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: %s", size, diff)
		}
	}
	for key, err := range w.list(t.Context(), ListFilter{}, 2) {
		if err != nil || !cmp.Equal(key, want[0]) {
			t.Errorf("%+v, %v", key, err)
		}
		break // the rest is not asked for
	}
}

func TestListDefaultPageIsNotTheEnd(t *testing.T) {
	w := newWorld(t)
	const n = 101 // one more than a page
	for range n {
		if _, _, err := w.store.Create(keystore.NewKey{Name: "a", Permission: keystore.Read}, keystore.By{}); err != nil {
			t.Fatal(err)
		}
	}
	got := 0
	for _, err := range w.List(t.Context(), ListFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != n {
		t.Errorf("%d keys, want %d", got, n)
	}
}

func TestListFilters(t *testing.T) {
	w := newWorld(t)
	for _, c := range []CreateRequest{
		{Name: "1", Permission: "read", Account: "a", Workspace: "x"},
		{Name: "2", Permission: "full", Account: "a", Workspace: "y"},
		{Name: "3", Permission: "full", Account: "b", Workspace: "x"},
	} {
		if _, _, err := w.Create(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for want, f := range map[string]ListFilter{
		"1 2 3": {},
		"1 2":   {Account: "a"},
		"1 3":   {Workspace: "x"},
		"1":     {Account: "a", Workspace: "x"},
		"2 3":   {Permission: keystore.Full, Status: keystore.Active},
		"":      {Status: keystore.Revoked},
	} {
		var names []string
		for key, err := range w.List(t.Context(), f) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, key.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

func TestListEndsAfterAnError(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		mustCreate(t, w, "a")
	}
	var keys, errs int
	for _, err := range w.list(t.Context(), ListFilter{}, 2) {
		if err != nil {
			errs++
			continue
		}
		if keys++; keys == 2 {
			_ = w.store.Close()
		}
	}
	if keys != 2 || errs != 1 {
		t.Errorf("%d keys and %d errors", keys, errs)
	}
}

// impostor answers every request on a socket by its own idea of an answer.
func impostor(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	socket := filepath.Join(folder(t), "s.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: answer}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	c := NewClient(socket)
	t.Cleanup(func() { c.Close(); _ = srv.Close(); <-done })
	return c
}

func TestListDoesNotAskForEver(t *testing.T) {
	c := impostor(t, func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, `{"success":true,"data":{"keys":[],"next":"same"}}`)
	})
	var last error
	for _, err := range c.List(t.Context(), ListFilter{}) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "same page twice") {
		t.Errorf("got %v", last)
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{unknownID, "", ".", "..", "a/b", "a b", "?x=1", "%"} {
		_, err := w.Get(t.Context(), id)
		var refusal *APIError
		if !errors.As(err, &refusal) || refusal.Status != 404 || refusal.Code != "NOT_FOUND" || !strings.Contains(err.Error(), "`keygate keys list` shows them") {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := w.Find(t.Context(), keystore.NewSecret("nonsense")); !isStatus(err, 404) {
		t.Errorf("find: %v", err)
	}
	if _, _, err := w.Create(t.Context(), CreateRequest{Name: "a", Permission: "admin"}); !isStatus(err, 400) {
		t.Errorf("create: %v", err)
	}
}

func isStatus(err error, status int) bool {
	var refusal *APIError
	return errors.As(err, &refusal) && refusal.Status == status
}

func TestClientLifeOfAKey(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	key, text, err := w.Create(ctx, CreateRequest{Name: "a", Permission: "write", Account: "acme", Workspace: "prod", Expires: ptr("30d")})
	if err != nil || key.Permission != keystore.Write || key.ExpiresAt.IsZero() {
		t.Fatalf("%+v, %v", key, err)
	}
	if found, err := w.Find(ctx, text); err != nil || !cmp.Equal(found, key) {
		t.Fatalf("%+v, %v", found, err)
	}
	rotated, err := w.Rotate(ctx, key.ID, RotateRequest{Overlap: ptr("0"), Expires: ptr("never")})
	if err != nil || rotated.Old.Status != keystore.Expired || !rotated.New.ExpiresAt.IsZero() || rotated.New.Workspace != "prod" {
		t.Fatalf("%+v, %v", rotated, err)
	}
	if s := fmt.Sprintf("%v %+v %#v", rotated, rotated, rotated); strings.Contains(s, rotated.Text.Reveal()) {
		t.Errorf("printing shows the text: %s", s)
	}
	ended, err := w.Revoke(ctx, rotated.New.ID, false)
	if err != nil || ended.Status != keystore.Revoked {
		t.Fatalf("%+v, %v", ended, err)
	}
	r, err := w.store.Lookup(rotated.Text.Reveal())
	if err != nil || r.Status(w.store.Now()) != keystore.Revoked {
		t.Errorf("a look-up after the revoke returned sees %+v, %v", r, err)
	}
}

func TestAnswersOfAnotherProgram(t *testing.T) {
	for name, body := range map[string]string{
		"html": "<html>", "empty": "", "other json": `{"ok":true}`, "no envelope": `[]`,
		"wrong data": `{"success":true,"data":[1]}`, "no data": `{"success":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := impostor(t, func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, body) })
			if _, err := c.Get(t.Context(), unknownID); err == nil || !strings.Contains(err.Error(), "is not one of keygate") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	c := impostor(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("followed a redirect")
		}
		http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if _, err := c.Get(t.Context(), unknownID); err == nil {
		t.Error("no error")
	}
}

func TestHeadersThatCannotBeSent(t *testing.T) {
	w := newWorld(t)
	w.Reason = "two\nlines"
	_, err := w.Revoke(t.Context(), unknownID, false)
	if !isStatus(err, 400) || err.Error() != "reason: must hold printable characters only" {
		t.Errorf("got %v", err)
	}
}

func TestEveryCallHasARequestID(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	c := impostor(t, func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Header.Get(headerRequestID)] = true
		fmt.Fprint(rw, `{"success":true,"data":{}}`)
	})
	for range 3 {
		if err := c.Health(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 3 || seen[""] {
		t.Errorf("ids %v", seen)
	}
}

func TestClientIgnoresProxies(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	if err := newWorld(t).Health(t.Context(), false); err != nil {
		t.Error(err)
	}
}

// TestPlainHTTP is what a script does that has no client: bytes on the socket.
func TestPlainHTTP(t *testing.T) {
	w := newWorld(t)
	conn, err := net.Dial("unix", w.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/health HTTP/1.1\r\nHost: keygate\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "{\"success\":true,\"data\":{\"status\":\"ok\"}}\n" {
		t.Errorf("got %s", body)
	}
}
