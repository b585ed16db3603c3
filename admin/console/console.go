// Package console is what people see of keygate in a browser: Settings -> API
// Keys, the audit log, and the way in and out.
//
// It has two halves. A page is a pure function: a struct of strings and plain
// values ([KeyList], [KeyPage], ...) goes through html/template and comes out as
// bytes ([Pages.Render]). [Console] answers requests: it settles who asks, calls
// the [admin.Keyring] of that principal, which alone decides who may do what, and
// fills the struct of a page.
//
// What a caller may rely on:
//
//   - Every page is whole without JavaScript. console.js adds the copy buttons,
//     the filter as one types and a guard against double taps; nothing needs it.
//   - No page holds an inline script, an inline style or a style attribute, so
//     that [Policy] can forbid them all. Nothing is loaded from anywhere else.
//   - What people gave (names, labels, reasons) is escaped by html/template and
//     by nothing else: no value is ever marked as safe.
//   - A key's text is in the answer to the POST that made the key ([ShownKey]) and
//     in no other, never in a URL, a log or a session.
//   - A session ends when its key does, after 30 minutes without use, after 12
//     hours, and at the sign-out, on the server. A restart ends all of them.
//   - What changes something is a POST from a page of the console itself: a form of
//     another site is refused by where it comes from, and for want of the
//     session's token.
package console

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/antinium/keygate/admin"
)

// Policy is the Content-Security-Policy that every page is made for.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Options are what a Console is made of.
type Options struct {
	// Server is required: it knows who presents a key and has the keys.
	Server *admin.Server

	// URL is where browsers reach the console: scheme, host and port. It begins the
	// one-time links. With https the session's cookie is for TLS only.
	URL string

	// TryURL is what the curl line beside a new key calls. "" is the one of the
	// documentation.
	TryURL string

	// AuditKept says how long the audit is kept, in words, for its page. "" says nothing.
	AuditKept string

	// Log takes what went wrong. nil is slog.Default().
	Log *slog.Logger
}

// Console answers requests for the console. Make one with New; it is safe for
// concurrent use and holds nothing that must be closed.
type Console struct {
	server   *admin.Server
	url      string
	tryURL   string
	kept     string
	log      *slog.Logger
	pages    *Pages
	sessions *ledger[session]
	links    *ledger[session]
	handler  http.Handler
	secure   bool
	now      func() time.Time
}

const documentedTryURL = "https://api.antinium.dev/v1/documents"

// New makes a Console. An error means that the URL is none.
func New(o Options) (*Console, error) { return newConsole(o, time.Now) }

func newConsole(o Options, now func() time.Time) (*Console, error) {
	at, err := url.Parse(o.URL)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("console: %q is not where a browser could go", o.URL)
	}
	c := &Console{
		server: o.Server, url: at.Scheme + "://" + at.Host, tryURL: o.TryURL, kept: o.AuditKept, log: o.Log, now: now, secure: at.Scheme == "https",
		sessions: newLedger[session](sessionIdle, sessionLife, maxSessions, maxOwn, now),
		links:    newLedger[session](linkLife, linkLife, maxLinks, maxMade, now),
	}
	if c.tryURL == "" {
		c.tryURL = documentedTryURL
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	assets, errAssets := NewAssets()
	if errAssets != nil {
		return nil, errAssets
	}
	if c.pages, err = NewPages(assets); err != nil {
		return nil, err
	}
	return c, c.guard(c.routes(assets))
}

// guard refuses forms of other sites before anything else looks at them.
func (c *Console) guard(routes http.Handler) error {
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.send(w, http.StatusForbidden, Frame{}, Problem{Kind: FormTooOld})
	}))
	c.handler = same.Handler(routes)
	return same.AddTrustedOrigin(c.url) // behind a proxy the Host header may be another
}

// ServeHTTP answers what begins with /console, and / itself.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", Policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if c.secure || isLoopback(r.Host) {
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
	} else {
		// Over plain text from elsewhere browsers tell where a form comes from by the
		// field Origin alone, and not even that under no-referrer.
		h.Set("Referrer-Policy", "same-origin")
	}
	c.handler.ServeHTTP(w, r)
}

// isLoopback reports whether the host of a request is this machine by its name, which
// browsers trust as they do TLS.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (c *Console) routes(assets *Assets) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+assetRoot, assets)
	c.doorRoutes(mux)
	for pattern, call := range map[string]call{
		"GET /console/keys":                  (*visit).list,
		"POST /console/keys":                 (*visit).create,
		"GET /console/keys/new":              (*visit).askCreate,
		"GET /console/keys/{id}":             (*visit).key,
		"GET /console/keys/{id}/usage":       (*visit).usage,
		"GET /console/keys/{id}/rotate":      (*visit).askRotate,
		"POST /console/keys/{id}/rotate":     (*visit).rotate,
		"GET /console/keys/{id}/revoke":      (*visit).askRevoke,
		"POST /console/keys/{id}/revoke":     (*visit).revoke,
		"POST /console/keys/{id}/rename":     (*visit).rename,
		"POST /console/keys/{id}/labels":     (*visit).label,
		"POST /console/keys/{id}/expiry":     (*visit).setExpiry,
		"POST /console/keys/{id}/permission": (*visit).lower,
		"POST /console/keys/{id}/enable":     (*visit).enable,
		"POST /console/keys/{id}/disable":    (*visit).disable,
		"GET /console/keys/{id}/{change}":    (*visit).backToKey, // a form that was refused, opened again by its address
		"GET /console/audit":                 (*visit).audit,
		"POST /console/sign-out":             (*visit).signOut,
		"/":                                  (*visit).nothing,
	} {
		mux.HandleFunc(pattern, c.signedIn(call))
	}
	return mux
}

// Link makes a link that signs in once, within five minutes, for what the
// principal may see. The principal is bound already: see admin.Principal.Within.
func (c *Console) Link(who admin.Principal) (admin.ConsoleLink, error) {
	if !who.Manages() || who.Role == admin.RoleOwner {
		return admin.ConsoleLink{}, errors.New("console link: the principal is not one for a session")
	}
	token := c.links.add(who.Actor, session{who: who, name: "One-time link"})
	return admin.ConsoleLink{URL: c.url + "/console/link?token=" + token, ExpiresAt: admin.Time{Time: c.now().Add(linkLife)}}, nil
}
