package config

import (
	"strings"
	"testing"
)

func TestPublicURLIsAsBrowsersWriteIt(t *testing.T) {
	for given, want := range map[string]string{
		"": "", "https://Keys.Example.com/": "https://keys.example.com", "https://a:443": "https://a", "https://a:80": "https://a:80", "http://localhost:80/": "http://localhost",
		"http://127.0.0.1:443": "http://127.0.0.1:443", "https://[2001:DB8:0:0:0:0:0:1]": "https://[2001:db8::1]", "https://[::1]:8443/": "https://[::1]:8443",
	} {
		if c := mustParse(t, "admin: { listen: 127.0.0.1:9495, public_url: '"+given+"' }"); c.Admin.PublicURL != want {
			t.Errorf("%q is %q, want %q", given, c.Admin.PublicURL, want)
		}
	}
}

func TestPublicURLSaysWhatIsTooMuch(t *testing.T) {
	for text, want := range map[string]string{
		"https://a/b": "remove the path", "https://a?b": "remove the query", "https://a#b": "remove the fragment", "https://b@a": "remove the user",
		"http://a": "http is for loopback only",
	} {
		if got := checkOrigin(text); !strings.HasSuffix(got, want) {
			t.Errorf("%s: expected %s", text, got)
		}
	}
}
