package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/antinium/keygate/extauthz/rules"
)

// Warnings are what a valid configuration may have got wrong: worth a look in
// `check-config` and at the start, never a refusal. It touches no file.
func (c *Config) Warnings() []Problem {
	r := &report{file: c.File}
	c.warnOfRules(r)
	c.warnOfMethods(r)
	r.list = append(r.list, c.warnOfListeners()...)
	r.list = append(r.list, c.warnOfAdmin()...)
	r.list = append(r.list, c.warnOfFolders()...)
	r.list = append(r.list, c.warnOfForwarding()...)
	return r.sorted()
}

func (c *Config) warnOfRules(r *report) {
	for _, w := range c.Routes.Warnings() {
		r.at(c.routes[w.Index].at, "routes: %s", w.Message)
	}
	if len(c.routes) == 0 && c.Default == rules.Deny {
		r.list = append(r.list, c.about("default", "every request is refused: there are no routes and the default is deny"))
	}
}

// usualMethods are those of RFC 9110, RFC 5789 and WebDAV.
var usualMethods = strings.Fields("GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT QUERY " +
	"PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH")

// warnOfMethods finds slips like GTE, which is a well-formed method, and writing
// without a key.
func (c *Config) warnOfMethods(r *report) {
	for _, route := range c.routes {
		for _, method := range route.sortedMethods() {
			at := route.methodAt[method]
			if method == anyMethod && route.methods[method] == rules.Public {
				r.at(at, `routes: "*": public lets every method through without a key, writing included; list GET alone if reading was meant`)
			}
			if method == anyMethod || slices.Contains(usualMethods, method) {
				continue
			}
			if hint := didYouMean(method, usualMethods); hint != "" {
				r.at(at, "routes: %s is not a usual method%s", method, hint)
			}
		}
	}
}

// warnOfListeners finds plain-text listeners that more than this machine can reach.
func (c *Config) warnOfListeners() []Problem {
	var out []Problem
	for i, a := range c.Listen {
		if a.Network == "tcp" && !loopback(a.Address) {
			out = append(out, c.about(numbered("listen", i), "%s answers whoever can reach it, in plain text: see that only Envoy can", a))
		}
	}
	return out
}

// loopback gives names the benefit of the doubt.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || ip.IsLoopback()
}

// fleeting are folders that systems empty at a restart.
var fleeting = []string{"/tmp", "/run", "/var/run", "/dev/shm"}

// warnOfFolders finds keys that a reboot takes along, and files within Envoy's reach.
func (c *Config) warnOfFolders() []Problem {
	var out []Problem
	for _, folder := range fleeting {
		if isBelow(c.Store.Path, folder) {
			out = append(out, c.about("store.path", "%s is emptied at a reboot, and every key with it", folder))
		}
	}
	for _, s := range c.authzSockets() {
		shared := filepath.Dir(s.path)
		for _, own := range []struct{ field, path string }{
			{"store.path", c.Store.Path}, {"store.pepper_file", c.Store.PepperFile}, {"admin.socket", c.Admin.Socket}, {"admin.tls.key", c.Admin.TLS.Key},
		} {
			if own.path != "" && isBelow(own.path, shared) {
				out = append(out, c.about(own.field, "it lies in the folder of the ext_authz socket, %s, which Envoy can read: use another", shared))
			}
		}
	}
	return out
}

func isBelow(path, folder string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, "../")
}

func (c *Config) warnOfForwarding() []Problem {
	var out []Problem
	if c.Responses.ForwardCredential {
		out = append(out, c.about("responses.forward_credential", "applications receive every caller's key: see that they never log it"))
	}
	if c.Responses.ForwardOverrides {
		out = append(out, c.about("responses.forward_overrides", "an application that obeys an override header does something other than what was checked"))
	}
	return out
}
