// Package envoy holds the Envoy configuration that keygate ships and prints: the
// files envoy.yaml and envoy-unix.yaml, what `keygate snippet envoy` says, and
// the tests that run all of it in a real Envoy.
//
// Everything is rendered from envoy.yaml.tmpl, so that the file people copy, the
// snippet they paste and the configuration that the tests prove cannot differ.
package envoy

import (
	"cmp"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// Address says where something listens. It has the fields of config.Address, so
// that one converts to the other.
type Address struct {
	Network string // "tcp" or "unix"
	Address string // "host:port", or the absolute path of a socket
}

// Rewrite replaces the prefix From of a path by To, after the check. Both begin
// and end with a slash.
type Rewrite struct{ From, To string }

// DemoRewrite sends /v1/... to the endpoint of go-httpbin that echoes a request.
var DemoRewrite = Rewrite{From: "/v1/", To: "/anything/v1/"}

// Params are the places where one Envoy differs from another. A zero field takes
// the value that envoy.yaml ships.
type Params struct {
	Address      Address // of keygate's ext_authz service; zero: tcp 127.0.0.1:9494
	HeaderPrefix string  // responses.header_prefix of keygate.yaml; "": x-antinium-

	// ClientAddress is usage.client_address of keygate.yaml: keygate is told the
	// client's address as Envoy determined it, not as the client claims.
	ClientAddress bool

	// The rest is read by Render only.
	Listen   string   // IP:port that clients reach, port 0 for any; "": 127.0.0.1:10000
	Upstream string   // host:port of the API; "": 127.0.0.1:8080
	Admin    string   // IP:port of Envoy's own admin page, port 0 for any; "": 127.0.0.1:9901
	Rewrite  *Rewrite // nil: the upstream sees every path as the client sent it
}

// Snippet prints the lines that put keygate beside an existing Envoy: settings
// and filters of its HTTP connection manager, and the cluster. The error, if any,
// names the field of p that Envoy could not use.
func Snippet(p Params) (string, error) { return render("snippet", p) }

// Render prints a whole bootstrap configuration, envoy.yaml with other places in
// it. Its errors are those of Snippet.
func Render(p Params) (string, error) { return render("full", p) }

//go:embed envoy.yaml.tmpl
var source string

// view is what the template sees: Params with every field set, and the forms of
// them that Envoy wants.
type view struct {
	Params
	Full                                                         bool // the whole file, not the snippet
	DNS                                                          bool // keygate's host is a name to be resolved
	UpstreamDNS                                                  bool
	MutableHeaders                                               string // RE2, matches the whole of a header name
	KeygateAddress, ListenAddress, UpstreamAddress, AdminAddress string // YAML
}

func render(piece string, p Params) (string, error) {
	v, err := newView(p)
	if err != nil {
		return "", fmt.Errorf("render the Envoy configuration: %w", err)
	}
	v.Full = piece == "full"
	t, err := parse()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.ExecuteTemplate(&out, piece, v); err != nil {
		return "", err
	}
	return out.String(), nil
}

// parse gives the template the three functions that it needs to put a piece
// where YAML wants it.
func parse() (*template.Template, error) {
	t := template.New("envoy.yaml.tmpl")
	t.Funcs(template.FuncMap{
		"include": func(piece string, v *view) (string, error) {
			var out strings.Builder
			err := t.ExecuteTemplate(&out, piece, v)
			return out.String(), err
		},
		"indent":  func(n int, text string) string { return prefixLines(strings.Repeat(" ", n), text) },
		"comment": func(text string) string { return "#   " + prefixLines("#   ", text) },
	})
	return t.Parse(source)
}

// prefixLines puts prefix before every line but the first and the blank ones.
func prefixLines(prefix, text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines[1:] {
		if line != "" {
			lines[i+1] = prefix + line
		}
	}
	return strings.Join(lines, "\n")
}

func newView(p Params) (*view, error) {
	if p.Address == (Address{}) {
		p.Address = Address{"tcp", "127.0.0.1:9494"}
	}
	v := &view{Params: p}
	v.HeaderPrefix = cmp.Or(p.HeaderPrefix, "x-antinium-")
	v.Listen = cmp.Or(p.Listen, "127.0.0.1:10000")
	v.Upstream = cmp.Or(p.Upstream, "127.0.0.1:8080")
	v.Admin = cmp.Or(p.Admin, "127.0.0.1:9901")
	return v, v.resolve()
}

// resolve fills in what follows from the fields of Params.
func (v *view) resolve() (err error) {
	if v.MutableHeaders, err = mutableHeaders(v.HeaderPrefix); err != nil {
		return err
	}
	if v.KeygateAddress, v.DNS, err = yamlAddress(v.Address); err != nil {
		return fmt.Errorf("address of keygate: %w", err)
	}
	if v.UpstreamAddress, v.UpstreamDNS, err = yamlAddress(Address{"tcp", v.Upstream}); err != nil {
		return fmt.Errorf("address of the upstream: %w", err)
	}
	if v.ListenAddress, err = yamlIP(v.Listen); err != nil {
		return fmt.Errorf("address to listen on: %w", err)
	}
	if v.AdminAddress, err = yamlIP(v.Admin); err != nil {
		return fmt.Errorf("address of Envoy's admin page: %w", err)
	}
	return v.checkRewrite()
}

var rewritable = regexp.MustCompile(`^/([A-Za-z0-9._-]+/)+$`)

func (v *view) checkRewrite() error {
	if r := v.Rewrite; r != nil && !(rewritable.MatchString(r.From) && rewritable.MatchString(r.To)) {
		return fmt.Errorf("rewrite %q to %q: both must look like /v1/", r.From, r.To)
	}
	return nil
}

var headerPrefix = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// mutableHeaders gives the expression for the headers that keygate sets or
// removes: its own under prefix, in the spelling with "_" too, the credential,
// and the headers that override method or path.
func mutableHeaders(prefix string) (string, error) {
	if !headerPrefix.MatchString(prefix) {
		return "", fmt.Errorf("header prefix %q: want lower-case letters, digits and dashes, as in x-antinium-", prefix)
	}
	own := regexp.MustCompile(`[-_]`).ReplaceAllString(prefix, "[-_]")
	return own + ".*|authorization|x-http-method-override|x-http-method|x-method-override|x-original-url|x-rewrite-url", nil
}
