// Package version names the build: what "version" commands, --version and the log say about this binary.
package version

import (
	"runtime/debug"
	"sync"
)

// stamp is set by the linker (see the Makefile): git describe of the tree that was built.
var stamp string

// String returns the version of the binary: the linker's stamp, else the revision that the go command
// recorded, else "unknown".
func String() string {
	if stamp != "" {
		return stamp
	}
	return recorded()
}

// recorded is what the go command knows when the Makefile was not used (go install, go test).
var recorded = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return fromBuildInfo(info)
})

func fromBuildInfo(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "-dirty"
			}
		}
	}
	if revision == "" {
		return "unknown"
	}
	return revision + dirty
}
