package main

import (
	"runtime"
	"runtime/debug"

	"github.com/antinium/keygate/observe"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = ""

// buildInfo says what is running, as far as the build recorded it.
func buildInfo() observe.Build {
	build := observe.Build{Version: version, Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				build.Revision = setting.Value
			}
		}
		if build.Version == "" {
			build.Version = info.Main.Version
		}
	}
	if build.Version == "" {
		build.Version = "(devel)"
	}
	return build
}
