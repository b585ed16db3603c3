//go:build race

package envoy

func init() { buildFlags = append(buildFlags, "-race") }
