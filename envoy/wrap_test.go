package envoy

import (
	"testing"

	"github.com/goccy/go-yaml"
)

// wrap does with a snippet what its comments tell people to do: the clusters go
// beside an existing cluster, the rest into an existing connection manager, with
// the router after the filters. The rest of the bootstrap is that of envoy.yaml.
func wrap(t *testing.T, snippet string, p ...Params) string {
	t.Helper()
	var base Params
	if len(p) > 0 {
		base = p[0]
	}
	whole := parseYAML(t, must(t, Render, base))
	part := parseYAML(t, snippet)

	static := whole["static_resources"].(map[string]any)
	upstream := static["clusters"].([]any)[1]
	static["clusters"] = append(part["clusters"].([]any), upstream)
	delete(part, "clusters")

	listener := static["listeners"].([]any)[0].(map[string]any)
	chain := listener["filter_chains"].([]any)[0].(map[string]any)
	manager := chain["filters"].([]any)[0].(map[string]any)["typed_config"].(map[string]any)
	router := manager["http_filters"].([]any)[2]
	part["http_filters"] = append(part["http_filters"].([]any), router)
	for _, key := range []string{"@type", "stat_prefix", "route_config", "access_log", "use_remote_address", "internal_address_config"} {
		part[key] = manager[key]
	}
	clear(manager)
	for key, value := range part {
		manager[key] = value
	}
	return printYAML(t, whole)
}

func parseYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	var parsed map[string]any
	if err := yaml.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

func printYAML(t *testing.T, value any) string {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
