package admin

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/antinium/keygate/keystore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a server on a real socket over a real keystore.
type world struct {
	*Client
	store  *keystore.Store
	server *Server
	socket string
	url    string // of the TCP listener, which the first call of remote starts
	log    *logBuffer
	stop   func() // ends Serve and waits for it
}

// logBuffer is everything that was logged.
type logBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *logBuffer) lines() []string {
	return strings.Split(strings.TrimSuffix(l.String(), "\n"), "\n")
}

// folder is one with a name short enough for a socket in it.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func mustOpenStore(t testing.TB, path string) *keystore.Store {
	t.Helper()
	store, err := keystore.Open(keystore.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// newWorld starts a server; tune may change its options and add routes.
func newWorld(t testing.TB, tune ...func(*Options)) *world {
	t.Helper()
	dir := folder(t)
	w := &world{socket: filepath.Join(dir, "admin.sock"), log: &logBuffer{}}
	w.store = mustOpenStore(t, filepath.Join(dir, "keys.db"))
	opts := Options{Store: w.store, Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range tune {
		f(&opts)
	}
	w.server = New(opts)
	return w.start(t)
}

// remote is a client that calls over TCP with a key; "" is none.
func (w *world) remote(t testing.TB, key string) *Client {
	t.Helper()
	if w.url == "" {
		l, err := ListenTCP("127.0.0.1:0", "", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, w.server, l)
		w.url = "http://" + l.Addr().String()
	}
	c, err := NewRemoteClient(w.url, keystore.NewSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// mint makes a key over the socket: "read", "operator" and so on, in "account/workspace".
func (w *world) mint(t testing.TB, permission, place string) (id, text string) {
	t.Helper()
	account, workspace, _ := strings.Cut(place, "/")
	key, secret, err := w.Create(t.Context(), CreateRequest{Name: permission + " of " + place, Permission: permission, Account: account, Workspace: workspace})
	if err != nil {
		t.Fatal(err)
	}
	return key.ID, secret.Reveal()
}

// operator is a client with an operator key of "account/workspace".
func (w *world) operator(t testing.TB, place string) *Client {
	t.Helper()
	_, text := w.mint(t, "operator", place)
	return w.remote(t, text)
}

func (w *world) start(t testing.TB) *world {
	t.Helper()
	l, err := Listen(w.socket)
	if err != nil {
		t.Fatal(err)
	}
	w.stop = serve(t, w.server, l)
	w.Client = NewClient(w.socket)
	t.Cleanup(w.Client.Close)
	return w
}

// serve runs the server until stop, which may be called again.
func serve(t testing.TB, s *Server, l net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends bytes that the Client would not send, over the socket. headers are pairs.
func (w *world) ask(t testing.TB, method, target, body string, headers ...string) reply {
	t.Helper()
	return ask(t, w.Client, method, target, body, headers...)
}

// ask sends bytes the way that a client goes.
func ask(t testing.TB, c *Client, method, target, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, c.base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key := c.key.Reveal(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	mustBeDocumented(t, req, resp.StatusCode)
	return reply{resp.StatusCode, resp.Header, string(answer)}
}

// refused is the envelope of a refusal, to the byte.
func refused(code, message string) string {
	var b bytes.Buffer
	_ = writeJSON(&b, map[string]string{"m": message})
	quoted := strings.TrimSuffix(strings.TrimPrefix(b.String(), `{"m":`), "}\n")
	return `{"success":false,"error":{"code":"` + code + `","message":` + quoted + "}}\n"
}

func (r reply) mustBe(t testing.TB, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("got  %d %swant %d %s", r.status, r.body, status, body)
	}
	r.mustBeOurs(t)
}

// mustBeOurs checks what holds for every answer.
func (r reply) mustBeOurs(t testing.TB) {
	t.Helper()
	if got := r.header.Values("Content-Type"); len(got) != 1 || got[0] != "application/json" {
		t.Errorf("content-type %q", got)
	}
	if got := r.header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("cache-control %q", got)
	}
	if got := r.header.Values("Link"); got != nil || strings.Contains(r.body, "$schema") {
		t.Errorf("huma's own links in the answer: %q %s", got, r.body)
	}
}

func mustCreate(t testing.TB, w *world, name string) (Key, string) {
	t.Helper()
	key, text, err := w.Create(t.Context(), CreateRequest{Name: name, Permission: "read"})
	if err != nil {
		t.Fatal(err)
	}
	return key, text.Reveal()
}

// asOwner is a request as it comes over the Unix socket.
func asOwner(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), peerKey{}, peer{owner: true, actor: "uid:0"}))
}
