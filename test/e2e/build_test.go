package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// anotherVersion is what the binary of anotherBuild is stamped with.
const anotherVersion = "9.9-another-build"

// anotherBuild makes another binary of sluice, as an upgrade brings it: of the same source, as there is no other yet.
func anotherBuild(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "sluice")
	stamp := "-s -w -X github.com/sluice-gw/sluice/internal/version.stamp=" + anotherVersion
	if out, err := exec.CommandContext(testContext, "go", "build", "-ldflags", stamp, "-o", file, "../../cmd/sluice").CombinedOutput(); err != nil {
		t.Fatalf("build sluice: %v\n%s", err, out)
	}
	return file
}

// isAnother checks by its answer to "version" that the build that runs is that one.
func isAnother(answer string, err error) error {
	if err == nil && !strings.Contains(answer, anotherVersion) {
		err = fmt.Errorf("after an upgrade to %s runs %q", anotherVersion, answer)
	}
	return err
}
