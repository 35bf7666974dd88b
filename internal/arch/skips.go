package arch

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
)

// skips are the files that may skip tests by themselves, with the reason. That a machine lacks something is none: package capability counts
// that, and CI forbids it.
var skips = map[string]string{
	"internal/testkit/capability/capability.go": "all others call it",
	"controlplane/action/property_test.go":      "rapid's word for input that the test is not about",
	"controlplane/controller/race_test.go":      "make check runs these without the race detector",
	"internal/arch/repository_test.go":          "go test -short",
	"test/hil/scenario/kernel_test.go":          "go test -short; make hil plays it",
}

// plainSkip is a call on a testing.TB, by the names that these have.
var plainSkip = regexp.MustCompile(`\b(t|tb|b|f|rt)\.(Skip|Skipf|SkipNow)\(`)

// CheckSkips returns the places where tests are skipped without being counted, but for the allowed files, and allowed files that have none.
func CheckSkips(packages []Package, allowed map[string]string) ([]string, error) {
	var bad []string
	used := map[string]bool{}
	for _, p := range packages {
		for _, name := range slices.Concat(p.Files, p.Tests) {
			source, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			file := path.Join(p.Path, filepath.Base(name))
			for _, m := range plainSkip.FindAll(source, -1) {
				if allowed[file] != "" {
					used[file] = true
				} else {
					bad = append(bad, fmt.Sprintf("%s: %s) would be noticed by nobody: use capability.Skip or capability.Need", file, m))
				}
			}
		}
	}
	for file := range allowed {
		if !used[file] {
			bad = append(bad, fmt.Sprintf("%s skips nothing: take it out of the exceptions", file))
		}
	}
	slices.Sort(bad)
	return bad, nil
}
