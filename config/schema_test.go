package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/antinium/keygate/extauthz/rules"
)

// onlyTheProgramSees are the bad files that a JSON Schema cannot refuse, with the reason.
var onlyTheProgramSees = map[string]string{
	"admin-beside-envoy.yaml":    "compares two values",
	"admin-plaintext.yaml":       "compares values",
	"ambiguous.yaml":             "compares patterns",
	"cache-records-hex.yaml":     "the spelling of a number is not in the data",
	"cache-records-octal.yaml":   "the spelling of a number is not in the data",
	"directive.yaml":             "not in the data",
	"duplicate-route.yaml":       "compares patterns",
	"expect.yaml":                "needs the decisions",
	"header-prefix-broad.yaml":   "the list of other people's headers is long",
	"header-prefix-foreign.yaml": "the list of other people's headers is long",
	"latin1.yaml":                "the bytes are not in the data",
	"nul.yaml":                   "comments are not in the data",
	"pepper-pasted-number.yaml":  "decoders make it text",
	"long-socket.yaml":           "the length that counts is that of the resolved path",
	"pepper-pasted.yaml":         "a guess at what looks like a secret",
	"same-places.yaml":           "compares values",
	"same-ports.yaml":            "compares values",
	"second-document.yaml":       "not in the data",
	"second-document-empty.yaml": "not in the data",
	"tls-without-cert.yaml":      "compares two values",
	"tls-without-key.yaml":       "compares two values",
	"usage-file.yaml":            "compares with a name that follows from the path",
}

// decode turns a file into data, as an editor does before it asks the schema. It
// is not ok for what is no YAML at all.
func decode(data []byte) (value any, ok bool) {
	err := yaml.UnmarshalWithOptions(data, &value)
	return value, err == nil
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("keygate.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("keygate.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaTakesEveryGoodFile(t *testing.T) {
	schema := compiled(t)
	for name, data := range goodFiles(t) {
		value, ok := decode(bytes.TrimPrefix(data, utf8Mark))
		if !ok {
			t.Errorf("%s is no YAML", name)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefusesBadFiles(t *testing.T) {
	schema := compiled(t)
	for name, data := range badFiles(t) {
		reason, exempt := onlyTheProgramSees[name]
		value, ok := decode(data)
		refused := !ok || schema.Validate(value) != nil
		switch {
		case !refused && !exempt:
			t.Errorf("the schema takes %s", name)
		case refused && exempt:
			t.Errorf("the schema refuses %s after all: strike it off the list (%s)", name, reason)
		}
	}
	for name := range onlyTheProgramSees {
		if _, exists := badFiles(t)[name]; !exists {
			t.Errorf("%s is listed and does not exist", name)
		}
	}
}

// TestSchemaIsNoStricter holds single values that sit at the edge: what the
// program takes, the schema takes.
func TestSchemaIsNoStricter(t *testing.T) {
	schema := compiled(t)
	for _, source := range []string{
		"listen: ['[fe80::1%eth0]:0', 'a-b.example:65535', 'unix:x']", "listen: unix:///run/x.sock",
		"observe: '[::]:1'", "keys: { prefix: abcdefghijkl_ }", "keys: { prefix: '0_' }",
		"responses: { realm: \" ~!#[]'\" }", "responses: { realm: " + strings.Repeat("r", 100) + " }",
		"responses: { header_prefix: 0- }", "responses: { header_prefix: " + strings.Repeat("h", 63) + "- }",
		"store: { cache_records: 16777216, path: x }", "admin: { socket: x }",
		"admin: { listen: 'off', public_url: 'http://[::1]:1/', tls: { cert: '', key: '' } }", "admin: { listen: 'LocalHost:0', public_url: 'https://A-b.example' }",
		"usage: { flush_interval: 1.5s500ms }", "usage: { flush_interval: 60m }", "audit: { keep: forever }", "audit: { keep: 1d }", "audit: { keep: 100w2d3h4m5s }",
		"routes: { /: { A: deny } }", "expect: { A-B /x?y=1: full }",
	} {
		value, ok := decode([]byte(source))
		if _, err := Parse("x.yaml", []byte(source), nil); !ok || err != nil {
			t.Errorf("%s is refused by the program: %v", source, err)
			continue
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestSchemaMethodIsTheRulesMethod(t *testing.T) {
	schema := compiled(t)
	for _, method := range []string{"GET", "A", "M-SEARCH", "A" + strings.Repeat("-", 31), "A" + strings.Repeat("B", 32), "get", "-A", "A1", "", "A B", "G\n"} {
		value := map[string]any{"routes": map[string]any{"/x": map[string]any{method: "read"}}}
		if taken := schema.Validate(value) == nil; taken != rules.ValidMethod(method) {
			t.Errorf("the schema takes the method %q: %v, the rules: %v", method, taken, !taken)
		}
	}
}
