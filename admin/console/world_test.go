package console

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/antinium/keygate/admin"
	"github.com/antinium/keygate/keystore"
	"github.com/antinium/keygate/usage"
)

// world is a console on a real listener, over a real keystore and real usage.
type world struct {
	store   *keystore.Store
	usage   *usage.Recorder
	server  *admin.Server
	console *Console
	url     string
	log     *logBuffer
	clock   *clock
	manage  atomic.Bool // admin.full_keys_manage
}

// clock is the time of sessions and links, which tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time              { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(d time.Duration)        { c.ahead.Add(int64(d)) }
func (w *world) by(actor string) keystore.By { return keystore.By{Actor: actor} }

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

// newWorld starts a console. public is where browsers are said to reach it; ""
// is where it listens.
func newWorld(t testing.TB, public string) *world { return newWorldBehind(t, public, "", "") }

// newWorldBehind is newWorld with the files of a certificate and its key.
func newWorldBehind(t testing.TB, public, certFile, keyFile string) *world {
	t.Helper()
	w := &world{log: &logBuffer{}, clock: &clock{}}
	w.manage.Store(true)
	dir := t.TempDir()
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.store = must(keystore.Open(keystore.Options{Path: filepath.Join(dir, "keys.db")}))(t)
	t.Cleanup(func() { _ = w.store.Close() })
	w.usage = must(usage.Open(usage.Options{Path: filepath.Join(dir, "usage.db"), Log: log}))(t)
	t.Cleanup(func() { _ = w.usage.Close() })
	w.server = admin.New(admin.Options{
		Store: w.store, Usage: w.usage, Log: log, FullKeysManage: w.manage.Load,
		ConsoleLink: func(p admin.Principal) (admin.ConsoleLink, error) { return w.console.Link(p) },
	})
	l := must(admin.ListenTCP("127.0.0.1:0", certFile, keyFile, log))(t)
	w.url = "http://" + l.Addr().String()
	if certFile != "" {
		w.url = "https://" + l.Addr().String()
	}
	if public == "" {
		public = w.url
	}
	w.console = must(newConsole(Options{Server: w.server, URL: public, AuditKept: "400 days", Log: log}, w.clock.now))(t)
	w.server.SetConsole(w.console)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return w
}

// must fails the test on an error.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// key makes a key over the socket, so to speak.
func (w *world) key(t testing.TB, k keystore.NewKey) (*keystore.Record, string) {
	t.Helper()
	if k.Name == "" {
		k.Name = "a key"
	}
	r, text, err := w.store.Create(k, w.by("uid:1000"))
	if err != nil {
		t.Fatal(err)
	}
	return r, text.Reveal()
}

func (w *world) full(t testing.TB) (*keystore.Record, string) {
	return w.key(t, keystore.NewKey{Name: "the manager", Permission: keystore.Full})
}

// browser is one without JavaScript: it keeps cookies and follows redirects.
type browser struct {
	world   *world
	client  *http.Client
	cookies map[string]string
}

func (w *world) browser(t testing.TB) *browser {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{w, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, map[string]string{}}
}

// signedIn is a browser in which a key was pasted.
func (w *world) signedIn(t testing.TB, text string) *browser {
	t.Helper()
	b := w.browser(t)
	if p := b.post(t, "/console/sign-in", url.Values{"key": {text}}); p.path != listPath || p.status != 200 {
		t.Fatalf("signing in led to %s with %d", p.path, p.status)
	}
	return b
}

// visited is a page as it came.
type visited struct {
	status int
	path   string // of the request that was answered at last
	header http.Header
	body   string
}

func (b *browser) get(t testing.TB, path string) visited {
	t.Helper()
	return b.do(t, http.MethodGet, path, "")
}

func (b *browser) post(t testing.TB, path string, form url.Values, headers ...string) visited {
	t.Helper()
	return b.do(t, http.MethodPost, path, form.Encode(), headers...)
}

func (b *browser) do(t testing.TB, method, path, body string, headers ...string) visited {
	t.Helper()
	for range 5 {
		p := b.once(t, method, path, body, headers...)
		to := p.header.Get("Location")
		if p.status/100 != 3 {
			return p
		}
		method, path, body = http.MethodGet, to, ""
	}
	t.Fatalf("%s leads in circles", path)
	return visited{}
}

// once makes one request and keeps the cookies of the answer, Secure or not.
func (b *browser) once(t testing.TB, method, path, body string, headers ...string) visited {
	t.Helper()
	req, err := http.NewRequest(method, b.world.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	resp, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return visited{resp.StatusCode, path, resp.Header, string(answer)}
}

// form is what a form of the page sends if nothing is filled in: action is what
// its address ends with.
func (p visited) form(t testing.TB, action string) (path string, values url.Values) {
	t.Helper()
	root := must(html.Parse(strings.NewReader(p.body)))(t)
	for n := range root.Descendants() {
		if n.Data == "form" && strings.HasSuffix(attr(n, "action"), action) && attr(n, "method") == "post" {
			return attr(n, "action"), fieldsOf(n)
		}
	}
	t.Fatalf("%s (%d) has no form to %s", p.path, p.status, action)
	return "", nil
}

func fieldsOf(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		choice := attr(n, "type") == "radio" || attr(n, "type") == "checkbox"
		if name := attr(n, "name"); name != "" && (!choice || has(n, "checked")) {
			values.Set(name, attr(n, "value"))
		}
		if n.Data == "textarea" && n.FirstChild != nil {
			values.Set(attr(n, "name"), n.FirstChild.Data)
		}
	}
	return values
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// submit opens a page, fills in a form of it and sends it. fill are pairs.
func (b *browser) submit(t testing.TB, page, action string, fill ...string) visited {
	t.Helper()
	path, values := b.get(t, page).form(t, action)
	for i := 0; i+1 < len(fill); i += 2 {
		values.Set(fill[i], fill[i+1])
	}
	return b.post(t, path, values)
}

// secret is the text of the key that a page shows, or "".
func (p visited) secret(t testing.TB) string {
	t.Helper()
	for _, e := range elements(t, p.body) {
		if attr(e, "id") == "secret" && e.FirstChild != nil {
			return e.FirstChild.Data
		}
	}
	return ""
}

func (p visited) mustSay(t testing.TB, status int, words ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("%s: %d, want %d", p.path, p.status, status)
	}
	text := textOf(t, p.body)
	for _, want := range words {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q:\n%s", p.path, want, text)
		}
	}
}

// textOf is what a reader sees of a page, with single spaces.
func textOf(t testing.TB, page string) string {
	var text strings.Builder
	for n := range must(html.Parse(strings.NewReader(page)))(t).Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "title" {
			text.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
