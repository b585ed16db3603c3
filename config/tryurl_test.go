package config

import (
	"strings"
	"testing"
)

// People paste the line that the URL stands in: it holds nothing that a shell would act on.
func TestTryURLIsSafeInALineForAShell(t *testing.T) {
	for _, good := range []string{"", "https://api.example.com/v1/documents", "http://127.0.0.1:10000/v1/documents?limit=1&a=b", "https://[::1]:1/"} {
		if c := mustParse(t, "admin: { listen: 127.0.0.1:9495, try_url: '"+good+"' }"); c.Admin.TryURL != good {
			t.Errorf("%q became %q", good, c.Admin.TryURL)
		}
	}
	for _, bad := range []string{"api.example.com", "ftp://a/", "https://", "https://a/$(id)", "https://a/`id`", "https://a/ b", `https://a/"`, `https://a/\`, "https://a/!!"} {
		_, err := Parse("f", []byte("admin: { listen: 127.0.0.1:9495, try_url: '"+bad+"' }"), nil)
		if err == nil || !strings.Contains(err.Error(), "admin.try_url") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
