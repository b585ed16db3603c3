package envoy

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
)

// upstream is the API behind Envoy: go-httpbin, which remembers what reached it.
type upstream struct {
	*httptest.Server
	lock sync.Mutex
	seen []seen
	hold http.HandlerFunc // answers /anything/v1/hold; nil: go-httpbin does
}

// seen is one request as the upstream saw it.
type seen struct {
	method, target string
	header         http.Header
}

func startUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(u.remember(httpbin.New()))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) remember(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.lock.Lock()
		u.seen = append(u.seen, seen{r.Method, r.RequestURI, r.Header.Clone()})
		hold := u.hold
		u.lock.Unlock()
		if hold != nil && r.URL.Path == "/anything/v1/hold" {
			hold(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requests gives everything that reached the upstream so far.
func (u *upstream) requests() []seen {
	u.lock.Lock()
	defer u.lock.Unlock()
	return slices.Clone(u.seen)
}

// probeHeader marks a request of a test, so that it is known at the upstream.
const probeHeader = "X-Probe"

// probe gives the request that was marked, or false if it never came.
func (u *upstream) probe(mark string) (seen, bool) {
	for _, s := range u.requests() {
		if s.header.Get(probeHeader) == mark {
			return s, true
		}
	}
	return seen{}, false
}

// identity gives the headers of s that an application could take for keygate's,
// whichever way it reads names: lower case, "_" as "-".
func (s seen) identity() map[string][]string {
	found := map[string][]string{}
	for name, values := range s.header {
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if strings.HasPrefix(name, "x-antinium-") {
			found[name] = append(found[name], values...)
		}
	}
	return found
}
