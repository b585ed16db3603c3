package envoy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	"github.com/goccy/go-yaml"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// decodeStrictly reads a bootstrap configuration the way Envoy's own protos
// define it: one document, no unknown and no repeated field, at any depth, inside
// every Any too; every rule of protoc-gen-validate holds.
func decodeStrictly(text []byte) (*bootstrapv3.Bootstrap, error) {
	if err := oneDocument(text); err != nil {
		return nil, err
	}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	return decodeJSON(asJSON)
}

func decodeJSON(text []byte) (*bootstrapv3.Bootstrap, error) {
	var b bootstrapv3.Bootstrap
	if err := protojson.Unmarshal(text, &b); err != nil {
		return nil, err
	}
	return &b, validateAll(&b)
}

func oneDocument(text []byte) error {
	var first, second any
	documents := yaml.NewDecoder(bytes.NewReader(text))
	if err := documents.Decode(&first); err != nil {
		return err
	}
	if err := documents.Decode(&second); !errors.Is(err, io.EOF) {
		return fmt.Errorf("want one document, found another (%v)", err)
	}
	return nil
}

// validateAll checks m and everything packed in an Any below it.
func validateAll(m proto.Message) error {
	v, ok := m.(interface{ ValidateAll() error })
	if !ok {
		return nil // a well-known type: nothing to check
	}
	problems := []error{v.ValidateAll()}
	err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
		packed, ok := anyAt(p)
		if !ok {
			return nil
		}
		problems = append(problems, validateAny(p.Path.Index(-1), packed))
		return protorange.Break // what is inside was checked just now
	})
	return errors.Join(append(problems, err)...)
}

func anyAt(p protopath.Values) (*anypb.Any, bool) {
	m, ok := p.Index(-1).Value.Interface().(protoreflect.Message)
	if !ok {
		return nil, false
	}
	packed, ok := m.Interface().(*anypb.Any)
	return packed, ok
}

func validateAny(at protopath.Step, packed *anypb.Any) error {
	m, err := packed.UnmarshalNew()
	if err != nil {
		return err
	}
	if at.Kind() == protopath.MapIndexStep {
		err = checkExtensionName(at.MapIndex().String(), m.ProtoReflect().Descriptor().FullName())
	}
	if err := errors.Join(err, validateAll(m)); err != nil {
		return fmt.Errorf("in %s: %w", packed.TypeUrl, err)
	}
	return nil
}

// checkExtensionName holds the keys of typed_per_filter_config and the like to
// what they hold. Envoy looks its own keys up and passes over every other.
func checkExtensionName(key string, holds protoreflect.FullName) error {
	filter := strings.TrimSuffix(string(holds.Parent()), ".v3")
	filter = strings.Replace(filter, "envoy.extensions.", "envoy.", 1)
	if key != string(holds) && key != filter {
		return fmt.Errorf("key %s holds a %s", key, holds)
	}
	return nil
}

// everyYAML gives each configuration that we ship or print, whole, by name.
func everyYAML(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < len(shipped) {
		t.Fatalf("found %d YAML files (%v), want at least %d", len(files), err, len(shipped))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	for name, address := range snippetAddresses {
		all["snippet for "+name] = wrap(t, must(t, Snippet, Params{Address: address}))
	}
	all["snippet with the client's address"] = wrap(t, must(t, Snippet, Params{ClientAddress: true}))
	return all
}

var snippetAddresses = map[string]Address{
	"tcp":  {"tcp", "127.0.0.1:9494"},
	"ipv6": {"tcp", "[::1]:9494"},
	"name": {"tcp", "keygate:9494"},
	"unix": {"unix", "/run/keygate/envoy/ext_authz.sock"},
}

func TestEveryConfigurationIsWhatEnvoysProtosAllow(t *testing.T) {
	for name, text := range everyYAML(t) {
		if _, err := decodeStrictly([]byte(text)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// Every key of every configuration, misspelt alone, is refused. So the test
// above reads all of it: nothing is passed over that Envoy would pass over too.
func TestEveryMisspellingIsRefused(t *testing.T) {
	for name, text := range everyYAML(t) {
		tree, keys := parseYAML(t, text), 0
		eachKey(tree, "", func(path string, holder map[string]any, key string) {
			keys++
			misspelt := key + "x"
			holder[misspelt] = holder[key]
			delete(holder, key)
			if _, err := decodeJSON(toJSON(t, tree)); err == nil {
				t.Errorf("%s: accepted with a key misspelt: %s/%s", name, path, misspelt)
			}
			holder[key] = holder[misspelt]
			delete(holder, misspelt)
		})
		if _, err := decodeJSON(toJSON(t, tree)); err != nil || keys < 100 {
			t.Errorf("%s: tried %d keys; afterwards: %v", name, keys, err)
		}
	}
}

// eachKey visits every key of the tree but the names of access log fields, which
// are of our own choice.
func eachKey(tree any, path string, visit func(path string, holder map[string]any, key string)) {
	switch node := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			visit(path, node, key)
			if key != "json_format" {
				eachKey(node[key], path+"/"+key, visit)
			}
		}
	case []any:
		for i, item := range node {
			eachKey(item, fmt.Sprintf("%s/%d", path, i), visit)
		}
	}
}

func toJSON(t *testing.T, tree any) []byte {
	t.Helper()
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A value out of range is refused wherever it stands, inside an Any too.
func TestValuesOutOfRangeAreRefused(t *testing.T) {
	text := must(t, Render, Params{})
	for _, swap := range [][2]string{
		{"failure_mode_allow: false", "failure_mode_allow: maybe"},
		{"code: ServiceUnavailable", "code: 1000"},
		{"cluster_name: keygate }", `cluster_name: "" }`},
		{"max_concurrent_streams: 100", "max_concurrent_streams: 0"},
		{"transport_api_version: V3", "transport_api_version: V9"},
		{"max_active_downstream_connections: 10000", "max_active_downstream_connections: 0"},
		{"\nadmin:", "\n---\nadmin:"},
		{"\nadmin:", "\nadmin: {}\nadmin:"},
		{"ext_authz.v3.ExtAuthz", "ext_authz.v3.ExtAuth"},
	} {
		wrong := strings.Replace(text, swap[0], swap[1], 1)
		if wrong == text {
			t.Fatalf("%q is not in the configuration", swap[0])
		}
		if _, err := decodeStrictly([]byte(wrong)); err == nil {
			t.Errorf("accepted: %s", swap[1])
		}
	}
}
