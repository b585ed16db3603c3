package envoy

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the shipped YAML files from the template")

// shipped are the files that users copy.
var shipped = map[string]Params{
	"envoy.yaml":      {Rewrite: &DemoRewrite},
	"envoy-unix.yaml": {Rewrite: &DemoRewrite, Address: Address{"unix", "/run/keygate/envoy/ext_authz.sock"}},
}

func TestShippedFilesAreWhatTheTemplateRenders(t *testing.T) {
	for name, params := range shipped {
		want := must(t, Render, params)
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what envoy.yaml.tmpl renders; run `go test ./envoy -update`:\n%s", name, diff)
		}
	}
}

// must renders what has to render.
func must(t *testing.T, render func(Params) (string, error), p Params) string {
	t.Helper()
	text, err := render(p)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
